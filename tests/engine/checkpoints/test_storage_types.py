"""Every stored number becomes the float64 of the same value: torch's own conversion is the judge."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.checkpoints.storage_types import STORAGE_TYPES, StoredArray

_DTYPES = {
    "float64": torch.float64,
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "float8_e4m3fn": torch.float8_e4m3fn,
    "float8_e5m2": torch.float8_e5m2,
}


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float8_e4m3fn", "float8_e5m2"])
def test_every_bit_pattern_widens_as_in_torch(name: str) -> None:
    type_ = STORAGE_TYPES[name]
    unsigned = np.uint8 if type_.carrier.itemsize == 1 else np.uint16
    bits = np.arange(256**type_.carrier.itemsize, dtype=np.uint32).astype(unsigned).reshape(16, -1)

    widened = StoredArray(bits.view(type_.carrier), type_).widened()

    expected = torch.from_numpy(bits.copy()).view(_DTYPES[name]).to(torch.float64).numpy()
    assert widened.dtype == np.float64
    assert widened.shape == bits.shape
    assert widened.flags.c_contiguous
    np.testing.assert_array_equal(widened, expected)
    defined = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(widened[defined]), np.signbit(expected[defined]))


@pytest.mark.parametrize("name", ["float32", "float64"])
def test_native_types_keep_their_value(name: str) -> None:
    type_ = STORAGE_TYPES[name]
    data = np.array([[0.1, -1e-30, 3.0], [np.inf, 2.0**-120, -0.0]], dtype=type_.carrier)

    widened = StoredArray(data.T, type_).widened()

    assert widened.flags.c_contiguous
    np.testing.assert_array_equal(widened, data.T)


@pytest.mark.parametrize("name", sorted(STORAGE_TYPES))
def test_epsilon_and_smallest_normal_are_those_of_torch(name: str) -> None:
    facts = torch.finfo(_DTYPES[name])

    assert STORAGE_TYPES[name].epsilon == facts.eps
    assert STORAGE_TYPES[name].tiny == facts.smallest_normal
    assert STORAGE_TYPES[name].carrier.itemsize * 8 == facts.bits


def test_widening_leaves_the_stored_bits_alone() -> None:
    bits = np.array([[0x3F80, 0x4000]], dtype="<u2")

    StoredArray(bits, STORAGE_TYPES["bfloat16"]).widened()[0, 0] = 7.0

    np.testing.assert_array_equal(bits, [[0x3F80, 0x4000]])
