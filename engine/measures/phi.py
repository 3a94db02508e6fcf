"""φ, the normalised subspace similarity (Hu et al., arXiv 2106.09685v2, §7.2, app. G).

    φ(A, A', i, j) = ‖Uᵢᵀ U'ⱼ‖²_F / min(i, j)

With M = UᵀU' the whole matrix is the cumulative sum of M² along both axes, divided by min(i, j).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from engine.checkpoints.storage_types import Float64Array
from engine.measures.chance import expected_similarity, similarity_deviation
from engine.measures.measure import Chance, Kind
from engine.subspaces.facts import SideFacts
from engine.subspaces.overlap import Overlap

_LARGEST_KEPT = 1 << 17  # cells, 1 MB each of mean and deviation
_LARGEST_REMEMBERED = 1 << 13  # cells, 64 kB


class Phi:
    """φ(i, j), (r, r')."""

    name = "phi"
    symbol = "φ"
    term = "subspace similarity φ"
    kind = Kind.CELLS
    range = (0.0, 1.0)
    source = "Hu et al., arXiv 2106.09685v2, §7.2"

    def values(self, facts: SideFacts) -> Float64Array:
        """φ(i, j) at [i − 1, j − 1], read-only; NaN where i or j passes the numerical rank, where directions are
        arbitrary."""
        return phi(facts.overlap)

    def chance(self, shape: tuple[int, int], d: int) -> Chance:
        """E[φ] = max(i, j)/d and SD[φ] of random subspaces (docs/method.md, "Chance")."""
        return _kept_chance(*shape, d) if shape[0] * shape[1] <= _LARGEST_KEPT else _chance(*shape, d)


PHI = Phi()


def _chance(r: int, r_: int, d: int) -> Chance:
    expected, deviation = expected_similarity(r, r_, d), similarity_deviation(r, r_, d)
    for values in (expected, deviation):
        values.setflags(write=False)
    return Chance(expected, deviation)


@lru_cache(maxsize=32)  # the modules of an adapter have few shapes
def _kept_chance(r: int, r_: int, d: int) -> Chance:
    return _chance(r, r_, d)


def phi(overlap: Overlap) -> Float64Array:
    """φ (r, r') of an overlap, as `Phi.values`."""
    small = overlap.shape[0] * overlap.shape[1] <= _LARGEST_REMEMBERED
    return _remembered_phi(overlap) if small else _phi(overlap)


@lru_cache(maxsize=256)  # a panel is painted, read, summed up and drawn on paper, again and again
def _remembered_phi(overlap: Overlap) -> Float64Array:
    return _phi(overlap)


def _phi(overlap: Overlap) -> Float64Array:
    values = np.full(overlap.shape, np.nan)
    rank, rank_ = overlap.first.numerical_rank, overlap.second.numerical_rank
    sums = np.cumsum(np.cumsum(overlap.matrix[:rank, :rank_] ** 2, axis=0), axis=1)
    i, j = np.arange(1, rank + 1)[:, None], np.arange(1, rank_ + 1)[None, :]
    values[:rank, :rank_] = sums / np.minimum(i, j)
    values.setflags(write=False)
    return values
