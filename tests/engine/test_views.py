"""Views of φ against chance."""

from __future__ import annotations

import numpy as np

from engine.control import gaussian_control
from engine.storage_types import FLOAT64, StoredArray
from engine.subspace import RowMatrix, subspace_similarity
from engine.views import View, view_values


def test_z_of_random_subspaces_is_standard() -> None:
    """Mean 0 and variance 1 in every cell, over seeds: E and SD are those of METHOD."""
    z = np.stack([view_values(gaussian_control(3, 4, 32, seed), View.Z) for seed in range(1500)])
    assert np.abs(z.mean(axis=0)).max() < 5 / np.sqrt(len(z))
    assert np.abs(z.var(axis=0) - 1).max() < 0.25


def test_above_chance_subtracts_the_larger_index_over_d() -> None:
    control = gaussian_control(2, 3, 20)
    above = view_values(control, View.ABOVE_CHANCE)
    for i in (1, 2):
        for j in (1, 2, 3):
            assert above[i - 1, j - 1] == control.values[i - 1, j - 1] - max(i, j) / 20


def test_whole_space_has_no_z_and_undefined_stays_undefined() -> None:
    rng = np.random.default_rng(0)
    whole = RowMatrix(StoredArray(rng.standard_normal((3, 3)), FLOAT64), FLOAT64)
    one = np.zeros((2, 3))
    one[0, 0] = 1.0
    similarity = subspace_similarity(whole, RowMatrix(StoredArray(one, FLOAT64), FLOAT64))
    z = view_values(similarity, View.Z)
    assert np.isnan(z[2]).all(), "a subspace that is all of R^d has no spread"
    assert np.isnan(z[:, 1]).all(), "past the numerical rank"
    assert np.isfinite(z[:2, 0]).all()
    assert view_values(similarity, View.PHI) is similarity.values
