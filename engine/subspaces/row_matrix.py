"""Both factors in one form: a matrix X (r, d) whose rows span the subspace, A in R^d_in and Bᵀ in R^d_out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.checkpoints.storage_types import Float64Array, StorageType, StoredArray
from engine.errors import MalformedAdapter

# Numbers between these have squares, and sums of squares, far from the ends of float64's range.
LARGEST_INSIDE = (1e-100, 1e100)


@dataclass(frozen=True, eq=False)
class RowMatrix:
    """A matrix X (r, d) whose right-singular vectors are wanted.

    `type` says how coarse the numbers are that it was made of, `name` is what a reader calls it, and `path` the file
    that it comes from.
    """

    stored: StoredArray
    type: StorageType
    name: str = "The matrix"
    path: Path | None = None

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
            return X, 0
        exponent = math.frexp(largest)[1]
        return np.ldexp(X, -exponent), exponent


def rows_of_A(A: StoredArray, path: Path | None = None) -> RowMatrix:
    """A (r, d_in): its right-singular vectors are those of side A."""
    return RowMatrix(A, A.type, "A", path)


def rows_of_B(B: StoredArray, path: Path | None = None) -> RowMatrix:
    """Bᵀ of B (d_out, r): its right-singular vectors are the left-singular ones of B."""
    return RowMatrix(StoredArray(B.data.T, B.type), B.type, "B", path)
