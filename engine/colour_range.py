"""Which colours stand for which φ, for the window and for figures alike."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import numpy as np

from engine.storage_types import Float64Array
from engine.views import View

COLOUR_MAPS = ("seaborn:rocket", "seaborn:mako", "magma", "viridis", "cividis", "gray")
DEFAULT_COLOUR_MAP = COLOUR_MAPS[0]
UNDEFINED_COLOUR = "#c9c9d3"
# Figure 7's own scale; a figure that holds more than it shows is drawn from 0 to 1.
FIGURE_7_RANGE = (0.0, 0.8)
# Figure 7 ticks every sixth i and every fifth j of 64: eleven rows and thirteen columns of labels at most.
ROW_LABELS, COLUMN_LABELS = 11, 13


class RangeMode(Enum):
    """How the one range of all panels is chosen."""

    AUTOMATIC = "Auto"
    UNIT = "0 to 1"
    FIT = "Fit"
    TYPED = "Typed"


def chosen_range(arrays: Sequence[Float64Array], view: View, mode: RangeMode) -> tuple[float, float]:
    """The range of a mode for these arrays of one view.

    The automatic one is Figure 7's, widened to 0–1 where it is exceeded, for φ, and fits any other view. z is
    never shown from 0 to 1, where it has no bounds.

    Raises:
        ValueError: the range is typed, so it cannot be chosen.
    """
    if mode is RangeMode.TYPED:
        raise ValueError("a typed range is given, not chosen")
    if mode is RangeMode.UNIT and view is not View.Z:
        return 0.0, 1.0
    return shared_range(arrays) if mode is RangeMode.AUTOMATIC and view is View.PHI else fitted_range(arrays)


def fitted_range(arrays: Sequence[Float64Array]) -> tuple[float, float]:
    """From the smallest to the largest defined value of all panels; 0–1 where there is none."""
    defined = [values for values in arrays if not np.isnan(values).all()]
    if not defined:
        return 0.0, 1.0
    low = min(float(np.nanmin(values)) for values in defined)
    high = max(float(np.nanmax(values)) for values in defined)
    return (low, high) if high - low > 1e-9 else (low - 0.5, low + 0.5)


def shared_range(arrays: Sequence[Float64Array]) -> tuple[float, float]:
    """One range for all panels of a figure: Figure 7's 0–0.8, or 0–1 where any φ exceeds that."""
    largest = max((float(np.nanmax(values)) for values in arrays if not np.isnan(values).all()), default=0.0)
    return FIGURE_7_RANGE if largest <= FIGURE_7_RANGE[1] else (0.0, 1.0)


def tick_positions(count: int, labels: int) -> list[int]:
    """1, 1 + step, …: at most `labels` of them, as seaborn thins them in the paper's figures."""
    step = max(1, -(-count // max(1, labels)))
    return list(range(1, count + 1, step))
