"""Numbers as people read them: a real minus sign, and none before a zero."""

from __future__ import annotations

import math

_LARGEST_PLAIN, _MOST_DIGITS = 1e5, 6


def number_text(value: float, digits: int) -> str:
    """`0.1250` for 4 digits, `−3.1` for 1; `0.0`, never `−0.0`; a dash where it is undefined.

    What would be a long row of figures is written with a power of ten: `1.5e7`, `2e−9`.
    """
    if math.isnan(value):
        return "–"
    if digits > _MOST_DIGITS:
        text = _with_power(value, 10)
    elif abs(value) >= _LARGEST_PLAIN:
        text = _with_power(value, 4)
    else:
        text = f"{value:.{digits}f}"
    if not text.strip("-0."):
        text = text.lstrip("-")
    return text.replace("-", "−")


def _with_power(value: float, figures: int) -> str:
    mantissa, _, power = f"{value:.{figures}g}".partition("e")
    return mantissa + (f"e{int(power)}" if power else "")
