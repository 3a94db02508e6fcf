"""What stands for a whole panel in the atlas."""

from __future__ import annotations

import numpy as np

from engine.summary import Summary, summary, thumbnail

VALUES = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, np.nan]])


def test_diagonal_and_mean() -> None:
    assert summary(VALUES, Summary.DIAGONAL, 2) == 0.5
    assert np.isnan(summary(VALUES, Summary.DIAGONAL, 3)), "k passes the smaller rank"
    assert np.isnan(summary(VALUES, Summary.DIAGONAL, 0))
    assert summary(VALUES, Summary.MEAN, 7) == np.mean([0.1, 0.2, 0.3, 0.4, 0.5])
    assert np.isnan(summary(np.full((2, 2), np.nan), Summary.MEAN, 1))


def test_thumbnail_keeps_the_corners() -> None:
    values = np.arange(64 * 8, dtype=float).reshape(64, 8)
    small = thumbnail(values, 20)
    assert small.shape == (20, 20)
    assert (small[0, 0], small[0, -1], small[-1, 0], small[-1, -1]) == (0, 7, 504, 511)
    assert (np.diff(small, axis=0) > 0).all(), "no row twice where there are enough"
    assert (np.diff(small, axis=1) >= 0).all()
