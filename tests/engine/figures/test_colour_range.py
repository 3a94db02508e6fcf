"""Which colours stand for which value: maps, ranges, and the numbers beside the bar."""

from __future__ import annotations

import numpy as np
import pytest
from cmap import Colormap
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.figures.colour_bar import bar_marks, bar_ticks
from engine.figures.colour_maps import (
    COLOUR_MAPS,
    DIVERGING_MAPS,
    UNDEFINED_COLOUR,
    RangeMode,
    map_name,
    maps_of,
    range_modes,
    suits,
    typed_range,
)
from engine.figures.colour_range import chosen_range, colour_table
from engine.measures.view import View

CENTRED = [view for view in View if view.is_centred]


def test_views_with_a_middle_take_a_map_with_one() -> None:
    assert maps_of(View.PHI) == COLOUR_MAPS
    assert CENTRED == [View.ABOVE_CHANCE, View.Z]
    for view in CENTRED:
        assert maps_of(view) == DIVERGING_MAPS
        assert all(suits(name, view) for name in (*COLOUR_MAPS, *DIVERGING_MAPS)), "an old command names any"
    assert not any(suits(name, View.PHI) for name in DIVERGING_MAPS)


@pytest.mark.parametrize(("text", "name"), [("rocket", "seaborn:rocket"), ("mako", "seaborn:mako")])
def test_maps_go_by_what_the_window_calls_them(text: str, name: str) -> None:
    assert map_name(text) == map_name(name) == name
    assert map_name("gray") == "gray"
    assert map_name("rockets") is None


@pytest.mark.parametrize("name", [*COLOUR_MAPS, *DIVERGING_MAPS])
def test_a_whole_range_has_the_whole_map(name: str) -> None:
    levels = (-2.0, 2.0) if name in DIVERGING_MAPS else (0.0, 0.8)
    np.testing.assert_array_equal(colour_table(name, levels), Colormap(name).lut(256))


@pytest.mark.parametrize("name", DIVERGING_MAPS)
@pytest.mark.parametrize("levels", [(-20.0, 40.0), (-3.0, 1.0), (0.0, 5.0), (-7.0, 0.0), (2.0, 9.0)])
def test_the_middle_stays_at_0_whatever_the_range(name: str, levels: tuple[float, float]) -> None:
    """Every value has the colour that it has in the symmetric range around it."""
    low, high = levels
    reach = max(abs(low), abs(high))
    table, colours = colour_table(name, levels), Colormap(name)
    for step in (0, 60, 128, 200, 255):
        value = low + (high - low) * step / 255
        np.testing.assert_allclose(table[step], colours(0.5 + 0.5 * value / reach).rgba, atol=1e-6)


@pytest.mark.parametrize("name", DIVERGING_MAPS)
def test_undefined_is_told_apart_from_the_middle(name: str) -> None:
    middle = colour_table(name, (-1.0, 1.0))[128, :3]
    undefined = np.array([int(UNDEFINED_COLOUR[k : k + 2], 16) / 255 for k in (1, 3, 5)])
    assert np.abs(middle - undefined).max() > 0.1


def test_ranges_of_views_with_a_middle_are_symmetric() -> None:
    arrays = [np.array([[-0.031, np.nan], [0.4512, 0.2]]), np.full((2, 2), np.nan)]
    for view in CENTRED:
        assert chosen_range(arrays, view, RangeMode.AUTOMATIC) == (-0.46, 0.46), "rounded up to two figures"
        assert chosen_range(arrays, view, RangeMode.FIT) == (-0.4512, 0.4512)
    assert chosen_range(arrays, View.ABOVE_CHANCE, RangeMode.UNIT) == (-1.0, 1.0)
    assert chosen_range(arrays, View.Z, RangeMode.UNIT) == (-0.46, 0.46), "z has no bounds"
    assert RangeMode.UNIT not in range_modes(View.Z)
    assert chosen_range([np.array([[-177.1, 3.0]])], View.Z, RangeMode.AUTOMATIC) == (-180.0, 180.0)
    assert chosen_range([], View.Z, RangeMode.AUTOMATIC) == (-1.0, 1.0)
    assert chosen_range(arrays, View.PHI, RangeMode.AUTOMATIC) == (0.0, 0.8)
    assert chosen_range(arrays, View.PHI, RangeMode.FIT) == (-0.031, 0.4512)


@given(low=st.floats(-1e5, 1e5), span=st.floats(1e-3, 1e5), view=st.sampled_from(View), label=st.floats(0.01, 0.6))
@settings(max_examples=300)
@example(low=1e5, span=1.0, view=View.Z, label=0.05)
@example(low=0.015625, span=100.0, view=View.PHI, label=0.5)
def test_numbers_beside_a_bar_never_meet_and_none_is_minus_0(
    low: float, span: float, view: View, label: float
) -> None:
    levels = (low, low + span)
    ticks = bar_ticks(levels, view, label)
    assert (ticks[0].value, ticks[-1].value) == levels, "both ends are stated"
    distances = np.diff([tick.value for tick in ticks]) / span
    assert len(ticks) == 2 or distances.min() > label
    assert len({tick.text for tick in ticks}) == len(ticks), "different numbers read differently"
    for tick in ticks:
        assert "-" not in tick.text, "a minus sign is one"
        assert not tick.text.startswith("−") or tick.text.strip("−0.")
        if tick.text == "0" or not tick.text.strip("0."):
            assert abs(tick.value) < 1e-3


def test_the_bar_of_z_says_where_3_standard_deviations_are() -> None:
    near = {tick.value: tick.text for tick in bar_ticks((-10.0, 10.0), View.Z, 0.05)}
    assert (near[-3.0], near[3.0], near[0.0]) == ("−3 SD", "3 SD", "0")
    far = {tick.value: tick.text for tick in bar_ticks((-180.0, 180.0), View.Z, 0.05)}
    assert far[0.0] == "±3 SD", "there is no room for both"
    assert bar_marks((-180.0, 180.0), View.Z) == [-3.0, 3.0]
    assert bar_marks((0.0, 2.0), View.Z) == []
    for view in (View.PHI, View.ABOVE_CHANCE):
        assert bar_marks((-10.0, 10.0), view) == [], "their standard deviations differ from cell to cell"
        assert not any("SD" in tick.text for tick in bar_ticks((-10.0, 10.0), view, 0.05))


def test_ends_beside_much_larger_numbers_are_not_rounded_away() -> None:
    texts = [tick.text for tick in bar_ticks((-12345.678, 0.8), View.PHI, 0.05)]
    assert (texts[0], texts[-1]) == ("−12346", "0.8")


@pytest.mark.parametrize(
    ("low", "high", "levels"),
    [("0", "0.8", (0.0, 0.8)), (" −3.25", "1e3 ", (-3.25, 1000.0)), ("0.123456", "0.1234567", (0.123456, 0.1234567))],
)
def test_any_range_can_be_typed(low: str, high: str, levels: tuple[float, float]) -> None:
    assert typed_range(low, high) == levels


@pytest.mark.parametrize(
    ("low", "high", "wrong"),
    [
        ("0.8", "0.8", "0.8, is not below the highest, 0.8"), ("2", "1", "2, is not below"),
        ("", "1", "'' is no number"), ("0", "0,8", "'0,8' is no number"), ("nan", "1", "'nan' is no number"),
        ("0", "inf", "'inf' is no number"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_typed_range_is_said(low: str, high: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        typed_range(low, high)
