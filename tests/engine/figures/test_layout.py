"""Panels stand where Figure 7 has them, ticks where the paper's plots put them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest

from engine.figures.colour_range import COLUMN_LABELS, ROW_LABELS, tick_positions
from engine.figures.layout import lay_out, with_own_axes
from engine.matching.first_selection import first_selection, spread
from engine.naming.module_path import ModulePath, parse_module_path
from tests.adapters import llama_modules


def paths(names: Sequence[str]) -> list[ModulePath]:
    return [parse_module_path(name) for name in names]


def of_layers(layers: Sequence[int], projections: Sequence[str] = ("q", "v")) -> list[ModulePath]:
    """Modules of layers counted from 1."""
    return paths([f"model.layers.{layer - 1}.self_attn.{name}_proj" for layer in layers for name in projections])


def grid(modules: Sequence[ModulePath]) -> dict[tuple[int, int], str]:
    """What stands where: (row, column) → `layer_projection`."""
    return {
        (place.row, place.column): f"{modules[place.index].layer_label}_{modules[place.index].projection}"
        for place in lay_out(modules).places
    }


@pytest.mark.parametrize("order", [1, -1])
def test_places_of_figure_7(order: int) -> None:
    modules = of_layers([1, 32, 64, 96])[::order]
    layout = lay_out(modules)

    assert (layout.rows, layout.columns) == (2, 4)
    assert grid(modules) == {
        (0, 0): "1_q", (0, 1): "1_v", (0, 2): "32_q", (0, 3): "32_v",
        (1, 0): "64_q", (1, 1): "64_v", (1, 2): "96_q", (1, 3): "96_v",
    }  # fmt: skip
    assert [(*heading.lines(), heading.row, heading.first, heading.last) for heading in layout.headings] == [
        ("Layer 1", 0, 0, 1), ("Layer 32", 0, 2, 3), ("Layer 64", 1, 0, 1), ("Layer 96", 1, 2, 3),
    ]  # fmt: skip
    assert layout.headings[-1].lines(count_from=0) == ("Layer 95",)


def test_axes_of_figure_7() -> None:
    layout = lay_out(of_layers([1, 32, 64, 96]))

    assert {(p.row, p.column) for p in layout.places if p.is_lowest} == {(1, c) for c in range(4)}
    assert {(p.row, p.column) for p in layout.places if p.is_leftmost} == {
        (0, 0), (0, 2), (1, 0), (1, 2),
    }  # fmt: skip


def test_odd_number_of_layers_leaves_places_empty() -> None:
    layout = lay_out(of_layers([1, 2, 3]))

    assert (layout.rows, layout.columns) == (2, 4)
    assert {(p.row, p.column) for p in layout.places if p.is_lowest} == {(1, 0), (1, 1), (0, 2), (0, 3)}


def test_missing_projection_leaves_its_place_empty() -> None:
    modules = [*of_layers([1]), *of_layers([2], ["v"])]

    assert grid(modules) == {(0, 0): "1_q", (0, 1): "1_v", (0, 3): "2_v"}
    layout = lay_out(modules)
    assert [place.is_leftmost for place in layout.places] == [True, False, True]


def test_one_projection_stands_four_layers_to_a_row() -> None:
    assert grid(of_layers([1, 2, 3, 4, 5], ["q"])) == {
        (0, 0): "1_q", (0, 1): "2_q", (0, 2): "3_q", (0, 3): "4_q", (1, 0): "5_q",
    }  # fmt: skip


def test_many_projections_fill_a_row_per_layer() -> None:
    modules = of_layers([1, 2], ["q", "k", "v", "o", "gate"])

    layout = lay_out(modules)

    assert (layout.rows, layout.columns) == (2, 5)
    assert [grid(modules)[1, column] for column in range(5)] == ["2_q", "2_k", "2_v", "2_o", "2_gate"]


def test_nothing_to_lay_out() -> None:
    layout = lay_out([])

    assert (layout.rows, layout.columns, layout.places, layout.headings) == (0, 0, (), ())


# --- which panels first ----------------------------------------------------------------------------------


def test_spread_over_the_papers_depth() -> None:
    assert [index + 1 for index in spread(96)] == [1, 32, 64, 96]


@pytest.mark.parametrize("count", range(1, 130))
def test_spread_is_ascending_and_reaches_both_ends(count: int) -> None:
    found = spread(count)

    assert found == sorted(set(found))
    assert len(found) == min(count, 4)
    assert (found[0], found[-1]) == (0, count - 1)


def test_first_shown_are_the_papers_panels() -> None:
    modules = paths(llama_modules(96, ("q", "k", "v", "o")))

    shown = [modules[index] for index in first_selection(modules)]

    assert [(path.layer_label, path.projection) for path in shown] == [
        (layer, name) for layer in ("1", "32", "64", "96") for name in ("q", "v")
    ]


def test_first_shown_without_q_and_v() -> None:
    modules = [*of_layers([1, 2], ["o", "k"]), *paths(["lm_head"])]

    shown = [modules[index] for index in first_selection(modules)]

    assert {(path.layer_label, path.projection) for path in shown} == {
        ("1", "k"), ("1", "o"), ("2", "k"), ("2", "o"),
    }  # fmt: skip
    assert first_selection([]) == []
    assert first_selection(paths(["lm_head"])) == [0]


# --- ticks -----------------------------------------------------------------------------------------------


def test_ticks_of_figure_7() -> None:
    assert list(tick_positions(64, ROW_LABELS)) == [1, 7, 13, 19, 25, 31, 37, 43, 49, 55, 61]
    assert list(tick_positions(64, COLUMN_LABELS)) == [1, 6, 11, 16, 21, 26, 31, 36, 41, 46, 51, 56, 61]


@pytest.mark.parametrize("labels", [ROW_LABELS, COLUMN_LABELS, 3, 1])
@pytest.mark.parametrize("rank", [1, 2, 8, 16, 63, 64, 256])
def test_ticks_start_at_one_stay_inside_and_are_even(rank: int, labels: int) -> None:
    ticks = list(tick_positions(rank, labels))

    assert ticks[0] == 1
    assert ticks[-1] <= rank
    assert len(ticks) <= labels
    assert len({later - earlier for earlier, later in pairwise(ticks)}) <= 1


def test_panels_of_other_ranks_have_numbers_of_their_own() -> None:
    modules = of_layers([1, 2])
    layout = with_own_axes(lay_out(modules, per_row=2), [(7, 9), (5, 9), (7, 8), (5, 9)])
    axes = {(place.row, place.column): (place.is_leftmost, place.is_lowest) for place in layout.places}
    assert axes == {
        (0, 0): (True, True),  # 9 columns stand above 8
        (0, 1): (True, False),  # 5 rows stand beside 7
        (1, 0): (True, True),
        (1, 1): (True, True),
    }
    assert with_own_axes(lay_out(modules), [(7, 9)] * 4) == lay_out(modules)
