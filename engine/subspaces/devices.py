"""Which devices can compute, found without importing torch where there can be no GPU."""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass

from engine.errors import DeviceFailure


@dataclass(frozen=True)
class Device:
    """A device by torch's name (`cpu`, `cuda:0`) and by the name people know it under."""

    id: str
    name: str

    @property
    def is_cuda(self) -> bool:
        return self.id.startswith("cuda")


CPU = Device("cpu", "CPU")


def cuda_devices() -> tuple[Device, ...]:
    """The CUDA devices that torch can use; empty, and torch not imported, where none is possible."""
    if not _cuda_is_possible():
        return ()
    import torch  # noqa: PLC0415 - takes a second or more, and only a GPU needs it

    if not torch.cuda.is_available():
        return ()
    return tuple(
        Device(f"cuda:{index}", torch.cuda.get_device_name(index)) for index in range(torch.cuda.device_count())
    )


def choose_device(wanted: str) -> Device:
    """The device for `auto`, `cpu`, `cuda` or `cuda:N`; `auto` takes the first GPU, else the CPU.

    Raises:
        DeviceFailure: a GPU is asked for by name and is not there.
    """
    if wanted == CPU.id:
        return CPU
    devices = cuda_devices()
    if wanted == "auto":
        return devices[0] if devices else CPU
    index = wanted.removeprefix("cuda").removeprefix(":") or "0"
    found = next((device for device in devices if device.id == f"cuda:{index}"), None)
    if found is None:
        there = ", ".join(device.id for device in (CPU, *devices))
        raise DeviceFailure(f"There is no device {wanted} here (there is {there}).", expected=wanted, found=there)
    return found


def _cuda_is_possible() -> bool:
    """Whether a CUDA driver is installed and torch is not a build for CPUs only."""
    import importlib.metadata  # noqa: PLC0415 - slow to load, and not needed before the first paint

    try:
        if importlib.metadata.version("torch").endswith("+cpu"):
            return False
    except importlib.metadata.PackageNotFoundError:
        return False
    library = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
