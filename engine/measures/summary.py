"""One number, or a thumbnail, for a whole panel, for looking at many of them at once."""

from __future__ import annotations

from enum import Enum

import numpy as np

from engine.checkpoints.storage_types import Float64Array
from engine.measures.phi import PHI
from engine.measures.significance import shared_dimensions
from engine.measures.view import View
from engine.measures.views import view_values
from engine.subspaces.facts import SideFacts


class Summary(Enum):
    """What stands for a panel: its value at i = j = k, the mean of its defined cells, or what is shared.

    The first two are values of the view; the directions shared beyond chance at full rank are the same in every view.
    """

    DIAGONAL = "at k, k"
    MEAN = "mean"
    SHARED = "shared"

    @property
    def has_k(self) -> bool:
        """Whether it depends on k."""
        return self is Summary.DIAGONAL


def summary_name(which: Summary, view: View, k: int) -> str:
    """What the number is called: `mean φ`, `z at 8, 8`, `directions shared beyond chance`."""
    if which is Summary.SHARED:
        return "directions shared beyond chance"
    return f"mean {view.symbol}" if which is Summary.MEAN else f"{view.symbol} at {k}, {k}"


def summary(facts: SideFacts, view: View, which: Summary, k: int) -> float:
    """The number that stands for a panel; NaN where k or the full rank passes a rank or a numerical rank."""
    if which is Summary.SHARED:
        r, r_ = facts.shape
        return float(shared_dimensions(PHI.values(facts)[-1, -1], r, r_, facts.dimension))
    values = view_values(facts, view)
    if which is Summary.MEAN:
        return float(np.nanmean(values)) if not np.isnan(values).all() else float("nan")
    inside = 1 <= k <= values.shape[0] and k <= values.shape[1]
    return float(values[k - 1, k - 1]) if inside else float("nan")


def thumbnail(values: Float64Array, size: int) -> Float64Array:
    """size × size evenly spaced cells of a panel, its first and last among them; smaller panels repeat cells."""
    rows, columns = (np.linspace(0, n - 1, size).round().astype(int) for n in values.shape)
    picked: Float64Array = values[np.ix_(rows, columns)]
    return picked
