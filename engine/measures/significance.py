"""What a pair shares beyond chance: an effect size and a tail probability (docs/method.md, of the same heading).

`phi`, `i`, `j` and `d` are arrays or numbers that broadcast: φ(i, j) of subspaces of dimensions i and j of R^d.
Results are float64 of the common shape, NaN where φ is, and where the larger subspace is the whole space.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.checkpoints.storage_types import Float64Array

FALSE_DISCOVERY_RATE = 0.01

BoolArray = npt.NDArray[np.bool_]


def shared_dimensions(phi: npt.ArrayLike, i: npt.ArrayLike, j: npt.ArrayLike, d: npt.ArrayLike) -> Float64Array:
    """s = min(i, j) · (φ − chance) / (1 − chance) with chance max(i, j)/d.

    The number of directions shared beyond what two random subspaces share: 0 at chance, min(i, j) where the smaller
    lies within the larger. Slightly negative values are part of chance.
    """
    phi, i, j, d = _as_arrays(phi, i, j, d)
    small, large = np.minimum(i, j), np.maximum(i, j)
    chance = np.where(large < d, large / d, np.nan)
    shared: Float64Array = small * (phi - chance) / (1.0 - chance)
    return shared


def tail_probability(phi: npt.ArrayLike, i: npt.ArrayLike, j: npt.ArrayLike, d: npt.ArrayLike) -> Float64Array:
    """Probability that two independent, uniformly random subspaces have at least this φ(i, j).

    By the Beta distribution with φ's exact mean and variance. For min(i, j) = 1 that is φ's own distribution,
    Beta(j/2, (d − j)/2); otherwise it is an approximation. Where i + j > d the subspaces must meet; there their
    orthogonal complements, whose overlap ‖U⊥ᵀU'⊥‖² is smaller by the constant i + j − d, take their place. 0 stands
    for less than float64 holds.
    """
    from scipy.special import betaincc  # noqa: PLC0415 - 0.3 s, where it is needed

    phi, i, j, d = _as_arrays(phi, i, j, d)
    defined = np.maximum(i, j) < d
    i, j, d = (np.where(defined, values, harmless) for values, harmless in ((i, 1.0), (j, 1.0), (d, 2.0)))
    overlap = np.minimum(i, j) * phi
    crowded = i + j > d
    overlap = np.where(crowded, overlap - (i + j - d), overlap)
    i, j = np.where(crowded, d - i, i), np.where(crowded, d - j, j)
    small, large = np.minimum(i, j), np.maximum(i, j)
    # Mean m = max/d and variance v of φ give the two shapes m·n and (1 − m)·n with n = m(1 − m)/v − 1.
    n = small * (d - 1.0) * (d + 2.0) / (2.0 * (d - small)) - 1.0
    mean = large / d
    tail = betaincc(mean * n, (1.0 - mean) * n, np.clip(overlap / small, 0.0, 1.0))
    return np.where(defined, tail, np.nan)


def beyond_chance(p: npt.ArrayLike, rate: float = FALSE_DISCOVERY_RATE) -> BoolArray:
    """Which of these tail probabilities are discoveries at a false discovery rate; undefined ones never are.

    Source: Benjamini & Hochberg 1995: of m probabilities, those up to the largest that is at most (its place in
    ascending order)/m · rate.
    """
    p = np.asarray(p, dtype=np.float64)
    ascending = np.sort(p[~np.isnan(p)])
    passed = np.flatnonzero(ascending <= rate * np.arange(1, ascending.size + 1) / max(1, ascending.size))
    if not passed.size:
        return np.zeros(p.shape, dtype=bool)
    found: BoolArray = p <= ascending[passed[-1]]
    return found


def best_shared(phi: Float64Array, d: int) -> tuple[float, int]:
    """The largest s over the leading k directions of both, and the k where it is reached; NaN and 0 if undefined.

    `phi` is φ(i, j), shape (r, r'), of subspaces of R^d; k runs up to the smaller rank.
    """
    k = np.arange(1, min(phi.shape) + 1)
    shared = shared_dimensions(np.diagonal(phi), k, k, d)
    defined = ~np.isnan(shared)
    if not defined.any():
        return float("nan"), 0
    best = int(np.argmax(np.where(defined, shared, -np.inf)))
    return float(shared[best]), best + 1


def _as_arrays(*values: npt.ArrayLike) -> list[Float64Array]:
    return [np.asarray(value, dtype=np.float64) for value in values]
