"""Several adapters and several sides in one request: the numbers of requests of two adapters and one side each."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import engine.comparison.running
import engine.subspaces.algebra
from engine.comparison.outcome import PairOutcome, Request, SideFailure, SideOutcome, SideResult
from engine.comparison.running import outcomes
from engine.matching.matching import match
from engine.matching.pairing import pair_adapters, pairing_of
from engine.side import Side
from engine.sources.opening import open_source
from engine.sources.source import FactorArrays, Module, Source, SourceReader
from engine.subspaces.algebra import NumpyAlgebra, TorchAlgebra
from engine.subspaces.devices import CPU
from engine.subspaces.overlap import Overlap
from main import main
from tests.adapters import llama_modules, peft_config, peft_tensors, write_peft_adapter, write_tensors
from tests.conftest import DATA
from tests.reference import compared

MODULES = llama_modules(3)
SIDES = tuple(Side)
Alone = dict[tuple[tuple[int, int], str, Side], SideOutcome]


def graded(rng: np.random.Generator, factor: str, shape: tuple[int, int]) -> Any:
    """Normal numbers whose directions are told apart by their singular values."""
    strengths = 2.0 ** -np.arange(shape[0] if factor == "A" else shape[1])
    return rng.standard_normal(shape) * (strengths[:, None] if factor == "A" else strengths)


def adapters(folder: Path, ranks: Sequence[int] = (3, 4, 6), d_in: int = 40, d_out: int = 30) -> list[Source]:
    return [
        open_source(
            write_peft_adapter(folder / str(k), MODULES, rank, seed=k, d_in=d_in, d_out=d_out, draw=graded)
        )
        for k, rank in enumerate(ranks)
    ]  # fmt: skip


def request_of(sources: Sequence[Source], sides: tuple[Side, ...] = SIDES) -> Request:
    """Every two of the adapters, either way round."""
    matching = match(sources)
    pairs = [pairing_of(matching, i, j).pairs for i, j in itertools.permutations(range(len(sources)), 2)]
    return Request(1, matching, tuple(itertools.chain.from_iterable(pairs)), sides)


def one_by_one(sources: Sequence[Source]) -> Alone:
    """What requests of two adapters and one side give, by the places of the two, the module and the side."""
    return {
        ((i, j), outcome.pair.path.name, side): outcome
        for i, j in itertools.permutations(range(len(sources)), 2)
        for side in SIDES
        for outcome in compared(pair_adapters(sources[i], sources[j]), side)
    }


def without_signs(overlap: Overlap) -> Any:
    """|M| as far as the directions are told from rounding: which way a singular vector points is arbitrary."""
    return np.abs(overlap.matrix[: overlap.first.numerical_rank, : overlap.second.numerical_rank])


def assert_as_alone(outcome: PairOutcome, alone: Alone, sides: Sequence[Side] = SIDES) -> None:
    for side in sides:
        found, expected = outcome.on(side), alone[outcome.pair.places, outcome.pair.path.name, side]
        assert isinstance(found, SideResult)
        assert isinstance(expected, SideResult)
        assert found.facts.side is side
        one, other = found.facts.overlap, expected.facts.overlap
        assert (one.shape, one.dimension, one.method) == (other.shape, other.dimension, other.method)
        # How products are split up, and so how they are rounded, hangs on the processor and on what stands beside.
        np.testing.assert_allclose(without_signs(one), without_signs(other), rtol=0, atol=1e-11)
        np.testing.assert_allclose(found.phi, expected.phi, rtol=0, atol=1e-11)
        for spectrum, again in ((one.first, other.first), (one.second, other.second)):
            np.testing.assert_allclose(spectrum.values, again.values, rtol=0, atol=1e-14 * again.values[0])
            assert (spectrum.numerical_rank, spectrum.exponent) == (again.numerical_rank, again.exponent)
        assert found.warnings == expected.warnings
        assert not one.matrix.flags.writeable
        assert found.nbytes == one.nbytes > 0


@pytest.mark.parametrize("algebra", [NumpyAlgebra, lambda: TorchAlgebra(CPU)], ids=["numpy", "torch"])
def test_several_adapters_and_sides_at_once_are_as_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, algebra: Any
) -> None:
    sources = adapters(tmp_path)
    request, alone = request_of(sources), one_by_one(sources)
    monkeypatch.setattr("engine.comparison.running.algebra_for", lambda _device: algebra())
    found = list(outcomes(request))
    assert len(found) == 6 * len(MODULES)
    assert sorted(map(id, request.pairs)) == sorted(id(outcome.pair) for outcome in found)
    slugs = [outcome.pair.slug for outcome in found]
    assert list(dict.fromkeys(slugs)) == [key for key, _ in itertools.groupby(slugs)], "module by module"
    for outcome in found:
        assert not outcome.failures
        assert outcome.device_failure == ""
        assert_as_alone(outcome, alone)


def test_each_adapter_is_read_once_for_each_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: Counter[tuple[str, str]] = Counter()
    asked: set[tuple[bool, bool]] = set()
    as_it_is = SourceReader.read

    def counted(reader: SourceReader, module: Module, **given: Any) -> FactorArrays:
        read[reader._source.path.name, module.path.name] += 1
        asked.add((given["A"], given["B"]))
        return as_it_is(reader, module, **given)

    monkeypatch.setattr(SourceReader, "read", counted)
    sources = adapters(tmp_path)
    request = request_of(sources)
    assert len(list(outcomes(request))) == 6 * len(MODULES)
    assert read == dict.fromkeys(itertools.product("012", MODULES), 1)
    assert asked == {(True, True)}
    for side, needed in ((Side.A, (True, False)), (Side.B, (False, True))):
        asked.clear()
        list(outcomes(request_of(sources, (side,))))
        assert asked == {needed}, "and no more of it than the sides need"
    read.clear()
    some = tuple(pair for pair in request.pairs if pair.places == (2, 0))
    list(outcomes(Request(1, request.matching, some)))
    assert {name for name, _ in read} == {"0", "2"}, "an adapter that no pair is of stays closed"


@pytest.mark.parametrize("factor", ["A", "B"])
def test_a_module_that_holds_nan_fails_its_own_pairs_alone(tmp_path: Path, factor: str) -> None:
    sources = adapters(tmp_path)
    tensors = peft_tensors(MODULES, 4, seed=1, d_in=40, d_out=30, draw=graded)
    tensors[f"base_model.model.{MODULES[2]}.lora_{factor}.weight"][1, 1] = np.nan
    sources[1] = open_source(write_tensors(tmp_path / "nan", tensors, peft_config(MODULES, 4)))
    others = one_by_one([sources[0], sources[2]])
    alone = {((2 * i, 2 * j), name, side): outcome for ((i, j), name, side), outcome in others.items()}
    for outcome in outcomes(request_of(sources)):
        places = outcome.pair.places
        for side in SIDES:
            found = outcome.on(side)
            if outcome.pair.path.name != MODULES[2] or 1 not in places or not (
                side.needs_A if factor == "A" else side.needs_B
            ):  # fmt: skip
                assert isinstance(found, SideResult)
                continue
            assert isinstance(found, SideFailure)
            assert found.pair is outcome.pair
            which = "first" if places[0] == 1 else "second"
            assert found.error.reason.startswith(f"In the {which} adapter: {factor} holds NaN or Inf")
            assert (found.error.path, found.error.module) == (sources[1].path, MODULES[2])
        if 1 not in places:
            assert_as_alone(outcome, alone)


def test_an_obstacle_on_one_side_leaves_the_others(tmp_path: Path) -> None:
    """One adapter without B in a module, one of another R^d_out."""
    sources = adapters(tmp_path, (3, 4))
    tensors = peft_tensors(MODULES, 4, seed=5, d_in=40, d_out=30, draw=graded)
    del tensors[f"base_model.model.{MODULES[0]}.lora_B.weight"]
    sources.append(open_source(write_tensors(tmp_path / "without", tensors, peft_config(MODULES, 4))))
    other = write_peft_adapter(tmp_path / "other", MODULES, 4, seed=6, d_in=40, d_out=20, draw=graded)
    sources.append(open_source(other))
    found, alone = list(outcomes(request_of(sources))), one_by_one(sources)
    assert len(found) == 12 * len(MODULES)
    for outcome in found:
        pair = outcome.pair
        expected = {side: pair.obstacle(side) for side in SIDES}
        assert not expected[Side.A]
        assert {side: outcome.failures[side].reason for side in outcome.failures} == {
            side: reason for side, reason in expected.items() if reason
        }
        assert all(isinstance(outcome.on(side), SideFailure) is bool(expected[side]) for side in SIDES)
        assert_as_alone(outcome, alone, [side for side in SIDES if not expected[side]])
    both = [outcome for outcome in found if outcome.pair.places == (0, 2)]
    assert [len(outcome.failures) for outcome in both] == [3, 0, 0, 0, 0, 0]
    assert "The second adapter holds A and no B here" in both[0].failures[Side.DW_LEFT].reason
    apart = next(outcome for outcome in found if outcome.pair.places == (3, 0))
    assert set(apart.failures) == {Side.B, Side.DW_RIGHT, Side.DW_LEFT}
    assert "output dimensions differ: 20 in the first adapter, 30 in the second" in apart.failures[Side.B].reason


def test_adapters_of_two_models_are_compared_each_with_its_own(tmp_path: Path) -> None:
    """What shares a module's name need not share its space."""
    sources = [*adapters(tmp_path / "one", (3, 4)), *adapters(tmp_path / "two", (3, 5), d_in=50)]
    alone = one_by_one(sources)
    for outcome in outcomes(request_of(sources)):
        if {*outcome.pair.places} in ({0, 1}, {2, 3}):
            assert_as_alone(outcome, alone)
        else:
            assert set(outcome.failures) == {Side.A, Side.DW_RIGHT, Side.DW_LEFT}
            assert_as_alone(outcome, alone, [Side.B])


def test_B_of_AdaLoRA_is_the_same_whatever_else_is_asked_for() -> None:
    """Its diagonal belongs to ΔW; side B is of B as it is stored."""
    sources = [open_source(DATA / "dialects" / "peft_adalora" / which) for which in "ab"]
    assert any(module.update.E is not None for source in sources for module in source.modules)
    alone = one_by_one(sources)
    for outcome in outcomes(request_of(sources)):
        assert_as_alone(outcome, alone)


def test_a_side_that_was_not_asked_for_is_not_known(tmp_path: Path) -> None:
    outcome = next(outcomes(request_of(adapters(tmp_path, (3, 4)), (Side.B,))))
    assert isinstance(outcome.on(Side.B), SideResult)
    with pytest.raises(KeyError):
        outcome.on(Side.A)


def test_cancelling_ends_the_run_before_the_next_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.subspaces.algebra, "_LARGEST_CPU_BATCH", 1)
    request = request_of(adapters(tmp_path))
    seen: list[PairOutcome] = []
    for outcome in outcomes(request, lambda: len(seen) >= 7):
        seen.append(outcome)
    assert 7 <= len(seen) < len(request.pairs)
    assert not list(outcomes(request, lambda: True))


def test_sources_too_many_for_memory_are_compared_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pairs between every two blocks together; each source is read once for each block that it meets."""
    read: Counter[str] = Counter()
    as_it_is = SourceReader.read

    def counted(reader: SourceReader, module: Module, **given: Any) -> FactorArrays:
        read[reader._source.path.name] += 1
        return as_it_is(reader, module, **given)

    sources = adapters(tmp_path, (3, 4, 6, 2, 5))
    request, alone = request_of(sources), one_by_one(sources)
    monkeypatch.setattr(SourceReader, "read", counted)
    monkeypatch.setattr(engine.comparison.running, "_MOST_ROWS", 14)  # 3 + 4, 6, 2 + 5
    found = list(outcomes(request))
    assert sorted(map(id, request.pairs)) == sorted(id(outcome.pair) for outcome in found)
    for outcome in found:
        assert_as_alone(outcome, alone)
    assert read == {name: 3 * len(MODULES) if name != "2" else 2 * len(MODULES) for name in "01234"}
    slugs = [outcome.pair.slug for outcome in found]
    assert list(dict.fromkeys(slugs)) == [key for key, _ in itertools.groupby(slugs)], "module by module"


@pytest.mark.parametrize(("data", "reads_B"), [("csv,npz,json", True), ("npz,json", False), ("none", False)])
def test_B_stays_unread_for_a_figure_on_A(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: str, reads_B: bool
) -> None:
    """Of the files only the findings need it."""
    asked: set[bool] = set()
    as_it_is = SourceReader.read

    def listened_to(reader: SourceReader, module: Module, **given: Any) -> FactorArrays:
        asked.add(given["B"])
        return as_it_is(reader, module, **given)

    sources = adapters(tmp_path, (3, 4))
    monkeypatch.setattr(SourceReader, "read", listened_to)
    monkeypatch.setattr("engine.commands.export.initialisation_caution", lambda *_: "")  # it looks at B by itself
    words = ["export", *(str(source.path) for source in sources), "--out", str(tmp_path / "out"), "--data", data]
    assert main(words) == 0
    assert asked == {reads_B}
