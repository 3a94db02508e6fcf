"""How numbers are stored in checkpoints, and how they become float64 without changing their value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Float64Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class StorageType:
    """A floating-point type of checkpoints.

    `carrier` is the NumPy type that holds its bits (NumPy has no bfloat16 or float8), `epsilon` the distance
    from 1 to the next larger number, `tiny` the smallest normal number. `widen(bits, out)` writes the numbers
    into a float64 array of the same shape.
    """

    name: str
    carrier: np.dtype[Any]
    epsilon: float
    tiny: float
    widen: Callable[[Array, Float64Array], None]


@dataclass(frozen=True, eq=False)
class StoredArray:
    """The bits of one tensor as they lie in the file (`data`, in the type's carrier) and their type."""

    data: Array
    type: StorageType

    @property
    def shape(self) -> tuple[int, ...]:
        """The tensor's shape."""
        return self.data.shape

    @property
    def is_by_columns(self) -> bool:
        """Whether the numbers of a column of a matrix (r, d) lie closer together than those of a row."""
        down, along = self.data.strides
        return down < along

    def widened(self) -> Float64Array:
        """The same numbers in float64, C-contiguous; every storage type is a subset of float64."""
        out = np.empty(self.data.shape)
        self.type.widen(self.data, out)
        return out

    def widen_columns(self, start: int, stop: int, out: Float64Array) -> None:
        """Write some columns of a matrix (r, d) into `out` (r, stop − start), float64."""
        self.type.widen(self.data[:, start:stop], out)


def _widen_native(data: Array, out: Float64Array) -> None:
    out[...] = data


def _widen_bfloat16(data: Array, out: Float64Array) -> None:
    bits = data.astype(np.uint32)
    bits <<= 16
    with np.errstate(invalid="ignore"):  # a signalling NaN; whoever reads the numbers refuses NaN
        out[...] = bits.view(np.float32)


def _widen_float8_e5m2(data: Array, out: Float64Array) -> None:
    bits = data.astype(np.uint16)
    bits <<= 8
    out[...] = bits.view(np.float16)


def _float8_e4m3fn_values() -> Float64Array:
    """Value of each of the 256 bit patterns (Micikevicius et al., arXiv 2209.05433, table 1): no infinities."""
    bits = np.arange(256)
    exponent, mantissa = (bits >> 3) & 0xF, (bits & 0x7) / 8.0
    magnitude = np.where(exponent == 0, mantissa * 2.0**-6, (1.0 + mantissa) * 2.0 ** (exponent - 7.0))
    magnitude[(bits & 0x7F) == 0x7F] = np.nan
    return np.where(bits & 0x80, -magnitude, magnitude)


_FLOAT8_E4M3FN_VALUES = _float8_e4m3fn_values()


def _widen_float8_e4m3fn(data: Array, out: Float64Array) -> None:
    out[...] = _FLOAT8_E4M3FN_VALUES[data]


FLOAT64 = StorageType("float64", np.dtype("<f8"), 2.0**-52, 2.0**-1022, _widen_native)
FLOAT32 = StorageType("float32", np.dtype("<f4"), 2.0**-23, 2.0**-126, _widen_native)
FLOAT16 = StorageType("float16", np.dtype("<f2"), 2.0**-10, 2.0**-14, _widen_native)
BFLOAT16 = StorageType("bfloat16", np.dtype("<u2"), 2.0**-7, 2.0**-126, _widen_bfloat16)
FLOAT8_E4M3FN = StorageType("float8_e4m3fn", np.dtype("u1"), 2.0**-3, 2.0**-6, _widen_float8_e4m3fn)
FLOAT8_E5M2 = StorageType("float8_e5m2", np.dtype("u1"), 2.0**-2, 2.0**-14, _widen_float8_e5m2)

STORAGE_TYPES = {type_.name: type_ for type_ in (FLOAT64, FLOAT32, FLOAT16, BFLOAT16, FLOAT8_E4M3FN, FLOAT8_E5M2)}
