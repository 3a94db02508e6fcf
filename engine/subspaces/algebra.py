"""The heavy operations on matrices, by NumPy on the CPU or by torch on a GPU, always in float64."""

from __future__ import annotations

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
# About 3 ms on a processor; handing a task over takes about 0.1 ms.
_OPERATIONS_PER_TASK = 3 * 10**7
_LARGEST_CPU_BATCH = 16
# What one batch on a GPU may take of its memory in float64, and how many modules.
_BATCH_BYTES = 1 << 28
_LARGEST_BATCH = 64


class Algebra(Protocol):
    """What a device does for φ, for several threads at once. Results go back as NumPy's arrays."""

    def batch_size(self, rows: int, d: int) -> int:
        """How many stacks of matrices with `rows` rows together, in R^d, are best given to `grams` at once."""
        ...

    def stage(self, matrices: Sequence[StoredArray]) -> Any:
        """Send a stack of matrices (r, d), (r', d), … on its way to the device."""
        ...

    def grams(self, staged: Sequence[Any]) -> list[Float64Array]:
        """Z Zᵀ, (r + r' + …, r + r' + …), of Z = [X; X'; …] for each stack that was staged; all are of one shape."""
        ...

    def right_singular(self, X: Float64Array) -> tuple[Float64Array, Float64Array]:
        """σ, descending, and the right-singular vectors as rows, min(r, d) of them, of X (r, d)."""
        ...


class NumpyAlgebra:
    """On the CPU, stack by stack.

    Raises:
        DeviceFailure: from `right_singular`, where the decomposition does not converge.
    """

    def __init__(self) -> None:
        self._own = threading.local()  # each thread widens into a block of its own

    def batch_size(self, rows: int, d: int) -> int:
        """Enough for a task that is worth handing to another thread, one stack of the paper's size."""
        return max(1, min(_LARGEST_CPU_BATCH, _OPERATIONS_PER_TASK // (rows**2 * d)))

    def stage(self, matrices: Sequence[StoredArray]) -> Sequence[StoredArray]:
        return matrices

    def grams(self, staged: Sequence[Sequence[StoredArray]]) -> list[Float64Array]:
        return [self._gram(matrices) for matrices in staged]

    def _gram(self, matrices: Sequence[StoredArray]) -> Float64Array:
        """A block of columns is widened and multiplied while it is in the cache, then the next.

        NumPy sees that Z Zᵀ is symmetric and computes half of it.
        """
        ends = np.cumsum([0, *(matrix.shape[0] for matrix in matrices)]).tolist()
        rows, d = ends[-1], matrices[0].shape[1]
        width = max(1, min(d, max(_SMALLEST_BLOCK, _BLOCK_BYTES // (8 * rows))))
        widened = self._block(rows, width)
        total = np.zeros((rows, rows))
        with np.errstate(over="ignore", invalid="ignore"):  # seen in the result, and answered there
            for start in range(0, d, width):
                stop = min(start + width, d)
                block = widened[:, : stop - start]
                for matrix, first, last in zip(matrices, ends[:-1], ends[1:], strict=True):
                    matrix.widen_columns(start, stop, block[first:last])
                total += block @ block.T
        return total

    def _block(self, rows: int, width: int) -> Float64Array:
        block: Float64Array | None = getattr(self._own, "block", None)
        if block is None or block.shape != (rows, width):
            block = self._own.block = np.empty((rows, width))
        return block

    def right_singular(self, X: Float64Array) -> tuple[Float64Array, Float64Array]:
        try:
            _, sigma, U = np.linalg.svd(X, full_matrices=False)
        except np.linalg.LinAlgError as error:
            raise DeviceFailure("The singular value decomposition did not converge.") from error
        return sigma, U


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

    def grams(self, staged: Sequence[_Staged]) -> list[Float64Array]:
        results: list[Float64Array] = []
        while len(results) < len(staged):
            part = staged[len(results) : len(results) + self._largest]
            try:
                results += self._batch(part)
            except RuntimeError as error:
                if not self._out_of_memory(error) or len(part) == 1:
                    raise self._failure(error) from error
                self._largest = len(part) // 2
        return results

    def _batch(self, staged: Sequence[_Staged]) -> list[Float64Array]:
        torch = self._torch
        for stack in staged:
            if stack.arrived is not None:
                here = torch.cuda.current_stream(self._device.id)
                here.wait_event(stack.arrived)
                for tensor in stack.matrices:
                    tensor.record_stream(here)
        wide = torch.float64
        Z = torch.stack([torch.cat([tensor.to(wide) for tensor in stack.matrices]) for stack in staged])
        products: Float64Array = torch.bmm(Z, Z.mT).cpu().numpy()
        return list(products)

    def right_singular(self, X: Float64Array) -> tuple[Float64Array, Float64Array]:
        try:
            on_device = self._torch.from_numpy(np.ascontiguousarray(X)).to(self._device.id)
            _, sigma, U = self._torch.linalg.svd(on_device, full_matrices=False)
            return sigma.cpu().numpy(), U.cpu().numpy()
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
