"""The two heavy operations on matrices, by NumPy on the CPU or by torch on a GPU, always in float64."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from engine.devices import Device
from engine.errors import DeviceFailure
from engine.storage_types import Float64Array


class Algebra(Protocol):
    """What a device does for φ; arrays come from and go back to NumPy."""

    def gram(self, X: Float64Array) -> Float64Array:
        """X Xᵀ, (r, r), of X (r, d)."""
        ...

    def right_singular(self, X: Float64Array) -> tuple[Float64Array, Float64Array]:
        """σ, descending, and the right-singular vectors as rows, min(r, d) of them, of X (r, d)."""
        ...


class NumpyAlgebra:
    """On the CPU. NumPy sees that X Xᵀ is symmetric and computes half of it.

    Raises:
        DeviceFailure: from `right_singular`, where the decomposition does not converge.
    """

    def gram(self, X: Float64Array) -> Float64Array:
        return X @ X.T

    def right_singular(self, X: Float64Array) -> tuple[Float64Array, Float64Array]:
        try:
            _, sigma, U = np.linalg.svd(X, full_matrices=False)
        except np.linalg.LinAlgError as error:
            raise DeviceFailure("The singular value decomposition did not converge.") from error
        return sigma, U


class TorchAlgebra:
    """On a device of torch.

    Raises:
        DeviceFailure: from each method, where the device runs out of memory or does not converge.
    """

    def __init__(self, device: Device) -> None:
        import torch  # noqa: PLC0415 - heavy, and only a GPU needs it

        self._torch = torch
        self._device = device

    def gram(self, X: Float64Array) -> Float64Array:
        try:
            on_device = self._torch.from_numpy(X).to(self._device.id)
            result: Float64Array = (on_device @ on_device.T).cpu().numpy()
        except RuntimeError as error:
            raise self._failure(error) from error
        return result

    def right_singular(self, X: Float64Array) -> tuple[Float64Array, Float64Array]:
        try:
            on_device = self._torch.from_numpy(X).to(self._device.id)
            _, sigma, U = self._torch.linalg.svd(on_device, full_matrices=False)
            return sigma.cpu().numpy(), U.cpu().numpy()
        except RuntimeError as error:
            raise self._failure(error) from error

    def _failure(self, error: RuntimeError) -> DeviceFailure:
        return DeviceFailure(f"{self._device.name} failed: {str(error).splitlines()[0]}")


def algebra_for(device: Device) -> Algebra:
    """The algebra of a device."""
    return TorchAlgebra(device) if device.is_cuda else NumpyAlgebra()
