"""Every side in one form: a matrix X (r, d) whose right-singular vectors are the ones wanted.

A         X = A               d = d_in
B         X = Bᵀ              d = d_out
ΔW right  X = R_B A           d = d_in      with B  = Q_B R_B, so that ΔW  = Q_B (R_B A)
ΔW left   X = R_A Bᵀ          d = d_out     with Aᵀ = Q_A R_A, so that ΔWᵀ = Q_A (R_A Bᵀ)
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engine.checkpoints.storage_types import FLOAT64, Float64Array, StorageType, StoredArray
from engine.errors import MalformedAdapter
from engine.side import Side
from engine.sources.source import FactorArrays

# Numbers between these have squares, and sums of squares, far from the ends of float64's range.
LARGEST_INSIDE = (1e-100, 1e100)


@dataclass(frozen=True, eq=False)
class RowMatrix:
    """A matrix X (r, d) whose right-singular vectors are wanted.

    X is what `stored` holds · 2**`exponent`. `type` says how coarse the numbers are that it was made of, `name` is
    what a reader calls it, and `path` the file that it comes from.
    """

    stored: StoredArray
    type: StorageType
    name: str = "The matrix"
    path: Path | None = None
    exponent: int = 0

    @property
    def shape(self) -> tuple[int, int]:
        """(r, d)."""
        r, d = self.stored.shape
        return r, d

    def finite(self) -> tuple[Float64Array, int]:
        """X in float64 and an exponent e, X · 2**e being the matrix: a power of two is taken out where products of
        its numbers would leave float64's range.

        Raises:
            MalformedAdapter: it holds NaN or Inf.
        """
        X = self.stored.widened()
        if not np.isfinite(X).all():
            raise MalformedAdapter(f"{self.name} holds NaN or Inf, so it has no singular vectors.", path=self.path)
        largest = float(np.abs(X).max(initial=0.0))
        if largest == 0.0 or LARGEST_INSIDE[0] < largest < LARGEST_INSIDE[1]:
            return X, self.exponent
        exponent = math.frexp(largest)[1]
        return np.ldexp(X, -exponent), self.exponent + exponent


def row_matrix(factors: FactorArrays, side: Side, path: Path | None = None) -> RowMatrix:
    """Bring the factors of one module to the form of a side; ΔW is never formed.

    Raises:
        MalformedAdapter: a factor that the side needs was not read, or one of ΔW's holds NaN or Inf.
    """
    if side is Side.A:
        return _factor(factors.A, "A", path)
    B = _factor(factors.B, "B", path)
    if side is Side.B:
        return RowMatrix(StoredArray(B.stored.data.T, B.type), B.type, B.name, path)
    A = _factor(factors.A, "A", path)
    if factors.E is not None:
        B = _times_diagonal(B, factors.E)
    (wide_A, exponent_A), (wide_B, exponent_B) = A.finite(), B.finite()
    if side is Side.DW_RIGHT:
        X = np.linalg.qr(wide_B, mode="r") @ wide_A
    else:
        X = np.linalg.qr(wide_A.T, mode="r") @ wide_B.T
    # Where r is more than the other side's dimension, the triangle has fewer rows than r: ΔW has no more directions.
    X = np.pad(X, ((0, wide_A.shape[0] - X.shape[0]), (0, 0)))
    coarsest = max((A.type, B.type), key=lambda type_: type_.epsilon)
    return RowMatrix(StoredArray(X, FLOAT64), coarsest, "ΔW", path, exponent_A + exponent_B)


def _factor(stored: StoredArray | None, name: str, path: Path | None) -> RowMatrix:
    if stored is None:
        raise MalformedAdapter(f"{name} was not read.", path=path)
    return RowMatrix(stored, stored.type, name, path)


def _times_diagonal(B: RowMatrix, E: StoredArray) -> RowMatrix:
    """B times the diagonal, as numbers of float64."""
    return replace(B, stored=StoredArray(B.stored.widened() * E.widened().reshape(1, -1), FLOAT64), type=FLOAT64)
