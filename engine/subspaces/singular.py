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


def singular(
    K: Float64Array, gram: Float64Array, algebra: Algebra
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """U (n, a, c), σ (n, c) and V (n, c, c) of each K = U diag(σ) Vᵀ, K (n, a, c) with c ≤ a; `gram` is KᵀK.

    σ descends; columns of U that belong to σ = 0 are zero. V comes from the eigenvectors of the Gram matrix and is
    then turned until the columns of K V are orthogonal, each pair to rounding (Hestenes 1958, one-sided Jacobi, all
    pairs at once): what squaring the condition number loses is found again, at a third of the time of LAPACK's
    decomposition, which takes over where the angles do not get small.

    Raises:
        DeviceFailure: a decomposition does not converge.
    """
    V = algebra.eigenvectors(gram)
    U, sigma, V, settled = _turned(K, V)
    for place in np.flatnonzero(~settled):
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
    K: Float64Array, V: Float64Array
) -> tuple[Float64Array, Float64Array, Float64Array, npt.NDArray[np.bool_]]:
    """U, σ and V whose columns K V are orthogonal, and for which of the matrices that was reached."""
    settled = np.zeros(len(K), dtype=bool)
    hopeless = np.zeros(len(K), dtype=bool)
    Y = K @ V
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
    sigma = np.sqrt(np.einsum("nak,nak->nk", Y, Y))
    return Y / np.where(sigma > 0.0, sigma, 1.0)[:, None, :], sigma, V, settled


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
