"""What φ is between two independent random subspaces (METHOD, "Chance level")."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from engine.checkpoints.storage_types import Float64Array


def expected_similarity(r: int, r_: int, d: int) -> Float64Array:
    """E[φ(i, j)] = max(i, j) / d for random subspaces of R^d, shape (r, r'); NaN where i or j exceeds d."""
    i, j = _indices(r, r_)
    return np.where((i <= d) & (j <= d), np.maximum(i, j) / d, np.nan)


def similarity_deviation(r: int, r_: int, d: int) -> Float64Array:
    """SD[φ(i, j)], shape (r, r'), from Var‖UᵢᵀU'ⱼ‖²_F = 2ij(d−i)(d−j) / (d²(d−1)(d+2)).

    NaN where i or j exceeds d; zero where a subspace is the whole space.
    """
    i, j = (index.astype(np.float64) for index in _indices(r, r_))
    if d == 1:
        return np.where((i <= 1) & (j <= 1), 0.0, np.nan)
    with np.errstate(invalid="ignore"):
        deviation = np.sqrt(2.0 * i * j * (d - i) * (d - j) / (d**2 * (d - 1.0) * (d + 2.0)))
    return np.where((i <= d) & (j <= d), deviation / np.minimum(i, j), np.nan)


def chance_of_cell(i: int, j: int, d: int) -> tuple[float, float]:
    """E[φ(i, j)] and SD[φ(i, j)] of one cell; NaN and NaN where i or j exceeds d."""
    if max(i, j) > d:
        return math.nan, math.nan
    if d == 1:
        return 1.0, 0.0
    variance = 2.0 * i * j * (d - i) * (d - j) / (d**2 * (d - 1.0) * (d + 2.0))
    return max(i, j) / d, math.sqrt(variance) / min(i, j)


@lru_cache(maxsize=64)
def chance_along_diagonal(r: int, d: int) -> tuple[Float64Array, Float64Array]:
    """E[φ(k, k)] and SD[φ(k, k)] for k = 1 … r, each of length r, read-only; NaN where k exceeds d."""
    levels = np.array([chance_of_cell(k, k, d) for k in range(1, r + 1)]).reshape(r, 2).T
    levels.setflags(write=False)
    return levels[0], levels[1]


def _indices(r: int, r_: int) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.int64]], ...]:
    i, j = np.ogrid[1 : r + 1, 1 : r_ + 1]
    return i, j
