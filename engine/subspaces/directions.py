"""The singular directions of A, of B, and of ΔW, from what is known of the two factors.

A = L_A Q_A and Bᵀ = L_B Q_B with orthonormal rows of Q (stack.py) make ΔW = B A = Q_Bᵀ (L_Bᵀ L_A) Q_A: the singular
values of ΔW are those of an r × r core K = L_Bᵀ L_A = U Σ Vᵀ, and its right- and left-singular vectors, as rows, are
Vᵀ Q_A and Uᵀ Q_B. ΔW, which is d_out × d_in, is never formed. With AdaLoRA's diagonal the core is L_Bᵀ diag(E) L_A.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.checkpoints.storage_types import FLOAT64, Float64Array, StorageType
from engine.subspaces.algebra import Algebra
from engine.subspaces.overlap import TIE_GAP, Spectrum, rank_tolerance
from engine.subspaces.row_matrix import LARGEST_INSIDE
from engine.subspaces.singular import singular
from engine.subspaces.stack import Decomposition, Stack, grouped

# Below, what rounding does is not looked at more closely.
_SMALL_ERROR = 1e-10
METHODS = ("Gram", "CholeskyQR2", "SVD")  # the later, the more was done


@dataclass(frozen=True)
class Factor:
    """A matrix in a stack, by the place of its source; of which something is known."""

    stack: Stack
    place: int

    @property
    def known(self) -> Decomposition:
        """What is known of it.

        Raises:
            MalformedAdapter: it holds NaN or Inf.
        """
        return self.stack.known(self.place)

    @property
    def shape(self) -> tuple[int, int]:
        """(r, d)."""
        return self.stack.matrices[self.place].shape

    @property
    def type(self) -> StorageType:
        """How coarse the numbers are that it was made of."""
        return self.stack.matrices[self.place].type


@dataclass(frozen=True, eq=False)
class Update:
    """ΔW = B A, or B diag(`E`) A with finite E (r,)."""

    A: Factor
    B: Factor
    E: Float64Array | None = None


@dataclass(frozen=True, eq=False)
class Directions:
    """min(r, d) singular directions of a matrix of `shape` (r, d), as the rows of W Z: combinations of the rows Z
    that stand for a factor.

    `error` is about what rounding in the stack's product may do to φ of any defined cell.
    """

    factor: Factor
    shape: tuple[int, int]
    W: Float64Array
    spectrum: Spectrum
    method: str
    error: float


def directions_of_factors(factors: Sequence[Factor]) -> list[Directions]:
    """The right-singular vectors of each."""
    made: dict[int, Directions] = {}
    for alike in grouped(enumerate(factors), lambda each: (each[1].shape, each[1].type.name, each[1].known.T.shape)):
        known = [factor.known for _, factor in alike]
        W = np.stack([each.U for each in known]).mT @ np.stack([each.T for each in known])
        sigma = np.stack([each.sigma for each in known])
        found = _directions(
            [factor for _, factor in alike], alike[0][1].type, W, sigma,
            [each.exponent for each in known], [each.method for each in known],
        )  # fmt: skip
        made.update(zip((k for k, _ in alike), found, strict=True))
    return [made[k] for k in range(len(factors))]


def directions_of_updates(updates: Sequence[Update], algebra: Algebra) -> list[tuple[Directions, Directions]]:
    """The right- and the left-singular vectors of each; their signs belong together.

    Raises:
        DeviceFailure: a decomposition does not converge.
    """
    made: dict[int, tuple[Directions, Directions]] = {}

    def kind(each: tuple[int, Update]) -> object:
        A, B = each[1].A, each[1].B
        return A.shape, A.type.name, A.known.T.shape, B.shape, B.type.name, B.known.T.shape, each[1].E is None

    for alike in grouped(enumerate(updates), kind):
        group = [update for _, update in alike]
        A, B = [update.A.known for update in group], [update.B.known for update in group]
        K, exponents, cancelled = _cores(group)
        U, sigma, V = _singular(K, algebra)
        W_A, W_B = V.mT @ np.stack([each.T for each in A]), U.mT @ np.stack([each.T for each in B])
        methods = [max(a.method, b.method, key=METHODS.index) for a, b in zip(A, B, strict=True)]
        coarsest = _coarsest(group[0])
        right = _directions([update.A for update in group], coarsest, W_A, sigma, exponents, methods, cancelled)
        left = _directions([update.B for update in group], coarsest, W_B, sigma, exponents, methods, cancelled)
        made.update(zip((k for k, _ in alike), zip(right, left, strict=True), strict=True))
    return [made[k] for k in range(len(updates))]


def _cores(updates: Sequence[Update]) -> tuple[Float64Array, list[int], Float64Array]:
    """L_Bᵀ diag(E) L_A of each, (n, m_B, m_A), the powers of two that were taken out of them, and the norms (n,) of
    what they are sums of: where terms cancel, what is left is told no better than to eps times that."""
    A, B = ([factor.known for factor in factors] for factors in zip(*((u.A, u.B) for u in updates), strict=True))
    left, right = np.stack([each.L for each in B]).mT, np.stack([each.L for each in A])
    exponents = np.array([a.exponent + b.exponent for a, b in zip(A, B, strict=True)])
    E = [update.E for update in updates if update.E is not None]
    if E:
        diagonals, taken = _inside(np.stack(E)[:, None, :])
        left, exponents = left * diagonals, exponents + taken
    K, taken = _inside(left @ right)
    terms = np.ldexp(np.abs(left) @ np.abs(right), -taken[:, None, None])
    return K, (exponents + taken).tolist(), np.sqrt(np.einsum("nab,nab->n", terms, terms))


def _inside(matrices: Float64Array) -> tuple[Float64Array, npt.NDArray[np.int32]]:
    """Each matrix, without a power of two where its squares might leave float64's range, and the exponents."""
    largest = np.abs(matrices).max(axis=(1, 2), initial=0.0)
    low, high = LARGEST_INSIDE
    exponents = np.where((low < largest) & (largest < high), 0, np.frexp(largest)[1])
    return np.ldexp(matrices, -exponents[:, None, None]) if exponents.any() else matrices, exponents


def _singular(K: Float64Array, algebra: Algebra) -> tuple[Float64Array, Float64Array, Float64Array]:
    """U (n, a, p), σ (n, p), V (n, b, p) of K (n, a, b), p = min(a, b)."""
    if K.shape[1] < K.shape[2]:
        V, sigma, U = _singular(K.mT, algebra)
        return U, sigma, V
    return singular(K, K.mT @ K, algebra)


def _coarsest(update: Update) -> StorageType:
    # A diagonal makes other numbers of B's, which no type has rounded.
    types = (update.A.type, update.B.type if update.E is None else FLOAT64)
    return max(types, key=lambda type_: type_.epsilon)


def _directions(
    factors: Sequence[Factor],
    type_: StorageType,
    W: Float64Array,
    sigma: Float64Array,
    exponents: Sequence[int],
    methods: Sequence[str],
    cancelled: Float64Array | float = 0.0,
) -> list[Directions]:
    """Of factors of one shape, of type `type_`: W (n, k, z) and σ (n, k), filled up with zeros to min(r, d).

    σ is told no better than to max(r, d) eps times what was `cancelled` in it.
    """
    r, d = factors[0].shape
    missing = min(r, d) - sigma.shape[1]
    if missing > 0:
        W, sigma = np.pad(W, ((0, 0), (0, missing), (0, 0))), np.pad(sigma, ((0, 0), (0, missing)))
    least = np.maximum(rank_tolerance(sigma, (r, d), type_), max(r, d) * FLOAT64.epsilon * cancelled)
    ranks = np.count_nonzero(sigma > least[:, None], axis=1)
    errors = _rounding(W, np.stack([factor.known.lengths for factor in factors]), sigma, ranks)
    sigma.setflags(write=False)
    spectra = map(Spectrum, sigma, ranks.tolist(), exponents)
    each = zip(factors, W, spectra, methods, errors.tolist(), strict=True)
    return [Directions(factor, (r, d), *found) for factor, *found in each]


def _rounding(W: Float64Array, lengths: Float64Array, sigma: Float64Array, ranks: Float64Array) -> Float64Array:
    """What rounding in the product Z Zᵀ may do to φ, (n,), from W (n, k, z), the lengths of the rows of Z, and σ.

    A product of two rows is off by about eps times their lengths, so that of two directions by eps w w', with
    w = |W|·lengths. That spoils the lengths of directions, by the mean of w² over k of them; and it turns each of the
    first k towards each l behind them, by w_i w_l σ_l² / (σ_i² − σ_l²), which moves φ at the index k. All these pairs
    are looked at where the largest that they may be is not small enough already.
    """
    w = np.sqrt(np.einsum("nkz,nz->nk", W**2, lengths**2))
    k = np.arange(1, w.shape[1] + 1)
    of_lengths = np.cumsum(w**2, axis=1) / k
    relative = sigma / np.where(sigma[:, :1] > 0.0, sigma[:, :1], 1.0)
    of_turning = _most_turning(w, relative)
    epsilon = FLOAT64.epsilon
    doubtful = np.flatnonzero((epsilon * np.where(k <= ranks[:, None], of_turning, 0.0) > _SMALL_ERROR).any(axis=1))
    if doubtful.size:
        of_turning[doubtful] = _turning(w[doubtful], relative[doubtful])
    error: Float64Array = epsilon * np.where(k <= ranks[:, None], np.maximum(of_lengths, of_turning), 0.0).max(
        axis=1, initial=0.0
    )
    return error


def _most_turning(w: Float64Array, sigma: Float64Array) -> Float64Array:
    """A bound of `_turning`: as many pairs as there are across each index, each as large as the largest may be."""
    k = np.arange(1, w.shape[1] + 1)
    squares = sigma**2
    behind = np.maximum.accumulate((w * squares)[:, ::-1], axis=1)[:, ::-1]
    most = np.zeros_like(w)
    gaps = squares[:, :-1] - squares[:, 1:]
    pairs = np.sqrt(k * (len(k) - k))[:-1] * np.maximum.accumulate(w, axis=1)[:, :-1] * behind[:, 1:]
    is_told = sigma[:, :-1] - sigma[:, 1:] > TIE_GAP * sigma[:, :-1]
    with np.errstate(over="ignore"):  # between directions that are next to nothing; it is looked at more closely
        np.divide(pairs, gaps, out=most[:, :-1], where=is_told & (gaps > 0.0))
    return most


def _turning(w: Float64Array, sigma: Float64Array) -> Float64Array:
    """The root of the sum of squares of w_i w_l σ_l² / (σ_i² − σ_l²) over i ≤ k < l, for each k; 0 at ties, which are
    told of, and which no second product parts."""
    k = np.arange(1, w.shape[1] + 1)
    ratios = np.minimum(1.0, sigma[:, None, :] / np.where(sigma > 0.0, sigma, np.inf)[:, :, None])  # σ_l / σ_i
    apart = 1.0 - ratios
    turning = np.zeros_like(ratios)
    is_told = (apart > TIE_GAP) & (k[:, None] < k)
    np.divide(w[:, :, None] * w[:, None, :] * ratios**2, apart * (1.0 + ratios), out=turning, where=is_told)
    turning **= 2
    # From one k to the next: the pairs of k with those behind come in, those with those before it go out.
    across = np.cumsum(turning.sum(axis=2) - turning.sum(axis=1), axis=1)
    is_tie = np.pad(apart.diagonal(1, 1, 2) <= TIE_GAP, ((0, 0), (0, 1)))
    return np.where(is_tie, 0.0, np.sqrt(np.maximum(across, 0.0)))
