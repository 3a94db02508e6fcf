"""The heavy operations on matrices, by NumPy on the CPU or by torch on a GPU, always in float64."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from engine.checkpoints.storage_types import BFLOAT16, FLOAT8_E4M3FN, FLOAT8_E5M2, Float64Array, StoredArray
from engine.errors import DeviceFailure
from engine.subspaces.devices import Device

if TYPE_CHECKING:
    import torch

# Widened columns of both matrices that are multiplied at a time (measured: docs/performance.md).
_BLOCK_BYTES = 1 << 21
_SMALLEST_BLOCK = 256
# Some 20 ms on a processor: enough that NumPy's calls, each for a whole batch, are not what takes the time.
_OPERATIONS_PER_TASK = 4 * 10**8
_LARGEST_CPU_BATCH = 32
# What one batch on a GPU may take of its memory in float64, and how many modules.
_BATCH_BYTES = 1 << 28
_LARGEST_BATCH = 64


Turns = Sequence[Float64Array]


class Algebra(Protocol):
    """What a device does for φ, for several threads at once. Results go back as NumPy's arrays."""

    def batch_size(self, rows: int, d: int) -> int:
        """How many stacks of matrices with `rows` rows together, in R^d, are best given to `grams` at once."""
        ...

    def stage(self, matrices: Sequence[StoredArray]) -> Any:
        """Send a stack of matrices (r, d), (r', d), … on its way to the device."""
        ...

    def grams(self, staged: Sequence[Any], turns: Sequence[Turns] | None = None) -> list[Float64Array]:
        """Z Zᵀ, (r + r' + …, r + r' + …), of Z = [X; X'; …] for each stack that was staged; all are of one shape.

        With `turns`, Z = [T X; T' X'; …]: for each stack a matrix (r, r) for each of its matrices.
        """
        ...

    def eigenvectors(self, grams: Float64Array) -> Float64Array:
        """Eigenvectors as columns, the largest eigenvalue's first, of each symmetric matrix in (n, r, r)."""
        ...

    def decomposition(self, X: Float64Array) -> tuple[Float64Array, Float64Array, Float64Array]:
        """V (r, m), σ (m,), descending, and the rows Q (m, d) of X = V diag(σ) Q, (r, d) with m = min(r, d)."""
        ...


class NumpyAlgebra:
    """On the CPU, stack by stack.

    Raises:
        DeviceFailure: from `eigenvectors` and `decomposition`, where a decomposition does not converge.
    """

    def __init__(self) -> None:
        self._own = threading.local()  # each thread widens into a block of its own

    def batch_size(self, rows: int, d: int) -> int:
        """Enough for a task that is worth handing to another thread, one stack of the paper's size."""
        return max(1, min(_LARGEST_CPU_BATCH, _OPERATIONS_PER_TASK // (rows**2 * d)))

    def stage(self, matrices: Sequence[StoredArray]) -> Sequence[StoredArray]:
        return matrices

    def grams(
        self, staged: Sequence[Sequence[StoredArray]], turns: Sequence[Turns] | None = None
    ) -> list[Float64Array]:
        if turns is None:
            return [self._gram(matrices) for matrices in staged]
        return [self._gram(matrices, each) for matrices, each in zip(staged, turns, strict=True)]

    def _gram(self, matrices: Sequence[StoredArray], turns: Turns | None = None) -> Float64Array:
        """A block of columns is widened and multiplied while it is in the cache, then the next.

        NumPy sees that Z Zᵀ is symmetric and computes half of it.
        """
        ends = np.cumsum([0, *(matrix.shape[0] for matrix in matrices)]).tolist()
        places = [slice(first, last) for first, last in itertools.pairwise(ends)]
        rows, d = ends[-1], matrices[0].shape[1]
        width = max(1, min(d, max(_SMALLEST_BLOCK, _BLOCK_BYTES // (8 * rows))))
        widened = self._block(rows, width, by_columns=matrices[0].is_by_columns)
        total = np.zeros((rows, rows))
        with np.errstate(over="ignore", invalid="ignore"):  # seen in the result, and answered there
            for start in range(0, d, width):
                stop = min(start + width, d)
                block = widened[:, : stop - start]
                for matrix, place in zip(matrices, places, strict=True):
                    matrix.widen_columns(start, stop, block[place])
                if turns is not None:
                    for turn, place in zip(turns, places, strict=True):
                        block[place] = turn @ block[place]
                total += block @ block.T
        return total

    def _block(self, rows: int, width: int, *, by_columns: bool) -> Float64Array:
        """Memory for (rows, width) numbers, laid out as the matrices are, so that they are read in their order."""
        block: Float64Array | None = getattr(self._own, "block", None)
        if block is None or block.size < rows * width:
            block = self._own.block = np.empty(rows * width)
        block = block[: rows * width]
        return block.reshape(width, rows).T if by_columns else block.reshape(rows, width)

    def eigenvectors(self, grams: Float64Array) -> Float64Array:
        try:
            vectors: Float64Array = np.linalg.eigh(grams)[1][:, :, ::-1]
        except np.linalg.LinAlgError as error:
            raise DeviceFailure("An eigenvalue decomposition did not converge.") from error
        return vectors

    def decomposition(self, X: Float64Array) -> tuple[Float64Array, Float64Array, Float64Array]:
        try:
            V, sigma, Q = np.linalg.svd(X, full_matrices=False)
        except np.linalg.LinAlgError as error:
            raise DeviceFailure("The singular value decomposition did not converge.") from error
        return V, sigma, Q


@dataclass(frozen=True, eq=False)
class _Staged:
    """A stack on a device, and the event after which it is there (None: it is there already)."""

    matrices: Sequence[torch.Tensor]
    arrived: torch.cuda.Event | None


class TorchAlgebra:
    """On a device of torch, many stacks at a time.

    Matrices travel as they are stored, from pinned memory on a stream of their own, while others are multiplied;
    they are widened on the device. Where memory runs out the batch is halved, down to one stack.

    Raises:
        DeviceFailure: from each method, where the device runs out of memory for one stack, or does not converge.
    """

    def __init__(self, device: Device) -> None:
        import torch  # noqa: PLC0415 - heavy, and only a GPU needs it

        self._torch = torch
        self._device = device
        self._copies: torch.cuda.Stream | None = None
        if device.is_cuda:
            self._copies = torch.cuda.Stream(device.id)  # type: ignore[no-untyped-call]
        self._largest = _LARGEST_BATCH
        self._views = {
            BFLOAT16.name: (np.int16, torch.bfloat16),
            FLOAT8_E4M3FN.name: (np.uint8, torch.float8_e4m3fn),
            FLOAT8_E5M2.name: (np.uint8, torch.float8_e5m2),
        }

    def batch_size(self, rows: int, d: int) -> int:
        return max(1, min(self._largest, _BATCH_BYTES // (8 * rows * d)))

    def stage(self, matrices: Sequence[StoredArray]) -> _Staged:
        try:
            tensors = [self._as_tensor(stored) for stored in matrices]
            if self._copies is None:
                return _Staged(tensors, None)
            with self._torch.cuda.stream(self._copies):
                there = self._device.id
                sent = [tensor.pin_memory().to(there, non_blocking=True) for tensor in tensors]
                return _Staged(sent, self._copies.record_event())
        except RuntimeError as error:
            raise self._failure(error) from error

    def _as_tensor(self, stored: StoredArray) -> torch.Tensor:
        carrier, dtype = self._views.get(stored.type.name, (None, None))
        bits = np.ascontiguousarray(stored.data)
        if carrier is None or dtype is None:
            return self._torch.from_numpy(bits)
        return self._torch.from_numpy(bits.view(carrier)).view(dtype)

    def grams(self, staged: Sequence[_Staged], turns: Sequence[Turns] | None = None) -> list[Float64Array]:
        results: list[Float64Array] = []
        while len(results) < len(staged):
            here = slice(len(results), len(results) + self._largest)
            part = staged[here]
            try:
                results += self._batch(part, None if turns is None else turns[here])
            except RuntimeError as error:
                if not self._out_of_memory(error) or len(part) == 1:
                    raise self._failure(error) from error
                self._largest = len(part) // 2
        return results

    def _batch(self, staged: Sequence[_Staged], turns: Sequence[Turns] | None) -> list[Float64Array]:
        torch = self._torch
        for stack in staged:
            if stack.arrived is not None:
                here = torch.cuda.current_stream(self._device.id)
                here.wait_event(stack.arrived)
                for tensor in stack.matrices:
                    tensor.record_stream(here)
        parts = [[tensor.to(torch.float64) for tensor in stack.matrices] for stack in staged]
        if turns is not None:
            parts = [
                [self._sent(turn) @ X for turn, X in zip(each, matrices, strict=True)]
                for each, matrices in zip(turns, parts, strict=True)
            ]
        Z = torch.stack([torch.cat(matrices) for matrices in parts])
        products: Float64Array = torch.bmm(Z, Z.mT).cpu().numpy()
        return list(products)

    def _sent(self, X: Float64Array) -> torch.Tensor:
        return self._torch.from_numpy(np.ascontiguousarray(X)).to(self._device.id)

    def eigenvectors(self, grams: Float64Array) -> Float64Array:
        try:
            vectors: Float64Array = self._torch.linalg.eigh(self._sent(grams))[1].flip(-1).cpu().numpy()
        except RuntimeError as error:
            raise self._failure(error) from error
        return vectors

    def decomposition(self, X: Float64Array) -> tuple[Float64Array, Float64Array, Float64Array]:
        try:
            V, sigma, Q = self._torch.linalg.svd(self._sent(X), full_matrices=False)
            return V.cpu().numpy(), sigma.cpu().numpy(), Q.cpu().numpy()
        except RuntimeError as error:
            raise self._failure(error) from error

    def _out_of_memory(self, error: RuntimeError) -> bool:
        return isinstance(error, self._torch.OutOfMemoryError)

    def _failure(self, error: RuntimeError) -> DeviceFailure:
        if self._out_of_memory(error):
            return DeviceFailure(f"{self._device.name} has too little free memory.")
        return DeviceFailure(f"{self._device.name} failed: {str(error).splitlines()[0]}")


def algebra_for(device: Device) -> Algebra:
    """The algebra of a device."""
    return TorchAlgebra(device) if device.is_cuda else NumpyAlgebra()
