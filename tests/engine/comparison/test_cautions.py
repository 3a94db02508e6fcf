"""What a reader is warned of, and what not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.comparison.cautions import (
    base_model_caution,
    comparison_cautions,
    gauge_caution,
    initialisation_caution,
    same_file_caution,
)
from engine.comparison.outcome import SideResult
from engine.matching.pairing import Pairing, pair_adapters
from engine.side import Side
from engine.sources.opening import open_source
from tests.adapters import llama_modules, peft_config, write_peft_adapter, write_tensors
from tests.conftest import DATA
from tests.reference import compared

MODULES = llama_modules(3)


def _pairing(
    folder: Path, *, same_A: float, same_B: float, rank: int = 4, d_in: int = 80, d_out: int = 60
) -> Pairing:
    """Two adapters whose A and B consist of a common part, by these weights, and one of their own."""
    paths = []
    for seed in (1, 2):
        own, common = np.random.default_rng(seed), np.random.default_rng(0)
        tensors = {}
        for module in MODULES:
            for factor, shape, weight in (("A", (rank, d_in), same_A), ("B", (d_out, rank), same_B)):
                matrix = weight * common.standard_normal(shape) + (1 - weight) * own.standard_normal(shape)
                name = f"base_model.model.{module}.lora_{factor}.weight"
                tensors[name] = np.ascontiguousarray(matrix, dtype=np.float32)
        paths.append(write_tensors(folder / str(seed), tensors, peft_config(MODULES, rank)))
    return pair_adapters(*map(open_source, paths))


def test_a_common_start_is_told(tmp_path: Path) -> None:
    said = initialisation_caution(_pairing(tmp_path, same_A=0.95, same_B=0.0))
    assert "started from" in said
    assert "B or ΔW" in said


@pytest.mark.parametrize(("same_A", "same_B"), [(0.95, 0.95), (0.0, 0.0), (0.0, 0.95)])
def test_nothing_is_said_where_B_agrees_or_A_does_not(tmp_path: Path, same_A: float, same_B: float) -> None:
    assert initialisation_caution(_pairing(tmp_path, same_A=same_A, same_B=same_B)) == ""


@pytest.mark.parametrize(("rank", "d_in", "d_out"), [(62, 80, 63), (62, 63, 80), (60, 60, 60), (24, 40, 40)])
def test_nothing_is_said_where_random_subspaces_share_most_of_theirs(
    tmp_path: Path, rank: int, d_in: int, d_out: int
) -> None:
    """φ on B at its chance of 0.98 is no sign of anything, nor is φ = 1 on A where chance is 1."""
    pairing = _pairing(tmp_path, same_A=0.95, same_B=0.0, rank=rank, d_in=d_in, d_out=d_out)
    assert initialisation_caution(pairing) == ""


def test_real_seeds_differ_in_their_start() -> None:
    pairing = pair_adapters(*(open_source(DATA / "minilm" / f"r8_seed{seed}") for seed in (0, 1)))
    assert initialisation_caution(pairing) == ""


@pytest.mark.parametrize("zero", [(True, False), (False, True), (True, True)])
def test_what_an_untrained_adapter_shares_on_A_is_its_start(tmp_path: Path, zero: tuple[bool, bool]) -> None:
    """B, which would tell, has no direction yet."""
    paths = [
        write_peft_adapter(tmp_path / f"{k}", MODULES, 4, seed=0, zero_B=is_zero) for k, is_zero in enumerate(zero)
    ]
    said = initialisation_caution(pair_adapters(*map(open_source, paths)))
    which = {(True, False): "first", (False, True): "second"}.get(zero, "first and the second")
    assert said.startswith(f"φ is high on A (1.00) where B is zero in the {which} adapter:")
    other = write_peft_adapter(tmp_path / "other", MODULES, 4, seed=1, zero_B=True)
    assert initialisation_caution(pair_adapters(open_source(paths[0]), open_source(other))) == ""


def test_gauge_matters_on_the_factors_only() -> None:
    assert "on A" in gauge_caution(Side.A)
    assert "on B" in gauge_caution(Side.B)
    assert gauge_caution(Side.DW_LEFT) == gauge_caution(Side.DW_RIGHT) == ""


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        ("meta-llama/Llama-3.1-8B", "mistralai/Mistral-7B-v0.3", True),
        ("meta-llama/Llama-3.1-8B", "/data/models/llama-3.1-8b", False),
        ("meta-llama/Llama-3.1-8B", "", False),
    ],
)
def test_different_base_models_are_told(tmp_path: Path, one: str, other: str, told: bool) -> None:
    paths = [
        write_peft_adapter(tmp_path / name, MODULES, 4, seed=1, config={"base_model_name_or_path": base})
        for name, base in (("a", one), ("b", other))
    ]
    said = base_model_caution(pair_adapters(*map(open_source, paths)))
    assert (one in said and other in said) if told else said == ""


def test_a_common_start_is_told_where_both_learned_the_same_task(tmp_path: Path) -> None:
    """B is far from chance there, but A agrees far better: measured on real runs of one start (0.75 against 0.4)."""
    said = initialisation_caution(_pairing(tmp_path, same_A=0.95, same_B=0.5))
    assert "far lower on B" in said
    assert "besides what they learned" in said


def test_a_file_compared_with_itself_is_told(tmp_path: Path) -> None:
    first, second = (open_source(write_peft_adapter(tmp_path / name, MODULES, 4, seed=1)) for name in "ab")
    assert "compared with itself" in same_file_caution(pair_adapters(first, first))
    assert not same_file_caution(pair_adapters(first, second))


def test_everything_that_a_reader_should_beware_of_is_in_one_list(tmp_path: Path) -> None:
    zero, trained = (
        open_source(write_peft_adapter(tmp_path / name, MODULES, 4, seed=seed, zero_B=not seed))
        for seed, name in enumerate(("zero", "trained"))
    )
    pairing = pair_adapters(zero, trained)
    results = [outcome for outcome in compared(pairing) if isinstance(outcome, SideResult)]
    said = comparison_cautions(pairing, Side.A, results, "They started alike.")
    assert [sentence.partition(" ")[0] for sentence in said] == ["They", "B", "Below"]
    assert "every module of zero: untrained" in said[1]
