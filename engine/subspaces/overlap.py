"""The overlap M = UᵀU' of two matrices' singular directions, from which φ and its kin follow.

Uᵢ holds the right-singular vectors of a matrix X (r, d) that belong to its i largest singular values
(Hu et al., arXiv 2106.09685v2, §7.2, app. G).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from engine.checkpoints.storage_types import FLOAT64, Float64Array, StorageType

# Two singular values closer than this, relative to the larger, are a tie: their order is arbitrary.
TIE_GAP = 1e-6


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Singular values of one matrix, descending, and how many of them are told from rounding.

    σ is `values` · 2**`exponent`: float64 of length min(r, d), zero where the matrix has no more directions. The
    exponent is 0 unless the matrix holds numbers near the ends of float64's range, where σ would leave it.
    """

    values: Float64Array
    numerical_rank: int
    exponent: int = 0

    @property
    def norm(self) -> float:
        """‖X‖_F, by all of its singular values."""
        with np.errstate(over="ignore", under="ignore"):
            return float(np.ldexp(np.linalg.norm(self.values), self.exponent))

    @property
    def ties(self) -> tuple[int, ...]:
        """The k, counted from 1, where σ_k and σ_{k+1} nearly coincide, so that φ at index k is not stable."""
        shown = self.values[: self.numerical_rank]
        gaps = (shown[:-1] - shown[1:]) / np.maximum(shown[:-1], np.finfo(np.float64).tiny)
        return tuple(int(k) + 1 for k in np.flatnonzero(gaps < TIE_GAP))


@dataclass(frozen=True, eq=False)
class Overlap:
    """What two matrices X (r, d) and X' (r', d) have in common.

    `matrix` is M = UᵀU', float64 of shape (min(r, d), min(r', d)), read-only: the cosines between the singular
    directions, arbitrary past the numerical ranks that `first` and `second` tell. `shape` is (r, r'), `dimension`
    is d. `method` is the way it was computed: "Gram", "CholeskyQR2" or "SVD", all in float64.
    """

    matrix: Float64Array
    shape: tuple[int, int]
    first: Spectrum
    second: Spectrum
    dimension: int
    method: str

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        return self.matrix.nbytes + self.first.values.nbytes + self.second.values.nbytes


def rank_tolerance(sigma: Float64Array, shape: tuple[int, int], type_: StorageType) -> Float64Array:
    """The singular values up to which directions cannot be told from rounding, (n,), for matrices of a shape (r, d)
    with singular values (n, k).

    float64 and float32: NumPy's rule, σ₁ · max(r, d) · eps. For half precision and float8 that rule, a worst
    case, would declare whole trained adapters void (max(r, d) · eps exceeds 1), so there it is the norm that the
    rounding to storage adds to a matrix of normal numbers, ‖E‖₂ ≈ (√r + √d) · eps · rms(X) / √12.
    """
    r, d = shape
    epsilon = type_.epsilon if type_.epsilon <= 2.0**-23 else FLOAT64.epsilon
    tolerance: Float64Array = sigma.max(axis=1, initial=0.0) * max(r, d) * epsilon
    if epsilon == type_.epsilon:
        return tolerance
    rms = np.sqrt(np.sum(sigma**2, axis=1) / (r * d))
    rounding: Float64Array = (math.sqrt(r) + math.sqrt(d)) * type_.epsilon * rms / math.sqrt(12.0)
    return np.maximum(tolerance, rounding)
