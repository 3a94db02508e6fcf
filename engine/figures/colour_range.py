"""Which colours stand for which value of a view, for the window and for figures alike.

φ has a beginning and an end, and takes a sequential map. φ − chance and z have a middle, chance, and take a diverging
map whose middle stays at 0 whatever the range.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import Enum
from functools import lru_cache

import numpy as np
from cmap import Colormap

from engine.checkpoints.storage_types import Float64Array
from engine.measures.views import View

COLOUR_MAPS = ("seaborn:rocket", "seaborn:mako", "magma", "viridis", "cividis", "gray")
# icefire has rocket's colours above its dark middle, so that chance is dark in every view, as low φ is in the paper's
# figures; a white line and the grey of undefined cells stand out from it. The others are for those who want white.
DIVERGING_MAPS = ("seaborn:icefire", "cmocean:balance", "crameri:vik")
UNDEFINED_COLOUR = "#c9c9d3"
COLOUR_STEPS = 256
# Figure 7's own scale; a figure that holds more than it shows is drawn from 0 to 1.
FIGURE_7_RANGE = (0.0, 0.8)
_LARGEST_TYPED = 1e9
# Figure 7 ticks every sixth i and every fifth j of 64: eleven rows and thirteen columns of labels at most.
ROW_LABELS, COLUMN_LABELS = 11, 13


# --- maps ---


def maps_of(view: View) -> tuple[str, ...]:
    """The maps that are made for the values of a view; the first is its own."""
    return DIVERGING_MAPS if view.is_centred else COLOUR_MAPS


def suits(name: str, view: View) -> bool:
    """Whether a view can be drawn with a map: a diverging one has a middle, which φ has not."""
    return name in COLOUR_MAPS or name in maps_of(view)


def map_name(text: str) -> str | None:
    """The map that a text names, `seaborn:rocket` or `rocket`; None where there is none."""
    every = (*COLOUR_MAPS, *DIVERGING_MAPS)
    return text if text in every else next((name for name in every if short_name(name) == text), None)


def short_name(name: str) -> str:
    """A map's name without that of its collection: `rocket`."""
    return name.rpartition(":")[2]


@lru_cache(maxsize=8)
def colour_table(name: str, levels: tuple[float, float]) -> Float64Array:
    """The colours from the lowest to the highest level, (256, 4) of red, green, blue, alpha in [0, 1], read-only.

    Of a diverging map the part that lies over the levels: equal distances from 0 have colours of equal strength.
    """
    start, stop = 0.0, 1.0
    if name in DIVERGING_MAPS:
        largest = max(map(abs, levels))
        start, stop = (0.5 + 0.5 * level / largest for level in levels)
    table: Float64Array = np.asarray(_colormap(name)(np.linspace(start, stop, COLOUR_STEPS)))
    table.setflags(write=False)
    return table


@lru_cache(maxsize=16)
def _colormap(name: str) -> Colormap:
    return Colormap(name)


# --- ranges ---


class RangeMode(Enum):
    """How the one range of all panels is chosen."""

    AUTOMATIC = "Auto"
    UNIT = "0 to 1"
    FIT = "Fit"
    TYPED = "Typed"


def range_modes(view: View) -> dict[RangeMode, str]:
    """The ways to choose a view's range, with what they are called; z has no bounds that it could be shown in."""
    names = {mode: mode.value for mode in RangeMode}
    if view.is_centred:
        names[RangeMode.UNIT] = "−1 to 1"
    if view is View.Z:
        del names[RangeMode.UNIT]
    return names


def chosen_range(arrays: Sequence[Float64Array], view: View, mode: RangeMode) -> tuple[float, float]:
    """The range of a mode for these arrays of one view.

    The automatic one is Figure 7's for φ, widened to 0–1 where it is exceeded. Every other view is centred: as far
    below 0 as above it, to the largest distance, which the automatic one rounds up to two figures. A mode that
    a view does not have is the automatic one.

    Raises:
        ValueError: the range is typed, so it cannot be chosen.
    """
    if mode is RangeMode.TYPED:
        raise ValueError("a typed range is given, not chosen")
    if view.is_centred:
        unit = mode is RangeMode.UNIT and mode in range_modes(view)
        reach = 1.0 if unit else largest_distance(arrays)
        reach = _rounded_up(reach) if mode is not RangeMode.FIT else reach
        return -reach, reach
    if mode is RangeMode.UNIT:
        return 0.0, 1.0
    return shared_range(arrays) if mode is RangeMode.AUTOMATIC else fitted_range(arrays)


def fitted_range(arrays: Sequence[Float64Array]) -> tuple[float, float]:
    """From the smallest to the largest defined value of all panels; 0–1 where there is none."""
    defined = [values for values in arrays if not np.isnan(values).all()]
    if not defined:
        return 0.0, 1.0
    low = min(float(np.nanmin(values)) for values in defined)
    high = max(float(np.nanmax(values)) for values in defined)
    return (low, high) if high - low > 1e-9 else (low - 0.5, low + 0.5)


def largest_distance(arrays: Sequence[Float64Array]) -> float:
    """How far the defined values of all panels reach from 0; 1 where there is none, or all are 0."""
    reach = max((float(np.nanmax(np.abs(v))) for v in arrays if not np.isnan(v).all()), default=0.0)
    return reach if reach > 1e-9 else 1.0


def counted_range(values: Float64Array) -> tuple[float, float]:
    """For numbers of directions: from 0 to the largest defined one, rounded up to two figures, and at least to 1."""
    return 0.0, max(1.0, _rounded_up(max(1e-9, largest_value([values]))))


def _rounded_up(value: float) -> float:
    """The next number of two figures: 180 for 177.1, 0.46 for 0.4512."""
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float(f"{math.ceil(value / unit - 1e-9) * unit:.2g}")


def shared_range(arrays: Sequence[Float64Array]) -> tuple[float, float]:
    """One range for all panels of a figure: Figure 7's 0–0.8, or 0–1 where any φ exceeds that."""
    return FIGURE_7_RANGE if largest_value(arrays) <= FIGURE_7_RANGE[1] else (0.0, 1.0)


def largest_value(arrays: Sequence[Float64Array]) -> float:
    """The largest defined value of all panels; 0 where there is none."""
    return max((float(np.nanmax(values)) for values in arrays if not np.isnan(values).all()), default=0.0)


def typed_range(low: str, high: str) -> tuple[float, float]:
    """The range that two numbers say as they were typed.

    Raises:
        ValueError: one is no number, is beyond ±10⁹, or the first is not below the second; the message says which.
    """
    numbers = []
    for text in (low, high):
        try:
            value = float(text.strip().replace("−", "-"))
        except ValueError:
            value = math.nan
        if not -_LARGEST_TYPED < value < _LARGEST_TYPED:
            raise ValueError(f"'{text.strip()}' is no number such as 0.8")
        numbers.append(value)
    if not numbers[0] < numbers[1]:
        raise ValueError(f"the lowest value, {low.strip()}, is not below the highest, {high.strip()}")
    return numbers[0], numbers[1]


def tick_positions(count: int, labels: int) -> list[int]:
    """1, 1 + step, …: at most `labels` of them, as seaborn thins them in the paper's figures."""
    step = max(1, -(-count // max(1, labels)))
    return list(range(1, count + 1, step))
