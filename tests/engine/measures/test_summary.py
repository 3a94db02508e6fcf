"""What stands for a whole panel in the atlas."""

from __future__ import annotations

import numpy as np
import pytest

from engine.checkpoints.storage_types import Float64Array
from engine.measures.summary import Summary, summary, summary_name, thumbnail
from engine.measures.views import View
from engine.subspaces.subspace import Spectrum, SubspaceSimilarity

VALUES = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, np.nan]])


def _similarity(values: Float64Array, d: int = 40) -> SubspaceSimilarity:
    one, other = (Spectrum(np.ones(rank), rank) for rank in values.shape)
    return SubspaceSimilarity(values, one, other, d, "SVD")


def test_one_number_for_a_panel() -> None:
    panel, undefined = _similarity(VALUES), _similarity(np.full((2, 2), np.nan))
    assert summary(panel, View.PHI, Summary.DIAGONAL, 2) == 0.5
    assert np.isnan(summary(panel, View.PHI, Summary.DIAGONAL, 3)), "k passes the smaller rank"
    assert np.isnan(summary(panel, View.PHI, Summary.DIAGONAL, 0))
    assert summary(panel, View.PHI, Summary.MEAN, 7) == np.mean([0.1, 0.2, 0.3, 0.4, 0.5])
    assert np.isnan(summary(undefined, View.PHI, Summary.MEAN, 1))
    assert summary(panel, View.ABOVE_CHANCE, Summary.DIAGONAL, 2) == 0.5 - 2 / 40


def test_what_is_shared_is_the_same_in_every_view_and_at_every_k() -> None:
    panel = _similarity(np.where(np.isnan(VALUES), 0.6, VALUES))
    expected = 2 * (panel.values[-1, -1] - 3 / 40) / (1 - 3 / 40)
    for view in View:
        assert summary(panel, view, Summary.SHARED, 1) == pytest.approx(expected, rel=1e-14)
    assert np.isnan(summary(_similarity(VALUES * np.nan), View.PHI, Summary.SHARED, 1))
    assert np.isnan(summary(_similarity(panel.values, d=3), View.PHI, Summary.SHARED, 1)), "the whole space"
    assert summary_name(Summary.SHARED, View.Z, 8) == "directions shared beyond chance"


def test_thumbnail_keeps_the_corners() -> None:
    values = np.arange(64 * 8, dtype=float).reshape(64, 8)
    small = thumbnail(values, 20)
    assert small.shape == (20, 20)
    assert (small[0, 0], small[0, -1], small[-1, 0], small[-1, -1]) == (0, 7, 504, 511)
    assert (np.diff(small, axis=0) > 0).all(), "no row twice where there are enough"
    assert (np.diff(small, axis=1) >= 0).all()
