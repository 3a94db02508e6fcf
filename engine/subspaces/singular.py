"""Singular value decompositions of many small matrices at once, from symmetric products."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.checkpoints.storage_types import Float64Array
from engine.errors import DeviceFailure
from engine.subspaces.algebra import Algebra

# Turning two directions by an angle leaves an error of about its square: larger angles are not small corrections any
# more, and what is left after one below the second needs no further one.
_LARGEST_ANGLE = 1e-3
_SMALL_ANGLE = 1e-8
_MOST_TURNS = 4
# What the rounding of eigenvectors may do to φ without anything being done about it.
_NEGLIGIBLE = 1e-12


def singular(
    K: Float64Array, gram: Float64Array, algebra: Algebra
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """U (n, a, c), σ (n, c) and V (n, c, c) of each K = U diag(σ) Vᵀ, K (n, a, c) with c ≤ a; `gram` is KᵀK.

    σ descends; columns of U that belong to σ = 0 are zero, or anything. V comes from the eigenvectors of the Gram
    matrix. Where their rounding is not negligible it is turned until the columns of K V are orthogonal, each pair to
    rounding (Hestenes 1958, one-sided Jacobi, all pairs at once): what squaring the condition number loses is found
    again, in less time than LAPACK's decomposition takes, which takes over where the angles do not get small.

    Raises:
        DeviceFailure: a decomposition does not converge.
    """
    V = np.array(algebra.eigenvectors(gram))
    Y = K @ V
    sigma = _lengths(Y)
    U = Y / np.where(sigma > 0.0, sigma, 1.0)[:, None, :]
    doubtful = np.flatnonzero(~(_doubt(sigma) <= _NEGLIGIBLE))
    if doubtful.size:
        U[doubtful], sigma[doubtful], V[doubtful], settled = _turned(Y[doubtful], V[doubtful])
        for place in doubtful[~settled]:
            try:
                U[place], sigma[place], Vt = np.linalg.svd(K[place], full_matrices=False)
            except np.linalg.LinAlgError as error:
                raise DeviceFailure("The singular value decomposition did not converge.") from error
            V[place] = Vt.T
    order = np.argsort(-sigma, axis=1, kind="stable")
    if (order != np.arange(order.shape[1])).any():
        sigma = np.take_along_axis(sigma, order, 1)
        U, V = (np.take_along_axis(X, order[:, None, :], 2) for X in (U, V))
    return U, sigma, V


def _turned(
    Y: Float64Array, V: Float64Array
) -> tuple[Float64Array, Float64Array, Float64Array, npt.NDArray[np.bool_]]:
    """U, σ and V of Y = K V, turned until the columns of Y are orthogonal, and of which matrices that was reached."""
    settled = np.zeros(len(Y), dtype=bool)
    hopeless = np.zeros(len(Y), dtype=bool)
    for _ in range(_MOST_TURNS):
        angles = _angles(Y)
        largest = np.abs(angles).max(axis=(1, 2), initial=0.0)
        hopeless |= ~(largest < _LARGEST_ANGLE)
        angles[hopeless] = 0.0
        settled = ~hopeless & (largest < _SMALL_ANGLE)
        if not angles.any():
            break
        # exp of the antisymmetric angles, orthogonal to the fourth order
        turn = angles if settled.all() else angles + 0.5 * (angles @ angles)
        Y, V = Y + Y @ turn, V + V @ turn
        if (settled | hopeless).all():
            break
    sigma = _lengths(Y)
    return Y / np.where(sigma > 0.0, sigma, 1.0)[:, None, :], sigma, V, settled


def _lengths(Y: Float64Array) -> Float64Array:
    """The lengths of the columns."""
    lengths: Float64Array = np.sqrt(np.einsum("nak,nak->nk", Y, Y))
    return lengths


def _doubt(sigma: Float64Array) -> Float64Array:
    """What the rounding of eigenvectors of the Gram matrices may do to φ, (n,), by their singular values (n, k).

    eps σ₁² is off in each product: it turns neighbours by that over the gap of their σ², which moves φ at the index
    between them, and leaves k directions orthogonal to about eps (σ₁/σ_k)².
    """
    squares = sigma**2
    k = np.arange(1, sigma.shape[1] + 1)
    gaps = squares - np.pad(squares[:, 1:], ((0, 0), (0, 1)))
    least = np.minimum((gaps * k).min(axis=1, initial=np.inf), (squares * np.sqrt(k)).min(axis=1, initial=np.inf))
    doubt = np.full(len(sigma), np.inf)
    np.divide(np.finfo(np.float64).eps * squares.max(axis=1, initial=0.0), least, out=doubt, where=least > 0.0)
    return doubt


def _angles(Y: Float64Array) -> Float64Array:
    """By which angle to turn each two columns towards each other, antisymmetric; 0 where they are orthogonal to
    rounding, as those of equal length may be whichever way they are turned."""
    products = Y.mT @ Y
    squares = np.einsum("nkk->nk", products).copy()
    lengths = np.sqrt(squares)
    rounding = 4.0 * np.finfo(np.float64).eps * np.sqrt(Y.shape[1])
    apart = np.abs(products) > rounding * lengths[:, :, None] * lengths[:, None, :]
    np.einsum("nkk->nk", apart)[...] = False
    differences = squares[:, None, :] - squares[:, :, None]
    with np.errstate(divide="ignore"):
        angles: Float64Array = np.divide(products, differences, out=np.zeros_like(products), where=apart)
    return angles
