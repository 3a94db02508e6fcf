"""Every file that `export` writes, everything it says and its exit status, frozen: a change of the inside keeps them.

Each case of CASES is run as a command, and what comes of it is one text: what stands in the files, arrays as numbers,
and of each figure the words in it and the SHA-256 of the rest. The text must be that of `tests/data/exports`, but for
versions, places of this computer, and the last digits of numbers, which another processor's BLAS computes otherwise.

Where an export is meant to change, record it anew from the repository's root, read what is said of each file that
differs, and commit the references:

    python -m tests.engine.document.test_frozen_exports --record [CASE …]
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import lzma
import math
import re
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path

import numpy as np
import pytest

import main

_ROOT = Path(main.__file__).resolve().parent
_REFERENCES = _ROOT / "tests/data/exports"

_MINILM = "tests/data/minilm/r8_seed0 tests/data/minilm/r8_seed1"
_RANKS = "resources/demo/r64_alpha8_seed0 tests/data/minilm/r8_seed0"
_OTHERS = "resources/demo/r64_alpha8_seed1 tests/data/minilm/r8_seed1"
_DIALECTS, _PEFT = "tests/data/dialects", "tests/data/formats/peft"
_BF16 = f"{_PEFT}_bin_pickle_bf16/a {_PEFT}_bin_pickle_bf16/b"
_PATTERN = f"{_PEFT}_rank_alpha_pattern/a {_PEFT}_rank_alpha_pattern/b"
_KOHYA = f"{_DIALECTS}/diffusers_convert_to_kohya/a.safetensors {_DIALECTS}/diffusers_unet_save_lora_adapter/b"
_LOCON = f"{_DIALECTS}/diffusers_sd_save_lora_weights/a {_DIALECTS}/lycoris_locon/b.safetensors"
_ODD = "tests/data/exports/adapters/odd_first tests/data/exports/adapters/odd_second"

# Name → commands, one after the other into one folder; the last is the case.
CASES: dict[str, str] = {
    "side_a": _MINILM,
    "side_b": f"{_MINILM} --side B --layers 1,3-4 --figure svg",
    "side_dw_right": f"{_MINILM} --side dW-right --projections q --data csv,json --figure none",
    "side_dw_left": f"{_MINILM} --side dW-left --modules 1_q,6_v --panels 6_v --data npz --figure svg",
    "adalora_dw": f"{_DIALECTS}/peft_adalora/a {_DIALECTS}/peft_adalora/b --side dW-right --figure pdf",
    "above_chance": f"{_PEFT}_dora/a {_PEFT}_dora/b --view above-chance --figure png,svg --data json --dpi 150",
    "z_in_a_range": f"{_BF16} --side dW-left --view z --colours vik --range=-4,4.5 --dpi 100",
    "fig3": f"{_RANKS} --preset fig3 --figure png,pdf,svg --dpi 100",
    "fig4": "resources/demo/r64_alpha8_seed0 resources/demo/r64_alpha8_seed1 --preset fig4 --data npz --dpi 99",
    "fig6": f"{_RANKS} --preset fig6 --all --layers 1,2,4-6 --figure pdf --data json --count-from 0",
    "fig7": f"{_MINILM} --preset fig7 --figure svg --data json --count-from 0",
    "with_itself": "tests/data/minilm/r8_seed0 tests/data/minilm/r8_seed0 --modules 3_v --preset fig7 --data json",
    "towers": f"{_PEFT}_clip_two_towers/a {_PEFT}_clip_two_towers/b --colours viridis --range 0.1,0.6 --figure svg",
    "switches_on": f"{_RANKS} --layers 3 --letters --chance --control --square --outlines --figure svg,png,pdf",
    "switches_off": f"{_PATTERN} --no-titles --no-headings --figure svg,pdf",
    "sizes": f"{_PATTERN} --width 3.3 --label-size 6 --tick-size 5.5 --figure svg --data none",
    "control_with_chance": f"{_MINILM} --layers 6 --control --chance --view z --colours gray --figure svg,png",
    "json_printed": f"{_MINILM} --layers 2-3 --json --data none --figure png --dpi 72",
    "forced": f"{_OTHERS} --modules 1_q,2_q --dpi 50; {_MINILM} --modules 2_q --figure none --force",
    "figure_replaced": f"{_MINILM} --layers 1 --dpi 50; {_MINILM} --layers 1 --colours mako --figure svg",
    "odd_a": f"{_ODD} --figure png,svg",
    "odd_b": f"{_ODD} --side B --figure pdf",
    "odd_dw": f"{_ODD} --side dW-left --view above-chance",
    "kohya_diffusers": f"{_KOHYA} --data json --figure svg",
    "many_left_out": f"{_LOCON} --side B --figure none --data csv,json",
    "rows_ordered": f"{_DIALECTS}/torchtune_adapter_pt/a.pt {_DIALECTS}/torchtune_to_peft/b --side B --figure svg",
    "refused_nothing_comparable": f"{_PEFT}_bert_qv/a tests/data/minilm/r8_seed0",
    "refused_preset_of_two_ranks": f"{_MINILM} --preset fig6",
    "refused_missing_file": "tests/data/minilm/r8_seed0 tests/data/minilm/r8_seed9",
    "refused_no_lora": f"{_DIALECTS}/lycoris_lokr/a.safetensors tests/data/minilm/r8_seed0",
    "refused_folder_of_others": f"{_OTHERS} --modules 1_q --figure none; {_MINILM} --modules 1_q",
    "refused_loss": f"{_MINILM} --modules 1_q --figure none; {_MINILM} --side B --data json --figure none",
    "refused_colours_with_middle": f"{_MINILM} --colours vik",
    "refused_layers": f"{_MINILM} --layers 7",
    "refused_width": f"{_MINILM} --width 0.5",
}

_VERSION = re.compile(r'("(?:version|python|numpy)": "|PhiScope )\d[\w.+]*')
_NUMBER = re.compile(r"(-?\d+(?:\.\d+)?e[-+]\d+|-?\d+\.\d+)")
# Relative, as p is far below 1; kernels of OpenBLAS from 2004 on differ by 7e-12.
_TOLERANCE = 1e-9
# matplotlib writes the dictionary of information last, and after it where each object begins.
_PDF_INFO = re.compile(rb"(\d+ 0 obj\n<< /Creator .*?\nendobj\n)xref\n.*?startxref\n\d+\n", re.DOTALL)
_SVG_INFO = re.compile(rb"(<title>.*</metadata>)", re.DOTALL)


@pytest.mark.parametrize("name", CASES)
def test_an_export_is_what_it_was(name: str, tmp_path: Path) -> None:
    told = _differences(_reference(name), _record(name, tmp_path / "out"))
    assert not told, f"case {name}: " + "\n".join(told)


def test_there_is_a_reference_for_each_case_and_no_other() -> None:
    assert {path.name for path in _REFERENCES.glob("*.xz")} == {_place(name).name for name in CASES}


def test_every_option_is_in_a_case() -> None:
    _, said, _ = _run(["export", "--help"])
    words = {word.partition("=")[0] for commands in CASES.values() for word in commands.split()}
    assert set(re.findall(r"(?<=\[)--[a-z-]+", said)) - {"--device", "--out"} <= words


def _record(name: str, out: Path) -> str:
    """Status, standard streams and files of a case, each after a form feed and its name."""
    with _settled():
        for command in CASES[name].split(";"):
            status, said, complained = _run(["export", *command.split(), "--device", "cpu", "--out", str(out)])
    parts = {"status": f"{status}\n", "stdout": said, "stderr": complained}
    files = [path for path in sorted(out.rglob("*")) if path.is_file()]
    parts |= {path.relative_to(out).as_posix(): _text(path) for path in files}
    return _normalised("".join(f"\f{part}\n{text}" for part, text in parts.items()), out)


@contextlib.contextmanager
def _settled() -> Iterator[None]:
    """What surrounds a command, so that it does not depend on the terminal, the folder or the day."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(_ROOT)
        patch.setattr(sys, "argv", ["main.py"])
        for variable, value in (("SOURCE_DATE_EPOCH", "0"), ("COLUMNS", "80"), ("NO_COLOR", "1")):
            patch.setenv(variable, value)
        yield


def _run(words: Sequence[str]) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = main.main(words)
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else -1
    return status, out.getvalue(), err.getvalue()


def _normalised(text: str, out: Path) -> str:
    for place, word in ((str(out), "OUT"), (sys.executable, "PYTHON"), (str(_ROOT), "ROOT")):
        text = text.replace(place, word)
    return _VERSION.sub(r"\1VERSION", text)


def _text(path: Path) -> str:
    raw = path.read_bytes()
    if path.suffix == ".npz":
        return _npz_text(raw)
    if path.suffix == ".png":
        return _png_text(raw)
    if path.suffix == ".pdf":
        before, info, after = _PDF_INFO.split(raw)
        told = b" ".join(info.replace(b"\0", b"").split())  # it is UTF-16, in lines as long as the version lets them
        return _figure_text(told.decode("latin-1"), before + after)
    if path.suffix == ".svg":
        before, info, after = _SVG_INFO.split(raw)
        return _figure_text(info.decode(), before + after)
    return raw.decode()


def _figure_text(told: str, rest: bytes) -> str:
    return f"{told}\nSHA-256 of the rest: {hashlib.sha256(rest).hexdigest()}\n"


def _png_text(raw: bytes) -> str:
    told, rest, at = "", raw[:8], 8
    while at < len(raw):
        kind, end = raw[at + 4 : at + 8], at + 12 + int.from_bytes(raw[at : at + 4], "big")
        if kind in (b"tEXt", b"iTXt"):
            told += raw[at + 4 : end - 4].decode().replace("\0", "|") + "\n"
        else:
            rest += raw[at:end]
        at = end
    return _figure_text(told, rest)


def _npz_text(raw: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        lines = [f"{each.filename} {each.date_time} {each.compress_type}" for each in archive.infolist()]
    for name, array in np.load(io.BytesIO(raw), allow_pickle=False).items():
        rows = [",".join(map(repr, row)) for row in array.tolist()] if array.ndim else [str(array)]
        lines += [f"{name}: {array.dtype if array.ndim else 'text'} {array.shape}", *rows]
    return "\n".join(lines) + "\n"


def _differences(reference: str, text: str) -> list[str]:
    """The first difference of each part."""
    was, now = _parts(reference), _parts(text)
    told = [f"{part} {'is new' if part in now else 'is missing'}" for part in sorted(was.keys() ^ now.keys())]
    return told + [said for part in was if part in now and (said := _difference(part, was[part], now[part]))]


def _parts(text: str) -> dict[str, str]:
    return {part: rest for part, _, rest in (each.partition("\n") for each in text.split("\f")[1:])}


def _difference(part: str, reference: str, text: str) -> str:
    lines = zip_longest(reference.split("\n"), text.split("\n"), fillvalue="(no line)")
    for number, (was, now) in enumerate(lines, 1):
        if was != now and (at := _differ_at(was, now)) >= 0:
            around = slice(max(0, at - 50), at + 100)
            return f"{part}, line {number}, column {at + 1}:\n  was {was[around]!r}\n  is  {now[around]!r}"
    digits = abs(len(text) - len(reference))
    return f"{part}: its numbers have {digits} digits more or fewer" if digits > 100 + len(text) // 50 else ""


def _differ_at(was: str, now: str) -> int:
    """Where two lines begin to differ in more than last digits; -1 where they do not."""
    at = 0
    for a, b in zip_longest(_NUMBER.split(was), _NUMBER.split(now), fillvalue=""):
        if a != b and not _is_close(a, b):
            return at + next((k for k, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
        at += len(b)
    return -1


def _is_close(was: str, now: str) -> bool:
    """Whether two pieces are numbers, both as Python writes floats, and nearly equal."""
    if not (_NUMBER.fullmatch(was) and _NUMBER.fullmatch(now)):
        return False
    a, b = float(was), float(now)
    return (was, now) == (repr(a), repr(b)) and math.isclose(a, b, rel_tol=_TOLERANCE)


def _place(name: str) -> Path:
    return _REFERENCES / f"{name}.txt.xz"


def _reference(name: str) -> str:
    return lzma.decompress(_place(name).read_bytes()).decode()


def _record_anew(names: Sequence[str]) -> None:
    """Write the references of these cases that differ or are missing, and tell of the differences."""
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            text = _record(name, Path(folder) / "out")
        told = _differences(_reference(name), text) if _place(name).is_file() else ["new"]
        if told:
            _place(name).write_bytes(lzma.compress(text.encode()))
            print(f"{name}: " + "\n".join(told))


if __name__ == "__main__":
    if sys.argv[1:2] != ["--record"]:
        sys.exit(__doc__)
    _record_anew(sys.argv[2:] or list(CASES))
