"""The command that a comparison states makes its files again: each option that it writes is read back the same."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.commands.arguments import figure_style
from engine.commands.export import add_arguments as export_arguments
from engine.commands.recipe import command_line
from engine.comparison.outcome import SideResult
from engine.document.export_plan import Comparison, ExportPlan
from engine.figures.colour_maps import COLOUR_MAPS
from engine.figures.presets import Preset, preset_pairs
from engine.figures.style import FigureStyle
from engine.measures.view import View
from engine.side import Side
from engine.subspaces.devices import CPU
from main import main
from tests.adapters import llama_modules, write_peft_adapter
from tests.reference import compare

SIZES = st.sampled_from([6.0, 7.0, 8.0, 9.0, 10.5])
STYLES = st.builds(
    FigureStyle,
    width=st.none() | st.floats(2.0, 20.0),
    dpi=st.integers(1, 2400),
    colour_map=st.sampled_from(COLOUR_MAPS),
    range=st.none() | st.tuples(st.floats(-5, 0.2), st.floats(0.3, 9)),
    label_size=SIZES,
    tick_size=SIZES,
    view=st.sampled_from(View),
    titles=st.booleans(),
    headings=st.booleans(),
    letters=st.booleans(),
    chance=st.booleans(),
    svg_paths=st.booleans(),
    control=st.booleans(),
    square=st.booleans(),
    count_from=st.sampled_from([0, 1]),
)
FIGURES = st.lists(st.sampled_from(["png", "pdf", "svg"]), unique=True).map(tuple)
DATA = st.lists(st.sampled_from(["csv", "npz", "json"]), unique=True).map(tuple)


def read(command: str) -> argparse.Namespace:
    words = shlex.split(command)
    assert words[:3] == ["python", "main.py", "export"]
    parser = argparse.ArgumentParser()
    export_arguments(parser)
    return parser.parse_args(words[3:])


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Comparison]:
    """30 modules: ten layers × q, k, v."""
    folder = tmp_path_factory.mktemp("one & two's")
    patch = pytest.MonkeyPatch()
    patch.chdir(folder)  # the command names places as they are seen from here
    modules = llama_modules(10, ("q", "k", "v"))
    first, second = (write_peft_adapter(folder / f"{k} ä", modules, 3, seed=k) for k in (0, 1))
    pairing, found = compare(first, second)
    results = tuple(outcome for outcome in found if isinstance(outcome, SideResult))
    yield Comparison(pairing.first, pairing.second, Side.A, CPU, results, ())
    patch.undo()


@given(style=STYLES, figures=FIGURES, data=DATA)
def test_every_setting_is_read_back(
    comparison: Comparison, style: FigureStyle, figures: tuple[str, ...], data: tuple[str, ...]
) -> None:
    arguments = read(command_line(comparison, ExportPlan(figures, style, data)))
    assert figure_style(arguments) == style
    assert (arguments.figure, arguments.data) == (figures, data)
    assert arguments.first.resolve() == comparison.first.path.resolve()


def part(comparison: Comparison, numbers: set[str] | None, figure: set[str] | None) -> Comparison:
    results = tuple(r for r in comparison.results if numbers is None or r.pair.slug in numbers)
    return replace(comparison, results=results, figure_slugs=frozenset(figure) if figure is not None else None)


@pytest.mark.parametrize(
    ("numbers", "figure", "expected"),
    [
        (None, {"1_q", "1_k", "3_q", "3_k", "7_q", "7_k", "10_q", "10_k"}, "--panels"),
        (None, {"1_q", "10_v"}, "--panels 1_q,10_v"),
        ({"1_q", "4_q"}, None, "--layers 1,4 --projections q"),
        ({"1_q", "1_k", "2_q", "2_k"}, {"1_q"}, "--layers 1,2 --projections q,k --panels 1_q"),
        ({"1_q", "2_v"}, None, "--modules 1_q,2_v"),
    ],
)
def test_any_selection_makes_the_same_files_again(
    comparison: Comparison, tmp_path: Path, numbers: set[str] | None, figure: set[str] | None, expected: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    chosen = part(comparison, numbers, figure)
    command = command_line(chosen, ExportPlan(("svg",), FigureStyle(letters=True, colour_map="magma")))
    assert expected in command
    again(command, tmp_path, monkeypatch)
    files = {path.name for path in (tmp_path / "again" / "matrices").iterdir()}
    assert files == {f"{result.pair.slug}.csv" for result in chosen.results}
    assert (tmp_path / "again" / "figure.svg").read_text().count("(a)") == 1
    panels = len(chosen.figure_results)
    assert (tmp_path / "again" / "figure.svg").read_text().count("<image") == panels + 1, "panels and the bar"


@pytest.mark.parametrize("whole", [True, False])
def test_a_preset_goes_with_its_own_numbers_or_with_all(
    comparison: Comparison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: bool
) -> None:
    pairs = preset_pairs([result.pair for result in comparison.results], Preset.FIG7)
    slugs = {pair.slug for pair in pairs}
    chosen = replace(part(comparison, None if whole else slugs, slugs), preset=Preset.FIG7)
    command = command_line(chosen, ExportPlan(()))
    assert ("--all" in command) is whole
    again(command, tmp_path, monkeypatch)
    assert len(list((tmp_path / "again" / "matrices").iterdir())) == len(chosen.results)


def again(command: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a command that was made here, its files going into `folder`/again."""
    words = [str(folder / "again") if word == "OUT" else word for word in shlex.split(command)[2:]]
    monkeypatch.setattr("sys.stderr", None)
    assert main(words) == 0


def test_a_preset_shown_in_part_is_stated_in_part(comparison: Comparison) -> None:
    pairs = preset_pairs([result.pair for result in comparison.results], Preset.FIG7)
    slugs = {pair.slug for pair in pairs}
    chosen = replace(part(comparison, slugs, {"1_q", "1_v"} & slugs), preset=Preset.FIG7)
    command = command_line(chosen, ExportPlan())
    assert "--preset fig7 --panels 1_q" in command
    assert "--all" not in command


def test_names_that_look_like_something_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A projection with a comma, an adapter whose name starts as an option does."""
    monkeypatch.chdir(tmp_path)
    modules = [f"model.layers.{layer}.{name}" for layer in range(2) for name in ("a,b", "c")]
    first, second = (
        write_peft_adapter(tmp_path / name, modules, 3, seed=k) for k, name in enumerate(("-one", "two"))
    )
    pairing, found = compare(first, second)
    results = tuple(
        outcome for outcome in found if isinstance(outcome, SideResult) and "a,b" in outcome.pair.path.name
    )
    command = command_line(Comparison(pairing.first, pairing.second, Side.A, CPU, results, ()), ExportPlan(()))
    again(command, tmp_path, monkeypatch)
    assert len(list((tmp_path / "again" / "matrices").iterdir())) == 2
