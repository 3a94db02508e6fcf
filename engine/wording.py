"""How names and numbers are put into sentences, and the order in which people count."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_DIGITS = re.compile("[0-9]+")


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
