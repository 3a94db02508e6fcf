"""The paper's figures: which panels, what of them, and where."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.comparison.outcome import SideResult
from engine.errors import NothingComparable
from engine.figures.contents import PaperRange, hidden_cells
from engine.figures.plan import Mask, whole_panel
from engine.figures.presets import Preset, preset_layers, preset_pairs, preset_plan
from engine.measures.control import gaussian_control
from engine.measures.phi import PHI
from engine.side import Side
from tests.adapters import llama_modules, write_peft_adapter
from tests.reference import compare, figure_of


def results(folder: Path, ranks: tuple[int, int], layers: int, d: int = 90) -> list[SideResult]:
    """Every module of two random adapters of these ranks."""
    modules = llama_modules(layers, ("q", "k", "v"))
    paths = [write_peft_adapter(folder / str(k), modules, rank, seed=k, d_in=d) for k, rank in enumerate(ranks)]
    return [outcome for outcome in compare(paths[0], paths[1])[1] if isinstance(outcome, SideResult)]


def chosen(found: list[SideResult], preset: Preset) -> list[SideResult]:
    by_slug = {result.pair.slug: result for result in found}
    return [by_slug[pair.slug] for pair in preset_pairs([result.pair for result in found], preset)]


@pytest.mark.parametrize(
    ("preset", "layers", "expected"),
    [
        (Preset.FIG7, 96, ["1", "32", "64", "96"]),
        (Preset.FIG4, 96, ["48"]),
        (Preset.FIG7, 6, ["1", "2", "4", "6"]),
        (Preset.FIG4, 6, ["3"]),
        (Preset.FIG4, 1, ["1"]),
        (Preset.FIG7, 2, ["1", "2"]),
    ],
)
def test_layers_of_other_depths(tmp_path: Path, preset: Preset, layers: int, expected: list[str]) -> None:
    modules = llama_modules(layers, ("q", "v", "o"))
    paths = [write_peft_adapter(tmp_path / str(seed), modules, 2, seed=seed, d_in=4, d_out=4) for seed in (0, 1)]
    pairing, _ = compare(paths[0], paths[1])
    pairs = preset_pairs(pairing.comparable(Side.A), preset)
    assert list(dict.fromkeys(pair.path.layer_label for pair in pairs)) == expected
    assert {pair.path.projection for pair in pairs} == {"q", "v"}
    assert f"of {layers}." in preset_layers(pairs, preset, layers)


def test_figure_7_is_four_panels_to_a_row(tmp_path: Path) -> None:
    figure = figure_of(chosen(results(tmp_path, (4, 4), 9), Preset.FIG7), preset=Preset.FIG7)
    assert (figure.layout.rows, figure.layout.columns) == (2, 4)
    assert [heading.lines() for heading in figure.layout.headings] == [(f"Layer {n}",) for n in (1, 3, 6, 9)]
    assert figure.contents.paper_range == PaperRange((0.0, 0.8))
    assert all(panel.mask is Mask.NONE for panel in figure.contents.plan.panels)


def test_figure_7_widens_where_it_is_exceeded(tmp_path: Path) -> None:
    modules = llama_modules(2)
    path = write_peft_adapter(tmp_path / "a", modules, 4, seed=0)
    same = [outcome for outcome in compare(path, path)[1] if isinstance(outcome, SideResult)]
    assert figure_of(same, preset=Preset.FIG7).contents.paper_range.levels == (0.0, 1.0)


def test_figure_6_shows_each_cell_once(tmp_path: Path) -> None:
    """Long panels where j ≥ i, zooms where j ≤ i: the diagonal is in both, nothing is in neither."""
    figure = figure_of(chosen(results(tmp_path, (8, 64), 4), Preset.FIG6), preset=Preset.FIG6)
    layout, plan = figure.layout, figure.contents.plan
    assert (layout.rows, layout.columns) == (4, 4)
    assert figure.contents.paper_range == PaperRange((0.0, 1.0))
    for row in range(4):
        q, v, q_zoom, v_zoom = plan.panels[4 * row : 4 * row + 4]
        assert [panel.path.projection for panel in (q, v, q_zoom, v_zoom) if panel.path] == ["q", "v", "q", "v"]
        assert (q.rows, q.columns, q_zoom.rows, q_zoom.columns) == (8, 64, 8, 8)
        both = (~hidden_cells(q))[:, :8].astype(int) + ~hidden_cells(q_zoom)
        np.testing.assert_array_equal(both, 1 + np.eye(8, dtype=int))
        assert not hidden_cells(q)[:, 8:].any()
        assert q.column_ticks == (1, 6, 12, 18, 23, 29, 35, 40, 46, 52, 58)
        assert q.row_ticks == q_zoom.row_ticks == q_zoom.column_ticks == tuple(range(1, 9))
    lowest = [place for place in layout.places if place.is_lowest]
    assert [place.row for place in lowest] == [3, 3, 3, 3]


def test_ranks_the_other_way_round_turn_the_triangles(tmp_path: Path) -> None:
    plan = preset_plan([result.pair for result in chosen(results(tmp_path, (64, 8), 2), Preset.FIG3)], Preset.FIG3)
    long, zoom = plan.panels[0], plan.panels[2]
    assert (long.rows, long.columns, zoom.rows, zoom.columns) == (64, 8, 8, 8)
    assert hidden_cells(long)[0, 7], "above the diagonal is the zoom's"
    assert not hidden_cells(zoom)[0, 7]
    assert not hidden_cells(long)[8:].any()


@pytest.mark.parametrize("mask", list(Mask))
def test_one_cell_is_hidden_as_all_are(tmp_path: Path, mask: Mask) -> None:
    spec = replace(whole_panel(results(tmp_path, (3, 5), 1)[0].pair), mask=mask)
    told = [[spec.hides(i, j) for j in range(1, 6)] for i in range(1, 4)]
    np.testing.assert_array_equal(told, hidden_cells(spec))


def test_figure_4_has_a_random_panel_of_the_same_shape(tmp_path: Path) -> None:
    figure = figure_of(chosen(results(tmp_path, (64, 64), 3), Preset.FIG4), preset=Preset.FIG4)
    assert (figure.layout.rows, figure.layout.columns) == (1, 3)
    control, facts = figure.contents.panels[-1]
    assert control.path is None
    np.testing.assert_array_equal(PHI.values(facts), PHI.values(gaussian_control(64, 64, 90)))
    assert control.row_ticks == (1, 8, 16, 24, 32, 40, 48, 56)


@pytest.mark.parametrize("preset", [Preset.FIG3, Preset.FIG6])
def test_two_ranks_are_needed_for_figures_3_and_6(tmp_path: Path, preset: Preset) -> None:
    pairs = [result.pair for result in results(tmp_path, (4, 4), 2)]
    with pytest.raises(NothingComparable, match="compares two ranks, and both adapters have rank 4"):
        preset_pairs(pairs, preset)


def test_plain_panels_are_whole(tmp_path: Path) -> None:
    found = results(tmp_path, (3, 5), 2)
    contents = figure_of(found).contents
    assert list(contents.facts) == [result.facts for result in found]
    assert [panel.shape for panel in contents.plan.panels] == [result.pair.shape for result in found]
    assert not any(hidden_cells(panel).any() for panel in contents.plan.panels)
