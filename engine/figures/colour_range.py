"""Which colours stand for which value of a view, for the window and for figures alike."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from cmap import Colormap

from engine.checkpoints.storage_types import Float64Array
from engine.figures.colour_maps import DIVERGING_MAPS, FIGURE_7_RANGE, RangeMode, range_modes
from engine.measures.view import View

COLOUR_STEPS = 256
# Figure 7 ticks every sixth i and every fifth j of 64: eleven rows and thirteen columns of labels at most.
ROW_LABELS, COLUMN_LABELS = 11, 13


# --- colours ---


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


def tick_positions(count: int, labels: int) -> list[int]:
    """1, 1 + step, …: at most `labels` of them, as seaborn thins them in the paper's figures."""
    step = max(1, -(-count // max(1, labels)))
    return list(range(1, count + 1, step))
