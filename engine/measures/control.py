"""The control of the paper's Figure 4, right: what φ looks like between two random matrices."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from engine.checkpoints.storage_types import FLOAT64, StoredArray
from engine.side import Side
from engine.subspaces.facts import SideFacts
from engine.subspaces.one_reading import overlap_of
from engine.subspaces.row_matrix import RowMatrix


@lru_cache(maxsize=16)  # the same panel is drawn again and again, and takes half a second at d = 12288
def gaussian_control(r: int, r_: int, d: int, side: Side = Side.A, seed: int = 0) -> SideFacts:
    """What is known of two independent matrices (r, d) and (r', d) of standard normal numbers.

    The same seed gives the same panel. Source: Hu et al., §7.2, "two random Gaussian matrices".
    """
    rng = np.random.default_rng(seed)
    X, Y = (RowMatrix(StoredArray(rng.standard_normal((n, d)), FLOAT64), FLOAT64) for n in (r, r_))
    return SideFacts(side, overlap_of(X, Y))
