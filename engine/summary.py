"""One number for a whole panel, for looking at many of them at once."""

from __future__ import annotations

from enum import Enum

import numpy as np

from engine.storage_types import Float64Array
from engine.subspace import SubspaceSimilarity


class Summary(Enum):
    """What stands for a panel. The first two are taken at a k."""

    DIAGONAL = "φ(k, k)"
    ABOVE_CHANCE = "φ(k, k) − chance"
    MEAN = "mean φ"

    @property
    def has_k(self) -> bool:
        """Whether it depends on k."""
        return self is not Summary.MEAN


def summary(similarity: SubspaceSimilarity, which: Summary, k: int) -> float:
    """The number; NaN where k passes a rank or a numerical rank."""
    values = similarity.values
    if which is Summary.MEAN:
        return float(np.nanmean(values)) if not np.isnan(values).all() else float("nan")
    if not 1 <= k <= min(values.shape):
        return float("nan")
    chance = k / similarity.dimension if which is Summary.ABOVE_CHANCE else 0.0
    return float(values[k - 1, k - 1]) - chance


def thumbnail(similarity: SubspaceSimilarity, size: int) -> Float64Array:
    """φ at size × size evenly spaced cells, the first and the last among them; smaller panels repeat cells."""
    values = similarity.values
    rows, columns = (np.linspace(0, n - 1, size).round().astype(int) for n in values.shape)
    picked: Float64Array = values[np.ix_(rows, columns)]
    return picked
