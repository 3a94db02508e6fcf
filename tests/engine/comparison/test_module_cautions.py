"""Cautions about many modules: each kind once, with a count, examples, and every module in the lines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.comparison.module_cautions import module_cautions, untrained_caution
from engine.comparison.outcome import SideResult
from engine.matching.pairing import Pairing, pair_adapters
from engine.side import Side
from engine.sources.opening import open_source
from tests.adapters import Matrix, llama_modules, write_peft_adapter
from tests.reference import compared

MODULES = llama_modules(4)


def _tied(rng: np.random.Generator, _factor: str, shape: tuple[int, int]) -> Matrix:
    """Rows or columns that are orthonormal: all singular values are 1."""
    long, short = max(shape), min(shape)
    columns = np.linalg.qr(rng.standard_normal((long, short)))[0]
    return columns if shape == (long, short) else columns.T


def _deficient(rng: np.random.Generator, _factor: str, shape: tuple[int, int]) -> Matrix:
    """Of rank 2."""
    return rng.standard_normal((shape[0], 2)) @ rng.standard_normal((2, shape[1]))


def _results(pairing: Pairing, side: Side = Side.A) -> list[SideResult]:
    return [outcome for outcome in compared(pairing, side) if isinstance(outcome, SideResult)]


def test_ties_are_told_once_with_every_module_below(tmp_path: Path) -> None:
    tied = write_peft_adapter(tmp_path / "tied", MODULES, 4, seed=1, draw=_tied, dtype=np.float64)
    plain = write_peft_adapter(tmp_path / "plain", MODULES, 4, seed=2)
    (caution,) = module_cautions(_results(pair_adapters(open_source(tied), open_source(plain))), Side.A)
    assert caution.kind == "ties"
    assert "of A in 8 of 8 modules (Layer 1 q, Layer 1 v, Layer 2 q and 5 more)" in caution.sentence
    assert len(caution.lines) == 8
    assert caution.lines[0] == "Layer 1 q: first adapter at k = 1, 2, 3"


@pytest.mark.parametrize(("count_from", "named"), [(1, "Layer 1 q"), (0, "Layer 0 q")])
def test_ranks_below_r_are_told_once(tmp_path: Path, count_from: int, named: str) -> None:
    paths = [
        write_peft_adapter(tmp_path / str(seed), MODULES[:2], 4, seed=seed, draw=_deficient, dtype=np.float64)
        for seed in (1, 2)
    ]
    results = _results(pair_adapters(*map(open_source, paths)))
    (caution,) = module_cautions(results, Side.A, count_from)
    assert caution.kind == "ranks"
    assert caution.lines[0] == f"{named}: first adapter has rank 2 of 4; second adapter has rank 2 of 4"


def test_what_the_device_left_to_the_cpu_is_told(tmp_path: Path) -> None:
    paths = [write_peft_adapter(tmp_path / str(seed), MODULES, 4, seed=seed) for seed in (1, 2)]
    results = _results(pair_adapters(*map(open_source, paths)))
    assert module_cautions(results, Side.A) == ()
    first = results[0]
    results[0] = SideResult(first.pair, first.facts, device_failure="The GPU failed.")
    (caution,) = module_cautions(results, Side.A)
    assert caution.kind == "device"
    assert "1 of 8 modules" in caution.sentence
    assert caution.lines == ("Layer 1 q: The GPU failed.",)


def test_untrained_adapters_are_named(tmp_path: Path) -> None:
    trained, zero, other = (
        open_source(write_peft_adapter(tmp_path / name, MODULES, 4, seed=1, zero_B=name != "trained"))
        for name in ("trained", "zero", "other")
    )
    assert untrained_caution(pair_adapters(trained, trained)) == ""
    assert "B is zero in every module of zero: untrained" in untrained_caution(pair_adapters(trained, zero))
    both = untrained_caution(pair_adapters(zero, other))
    assert "B is zero in every module of zero and in every module of other: untrained" in both
