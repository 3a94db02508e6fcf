"""Effect size and tail probability: their laws, their calibration on drawn subspaces, and Benjamini–Hochberg."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from engine.measures.significance import best_shared, beyond_chance, shared_dimensions, tail_probability

_DRAWS = 2000
# d and the two ranks, 200 pairs of subspaces of each.
_PLACES = (
    (16, 6, 6), (24, 8, 8), (32, 4, 4), (32, 8, 12), (48, 16, 16), (64, 5, 20), (96, 12, 12), (128, 8, 8),
    (192, 16, 16), (256, 4, 8),
)  # fmt: skip

Values = npt.NDArray[np.float64]


def _drawn(d: int, r: int, r_: int, draws: int, rng: np.random.Generator) -> Values:
    """φ(i, j) of pairs of independent random subspaces, (draws, r, r')."""
    U = np.linalg.qr(rng.standard_normal((draws, d, r))).Q
    V = np.linalg.qr(rng.standard_normal((draws, d, r_))).Q
    i, j = np.ogrid[1 : r + 1, 1 : r_ + 1]
    squares = (U.transpose(0, 2, 1) @ V) ** 2
    return np.asarray(squares.cumsum(axis=1).cumsum(axis=2) / np.minimum(i, j))


@pytest.fixture(scope="module")
def draws() -> list[tuple[int, Values]]:
    rng = np.random.default_rng(20210609)
    return [(d, _drawn(d, r, r_, _DRAWS // len(_PLACES), rng)) for d, r, r_ in _PLACES]


@pytest.mark.parametrize("k", [1, 4, None])
def test_one_in_a_hundred_random_pairs_is_below_a_hundredth(draws: list[tuple[int, Values]], k: int | None) -> None:
    p = [
        tail_probability(phi[:, i - 1, j - 1], i, j, d)
        for d, phi in draws
        for i, j in [(k, k) if k is not None else phi.shape[1:]]
    ]
    share = float((np.concatenate(p) < 0.01).mean())
    assert abs(share - 0.01) <= math.sqrt(0.01 * 0.99 / _DRAWS)


def test_three_standard_deviations_are_no_such_thing_at_k_1(draws: list[tuple[int, Values]]) -> None:
    """Why z decides nothing: at k = 1 twenty times as many random pairs lie beyond 3 SD as a normal law says."""
    beyond = [phi[:, 0, 0] > 1 / d + 3 * math.sqrt(2 * (d - 1) / (d**2 * (d + 2))) for d, phi in draws]
    assert float(np.concatenate(beyond).mean()) > 0.01


@pytest.mark.parametrize(("d", "r", "r_"), [(3, 2, 2), (4, 2, 3), (8, 6, 6), (20, 16, 16)])
def test_subspaces_that_must_meet_are_judged_by_their_complements(d: int, r: int, r_: int) -> None:
    phi = _drawn(d, r, r_, 4 * _DRAWS, np.random.default_rng(1))[:, -1, -1]
    share = float((tail_probability(phi, r, r_, d) < 0.01).mean())
    assert share <= 0.01 + 2 * math.sqrt(0.01 * 0.99 / (4 * _DRAWS))
    if d - max(r, r_) == 1:  # the complement of the larger is a line: exact
        assert share >= 0.01 - 2 * math.sqrt(0.01 * 0.99 / (4 * _DRAWS))


@pytest.mark.parametrize("d", [2, 3, 24, 768, 12288])
def test_first_directions_follow_their_exact_law(d: int) -> None:
    phi = np.linspace(0.0, 1.0, 41)
    np.testing.assert_allclose(
        tail_probability(phi, 1, 1, d), stats.beta.sf(phi, 0.5, (d - 1) / 2), rtol=1e-12, atol=0
    )


def test_a_line_and_a_subspace_follow_their_exact_law() -> None:
    phi = np.linspace(0.0, 1.0, 41)
    np.testing.assert_allclose(tail_probability(phi, 1, 5, 24), stats.beta.sf(phi, 2.5, 9.5), rtol=1e-12)


@given(
    d=st.integers(2, 20_000), i=st.integers(1, 300), j=st.integers(1, 300),
    phi=st.lists(st.floats(0.0, 1.0), min_size=2, max_size=6),
)  # fmt: skip
def test_laws(d: int, i: int, j: int, phi: list[float]) -> None:
    shared, p = shared_dimensions(phi, i, j, d), tail_probability(phi, i, j, d)
    np.testing.assert_array_equal(shared, shared_dimensions(phi, j, i, d))
    np.testing.assert_array_equal(p, tail_probability(phi, j, i, d))
    if max(i, j) >= d:
        assert np.isnan(shared).all()
        assert np.isnan(p).all()
        return
    chance = max(i, j) / d
    assert shared_dimensions(chance, i, j, d) == 0.0
    assert shared_dimensions(1.0, i, j, d) == pytest.approx(min(i, j), rel=1e-12)
    assert ((p >= 0) & (p <= 1)).all()
    order = np.argsort(phi)
    assert (np.diff(shared[order]) >= 0).all()
    assert (np.diff(p[order]) <= 1e-12).all()


def test_mean_at_chance_is_zero(draws: list[tuple[int, Values]]) -> None:
    for d, phi in draws:
        i, j = phi.shape[1:]
        shared = shared_dimensions(phi[:, -1, -1], i, j, d)
        assert abs(shared.mean()) < 4 * shared.std() / math.sqrt(len(shared))
        assert shared.min() < 0


def test_rounding_beyond_the_ends_is_no_harm() -> None:
    assert tail_probability([1.0 + 1e-15, -1e-15], 4, 4, 64).tolist() == [0.0, 1.0]


def test_undefined_stays_undefined() -> None:
    assert np.isnan(shared_dimensions([math.nan, 0.9], [4, 4], [4, 64], 64)).all()
    assert np.isnan(tail_probability([math.nan, 0.9], [4, 4], [4, 64], 64)).all()


def test_best_is_the_largest_over_k_and_its_k() -> None:
    phi = np.full((4, 6), 0.5)
    phi[0, 0], phi[1, 1], phi[2, 2], phi[3] = 0.9, 0.8, 0.4, np.nan
    shared = [k * (phi[k - 1, k - 1] - k / 10) / (1 - k / 10) for k in (1, 2, 3)]
    best, k = best_shared(phi, 10)
    assert k == 2
    assert best == pytest.approx(max(shared), rel=1e-14)
    best, k = best_shared(phi, 2)  # two directions are all of a plane
    assert k == 1
    assert best == pytest.approx((0.9 - 0.5) / 0.5, rel=1e-14)
    value, k = best_shared(np.full((3, 3), np.nan), 10)
    assert (math.isnan(value), k) == (True, 0)


@given(st.lists(st.floats(0.0, 0.2), max_size=40), st.integers(0, 3))
def test_discoveries_are_those_of_scipy(p: list[float], undefined: int) -> None:
    found = beyond_chance([*p, *[math.nan] * undefined])
    assert not found[len(p) :].any()
    if p:
        adjusted = stats.false_discovery_control(p)
        clear = np.abs(adjusted - 0.01) > 1e-12
        np.testing.assert_array_equal(found[: len(p)][clear], (adjusted <= 0.01)[clear])
