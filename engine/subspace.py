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

import numpy as np

from engine.adapter import LoraFactors
from engine.algebra import Algebra, NumpyAlgebra
from engine.errors import MalformedAdapter
from engine.side import Side
from engine.storage_types import FLOAT64, Float64Array, StorageType

# Two singular values closer than this, relative to the larger, are a tie: their order is arbitrary.
TIE_GAP = 1e-6

# The Gram route loses accuracy as eps σ₁² / (σ_k² − σ_{k+1}²): measured over random, graded and trained spectra,
# φ was off by at most 1.1e-15 times that amplification. This bound keeps it below 2e-10.
_LARGEST_AMPLIFICATION = 1.5e5


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Singular values of one matrix, descending, and how many of them are told from rounding.

    `values` is float64 of length min(r, d), zero where the matrix has no more directions.
    """

    values: Float64Array
    numerical_rank: int

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
    """A matrix X (r, d) in float64 whose right-singular vectors are wanted, and how coarse its numbers are."""

    X: Float64Array
    type: StorageType


def row_matrix(factors: LoraFactors, side: Side) -> RowMatrix:
    """Bring the factors of one module to the form of a side; ΔW is never formed.

    Raises:
        MalformedAdapter: a factor that the side needs was not read, or holds NaN or Inf.
    """
    A = _widened(factors, "A") if side.needs_A else None
    B = _widened(factors, "B") if side.needs_B else None
    types = [f.type for f, needed in ((factors.A, side.needs_A), (factors.B, side.needs_B)) if f and needed]
    coarsest = max(types, key=lambda type_: type_.epsilon)
    if side is Side.A and A is not None:
        X = A
    elif side is Side.B and B is not None:
        X = np.ascontiguousarray(B.T)
    elif A is not None and B is not None:
        X = np.linalg.qr(B, mode="r") @ A if side is Side.DW_RIGHT else np.linalg.qr(A.T, mode="r") @ B.T
    return RowMatrix(X, coarsest)


def _widened(factors: LoraFactors, name: str) -> Float64Array:
    stored = factors.A if name == "A" else factors.B
    if stored is None:
        raise MalformedAdapter(f"{name} was not read.")
    widened = stored.widened()
    if not np.isfinite(widened).all():
        raise MalformedAdapter(f"{name} holds NaN or Inf, so it has no singular vectors.")
    return widened


def subspace_similarity(first: RowMatrix, second: RowMatrix, algebra: Algebra | None = None) -> SubspaceSimilarity:
    """φ of two matrices X (r, d) and X' (r', d), exact to 1e-9 in every well-posed cell.

    By the three r × r Gram products where their own spectrum says that this is exact enough, by the singular
    value decomposition of each matrix where it is not.

    `algebra` computes the products and decompositions; by default NumPy does.

    Raises:
        MalformedAdapter: the two live in spaces of different dimension.
        DeviceFailure: the algebra's device failed.
    """
    algebra = algebra or NumpyAlgebra()
    X, Y = _scaled(first.X), _scaled(second.X)
    if X.shape[1] != Y.shape[1]:
        raise MalformedAdapter(
            "The two matrices live in spaces of different dimension.", expected=X.shape[1], found=Y.shape[1]
        )
    r = X.shape[0]
    gram = algebra.gram(np.concatenate((X, Y)))
    directions, directions_ = _gram_directions(gram[:r, :r]), _gram_directions(gram[r:, r:])
    if directions is not None and directions_ is not None:
        (sigma, V), (sigma_, V_) = directions, directions_
        overlaps = V.T @ gram[:r, r:] @ V_
        method = "Gram"
    else:
        sigma, U = algebra.right_singular(X)
        sigma_, U_ = algebra.right_singular(Y)
        overlaps = U @ U_.T
        method = "SVD"
    spectrum, spectrum_ = _spectrum(sigma, first), _spectrum(sigma_, second)
    values = _cumulative(overlaps, X.shape[0], Y.shape[0], spectrum.numerical_rank, spectrum_.numerical_rank)
    return SubspaceSimilarity(values, spectrum, spectrum_, X.shape[1], method)


def _scaled(X: Float64Array) -> Float64Array:
    """X, scaled by a power of two where its squares would leave float64's range; φ does not see the scale."""
    largest = float(np.abs(X).max(initial=0.0))
    if largest == 0.0 or 1e-100 < largest < 1e100:
        return X
    return np.ldexp(X, -math.frexp(largest)[1])


def _gram_directions(gram: Float64Array) -> tuple[Float64Array, Float64Array] | None:
    """σ (descending) and V Σ⁻¹ of a Gram matrix X Xᵀ, so that U = Xᵀ V Σ⁻¹; None where that loses accuracy."""
    squares, V = np.linalg.eigh(gram)
    squares, V = squares[::-1], V[:, ::-1]
    gaps = squares - np.append(squares[1:], 0.0)
    if not gaps.min() * _LARGEST_AMPLIFICATION > squares[0]:
        return None
    sigma = np.sqrt(squares)
    return sigma, V / sigma


def _spectrum(sigma: Float64Array, matrix: RowMatrix) -> Spectrum:
    tolerance = rank_tolerance(sigma, matrix.X.shape, matrix.type)
    values = sigma.copy()
    values.setflags(write=False)
    return Spectrum(values, int(np.count_nonzero(sigma > tolerance)))


def rank_tolerance(sigma: Float64Array, shape: tuple[int, ...], type_: StorageType) -> float:
    """The singular value up to which a direction cannot be told from rounding.

    float64 and float32: NumPy's rule, σ₁ · max(r, d) · eps. For half precision and float8 that rule, a worst
    case, would declare whole trained adapters void (max(r, d) · eps exceeds 1), so there it is the norm that the
    rounding to storage adds to a matrix, ‖E‖₂ ≈ (√r + √d) · eps · rms(X) / √12, with rms no smaller than the
    type's smallest normal number.
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
