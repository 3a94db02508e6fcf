"""Three ways to look at φ: as it is, above chance, and in standard deviations from chance."""

from __future__ import annotations

from enum import Enum

import numpy as np

from engine.chance import expected_similarity, similarity_deviation
from engine.storage_types import Float64Array
from engine.subspace import SubspaceSimilarity


class View(Enum):
    """What a panel shows of φ."""

    PHI = "phi"
    ABOVE_CHANCE = "above-chance"
    Z = "z"

    @property
    def symbol(self) -> str:
        """What is shown, in symbols: φ, φ − chance, z."""
        return _SYMBOLS[self]


_SYMBOLS = {View.PHI: "φ", View.ABOVE_CHANCE: "φ − chance", View.Z: "z"}


def view_values(similarity: SubspaceSimilarity, view: View) -> Float64Array:
    """What a view shows of φ, shape (r, r'), float64; NaN where φ is undefined.

    φ − E[φ] above chance; z = (φ − E[φ]) / SD[φ], NaN where a subspace is the whole space and SD is zero
    (METHOD, "Chance level").
    """
    values = similarity.values
    if view is View.PHI:
        return values
    r, r_ = values.shape[0], values.shape[1]
    above = values - expected_similarity(r, r_, similarity.dimension)
    if view is View.ABOVE_CHANCE:
        return above
    deviation = similarity_deviation(r, r_, similarity.dimension)
    return np.divide(above, deviation, out=np.full_like(above, np.nan), where=deviation > 0)
