"""The library gives the numbers, figures and files of the command line, and its documentation runs."""

from __future__ import annotations

import contextlib
import csv
import io
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.image import imread

import main
import phiscope
from engine.comparison import known, running
from engine.comparison.outcome import Request
from tests.adapters import llama_modules, peft_tensors, write_peft_adapter, write_tensors
from tests.conftest import DATA, REPOSITORY

_DEMO = REPOSITORY / "resources/demo"
_SEEDS = (DATA / "minilm/r8_seed0", DATA / "minilm/r8_seed1")
_RANKS = (_DEMO / "r64_alpha8_seed0", DATA / "minilm/r8_seed0")
_ODD = (DATA / "exports/adapters/odd_first", DATA / "exports/adapters/odd_second")
_KOHYA = (
    DATA / "dialects/diffusers_convert_to_kohya/a.safetensors", DATA / "dialects/diffusers_unet_save_lora_adapter/b",
)  # fmt: skip
_TORCHTUNE = DATA / "dialects/torchtune_adapter_pt/a.pt", DATA / "dialects/torchtune_to_peft/b"


def _two(folder: str) -> tuple[Path, Path]:
    return DATA / folder / "a", DATA / folder / "b"


PAIRS = {
    "minilm": _SEEDS,
    "two ranks": _RANKS,
    "odd": _ODD,
    "kohya and diffusers": _KOHYA,
    "torchtune and PEFT": _TORCHTUNE,
    "nothing in common": (DATA / "formats/peft_bert_qv/a", _SEEDS[0]),
    **{
        name: _two(name)
        for name in (
            "formats/peft_bf16", "formats/peft_rank_alpha_pattern", "formats/peft_clip_two_towers",
            "formats/peft_t5_enc_dec", "formats/peft_embedding", "formats/peft_conv2d", "dialects/peft_adalora",
            "dialects/mlx_lm_adapters", "dialects/peft_target_parameters_mixtral",
        )
    },
}  # fmt: skip


def command(pair: Sequence[Path], out: Path, *options: str) -> str:
    """Run `export`; what it complains of last, where it fails."""
    said = io.StringIO()
    words = ["export", *map(str, pair), "--out", str(out), "--device", "cpu", *options]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
        status = main.main(words)
    return said.getvalue().splitlines()[-1].removeprefix("phiscope: ") if status else ""


@pytest.mark.parametrize("side", [side.value for side in phiscope.Side])
@pytest.mark.parametrize("name", PAIRS)
def test_the_numbers_are_those_that_export_writes(name: str, side: str, tmp_path: Path) -> None:
    refusal = command(PAIRS[name], tmp_path / "out", "--side", side, "--figure", "none", "--data", "csv,npz,json")
    if refusal:
        with pytest.raises(phiscope.EngineError) as raised:
            phiscope.compare(*PAIRS[name], side=side, device="cpu")
        assert str(raised.value) == refusal
        return
    compared = phiscope.compare(*PAIRS[name], side=side, device="cpu")
    _assert_same_phi(compared, tmp_path / "out/phi.npz")
    _assert_same_findings(compared, tmp_path / "out/findings.csv")


def _assert_same_phi(compared: phiscope.Comparison, file: Path) -> None:
    with np.load(file) as written:
        assert [module.slug for module in compared.modules] == [name for name in written.files if name != "meta_json"]
        for module in compared.modules:
            for phi in (compared.phi(module.slug), compared.phi(module.slug, side=compared.side)):
                assert phi.dtype == np.float64
                assert phi.shape == module.ranks
                assert phi.tobytes() == written[module.slug].tobytes()


def _assert_same_findings(compared: phiscope.Comparison, file: Path) -> None:
    found = compared.findings()
    with file.open(encoding="utf-8", newline="") as lines:
        header, *rows = csv.reader(lines)
    assert found.dtype.names == tuple(header)
    assert len(found) == len(rows) == len(compared.modules)
    for column, name in enumerate(header):
        texts = [row[column] for row in rows]
        if found.dtype[name].kind == "U":
            assert found[name].tolist() == texts
        else:
            assert found.dtype[name] == np.float64
            np.testing.assert_array_equal(found[name], [float(text or "nan") for text in texts])


EXPORTS: Mapping[str, tuple[Sequence[Path], str, dict[str, Any], dict[str, Any]]] = {
    "all": (_SEEDS, "", {}, {}),
    "part": (
        _SEEDS, "--side B --layers 1,3-4 --projections q --figure svg,png --dpi 80",
        {"side": "B", "layers": [1, "3-4"], "projections": "q"}, {"figure": "svg,png", "dpi": 80},
    ),
    "preset": (
        _RANKS, "--preset fig6 --all --side dW-left --figure pdf --data json,npz --count-from 0",
        {"side": phiscope.Side.DW_LEFT},
        {"preset": "fig6", "figure": "pdf", "data": ("json", "npz"), "count_from": 0},
    ),
    "panels": (
        _SEEDS, "--panels 1_q,6_v --view z --width 3.25 --chance --control --letters --dpi 90",
        {}, {"panels": ["6_v", "1_q"], "view": "z", "width": 3.25, "dpi": 90, "chance": True, "control": True,
             "letters": True},
    ),
    "numbers": (_ODD, "--figure none --data csv,json", {}, {"figure": (), "data": "csv,json"}),
    "odd": (
        _ODD, "--side dW-right --figure svg --outlines", {"side": "dW-right"}, {"figure": "svg", "outlines": True},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", EXPORTS)
def test_export_writes_the_files_of_the_command_line(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    pair, options, chosen, settings = EXPORTS[case]
    assert not command(pair, tmp_path / "command", *options.split())
    folder = phiscope.compare(*pair, device="cpu", **chosen).export(tmp_path / "library", **settings)
    assert folder == tmp_path / "library"
    assert _contents(folder) == _contents(tmp_path / "command")


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_figure_is_the_one_that_is_exported(tmp_path: Path) -> None:
    compared = phiscope.compare(*_SEEDS)
    settings: dict[str, Any] = {"layers": "2,5", "view": "above-chance", "width": 5.5, "dpi": 80, "chance": True}
    compared.figure(**settings).savefig(tmp_path / "figure.png")
    exported = imread(compared.export(tmp_path / "out", data=(), **settings) / "figure.png")
    np.testing.assert_array_equal(imread(tmp_path / "figure.png"), exported)


def test_a_figure_shows_what_is_asked_for() -> None:
    compared = phiscope.compare(*_SEEDS)

    def panels(**settings: Any) -> int:
        return sum(bool(axes.images) for axes in compared.figure(dpi=50, **settings).axes)

    assert panels() == 12
    assert panels(preset="fig7") == 8
    assert panels(preset="fig4") == 3, "the last is random"
    assert panels(layers="1-3", projections=["v"]) == 3
    assert panels(panels="1_q,encoder.layer.5.attention.self.value") == 2


def test_what_nobody_is_called_is_refused_with_what_there_is() -> None:
    compared = phiscope.compare(*_SEEDS, layers="1-3")
    refusals: dict[str, Callable[[], object]] = {
        "There is no layer 4 to compare; there are 1, 2, 3.": lambda: compared.phi("q", 4),
        "There is no projection k to compare; there are q, v.": lambda: compared.figure(projections="k"),
        "Nothing is called 6_q; there are the projections q, v and the modules 1_q, 1_v, 2_q, 2_v, 3_q, 3_v.":
            lambda: compared.figure(panels="6_q"),
        "There are no layers 7-9 to compare; there are 1, 2, 3, 4, 5, 6.":
            lambda: phiscope.compare(*_SEEDS, layers="1,7-9"),
        "There is no side 'C'; there are A, B, dW-right, dW-left.": lambda: compared.on("C"),
        "There is no figure of the paper 'fig5'; there are fig3, fig4, fig6, fig7.":
            lambda: compared.figure(preset="fig5"),
        "There is no kind of data 'xlsx'; there are csv, npz, json.": lambda: compared.export("out", data="xlsx"),
        "There is no device tpu here (there is cpu).": lambda: phiscope.compare(*_SEEDS, device="tpu"),
    }  # fmt: skip
    for said, asked in refusals.items():
        with pytest.raises(phiscope.EngineError) as refusal:
            asked()
        assert str(refusal.value) == said
        assert isinstance(refusal.value, (KeyError, ValueError, phiscope.DeviceFailure))


def test_two_are_compared_and_no_more() -> None:
    with pytest.raises(TypeError):
        phiscope.compare(*_SEEDS, _SEEDS[0])  # type: ignore[call-arg, arg-type]
    with pytest.raises(TypeError, match="colour"):
        phiscope.compare(*_SEEDS).figure(colour="mako")  # type: ignore[call-arg]


def test_a_side_is_computed_when_it_is_asked_for_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    computed = []
    really = running.outcomes

    def counted(request: Request) -> Any:
        computed.append((request.sides, len(request.pairs)))
        return really(request)

    monkeypatch.setattr(known, "outcomes", counted)
    compared = phiscope.compare(*_SEEDS, projections="q")
    A, B, right, left = phiscope.Side
    assert computed == [((A, right, left), 6)], "the findings say how the updates stand together"
    of_B = compared.on("B")
    assert (of_B.side, compared.on(phiscope.Side.B), of_B.on("A")) == (phiscope.Side.B, of_B, compared)
    np.testing.assert_array_equal(of_B.phi("q", 3), compared.phi("q", 3, side="B"))
    compared.phi("q", 3), compared.findings(), compared.sentence, compared.skipped
    compared.phi("q", 3, side="dW-left"), compared.on("dW-right").findings()
    assert computed == [((A, right, left), 6), ((B, right, left), 6)]


def test_opened_adapters_are_compared_as_paths_are() -> None:
    first = phiscope.open(_SEEDS[0])
    assert (first.name, first.format, first.ranks, first.dtypes) == ("r8_seed0", "PEFT", (8,), ("float32",))
    assert len(first.modules) == 12
    assert repr(first) == "<Source r8_seed0: PEFT, 12 modules of rank 8>"
    compared = phiscope.compare(first, str(_SEEDS[1]))
    assert compared.first is first
    np.testing.assert_array_equal(compared.phi("1_q"), phiscope.compare(*_SEEDS).phi("q", 1))


def test_a_side_that_is_not_possible_says_why(tmp_path: Path) -> None:
    tensors = peft_tensors(llama_modules(2), 4, seed=0)
    only_A = write_tensors(tmp_path / "a", {k: v for k, v in tensors.items() if "lora_A" in k}, None)
    compared = phiscope.compare(only_A, write_peft_adapter(tmp_path / "b", llama_modules(2), 4, seed=1))
    assert compared.cautions
    for asked in (lambda: compared.on("B"), lambda: compared.phi("q", 1, side="dW-left")):
        with pytest.raises(phiscope.NothingComparable, match="The first adapter holds A and no B here") as refusal:
            asked()
        assert refusal.value.path == only_A


def test_modules_that_are_left_out_have_a_reason() -> None:
    compared = phiscope.compare(*_ODD)
    left_out = {skip.module: skip.reason for skip in compared.skipped}
    infinite = next(name for name, reason in left_out.items() if "Inf" in reason)
    assert not set(left_out) & {module.name for module in compared.modules}
    for _ in range(2):
        with pytest.raises(phiscope.MalformedAdapter, match="Inf"):
            compared.phi(infinite)
    with pytest.raises(phiscope.NothingComparable, match="input dimensions differ"):
        compared.phi(next(name for name, reason in left_out.items() if "input dimensions" in reason))


def test_modules_say_where_they_are_and_how_large() -> None:
    module = phiscope.compare(*_RANKS).modules[0]
    assert (module.slug, module.layer, module.projection, module.tower) == ("1_q", 1, "q", "")
    assert (module.name, module.ranks, module.d) == ("encoder.layer.0.attention.self.query", (64, 8), 384)


def test_a_notebook_shows_the_sentence_the_cautions_and_the_figure(tmp_path: Path) -> None:
    names = ["<b>one", "two & \x1b[31mtwo"]
    pair = [write_peft_adapter(tmp_path / name, llama_modules(1), 4, seed=0, zero_B=True) for name in names]
    compared = phiscope.compare(*pair)
    shown = compared._repr_html_()
    assert "<b>one" not in shown
    assert "\x1b" not in shown
    assert "&lt;b&gt;one and two &amp; \ufffd[31mtwo on A: 2 modules, 0 left out" in shown
    assert compared.sentence in shown
    assert shown.count("<li>") == len(compared.cautions) > 1
    assert re.search(r'src="data:image/png;base64,iVBOR[\w+/]+=*"', shown)
    assert repr(compared) == "<phiscope.Comparison of <b>one and two & \ufffd[31mtwo on A: 2 modules, 0 left out>"
    assert len(shown) < 100_000


def test_what_is_in_the_folder_is_lost_by_force_alone(tmp_path: Path) -> None:
    phiscope.compare(*_SEEDS, layers="1").export(tmp_path, figure=None)
    other = phiscope.compare(*_RANKS, layers=1)
    with pytest.raises(phiscope.WouldBeLost, match="an export of other adapters, r8_seed0 and r8_seed1"):
        other.export(tmp_path, figure=None)
    other.export(tmp_path, figure=None, force=True)


def test_the_import_loads_neither_torch_nor_matplotlib_nor_qt(tmp_path: Path) -> None:
    asked = (
        f"import sys; sys.path.insert(0, {str(REPOSITORY)!r}); import phiscope\n"
        f"heavy = {{'torch', 'matplotlib', 'PySide6', 'pyqtgraph', 'scipy', 'gui'}}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
        f"c = phiscope.compare({str(_SEEDS[0])!r}, {str(_SEEDS[1])!r}, device='cpu')\n"
        "c.phi('q', 1), c.findings(), c.sentence, c.cautions\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", asked], cwd=tmp_path, text=True, capture_output=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "['scipy']"]


def test_every_public_name_is_there() -> None:
    assert all(hasattr(phiscope, name) for name in phiscope.__all__)
    errors = [name for name in phiscope.__all__ if isinstance(getattr(phiscope, name), type)]
    kinds = {kind.__name__ for kind in _kinds(phiscope.EngineError)}
    assert kinds <= set(errors), "every kind of EngineError is public"


def _kinds(kind: type[Exception]) -> set[type[Exception]]:
    own = {sub for sub in kind.__subclasses__() if sub.__module__ == "engine.errors"}
    return own.union(*map(_kinds, own))


def test_the_documentation_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for adapter in _DEMO.glob("r64_*"):
        shutil.copytree(adapter, tmp_path / adapter.name)
    monkeypatch.chdir(tmp_path)
    text = (REPOSITORY / "docs/library.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert blocks
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, "docs/library.md", "exec"), names)
    assert (tmp_path / "exported/figure.pdf").is_file()
