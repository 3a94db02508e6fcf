"""The numbers beside a colour bar, for the window and for figures alike."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from engine.measures.view import CHANCE_SD, View
from engine.wording import number_text

_MOST_STEPS = 10
_ALL_DIGITS = 12
_AIR = 1.15  # distance of two labels' middles, in heights of a label
# What the middle of the bar is called where both marks are too close to 0 for labels of their own.
_BOTH_MARKS = f"±{CHANCE_SD:g} SD"


@dataclass(frozen=True)
class BarTick:
    """A place on the bar, and what is written beside it."""

    value: float
    text: str


def bar_ticks(levels: tuple[float, float], view: View, label: float) -> list[BarTick]:
    """Both ends of a bar, its marks, and round numbers between them; no two labels meet.

    `label` is what the height of one takes of the bar's length. A mark is named where it has room: the ends come
    first, then the marks, then round numbers.
    """
    low, high = levels
    least = _AIR * label * (high - low)
    step = _step(high - low, max(1, min(_MOST_STEPS, int(1 / (1.6 * label)))))

    def is_free(value: float, taken: Sequence[float]) -> bool:
        return all(abs(value - other) >= least for other in taken)

    named = {value: text for value, text in _named_marks(view, least).items() if is_free(value, levels)}
    named = {value: text for value, text in named.items() if low < value < high}
    first = math.ceil(low / step - 1e-9)
    multiples = [k * step for k in range(first, math.floor(high / step + 1e-9) + 1)]
    plain = [low, *(value for value in multiples if is_free(value, [low, high, *named])), high]
    digits = _digits(plain, step)
    texts = [number_text(value, _enough(value, digits, step)) for value in plain]
    if len(set(texts)) < len(texts):  # large numbers close together
        texts = [number_text(value, _ALL_DIGITS) for value in plain]
    ticks = [BarTick(value, text) for value, text in zip(plain, texts, strict=True)]
    return sorted((*ticks, *(BarTick(*mark) for mark in named.items())), key=lambda tick: tick.value)


def bar_marks(levels: tuple[float, float], view: View) -> list[float]:
    """The values within the levels that are marked across the bar."""
    return [value for value in view.marks if levels[0] < value < levels[1]]


def _named_marks(view: View, least: float) -> dict[float, str]:
    if not view.marks:
        return {}
    low, high = view.marks
    if high - low < least:
        return {0.0: _BOTH_MARKS}
    return {value: f"{number_text(value, 0)} SD" for value in view.marks}


def _step(span: float, most: int) -> float:
    """1, 2 or 5 times a power of ten, of which no more than `most` fit into the span."""
    power = 10.0 ** math.floor(math.log10(span / most))
    return next(factor * power for factor in (1, 2, 5, 10) if span / (factor * power) <= most * (1 + 1e-9))


def _enough(value: float, digits: int, step: float) -> int:
    """As many decimals, or the few more by which an end is told to a hundredth of itself and a tenth of a step."""
    tolerance = min(0.01 * abs(value), 0.1 * step)
    return next((n for n in range(digits, digits + 6) if abs(round(value, n) - value) <= tolerance), digits)


def _digits(values: Sequence[float], step: float) -> int:
    """Decimals for all: as many as the longest needs up to three, fewer for large values, enough for the step."""
    needed = next((n for n in range(3) if all(abs(round(value, n) - value) < 1e-9 for value in values)), 3)
    whole = len(f"{max(map(abs, values)):.0f}")
    least = max(0, -math.floor(math.log10(step) + 1e-9))
    return max(least, needed if whole == 1 else min(needed, max(0, 3 - whole)))
