"""The overlap M = UᵀU' of two matrices' singular directions, from which φ and its kin follow.

Uᵢ holds the right-singular vectors of a matrix X (r, d) that belong to its i largest singular values
(Hu et al., arXiv 2106.09685v2, §7.2, app. G).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.checkpoints.storage_types import FLOAT64, Float64Array, StorageType
from engine.errors import MalformedAdapter
from engine.subspaces.algebra import Algebra, NumpyAlgebra
from engine.subspaces.row_matrix import LARGEST_INSIDE, RowMatrix

# Two singular values closer than this, relative to the larger, are a tie: their order is arbitrary.
TIE_GAP = 1e-6

# The Gram route loses accuracy as eps σ₁² / (σ_k² − σ_{k+1}²): measured over random, graded and trained spectra,
# φ was off by at most 1.1e-15 times that amplification. This bound keeps it below 2e-10.
_LARGEST_AMPLIFICATION = 1.5e5


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
    is d. `method` is "Gram" or "SVD", the way it was computed; both are float64.
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


class Stack:
    """Matrices X, X', … of one space R^d, each decomposed once, and what any two of them have in common.

    `gram` is Z Zᵀ of Z = [X; X'; …]; `algebra` decomposes where that loses accuracy.
    """

    def __init__(self, matrices: Sequence[RowMatrix], gram: Float64Array, algebra: Algebra) -> None:
        """
        Raises:
            MalformedAdapter: they live in spaces of different dimension.
        """
        dimensions = [matrix.shape[1] for matrix in matrices]
        if len(set(dimensions)) > 1:
            other = next(d for d in dimensions if d != dimensions[0])
            raise MalformedAdapter(
                "The two matrices live in spaces of different dimension.", expected=dimensions[0], found=other
            )
        self._matrices, self._gram, self._algebra = matrices, gram, algebra
        ends = np.cumsum([0, *(matrix.shape[0] for matrix in matrices)]).tolist()
        self._rows = [slice(start, stop) for start, stop in itertools.pairwise(ends)]
        self._by_gram: dict[int, tuple[Float64Array, Float64Array] | None] = {}
        self._by_svd: dict[int, tuple[Float64Array, Float64Array, int]] = {}

    def overlap(self, first: int, second: int) -> Overlap:
        """What the matrices in these two places have in common, exact to 1e-9 in every well-posed cell of φ.

        Raises:
            MalformedAdapter: one holds NaN or Inf.
            DeviceFailure: the algebra's device failed.
        """
        X, Y = self._matrices[first], self._matrices[second]
        one, other = self._directions(first), self._directions(second)
        cross = self._gram[self._rows[first], self._rows[second]]
        if one is not None and other is not None and np.isfinite(cross).all():
            (sigma, V), (sigma_, V_) = one, other
            exponents = X.exponent, Y.exponent
            M = V.T @ cross @ V_
            method = "Gram"
        else:
            (sigma, U, exponent), (sigma_, U_, exponent_) = self._decomposed(first), self._decomposed(second)
            exponents = exponent, exponent_
            M = U @ U_.T
            method = "SVD"
        M.setflags(write=False)
        spectra = _spectrum(sigma, exponents[0], X), _spectrum(sigma_, exponents[1], Y)
        return Overlap(M, (X.shape[0], Y.shape[0]), *spectra, X.shape[1], method)

    def _directions(self, place: int) -> tuple[Float64Array, Float64Array] | None:
        """σ and V Σ⁻¹ of a matrix by its Gram matrix; None where that loses accuracy."""
        if place not in self._by_gram:
            block = self._gram[self._rows[place], self._rows[place]]
            self._by_gram[place] = _gram_directions(block) if _within_range(block) else None
        return self._by_gram[place]

    def _decomposed(self, place: int) -> tuple[Float64Array, Float64Array, int]:
        """σ, the right-singular vectors as rows, and the exponent of a matrix by its decomposition."""
        if place not in self._by_svd:
            X, exponent = self._matrices[place].finite()
            self._by_svd[place] = (*self._algebra.right_singular(X), exponent)
        return self._by_svd[place]


def overlap_of(first: RowMatrix, second: RowMatrix) -> Overlap:
    """What two matrices have in common, by NumPy.

    Raises:
        MalformedAdapter: the two live in spaces of different dimension, or one holds NaN or Inf.
        DeviceFailure: a decomposition does not converge.
    """
    return stacked((first, second), NumpyAlgebra()).overlap(0, 1)


def stacked(matrices: Sequence[RowMatrix], algebra: Algebra) -> Stack:
    """Matrices of one space with the product that they need.

    Raises:
        MalformedAdapter: they live in spaces of different dimension.
        DeviceFailure: the algebra's device failed.
    """
    gram = algebra.grams([algebra.stage([matrix.stored for matrix in matrices])])[0]
    return Stack(matrices, gram, algebra)


def _within_range(gram: Float64Array) -> bool:
    """Whether the squares in a Gram matrix neither overflowed nor underflowed; NaN and Inf show here too."""
    low, high = (limit**2 for limit in LARGEST_INSIDE)
    return bool(np.isfinite(gram).all()) and low < np.diagonal(gram).max() < high


def _gram_directions(gram: Float64Array) -> tuple[Float64Array, Float64Array] | None:
    """σ (descending) and V Σ⁻¹ of a Gram matrix X Xᵀ, so that U = Xᵀ V Σ⁻¹; None where that loses accuracy."""
    squares, V = np.linalg.eigh(gram)
    squares, V = squares[::-1], V[:, ::-1]
    gaps = squares - np.append(squares[1:], 0.0)
    if not gaps.min() * _LARGEST_AMPLIFICATION > squares[0]:
        return None
    sigma = np.sqrt(squares)
    return sigma, V / sigma


def _spectrum(sigma: Float64Array, exponent: int, matrix: RowMatrix) -> Spectrum:
    tolerance = rank_tolerance(sigma, matrix.shape, matrix.type)
    values = sigma.copy()
    values.setflags(write=False)
    return Spectrum(values, int(np.count_nonzero(sigma > tolerance)), exponent)


def rank_tolerance(sigma: Float64Array, shape: tuple[int, ...], type_: StorageType) -> float:
    """The singular value up to which a direction cannot be told from rounding.

    float64 and float32: NumPy's rule, σ₁ · max(r, d) · eps. For half precision and float8 that rule, a worst
    case, would declare whole trained adapters void (max(r, d) · eps exceeds 1), so there it is the norm that the
    rounding to storage adds to a matrix of normal numbers, ‖E‖₂ ≈ (√r + √d) · eps · rms(X) / √12.
    """
    if sigma.size == 0:
        return 0.0
    r, d = shape
    exact = float(sigma[0]) * max(r, d)
    if type_.epsilon <= 2.0**-23:
        return exact * type_.epsilon
    rms = math.sqrt(float(np.sum(sigma**2)) / (r * d))
    rounding = (math.sqrt(r) + math.sqrt(d)) * type_.epsilon * rms / math.sqrt(12.0)
    return max(rounding, exact * FLOAT64.epsilon)
