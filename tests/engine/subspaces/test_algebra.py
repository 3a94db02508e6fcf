"""Every way of multiplying gives the same Gram matrix; torch's is exercised on its CPU, and on a GPU where one is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import engine.comparison.running
import engine.subspaces.algebra
import engine.subspaces.one_reading
import engine.subspaces.stack
from engine.checkpoints.storage_types import STORAGE_TYPES, StoredArray
from engine.comparison.outcome import PairOutcome, Request, SideOutcome, SideResult
from engine.errors import DeviceFailure
from engine.matching.pairing import pair_adapters
from engine.side import Side
from engine.sources.opening import open_source
from engine.subspaces.algebra import Algebra, NumpyAlgebra, TorchAlgebra
from engine.subspaces.devices import CPU, Device, cuda_devices
from tests.adapters import llama_modules, write_peft_adapter

torch = pytest.importorskip("torch")

GPU = Device("cuda:0", "the GPU")
DEVICES = [
    pytest.param(CPU, id="cpu"),
    pytest.param(
        GPU, id="cuda", marks=[pytest.mark.cuda, pytest.mark.skipif(not cuda_devices(), reason="no CUDA device")]
    ),
]


def stored(rng: np.random.Generator, shape: tuple[int, int], name: str) -> StoredArray:
    """Random numbers as a file holds them in a storage type."""
    type_ = STORAGE_TYPES[name]
    tensor = torch.from_numpy(rng.standard_normal(shape)).to(getattr(torch, name))
    bits: npt.NDArray[Any] = tensor.view(torch.uint8).numpy().copy().view(type_.carrier).reshape(shape)
    return StoredArray(bits, type_)


def expected(first: StoredArray, second: StoredArray) -> npt.NDArray[np.float64]:
    Z = np.concatenate((first.widened(), second.widened()))
    product: npt.NDArray[np.float64] = np.einsum("ik,jk->ij", Z, Z)
    return product


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", sorted(STORAGE_TYPES))
def test_torch_multiplies_stored_numbers_exactly(device: Device, name: str) -> None:
    rng = np.random.default_rng(0)
    algebra = TorchAlgebra(device)
    pairs = [(stored(rng, (3, 50), name), stored(rng, (5, 50), name)) for _ in range(4)]
    products = algebra.grams([algebra.stage(pair) for pair in pairs])
    for product, pair in zip(products, pairs, strict=True):
        np.testing.assert_allclose(product, expected(*pair), rtol=1e-13, atol=1e-12)


@pytest.mark.parametrize("width", [1, 7, 50, 64])
def test_numpy_multiplies_block_by_block(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setattr(engine.subspaces.algebra, "_SMALLEST_BLOCK", width)
    monkeypatch.setattr(engine.subspaces.algebra, "_BLOCK_BYTES", 0)
    rng = np.random.default_rng(1)
    first, second = stored(rng, (3, 50), "bfloat16"), stored(rng, (5, 50), "float32")
    algebra = NumpyAlgebra()
    product = algebra.grams([algebra.stage((first, second))])[0]
    np.testing.assert_allclose(product, expected(first, second), rtol=1e-13)


class _Scarce(TorchAlgebra):
    """A device that has memory for only so many pairs at once."""

    def __init__(self, room: int) -> None:
        super().__init__(CPU)
        self.room = room
        self.sizes: list[int] = []

    def _batch(self, staged: Any, turns: Any) -> Any:
        self.sizes.append(len(staged))
        if len(staged) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super()._batch(staged, turns)


def test_out_of_memory_leads_to_smaller_batches() -> None:
    rng = np.random.default_rng(2)
    pairs = [(stored(rng, (2, 9), "float32"), stored(rng, (2, 9), "float32")) for _ in range(11)]
    algebra = _Scarce(3)
    products = algebra.grams([algebra.stage(pair) for pair in pairs])
    assert len(products) == 11
    assert max(algebra.sizes[2:]) <= 3
    for product, pair in zip(products, pairs, strict=True):
        np.testing.assert_allclose(product, expected(*pair), rtol=1e-12)
    assert algebra.batch_size(4, 9) == 2, "and later batches are small from the start"


def test_no_memory_for_one_pair_is_a_failure() -> None:
    rng = np.random.default_rng(3)
    pair = stored(rng, (2, 9), "float32"), stored(rng, (2, 9), "float32")
    algebra = _Scarce(0)
    with pytest.raises(DeviceFailure, match="too little free memory"):
        algebra.grams([algebra.stage(pair)])


# --- whole comparisons -----------------------------------------------------------------------------------


def _request(folder: Path, device: Device, side: Side = Side.A) -> Request:
    modules = llama_modules(7, ("q", "v"))
    paths = [write_peft_adapter(folder / str(seed), modules, 4 + seed, seed=seed) for seed in (0, 1)]
    pairing = pair_adapters(*map(open_source, paths))
    return Request(1, pairing.matching, pairing.comparable(side), (side,), device)


def _computed(monkeypatch: pytest.MonkeyPatch, request: Request, algebra: Algebra) -> list[SideOutcome]:
    monkeypatch.setattr(engine.comparison.running, "algebra_for", lambda _device: algebra)
    (side,) = request.sides
    return [outcome.on(side) for outcome in engine.comparison.running.outcomes(request)]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("side", list(Side))
def test_a_device_of_torch_gives_the_numbers_of_numpy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: Device, side: Side
) -> None:
    request = _request(tmp_path, CPU, side)
    by_numpy = _computed(monkeypatch, request, NumpyAlgebra())
    by_torch = _computed(monkeypatch, request, TorchAlgebra(device))
    assert [outcome.pair for outcome in by_torch] == list(request.pairs)
    for one, other in zip(by_numpy, by_torch, strict=True):
        assert isinstance(one, SideResult)
        assert isinstance(other, SideResult)
        np.testing.assert_allclose(other.phi, one.phi, rtol=0, atol=1e-9)
        assert other.warnings == ()


class _Failing(NumpyAlgebra):
    """A device that fails at a step."""

    def __init__(self, step: str) -> None:
        super().__init__()
        self._step = step

    def stage(self, matrices: Sequence[StoredArray]) -> Sequence[StoredArray]:
        self._fail("stage")
        return super().stage(matrices)

    def grams(self, staged: Any, turns: Any = None) -> Any:
        self._fail("grams" if turns is None else "turned grams")
        return super().grams(staged, turns)

    def eigenvectors(self, grams: Any) -> Any:
        self._fail("eigenvectors")
        return super().eigenvectors(grams)

    def decomposition(self, X: Any) -> Any:
        self._fail("decomposition")
        return super().decomposition(X)

    def _fail(self, step: str) -> None:
        if step == self._step:
            raise DeviceFailure("The GPU failed.")


@pytest.mark.parametrize("step", ["stage", "grams", "turned grams", "eigenvectors", "decomposition"])
def test_what_a_device_fails_on_is_computed_on_the_cpu_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    request = _request(tmp_path, CPU)
    right = _computed(monkeypatch, request, NumpyAlgebra())
    if step == "turned grams":
        monkeypatch.setattr(engine.subspaces.one_reading, "LARGEST_ERROR", 0.0)
    if step == "decomposition":
        monkeypatch.setattr(engine.subspaces.stack, "_SMALLEST_PIVOT", 2.0)
    found = _computed(monkeypatch, request, _Failing(step))
    for one, other in zip(right, found, strict=True):
        assert isinstance(one, SideResult)
        assert isinstance(other, SideResult)
        np.testing.assert_allclose(other.phi, one.phi, rtol=0, atol=1e-9)
        assert other.warnings == ("The GPU failed. This module was computed on the CPU.",)


def test_cancelling_ends_the_run_before_the_next_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    request = _request(tmp_path, CPU)
    monkeypatch.setattr(engine.subspaces.algebra, "_LARGEST_CPU_BATCH", 1)
    seen: list[PairOutcome] = []
    for outcome in engine.comparison.running.outcomes(request, lambda: len(seen) >= 3):
        seen.append(outcome)
    assert 3 <= len(seen) < len(request.pairs)


def test_a_run_that_is_left_closes_its_files_and_threads(tmp_path: Path) -> None:
    import threading  # noqa: PLC0415 - used here alone

    run = engine.comparison.running.outcomes(_request(tmp_path, CPU))
    next(run)
    run.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("compute")]
