"""The control of the paper's Figure 4, right: what φ looks like between two random matrices."""

from __future__ import annotations

import numpy as np

from engine.storage_types import FLOAT64
from engine.subspace import RowMatrix, SubspaceSimilarity, subspace_similarity


def gaussian_control(r: int, r_: int, d: int, seed: int = 0) -> SubspaceSimilarity:
    """φ, of shape (r, r'), of two independent matrices (r, d) and (r', d) of standard normal numbers.

    The same seed gives the same panel. Source: Hu et al., §7.2, "two random Gaussian matrices".
    """
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((r, d)), rng.standard_normal((r_, d))
    return subspace_similarity(RowMatrix(X, FLOAT64), RowMatrix(Y, FLOAT64))
