"""What stands for a whole panel in the atlas."""

from __future__ import annotations

import numpy as np
import pytest

from engine.measures.phi import PHI
from engine.measures.summary import Summary, summary, summary_name, thumbnail
from engine.measures.view import View
from tests.reference import facts_of

VALUES = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, np.nan]])


def test_one_number_for_a_panel() -> None:
    panel, undefined = facts_of(VALUES, 40), facts_of(np.full((2, 2), np.nan), 40)
    phi = PHI.values(panel)
    assert summary(panel, View.PHI, Summary.DIAGONAL, 2) == phi[1, 1]
    assert np.isnan(summary(panel, View.PHI, Summary.DIAGONAL, 3)), "k passes the smaller rank"
    assert np.isnan(summary(panel, View.PHI, Summary.DIAGONAL, 0))
    assert summary(panel, View.PHI, Summary.MEAN, 7) == np.mean(phi[~np.isnan(VALUES)])
    assert np.isnan(summary(undefined, View.PHI, Summary.MEAN, 1))
    assert summary(panel, View.ABOVE_CHANCE, Summary.DIAGONAL, 2) == phi[1, 1] - 2 / 40


def test_what_is_shared_is_the_same_in_every_view_and_at_every_k() -> None:
    values = np.where(np.isnan(VALUES), 0.6, VALUES)
    panel = facts_of(values, 40)
    expected = 2 * (values[-1, -1] - 3 / 40) / (1 - 3 / 40)
    for view in View:
        assert summary(panel, view, Summary.SHARED, 1) == pytest.approx(expected, rel=1e-14)
    assert np.isnan(summary(facts_of(VALUES * np.nan, 40), View.PHI, Summary.SHARED, 1))
    assert np.isnan(summary(facts_of(values, 3), View.PHI, Summary.SHARED, 1)), "the whole space"
    assert summary_name(Summary.SHARED, View.Z, 8) == "directions shared beyond chance"


def test_thumbnail_keeps_the_corners() -> None:
    values = np.arange(64 * 8, dtype=float).reshape(64, 8)
    small = thumbnail(values, 20)
    assert small.shape == (20, 20)
    assert (small[0, 0], small[0, -1], small[-1, 0], small[-1, -1]) == (0, 7, 504, 511)
    assert (np.diff(small, axis=0) > 0).all(), "no row twice where there are enough"
    assert (np.diff(small, axis=1) >= 0).all()
