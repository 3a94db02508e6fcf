"""Views of φ against chance."""

from __future__ import annotations

import numpy as np
import pytest

from engine.checkpoints.storage_types import FLOAT64, StoredArray
from engine.measures.chance import expected_similarity, similarity_deviation
from engine.measures.control import gaussian_control
from engine.measures.phi import PHI
from engine.measures.view import View, bar_labels, figure_title
from engine.measures.views import chance_band, read_cell, view_values, why_undefined
from engine.side import Side
from engine.subspaces.facts import SideFacts
from engine.subspaces.one_reading import overlap_of
from engine.subspaces.row_matrix import RowMatrix


def test_z_of_random_subspaces_is_standard() -> None:
    """Mean 0 and variance 1 in every cell, over seeds: E and SD are those of docs/method.md."""
    z = np.stack([view_values(gaussian_control(3, 4, 32, seed=seed), View.Z) for seed in range(1500)])
    assert np.abs(z.mean(axis=0)).max() < 5 / np.sqrt(len(z))
    assert np.abs(z.var(axis=0) - 1).max() < 0.25


def test_above_chance_subtracts_the_larger_index_over_d() -> None:
    control = gaussian_control(2, 3, 20)
    phi, above = PHI.values(control), view_values(control, View.ABOVE_CHANCE)
    for i in (1, 2):
        for j in (1, 2, 3):
            assert above[i - 1, j - 1] == phi[i - 1, j - 1] - max(i, j) / 20


def test_whole_space_has_no_z_and_undefined_stays_undefined() -> None:
    rng = np.random.default_rng(0)
    whole = RowMatrix(StoredArray(rng.standard_normal((3, 3)), FLOAT64), FLOAT64)
    one = np.zeros((2, 3))
    one[0, 0] = 1.0
    facts = SideFacts(Side.A, overlap_of(whole, RowMatrix(StoredArray(one, FLOAT64), FLOAT64)))
    z = view_values(facts, View.Z)
    assert np.isnan(z[2]).all(), "a subspace that is all of R^d has no spread"
    assert np.isnan(z[:, 1]).all(), "past the numerical rank"
    assert np.isfinite(z[:2, 0]).all()
    np.testing.assert_array_equal(view_values(facts, View.PHI), PHI.values(facts))
    assert [why_undefined(facts, view, 3, 2) for view in View] == ["past the numerical rank"] * 3
    assert [why_undefined(facts, view, 3, 1) for view in View] == ["", "", "a subspace is the whole space"]
    assert why_undefined(facts, View.Z, 2, 1) == ""


def test_a_cell_reads_as_its_panel() -> None:
    control = gaussian_control(3, 5, 5)
    for view in View:
        values = view_values(control, view)
        read = [[read_cell(control, i, j).value(view) for j in range(1, 6)] for i in range(1, 4)]
        np.testing.assert_allclose(read, values, rtol=1e-13)
    reading = read_cell(control, 2, 3)
    assert reading.chance == 0.6
    assert np.cos(np.radians(reading.angle)) ** 2 == pytest.approx(reading.phi)


def test_the_band_of_chance_is_3_standard_deviations_wide_in_every_view() -> None:
    control = gaussian_control(3, 4, 200)
    expected, deviation = expected_similarity(3, 4, 200), similarity_deviation(3, 4, 200)
    low, high = chance_band(control, View.PHI)
    np.testing.assert_allclose(high, expected + 3 * deviation)
    np.testing.assert_array_equal(low, np.maximum(0.0, expected - 3 * deviation))
    low, high = chance_band(control, View.ABOVE_CHANCE)
    np.testing.assert_allclose(high, 3 * deviation)
    low, high = chance_band(control, View.Z)
    np.testing.assert_allclose(high, 3.0)
    np.testing.assert_allclose(low, np.maximum(-3.0, -expected / deviation))


def test_a_view_has_one_name() -> None:
    assert [view.symbol for view in View] == ["φ", "φ − chance", "z"]
    assert bar_labels(View.Z, Side.DW_LEFT) == ("z, left-singular vectors of ΔW", "z on ΔW, left")
    assert bar_labels(View.ABOVE_CHANCE, Side.A) == (
        "φ − chance, right-singular vectors of A", "φ − chance on A",
    )  # fmt: skip
    title = figure_title(View.ABOVE_CHANCE, Side.DW_RIGHT, [(4, 64), (8, 64)])
    assert (title.letter, title.matrix, title.rest) == ("φ", "ΔW", " − chance")
    assert (title.first_ranks, title.second_ranks) == ((4, 8), (64, 64))
