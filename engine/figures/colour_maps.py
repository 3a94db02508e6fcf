"""The colours and ranges that can be chosen.

φ has a beginning and an end, and takes a sequential map. φ − chance and z have a middle, chance, and take a diverging
map whose middle stays at 0 whatever the range.
"""

from __future__ import annotations

import math
from enum import Enum

from engine.measures.view import View

COLOUR_MAPS = ("seaborn:rocket", "seaborn:mako", "magma", "viridis", "cividis", "gray")
# icefire has rocket's colours above its dark middle, so that chance is dark in every view, as low φ is in the paper's
# figures; a white line and the grey of undefined cells stand out from it. The others are for those who want white.
DIVERGING_MAPS = ("seaborn:icefire", "cmocean:balance", "crameri:vik")
UNDEFINED_COLOUR = "#c9c9d3"
# Figure 7's own scale; a figure that holds more than it shows is drawn from 0 to 1.
FIGURE_7_RANGE = (0.0, 0.8)
_LARGEST_TYPED = 1e9


def maps_of(view: View) -> tuple[str, ...]:
    """The maps that are made for the values of a view; the first is its own."""
    return DIVERGING_MAPS if view.is_centred else COLOUR_MAPS


def suits(name: str, view: View) -> bool:
    """Whether a view can be drawn with a map: a diverging one has a middle, which φ has not."""
    return name in COLOUR_MAPS or name in maps_of(view)


def why_unsuited(name: str, view: View) -> str:
    """Why a view cannot be drawn with a map that does not suit it, without a full stop."""
    return f"{short_name(name)} is a map with a middle, for φ above chance and z; {view.symbol} has none"


def short_names() -> list[str]:
    """The names of all maps, without those of their collections."""
    return [short_name(name) for name in (*COLOUR_MAPS, *DIVERGING_MAPS)]


def map_name(text: str) -> str | None:
    """The map that a text names, `seaborn:rocket` or `rocket`; None where there is none."""
    every = (*COLOUR_MAPS, *DIVERGING_MAPS)
    return text if text in every else next((name for name in every if short_name(name) == text), None)


def short_name(name: str) -> str:
    """A map's name without that of its collection: `rocket`."""
    return name.rpartition(":")[2]


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
