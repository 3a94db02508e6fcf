"""φ, the normalised subspace similarity of two adapters' modules (Hu et al., arXiv 2106.09685v2, §7.2, app. G).

    φ(A, A', i, j) = ‖Uᵢᵀ U'ⱼ‖²_F / min(i, j)

where Uᵢ holds the singular vectors of A that belong to its i largest singular values. With M = UᵀU' the whole
matrix is the cumulative sum of M² along both axes, divided by min(i, j).

Every side is brought to one form, a matrix X of shape (r, d) whose right-singular vectors are the ones wanted:

    A         X = A               d = d_in
    B         X = Bᵀ              d = d_out
    ΔW right  X = R_B A           d = d_in      with B  = Q_B R_B, so that ΔW  = Q_B (R_B A)
    ΔW left   X = R_A Bᵀ          d = d_out     with Aᵀ = Q_A R_A, so that ΔWᵀ = Q_A (R_A Bᵀ)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.checkpoints.storage_types import FLOAT64, Float64Array, StorageType, StoredArray
from engine.errors import MalformedAdapter
from engine.side import Side
from engine.sources.source import FactorArrays
from engine.subspaces.algebra import Algebra, NumpyAlgebra

# Two singular values closer than this, relative to the larger, are a tie: their order is arbitrary.
TIE_GAP = 1e-6

# The Gram route loses accuracy as eps σ₁² / (σ_k² − σ_{k+1}²): measured over random, graded and trained spectra,
# φ was off by at most 1.1e-15 times that amplification. This bound keeps it below 2e-10.
_LARGEST_AMPLIFICATION = 1.5e5
# Numbers between these have squares, and sums of squares, far from the ends of float64's range.
_LARGEST_INSIDE = (1e-100, 1e100)


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
class SubspaceSimilarity:
    """φ of one pair of modules.

    `values` is float64 of shape (r, r'), read-only; `values[i - 1, j - 1]` is φ(i, j), NaN where i or j passes
    the numerical rank and the directions would be arbitrary. `dimension` is d, that of the space that holds both
    subspaces. `method` is "Gram" or "SVD", the way it was computed; both are float64.
    """

    values: Float64Array
    first: Spectrum
    second: Spectrum
    dimension: int
    method: str


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
        if largest == 0.0 or _LARGEST_INSIDE[0] < largest < _LARGEST_INSIDE[1]:
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


def subspace_similarity(
    first: RowMatrix, second: RowMatrix, gram: Float64Array | None = None, algebra: Algebra | None = None
) -> SubspaceSimilarity:
    """φ of two matrices X (r, d) and X' (r', d), exact to 1e-9 in every well-posed cell.

    By the three r × r Gram products where their own spectrum says that this is exact enough, by the singular
    value decomposition of each matrix where it is not.

    `gram` is Z Zᵀ of Z = [X; X'] where it is known already; `algebra` computes what is not, by default NumPy.

    Raises:
        MalformedAdapter: the two live in spaces of different dimension, or one holds NaN or Inf.
        DeviceFailure: the algebra's device failed.
    """
    (r, d), (r_, d_) = first.shape, second.shape
    if d != d_:
        raise MalformedAdapter("The two matrices live in spaces of different dimension.", expected=d, found=d_)
    algebra = algebra or NumpyAlgebra()
    if gram is None:
        gram = algebra.grams([algebra.stage(first.stored, second.stored)])[0]
    directions = directions_ = None
    if _within_range(gram, r):
        directions, directions_ = _gram_directions(gram[:r, :r]), _gram_directions(gram[r:, r:])
    if directions is not None and directions_ is not None:
        (sigma, V), (sigma_, V_) = directions, directions_
        exponent, exponent_ = first.exponent, second.exponent
        overlaps = V.T @ gram[:r, r:] @ V_
        method = "Gram"
    else:
        (X, exponent), (Y, exponent_) = first.finite(), second.finite()
        (sigma, U), (sigma_, U_) = algebra.right_singular(X), algebra.right_singular(Y)
        overlaps = U @ U_.T
        method = "SVD"
    spectrum, spectrum_ = _spectrum(sigma, exponent, first), _spectrum(sigma_, exponent_, second)
    values = _cumulative(overlaps, r, r_, spectrum.numerical_rank, spectrum_.numerical_rank)
    return SubspaceSimilarity(values, spectrum, spectrum_, d, method)


def _within_range(gram: Float64Array, r: int) -> bool:
    """Whether the squares in a Gram matrix of both neither overflowed nor underflowed; NaN and Inf show here too."""
    squares = np.diagonal(gram)
    low, high = (limit**2 for limit in _LARGEST_INSIDE)
    return bool(np.isfinite(gram).all()) and low < squares[:r].max() < high and low < squares[r:].max() < high


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


def _cumulative(overlaps: Float64Array, r: int, r_: int, rank: int, rank_: int) -> Float64Array:
    """φ (r, r') from M = UᵀU': cumulative sums of M² along both axes over min(i, j), NaN past the ranks."""
    values = np.full((r, r_), np.nan)
    sums = np.cumsum(np.cumsum(overlaps[:rank, :rank_] ** 2, axis=0), axis=1)
    i, j = np.arange(1, rank + 1)[:, None], np.arange(1, rank_ + 1)[None, :]
    values[:rank, :rank_] = sums / np.minimum(i, j)
    values.setflags(write=False)
    return values
