"""The formulas for chance against random subspaces drawn and compared one by one."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.measures.chance import expected_similarity, similarity_deviation
from engine.measures.phi import PHI

_DRAWS = 4000


def _random_similarities(r: int, r_: int, d: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """φ(i, j) of independent random subspaces, (draws, r, r')."""
    rng = np.random.default_rng(20210609)
    U = np.linalg.qr(rng.standard_normal((_DRAWS, d, r))).Q
    V = np.linalg.qr(rng.standard_normal((_DRAWS, d, r_))).Q
    squares = (U.transpose(0, 2, 1) @ V) ** 2
    smaller = np.array([[min(i, j) for j in range(1, r_ + 1)] for i in range(1, r + 1)])
    return np.asarray(squares.cumsum(axis=1).cumsum(axis=2) / smaller)


@pytest.mark.parametrize(("r", "r_", "d"), [(3, 5, 12), (5, 2, 7), (4, 4, 40)])
def test_mean_and_deviation_are_those_of_random_subspaces(r: int, r_: int, d: int) -> None:
    drawn = _random_similarities(r, r_, d)
    mean, deviation = drawn.mean(axis=0), drawn.std(axis=0, ddof=1)

    expected, expected_deviation = expected_similarity(r, r_, d), similarity_deviation(r, r_, d)

    assert expected.shape == expected_deviation.shape == (r, r_)
    assert np.all(np.abs(mean - expected) < 5.0 * deviation / math.sqrt(_DRAWS))
    # The sample's standard deviation has a relative error of about sqrt((kurtosis - 1) / 4 / draws).
    np.testing.assert_allclose(deviation, expected_deviation, rtol=0.08)


@pytest.mark.parametrize(("r", "d"), [(1, 1), (4, 40), (6, 4), (5, 5)])
def test_along_the_diagonal_it_is_the_same(r: int, d: int) -> None:
    chance = PHI.chance((r, r), d)
    expected, deviation = np.array([_at_k(k, d) for k in range(1, r + 1)]).T
    np.testing.assert_allclose(np.diagonal(chance.expected), expected, rtol=1e-15)
    np.testing.assert_allclose(np.diagonal(chance.deviation), deviation, rtol=1e-15)


def _at_k(k: int, d: int) -> tuple[float, float]:
    """E[φ(k, k)] and SD[φ(k, k)], from Var‖UᵢᵀU'ⱼ‖² as docs/method.md states it."""
    if k > d:
        return math.nan, math.nan
    if d == 1:
        return 1.0, 0.0
    return k / d, math.sqrt(2.0 * k * k * (d - k) * (d - k) / (d**2 * (d - 1.0) * (d + 2.0))) / k


def test_stated_levels_of_the_method() -> None:
    assert expected_similarity(64, 64, 12288)[-1, -1] == pytest.approx(0.005, abs=5e-4)
    assert expected_similarity(64, 64, 768)[-1, -1] == pytest.approx(0.083, abs=5e-4)
    assert expected_similarity(8, 64, 384)[0, -1] == 64 / 384
    assert expected_similarity(8, 64, 384)[7, 0] == 8 / 384


def test_whole_space_has_no_deviation_and_beyond_it_nothing_is_defined() -> None:
    expected, deviation = expected_similarity(4, 5, 3), similarity_deviation(4, 5, 3)

    np.testing.assert_array_equal(expected[2, :3], [1.0, 1.0, 1.0])
    np.testing.assert_array_equal(deviation[2, :3], [0.0, 0.0, 0.0])
    for values in (expected, deviation):
        assert np.isnan(values[3]).all()
        assert np.isnan(values[:, 3:]).all()
        assert not np.isnan(values[:3, :3]).any()


def test_a_line_is_all_of_its_space() -> None:
    np.testing.assert_array_equal(expected_similarity(1, 1, 1), [[1.0]])
    np.testing.assert_array_equal(similarity_deviation(1, 1, 1), [[0.0]])
    assert np.isnan(similarity_deviation(2, 1, 1)[1, 0])
