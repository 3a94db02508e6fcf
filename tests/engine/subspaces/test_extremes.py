"""Files of float64 numbers near the ends of its range, on all sides, however A and B are stored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.comparison.outcome import SideResult
from engine.side import Side
from tests.factories import Tensors, mlx, peft, write_safetensors
from tests.reference import compare

_MODULE = "model.layers.0.self_attn.q_proj"


def _pair(seed: int, exponent: int) -> Any:
    """A (4, 32) and B (24, 4) of whole numbers · 2**exponent, exact wherever that puts them."""
    rng = np.random.default_rng(seed)
    shapes = (4, 32), (24, 4)
    return [np.ldexp(rng.integers(-(2**12), 2**12, shape).astype(np.float64), exponent) for shape in shapes]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("write", [peft, mlx])
@pytest.mark.parametrize("exponent", [1008, -1050], ids=["near 1e307", "near 1e-312"])
def test_numbers_near_the_ends_are_told_like_any_other(
    exponent: int, write: Callable[..., Tensors], tmp_path: Path
) -> None:
    paths = {
        (place, seed): write_safetensors(
            tmp_path / f"{place}-{seed}" / "adapters.safetensors", write({_MODULE: _pair(seed, place)})
        )
        for place in (0, exponent) for seed in (1, 2)
    }  # fmt: skip
    for side in Side:
        (plain,), (moved,) = (compare(paths[place, 1], paths[place, 2], side)[1] for place in (0, exponent))
        assert isinstance(plain, SideResult)
        assert isinstance(moved, SideResult), moved.error
        assert moved.facts.first.numerical_rank == moved.facts.second.numerical_rank == 4
        assert moved.warnings == ()
        np.testing.assert_allclose(moved.phi, plain.phi, rtol=0, atol=1e-9)
