"""How names and numbers are put into sentences, and the order in which people count."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

_DIGITS = re.compile("[0-9]+")
_LARGEST_PLAIN, _MOST_DIGITS = 1e5, 6


def natural_key(text: str) -> str:
    """A key that sorts numbers in names as numbers: `checkpoint-2` before `checkpoint-10`."""
    return _DIGITS.sub(_with_length, text)


def _with_length(digits: re.Match[str]) -> str:
    number = digits[0].lstrip("0") or "0"
    return f"{len(number):03}{number}"


def natural(names: Iterable[str]) -> list[str]:
    """Names in natural order."""
    return sorted(names, key=natural_key)


def count(number: int, noun: str) -> str:
    """`1 module`, `12 modules`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def listed(items: Sequence[str], most: int = 4) -> str:
    """`a, b, c`; of more than `most` the first of them and `…`."""
    return ", ".join(items[:most]) + (", …" if len(items) > most else "")


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


def own_words(error: BaseException) -> str:
    """What an exception says, without the number that the operating system gives it: `Permission denied: /x`."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return str(error)


def file_size(size: int) -> str:
    """Bytes as people read them, in powers of 1000."""
    value = float(size)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"
