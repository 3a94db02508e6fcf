"""The command line as its users meet it: real processes, their exit status and what they print."""

from __future__ import annotations

import csv
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests import broken_files
from tests.adapters import llama_modules, peft_config, peft_tensors, write_peft_adapter, write_tensors

ROOT = Path(__file__).resolve().parents[3]
MAIN = ROOT / "main.py"


def run(
    arguments: Sequence[str | Path], cwd: Path, *, interpreter: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """The program's answer, without a display and with UTF-8 streams."""
    environment = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")}
    return subprocess.run(
        [sys.executable, *interpreter, MAIN, *arguments],
        cwd=cwd, env=environment | {"PYTHONIOENCODING": "utf-8"}, capture_output=True, encoding="utf-8",
        timeout=60, check=False,
    )  # fmt: skip


def python(code: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, env=environment, capture_output=True, encoding="utf-8",
        timeout=60, check=False,
    )  # fmt: skip


def export(first: Path, second: Path, *more: str) -> list[str | Path]:
    return ["export", first, second, "--out", "out", "--device", "cpu", *more]


def compared(folder: Path) -> set[tuple[str, str]]:
    """Layer and projection of every panel in an exported folder."""
    with (folder / "phi.csv").open(encoding="utf-8", newline="") as file:
        return {(row["layer"], row["projection"]) for row in csv.DictReader(file)}


def assert_refused(answer: subprocess.CompletedProcess[str], *words: str) -> None:
    assert answer.returncode == 1, answer.stderr
    assert answer.stdout == ""
    assert "Traceback" not in answer.stderr
    assert len(answer.stderr.splitlines()) == 1, answer.stderr
    for word in words:
        assert word in answer.stderr


@pytest.fixture(scope="module")
def adapters(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("adapters")
    modules = llama_modules(4, ("q", "k", "v"))
    first = write_peft_adapter(folder / "eins", modules, 3, seed=0)
    return first, write_peft_adapter(folder / "zwei", modules, 4, seed=1, alpha=8)


# --- what works ------------------------------------------------------------------------------------------


def test_export_writes_everything_and_prints_clean_json(adapters: tuple[Path, Path], tmp_path: Path) -> None:
    answer = run(export(*adapters, "--json", "--figure", "png,svg"), tmp_path)

    assert answer.returncode == 0, answer.stderr
    facts = json.loads(answer.stdout)
    assert facts == json.loads((tmp_path / "out" / "comparison.json").read_bytes())
    assert len(facts["panels"]) == 12
    assert "12 modules compared" in answer.stderr
    made = {path.name for path in (tmp_path / "out").iterdir()}
    assert made == {
        "phi.csv", "findings.csv", "matrices", "phi.npz", "comparison.json", "figure.png", "figure.svg",
    }  # fmt: skip


def test_selection_and_side(adapters: tuple[Path, Path], tmp_path: Path) -> None:
    answer = run(
        export(*adapters, "--layers", "1,3-4", "--projections", "q,v", "--side", "dW-left", "--figure", "svg"),
        tmp_path,
    )

    assert answer.returncode == 0, answer.stderr
    sentence = json.loads((tmp_path / "out" / "comparison.json").read_bytes())["sentence"]
    assert sentence.startswith("Directions shared beyond chance on ΔW (left), median (range) over 3 layers: q ")
    assert answer.stdout == f"{sentence}\n"
    assert compared(tmp_path / "out") == {(layer, name) for layer in ("1", "3", "4") for name in ("q", "v")}
    assert json.loads((tmp_path / "out" / "comparison.json").read_bytes())["side"] == "dW-left"


def test_several_sides_are_written_each_into_a_folder_of_its_own(adapters: tuple[Path, Path], tmp_path: Path) -> None:
    """With the numbers, the sentences and the commands of each alone."""
    answer = run(export(*adapters, "--side", "dW-right,A,A", "--figure", "svg"), tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"A", "dW-right"}
    said = answer.stdout.splitlines()
    for line, side in zip(said, ("dW-right", "A"), strict=True):
        command = export(*adapters, "--side", side, "--figure", "svg")
        alone = run([f"alone-{side}" if word == "out" else word for word in command], tmp_path)
        assert line == f"{side}: {alone.stdout.strip()}"
        for name in ("phi.csv", "findings.csv"):
            written = (tmp_path / "out" / side / name).read_bytes()
            assert written == (tmp_path / f"alone-{side}" / name).read_bytes()
        facts, single = (
            json.loads((tmp_path / folder / "comparison.json").read_bytes())
            for folder in (f"out/{side}", f"alone-{side}")
        )
        assert facts["command"] == single["command"]
        assert facts["side"] == side
    both = run(export(*adapters, "--side", "A,B", "--json", "--force"), tmp_path)
    assert {side: stated["side"] for side, stated in json.loads(both.stdout).items()} == {"A": "A", "B": "B"}


def test_a_side_that_nothing_has_ends_an_export_of_several(tmp_path: Path) -> None:
    modules = llama_modules(2)
    alone = {name: A for name, A in peft_tensors(modules, 3, seed=0).items() if "lora_A" in name}
    broken = write_tensors(tmp_path / "broken", alone, peft_config(modules, 3))
    answer = run(export(broken, write_peft_adapter(tmp_path / "good", modules, 3, seed=1), "--side", "A,B"), tmp_path)
    assert answer.returncode == 1
    assert "holds A and no B" in answer.stderr
    assert not (tmp_path / "out").exists(), "nothing is written of the other one"


def test_preset_takes_the_papers_projections(adapters: tuple[Path, Path], tmp_path: Path) -> None:
    assert run(export(*adapters, "--preset", "fig7", "--figure", "svg"), tmp_path).returncode == 0

    assert compared(tmp_path / "out") == {(layer, name) for layer in "1234" for name in ("q", "v")}


@pytest.mark.parametrize("selection", [[], ["--layers", "2,4", "--projections", "v"]], ids=["all", "some"])
def test_stated_command_makes_the_same_numbers_again(selection: list[str], tmp_path: Path) -> None:
    """With more panels than a figure shows, too."""
    modules = llama_modules(9, ("q", "k", "v"))
    first, second = (write_peft_adapter(tmp_path / str(seed), modules, 2, seed=seed) for seed in (0, 1))
    run(export(first, second, "--figure", "svg", *selection), tmp_path)
    command = json.loads((tmp_path / "out" / "comparison.json").read_bytes())["command"].split()
    assert command[:2] == ["python", "main.py"]

    answer = run([argument if argument != "OUT" else "again" for argument in command[2:]], tmp_path)

    assert answer.returncode == 0, answer.stderr
    assert len(compared(tmp_path / "out")) == (2 if selection else 27)
    assert (tmp_path / "again" / "phi.csv").read_bytes() == (tmp_path / "out" / "phi.csv").read_bytes()


def test_inspect_json(adapters: tuple[Path, Path], tmp_path: Path) -> None:
    answer = run(["inspect", adapters[1], "--json"], tmp_path)

    assert answer.returncode == 0
    assert answer.stderr == ""
    facts = json.loads(answer.stdout)
    assert {"file", "format", "kind", "modules", "warnings"} <= facts.keys()
    assert (facts["kind"], facts["format"], facts["warnings"]) == ("lora", "PEFT", [])
    module = facts["modules"][0]
    assert {"module", "layer", "projection", "rank", "d_in", "d_out", "dtype", "scaling"} <= module.keys()
    assert module["module"] == "model.layers.0.self_attn.q_proj"
    assert (module["layer"], module["projection"], module["rank"]) == (1, "q", 4)
    assert (module["d_in"], module["d_out"], module["dtype"], module["scaling"]) == (24, 24, "float32", 2.0)


# --- what is refused -------------------------------------------------------------------------------------


def test_broken_files_are_refused_in_one_line(tmp_path: Path) -> None:
    broken = {name: make(tmp_path / name) for name, make in broken_files.REFUSED.items()}
    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(lambda path: run(["inspect", path], tmp_path), broken.values())

    for name, answer in zip(broken, answers, strict=True):
        assert_refused(answer, name)


@pytest.mark.parametrize("order", ["broken first", "broken second"])
def test_broken_file_is_refused_in_both_places(order: str, tmp_path: Path) -> None:
    broken, sound = broken_files.REFUSED["truncated"](tmp_path / "broken"), broken_files.good(tmp_path / "good")
    first, second = (broken, sound) if order == "broken first" else (sound, broken)

    assert_refused(run(export(first, second), tmp_path), "broken")
    assert not (tmp_path / "out").exists()


def test_git_lfs_pointer_is_told_as_not_downloaded(tmp_path: Path) -> None:
    answer = run(["inspect", broken_files.REFUSED["git_lfs_pointer"](tmp_path / "broken")], tmp_path)

    assert "lfs" in answer.stderr.lower()


@pytest.mark.parametrize("name", sorted(broken_files.PARTLY_USABLE))
def test_one_bad_module_never_stops_the_others(name: str, tmp_path: Path) -> None:
    broken = broken_files.PARTLY_USABLE[name](tmp_path / "broken")

    answer = run(export(broken, broken_files.good(tmp_path / "good"), "--json", "--figure", "svg"), tmp_path)

    assert answer.returncode == 0, answer.stderr
    assert "Traceback" not in answer.stderr
    facts = json.loads(answer.stdout)
    assert [panel["module"] for panel in facts["panels"]] == broken_files.MODULES[1:]
    assert [skip["module"] for skip in facts["skipped"]] == broken_files.MODULES[:1]
    assert facts["skipped"][0]["reason"]


def test_a_without_b_is_compared_on_a_only(tmp_path: Path) -> None:
    broken, sound = broken_files.a_without_b(tmp_path / "broken"), broken_files.good(tmp_path / "good")

    on_a = run(export(broken, sound, "--json", "--figure", "svg"), tmp_path)
    on_b = run(export(broken, sound, "--json", "--figure", "svg", "--side", "B"), tmp_path)

    assert len(json.loads(on_a.stdout)["panels"]) == 4
    facts = json.loads(on_b.stdout)
    assert [skip["module"] for skip in facts["skipped"]] == broken_files.MODULES[:1]
    assert len(facts["panels"]) == 3


def test_zero_b_is_warned_of_and_undefined(tmp_path: Path) -> None:
    untrained, sound = broken_files.zero_b(tmp_path / "zero"), broken_files.good(tmp_path / "good")

    facts = json.loads(run(export(untrained, sound, "--json", "--figure", "svg", "--side", "B"), tmp_path).stdout)

    assert all(panel["numerical_rank_first"] == 0 for panel in facts["panels"])
    assert all(any("zero" in warning for warning in panel["warnings"]) for panel in facts["panels"])
    with (tmp_path / "out" / "phi.csv").open(encoding="utf-8", newline="") as file:
        assert {row["phi"] for row in csv.DictReader(file)} == {""}
    inspected = json.loads(run(["inspect", untrained, "--json"], tmp_path).stdout)
    assert any("untrained" in warning for warning in inspected["warnings"])


def test_config_that_is_no_json_costs_the_scaling_only(tmp_path: Path) -> None:
    answer = run(["inspect", broken_files.config_invalid_json(tmp_path / "broken"), "--json"], tmp_path)

    assert answer.returncode == 0, answer.stderr
    facts = json.loads(answer.stdout)
    assert len(facts["modules"]) == 4
    assert {module["scaling"] for module in facts["modules"]} == {None}
    assert any("adapter_config.json" in warning for warning in facts["warnings"])


@pytest.mark.parametrize("archive", [True, False], ids=["torch archive", "bare pickle"])
def test_code_in_a_pickle_does_not_run(archive: bool, tmp_path: Path) -> None:
    hostile = broken_files.malicious_pickle(tmp_path / "hostile", archive=archive)

    assert_refused(run(["inspect", hostile], tmp_path), "hostile")

    assert not list(tmp_path.rglob("PWNED"))


def test_the_hostile_payload_is_a_real_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the test above could not fail."""
    monkeypatch.chdir(tmp_path)
    hostile = broken_files.malicious_pickle(tmp_path / "hostile", archive=False)

    pickle.loads((hostile / "adapter_model.bin").read_bytes())

    assert (tmp_path / "PWNED").exists()


def test_what_is_not_there_is_refused_by_name(adapters: tuple[Path, Path], tmp_path: Path) -> None:
    assert_refused(run(["inspect", tmp_path / "missing"], tmp_path), "missing")
    assert_refused(run(["inspect", broken_files.config_alone(tmp_path / "alone")], tmp_path), "alone", "weights")
    assert_refused(run(export(*adapters, "--layers", "9"), tmp_path), "1, 2, 3, 4")
    other = write_peft_adapter(tmp_path / "other", ["model.layers.0.mlp.up_proj"], 2, seed=0)
    assert_refused(run(export(adapters[0], other), tmp_path), "eins", "other")
    (tmp_path / "out").write_text("", encoding="utf-8")
    answer = run(export(*adapters, "--figure", "svg"), tmp_path)
    assert_refused(answer, "out")


def test_what_is_not_there_is_said_and_the_rest_is_exported(adapters: tuple[Path, Path], tmp_path: Path) -> None:
    answer = run(export(*adapters, "--layers", "1,9", "--projections", "q,x", "--figure", "none"), tmp_path)

    assert answer.returncode == 0, answer.stderr
    assert "note: There is no layer 9 to compare." in answer.stderr.splitlines()
    assert "note: There is no projection x to compare." in answer.stderr.splitlines()
    assert "1 module compared, 0 left out" in answer.stderr
    assert compared(tmp_path / "out") == {("1", "q")}


def test_every_module_broken_is_one_sentence_with_a_count(tmp_path: Path) -> None:
    broken = broken_files.nan_everywhere(tmp_path / "broken")
    good = broken_files.good(tmp_path / "good")

    assert_refused(
        run(export(broken, good), tmp_path),
        "broken", "None of the 4 modules can be compared", "In the first adapter: A holds NaN or Inf",
        broken_files.MODULES[0],
    )  # fmt: skip
    assert not (tmp_path / "out").exists()


def test_what_is_left_out_is_grouped_by_reason(tmp_path: Path) -> None:
    """Hundreds of modules were as many lines, and what one side alone has was none."""
    modules = llama_modules(9)
    first = write_peft_adapter(tmp_path / "eins", [*modules, *(f"model.extra.{n}" for n in range(30))], 2, seed=0)
    second = write_peft_adapter(tmp_path / "zwei", modules, 2, seed=1)

    answer = run(export(first, second, "--figure", "none"), tmp_path)

    left_out = [line for line in answer.stderr.splitlines() if line.startswith("left out")]
    assert left_out == ["left out: 30 modules are only in eins (model.extra.0, model.extra.1, model.extra.2, …)"]
    assert len(json.loads((tmp_path / "out" / "comparison.json").read_bytes())["skipped"]) == 30


def test_a_note_on_both_adapters_is_one_line(adapters: tuple[Path, Path], tmp_path: Path) -> None:
    first, second = (
        write_peft_adapter(tmp_path / name, llama_modules(1), 2, seed=0, zero_B=True) for name in "ab"
    )  # fmt: skip

    answer = run(export(first, second, "--figure", "none"), tmp_path)

    notes = [line for line in answer.stderr.splitlines() if "untrained" in line]
    assert len(notes) == 1
    assert str(first) in notes[0]
    assert str(second) in notes[0]


_WRONG = (
    ("--layers", "4-1"), ("--layers", "1,,2"), ("--projections", ","), ("--side", "C"), ("--figure", "gif"),
    ("--dpi", "0"), ("--width", "wide"), ("--device", "abacus"), ("--nonsense",),
)  # fmt: skip


def test_wrong_arguments_end_with_2(tmp_path: Path) -> None:
    answer = run(["export", "a", "b", "--out", "out", "--layers", "4-1"], tmp_path)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.startswith("usage: main.py export")
    assert "Traceback" not in answer.stderr

    every = python(
        "import main\n"
        f"for wrong in {_WRONG!r}:\n"
        "    try: print(wrong, main.main(['export', 'a', 'b', '--out', 'out', *wrong]))\n"
        "    except SystemExit as end: print(wrong, end.code)\n",
        tmp_path,
    )
    assert every.stdout.splitlines() == [f"{wrong} 2" for wrong in _WRONG]


@pytest.mark.skipif(sys.platform == "win32", reason="closing the read end first is a matter of POSIX pipes")
def test_reader_that_has_gone_is_no_traceback(adapters: tuple[Path, Path], tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    answer = subprocess.run(
        [sys.executable, MAIN, "inspect", adapters[0], "--json"],
        cwd=tmp_path, stdout=write_end, stderr=subprocess.PIPE, encoding="utf-8", timeout=60, check=False,
    )  # fmt: skip
    os.close(write_end)

    assert answer.returncode == 1
    assert answer.stderr.splitlines() == ["phiscope: The output cannot be written (Broken pipe)."]


# --- what is loaded --------------------------------------------------------------------------------------


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    answer = run(["--help"], tmp_path, interpreter=["-X", "importtime"])

    assert answer.returncode == 0
    assert answer.stdout.startswith("usage: main.py")
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in answer.stderr.splitlines()}
    assert "argparse" in loaded
    assert not loaded & {"numpy", "torch", "PySide6", "matplotlib", "pyqtgraph"}


def test_the_engine_needs_no_qt(adapters: tuple[Path, Path], tmp_path: Path) -> None:
    arguments = [str(argument) for argument in export(*adapters, "--figure", "png,pdf,svg")]
    answer = python(
        "import sys\n"
        "for name in ('PySide6', 'pyqtgraph', 'gui'): sys.modules[name] = None\n"
        "import importlib, pkgutil, engine\n"
        "for module in pkgutil.walk_packages(engine.__path__, 'engine.'): importlib.import_module(module.name)\n"
        f"import main; sys.exit(main.main({arguments!r}))",
        tmp_path,
    )

    assert answer.returncode == 0, answer.stderr
    assert (tmp_path / "out" / "figure.pdf").exists()


def test_interruption_ends_with_130(adapters: tuple[Path, Path], tmp_path: Path) -> None:
    arguments = [str(argument) for argument in export(*adapters)]
    answer = python(
        "import sys, signal, engine.commands.export, main\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # ignored where the tests run in the background
        "opened = engine.commands.export.open_given\n"
        "def interrupted(path):\n"
        "    signal.raise_signal(signal.SIGINT)\n"
        "    return opened(path)\n"
        "engine.commands.export.open_given = interrupted\n"
        f"sys.exit(main.main({arguments!r}))",
        tmp_path,
    )

    assert answer.returncode == 130
    assert "Traceback" not in answer.stderr
    assert not (tmp_path / "out").exists()


# --- what is said of the figure --------------------------------------------------------------------------


def test_a_range_that_is_not_the_papers_is_said_and_written(adapters: tuple[Path, Path], tmp_path: Path) -> None:
    """Figure 7 runs from 0 to 0.8; an adapter with itself reaches 1."""
    answer = run(export(adapters[0], adapters[0], "--preset", "fig7"), tmp_path)
    assert answer.returncode == 0, answer.stderr
    said = "Figure 7 of the paper runs from 0 to 0.8; φ reaches 1.00 here, so the colours run from 0 to 1."
    assert f"note: {said}" in answer.stderr
    assert said in json.loads((tmp_path / "out" / "comparison.json").read_bytes())["cautions"]
    for option in (("--view", "z"), ("--range", "0,0.8")):
        answer = run(export(adapters[0], adapters[0], "--preset", "fig7", *option, "--data", "json"), tmp_path)
        assert "colours run" not in answer.stderr
        cautions = json.loads((tmp_path / "out" / "comparison.json").read_bytes())["cautions"]
        assert not any("colours run" in caution for caution in cautions)


def test_a_figure_taller_than_a_page_is_said_before_it_is_written(tmp_path: Path) -> None:
    modules = llama_modules(12)
    paths = [write_peft_adapter(tmp_path / str(k), modules, 3, seed=k) for k in (0, 1)]
    more = "--layers", "1-12", "--width", "3.25", "--data", "none", "--dpi", "30"
    answer = run(export(paths[0], paths[1], *more), tmp_path)
    assert answer.returncode == 0, answer.stderr
    notes = [line for line in answer.stderr.splitlines() if "taller than a page" in line]
    assert len(notes) == 1
    assert notes[0].startswith("note: the figure has 24 panels, 3.2 × 1")
    assert answer.stderr.index(notes[0]) < answer.stderr.index("compared")
    answer = run(export(paths[0], paths[1], *more, "--panels", "1_q,12_v"), tmp_path)
    assert "page" not in answer.stderr


def test_a_figure_without_room_leaves_no_file(adapters: tuple[Path, Path], tmp_path: Path) -> None:
    answer = run(export(*adapters, "--width", "0.5"), tmp_path)
    assert answer.returncode == 1
    assert "0.5 inches are too narrow" in answer.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("more", "stated"),
    [
        (("--colours", "rocket"), "seaborn:rocket"), (("--colours", "mako"), "seaborn:mako"),
        (("--view", "z"), "seaborn:icefire"), (("--view", "z", "--colours", "balance"), "cmocean:balance"),
        (("--view", "above-chance", "--colours", "viridis"), "viridis"),
    ],
)  # fmt: skip
def test_colour_maps_by_their_short_names(
    adapters: tuple[Path, Path], tmp_path: Path, more: tuple[str, ...], stated: str
) -> None:
    answer = run(export(*adapters, *more, "--dpi", "30", "--data", "json"), tmp_path)
    assert answer.returncode == 0, answer.stderr
    figure = json.loads((tmp_path / "out" / "comparison.json").read_bytes())["figure"]
    assert figure["colours"] == stated
    assert figure["quantity"] == {"z": "z", "above-chance": "φ − chance"}.get(more[1], "φ")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--colours", "balance"), "φ has none"), (("--colours", "rockets"), "'rockets' is none of rocket, mako"),
        (("--range", "1,0"), "the lowest value, 1, is not below the highest, 0"),
        (("--range", "0,0,8"), "'0,8' is no number"), (("--range", "3"), "'3' is no range"),
    ],
)  # fmt: skip
def test_wrong_colours_and_ranges_are_wrong_arguments(
    adapters: tuple[Path, Path], tmp_path: Path, more: tuple[str, ...], words: str
) -> None:
    answer = run(export(*adapters, *more), tmp_path)
    assert answer.returncode == 2
    assert words in answer.stderr
    assert not (tmp_path / "out").exists()
