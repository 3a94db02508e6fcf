"""The random control of Figure 4."""

from __future__ import annotations

import numpy as np

from engine.measures.chance import expected_similarity, similarity_deviation
from engine.measures.control import gaussian_control
from engine.measures.phi import PHI
from tests.reference import reference_phi


def test_control_is_phi_of_the_seeded_matrices() -> None:
    rng = np.random.default_rng(5)
    X, Y = rng.standard_normal((4, 40)), rng.standard_normal((7, 40))
    control = PHI.values(gaussian_control(4, 7, 40, seed=5))
    np.testing.assert_allclose(control, reference_phi(X, Y), atol=1e-9)
    np.testing.assert_array_equal(control, PHI.values(gaussian_control(4, 7, 40, seed=5)))
    assert not np.array_equal(control, PHI.values(gaussian_control(4, 7, 40, seed=6)))


def test_control_lies_at_chance() -> None:
    values = np.stack([PHI.values(gaussian_control(3, 5, 64, seed=seed)) for seed in range(200)])
    error = similarity_deviation(3, 5, 64) / np.sqrt(len(values))
    assert (np.abs(values.mean(axis=0) - expected_similarity(3, 5, 64)) < 5 * error).all()
