"""About how much an export takes, known before anything is computed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from engine.matching.pairing import ModulePair
from engine.side import Side

# Bytes from which on it is said beforehand how much will be written.
WORTH_SAYING = 100_000_000
# Measured: characters of φ's digits, and bytes of φ in the archive.
_PHI_CHARACTERS, _PHI_ARCHIVED = 19.0, 7.4


def tables_size(pairs: Iterable[ModulePair], side: Side, data: Sequence[str]) -> int:
    """About how many bytes the tables of these pairs take, where every cell is defined; `data` of DATA_KINDS."""
    total = 0.0
    for pair in pairs:
        r, r_ = pair.shape
        if "csv" in data:
            path = pair.path
            names = sum(len(name) + 1 for name in (path.tower, path.layer_label, path.projection, path.name))
            row = names + _other_characters(r, r_, pair.dimension(side) or 1) + _PHI_CHARACTERS
            total += r * r_ * (row + _PHI_CHARACTERS + 1)
        if "npz" in data:
            total += r * r_ * _PHI_ARCHIVED
    return round(total)


@lru_cache(maxsize=256)
def _other_characters(r: int, r_: int, d: int) -> float:
    """How long i, j and chance of a row are on average, with the commas between them and the line's end."""
    low, high = sorted((r, r_))
    cells = ((2 * k - 1 if k <= low else low, k) for k in range(1, min(high, d) + 1))  # how many have max(i, j) = k
    chance = sum(count * len(repr(k / d)) for count, k in cells) / (r * r_)
    return _digits(r) + _digits(r_) + chance + 4


def _digits(n: int) -> float:
    return sum(len(str(k)) for k in range(1, n + 1)) / n
