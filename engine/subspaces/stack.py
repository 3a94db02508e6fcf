"""Matrices of one space multiplied once, and what the product tells of each: singular values and directions.

With Z Zᵀ = L Lᵀ (Cholesky) a matrix is Z = L Q, the rows of Q = T Z orthonormal, T = L⁻¹, so that its singular values
are those of the small L = V Σ Uᵀ, and its right-singular vectors, as rows, Uᵀ Q = W Z with W = Uᵀ T: combinations of
the rows that were multiplied. What two matrices have in common is then W (Z Z'ᵀ) W'ᵀ, of the same product.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from engine.checkpoints.storage_types import FLOAT64, Float64Array, StoredArray
from engine.errors import EngineError, MalformedAdapter
from engine.subspaces.algebra import Algebra, Turns
from engine.subspaces.row_matrix import LARGEST_INSIDE, RowMatrix
from engine.subspaces.singular import singular

# The smallest pivot of a Gram matrix with ones on its diagonal; below, Cholesky's factor is made of rounding.
_SMALLEST_PIVOT = 1e-6
# The smallest pivot of a Gram matrix of rows that are nearly orthonormal.
_PIVOT_OF_ORTHONORMAL = 0.5
_INVERTED_AT_ONCE = 8

_T = TypeVar("_T")


@dataclass(frozen=True, eq=False)
class Decomposition:
    """What is known of one matrix X (r, d) of a stack.

    X = `L` Q · 2**`exponent` with orthonormal rows Q (m, d) and L (r, m), whose singular values are `sigma` (m,) and
    whose right-singular vectors are the columns of `U` (m, m), anything where σ is zero. Q is `T` Z with T (m, z):
    z rows Z of the stack stand for the matrix, and `lengths` (z,) are theirs. `method` is the way it was found,
    "Gram", "CholeskyQR2" or "SVD".
    """

    L: Float64Array
    T: Float64Array
    U: Float64Array
    sigma: Float64Array
    lengths: Float64Array
    method: str
    exponent: int = 0


class Stack:
    """Matrices X, X', … of one space R^d, by the places of their sources, on their way to the device.

    `gram` is Z Zᵀ, Z being the rows that stand for the matrices, at first their own; `rows` says which stand for
    which. `found` is what is known of each matrix, or why nothing is.
    """

    gram: Float64Array

    def __init__(self, matrices: Mapping[int, RowMatrix], algebra: Algebra) -> None:
        """
        Raises:
            DeviceFailure: the algebra's device failed.
        """
        self.matrices = matrices
        self.found: dict[int, Decomposition | EngineError] = {}
        self.send([matrix.stored for matrix in matrices.values()], algebra)

    def send(self, standing: Sequence[StoredArray], algebra: Algebra) -> None:
        """Let these rows stand for the matrices, (z, d) each."""
        ends = itertools.accumulate((each.shape[0] for each in standing), initial=0)
        self.rows = dict(zip(self.matrices, itertools.starmap(slice, itertools.pairwise(ends)), strict=True))
        self.shape = sum(each.shape[0] for each in standing), standing[0].shape[1]
        self.staged: Any = algebra.stage(standing)

    def block(self, place: int, other: int) -> Float64Array:
        """Z Z'ᵀ of the rows that stand for two matrices."""
        return self.gram[self.rows[place], self.rows[other]]

    def known(self, place: int) -> Decomposition:
        """What is known of a matrix.

        Raises:
            MalformedAdapter: it holds NaN or Inf.
        """
        found = self.found[place]
        if isinstance(found, EngineError):
            raise found
        return found


def decompose(stacks: Sequence[Stack], algebra: Algebra) -> None:
    """Multiply the matrices of each stack, and find what that tells of them; of the others what they tell themselves.

    Raises:
        DeviceFailure: the algebra's device failed, or a decomposition does not converge.
    """
    _multiply(stacks, algebra)
    members = [(stack, place) for stack in stacks for place in stack.matrices]
    for alike in grouped(members, lambda member: member[0].matrices[member[1]].shape[0]):
        grams = np.stack([stack.block(place, place) for stack, place in alike])
        sound, lengths, factors = _cholesky(grams)
        L, T = lengths[:, :, None] * factors, inverse_lower(factors) / lengths[:, None, :]
        U, sigma, _ = singular(L.mT, grams[sound], algebra)
        made = map(Decomposition, L, T, U, sigma, lengths, itertools.repeat("Gram"))
        for k, decomposition in zip(sound, made, strict=True):
            stack, place = alike[k]
            stack.found[place] = decomposition
    alone = {stack: _decompose_alone(stack, algebra) for stack in stacks if len(stack.found) < len(stack.matrices)}
    decompose_again({stack: rows for stack, rows in alone.items() if rows}, algebra)


def decompose_again(stacks: Mapping[Stack, Mapping[int, Float64Array]], algebra: Algebra) -> None:
    """Multiply once more, with nearly orthonormal rows in the place of each matrix: Q of the first product
    (CholeskyQR2, Yamamoto et al. 2015), or, by place, orthonormal rows (m, d) that are known already.

    Where the product shows that Q was far from orthonormal, a matrix is decomposed by itself, and its stack
    multiplied again.

    Raises:
        DeviceFailure: the algebra's device failed, or a decomposition does not converge.
    """
    if not stacks:
        return
    turns = [_send_orthonormal(stack, rows, algebra) for stack, rows in stacks.items()]
    _multiply(list(stacks), algebra, turns)
    again: list[tuple[Stack, int, Decomposition | None]] = []
    members = [
        (stack, place, found)
        for stack in stacks
        for place, found in stack.found.items()
        if isinstance(found, Decomposition) and found.method == "Gram"
    ]
    for alike in grouped(members, lambda member: member[2].L.shape):
        grams = np.stack([stack.block(place, place) for stack, place, _ in alike])
        factors = _factored(grams)
        is_good = _diagonals(factors).min(axis=1, initial=1.0) > _PIVOT_OF_ORTHONORMAL
        factors[~is_good] = np.eye(factors.shape[1])
        L = np.stack([found.L for *_, found in alike]) @ factors
        U, sigma, _ = singular(L.mT, L @ L.mT, algebra)
        lengths = np.sqrt(_diagonals(grams))
        made = map(Decomposition, L, inverse_lower(factors), U, sigma, lengths, itertools.repeat("CholeskyQR2"))
        for (stack, place, _), good, decomposition in zip(alike, is_good, made, strict=True):
            again.append((stack, place, decomposition if good else None))
    spoilt = {stack for stack, _, found_again in again if found_again is None}
    for stack, place, found_again in again:
        if found_again is None:
            del stack.found[place]
        elif stack not in spoilt:
            stack.found[place] = found_again
    alone = {stack: _decompose_alone(stack, algebra) for stack in stacks if stack in spoilt}
    decompose_again({stack: {**stacks[stack], **rows} for stack, rows in alone.items()}, algebra)


def inverse_lower(L: Float64Array) -> Float64Array:
    """The inverses of lower triangular matrices (n, r, r), all at once: of small blocks, then of blocks of blocks."""
    n, r, _ = L.shape
    size = _INVERTED_AT_ONCE
    while size < r:
        size *= 2
    given = np.broadcast_to(np.eye(size), (n, size, size)).copy()
    given[:, :r, :r] = L
    inverse = np.zeros_like(given)
    shape = n, size // _INVERTED_AT_ONCE, _INVERTED_AT_ONCE, size // _INVERTED_AT_ONCE, _INVERTED_AT_ONCE
    at = np.arange(shape[1])
    inverse.reshape(shape)[:, at, :, at, :] = np.linalg.inv(given.reshape(shape)[:, at, :, at, :])
    half = _INVERTED_AT_ONCE
    while half < size:  # [A 0; B C]⁻¹ = [A⁻¹ 0; −C⁻¹ B A⁻¹ C⁻¹]
        at = np.arange(size // (2 * half))
        four = n, len(at), 2, half, len(at), 2, half
        known, B = inverse.reshape(four), given.reshape(four)[:, at, 1, :, at, 0, :]
        known[:, at, 1, :, at, 0, :] = -(known[:, at, 1, :, at, 1, :] @ (B @ known[:, at, 0, :, at, 0, :]))
        half *= 2
    return inverse[:, :r, :r]


def grouped(items: Iterable[_T], key: Callable[[_T], Hashable]) -> Iterator[list[_T]]:
    """Items with the same key together, to be computed at once."""
    groups: dict[Hashable, list[_T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return iter(groups.values())


def _multiply(stacks: Sequence[Stack], algebra: Algebra, turns: Sequence[Turns] | None = None) -> None:
    numbered = list(enumerate(stacks))
    for alike in grouped(numbered, lambda each: each[1].shape):
        chosen = None if turns is None else [turns[k] for k, _ in alike]
        grams = algebra.grams([stack.staged for _, stack in alike], chosen)
        for (_, stack), gram in zip(alike, grams, strict=True):
            stack.gram = gram


def _cholesky(grams: Float64Array) -> tuple[npt.NDArray[np.intp], Float64Array, Float64Array]:
    """Which of the Gram matrices (n, r, r) are sound; of these the lengths of the rows (k, r), and Cholesky's factors
    (k, r, r) of the rows brought to length 1.

    Sound are those whose numbers neither overflowed nor underflowed, and whose factor is not made of rounding. How
    long each row is does not matter to Cholesky's rounding, but to a look at its pivots.
    """
    diagonals = _diagonals(grams)
    low, high = (limit**2 for limit in LARGEST_INSIDE)
    sound = np.flatnonzero(np.isfinite(grams).all(axis=(1, 2)) & ((low < diagonals) & (diagonals < high)).all(axis=1))
    lengths = np.sqrt(diagonals[sound])
    factors = _factored(grams[sound] / (lengths[:, :, None] * lengths[:, None, :]))
    factored = _diagonals(factors).min(axis=1, initial=1.0) > _SMALLEST_PIVOT
    return sound[factored], lengths[factored], factors[factored]


def _factored(grams: Float64Array) -> Float64Array:
    """Cholesky's factors; zeros in the place of one that there is not."""
    factors: Float64Array
    try:
        factors = np.asarray(np.linalg.cholesky(grams), dtype=np.float64)
    except np.linalg.LinAlgError:
        if len(grams) == 1:
            return np.zeros_like(grams)
        factors = np.concatenate([_factored(gram[None]) for gram in grams])
    return factors


def _send_orthonormal(stack: Stack, known: Mapping[int, Float64Array], algebra: Algebra) -> Turns:
    """Have other rows stand for the matrices of a stack; each is to be turned by what is returned."""
    standing, turns = [], []
    for place, matrix in stack.matrices.items():
        found = stack.found[place]
        rows = known.get(place)
        if isinstance(found, Decomposition) and rows is None:
            standing.append(matrix.stored)
            turns.append(found.T)
        else:
            rows = np.zeros((1, matrix.shape[1])) if rows is None else rows  # nothing stands for what is no number
            standing.append(StoredArray(rows, FLOAT64))
            turns.append(np.eye(len(rows)))
    stack.send(standing, algebra)
    return turns


def _decompose_alone(stack: Stack, algebra: Algebra) -> dict[int, Float64Array]:
    """Find from the matrices themselves what products did not tell; the orthonormal rows (m, d) of each, by place."""
    known = {}
    for place, matrix in stack.matrices.items():
        if place in stack.found:
            continue
        try:
            X, exponent = matrix.finite()
        except MalformedAdapter as error:
            stack.found[place] = error
            continue
        L, known[place] = _orthonormal_rows(X, algebra)
        r, m = L.shape
        if r == m:
            U, sigma, _ = singular(L.T[None], (L @ L.T)[None], algebra)
        else:
            _, sigma, U = singular(L[None], (L.T @ L)[None], algebra)
        stack.found[place] = Decomposition(L, np.eye(m), U[0], sigma[0], np.ones(m), "SVD", exponent)
    return known


def _orthonormal_rows(X: Float64Array, algebra: Algebra) -> tuple[Float64Array, Float64Array]:
    """L (r, m) and orthonormal rows Q (m, d) of X = L Q, m = min(r, d), as good for short rows as for long ones."""
    m = min(X.shape)
    if not X.any():  # no directions, and LAPACK takes its time to make some up
        return X[:, :m], X[:m]
    exponents = np.frexp(np.abs(X).max(axis=1, initial=0.0))[1][:, None]
    near_one = np.ldexp(X, -exponents)
    *_, Q = algebra.decomposition(near_one)
    return np.ldexp(near_one @ Q.T, exponents), Q


def _diagonals(matrices: Float64Array) -> Float64Array:
    diagonals: Float64Array = np.einsum("nkk->nk", matrices)
    return diagonals
