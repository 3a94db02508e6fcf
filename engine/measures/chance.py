"""What φ is between two independent random subspaces (docs/method.md, "Chance")."""

from __future__ import annotations

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


def _indices(r: int, r_: int) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.int64]], ...]:
    i, j = np.ogrid[1 : r + 1, 1 : r_ + 1]
    return i, j
