"""Damaged files: every one ends in an Source or an EngineError, never in another exception, a hang or much memory.

A few of each kind run in CI. More by hand: `PHISCOPE_FUZZ=20000 python -m pytest tests/engine/test_fuzz.py`.
"""

from __future__ import annotations

import io
import json
import os
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import EngineError
from engine.sources.opening import open_source
from engine.sources.source import Source
from tests import factories as make

_EXAMPLES = int(os.environ.get("PHISCOPE_FUZZ", "240")) // 4
_MOST_MEMORY = 200_000_000
_SETTINGS = settings(
    max_examples=_EXAMPLES,
    deadline=5_000,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
PAIRS = {
    "model.layers.0.self_attn.q_proj": make.pair(0, 2, 6, 5),
    "model.layers.1.mlp.up_proj": make.pair(1, 2, 6, 5),
}


def opened(path: Path) -> Source | None:
    """What opening and reading a file gives: an adapter, or None for an error in a sentence."""
    tracemalloc.start()
    try:
        adapter = open_source(path)
        with adapter.open() as reader:
            for module in adapter.modules:
                reader.read(module, B=module.has_B)
    except EngineError as error:
        assert error.reason.strip()
        assert "\n" not in error.reason
        return None
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < _MOST_MEMORY
    return adapter


def _safetensors() -> bytes:
    import tempfile  # noqa: PLC0415 - used here alone

    with tempfile.TemporaryDirectory() as folder:
        return make.write_safetensors(Path(folder) / "x.safetensors", make.peft(PAIRS)).read_bytes()


def _pickle() -> bytes:
    import torch  # noqa: PLC0415 - heavy

    out = io.BytesIO()
    torch.save({name: torch.from_numpy(array.copy()) for name, array in make.peft(PAIRS).items()}, out)
    return out.getvalue()


def _npz() -> bytes:
    out = io.BytesIO()
    np.savez(out, **make.mlx(PAIRS))  # type: ignore[arg-type]
    return out.getvalue()


ORIGINALS = {"adapter.safetensors": _safetensors(), "adapter.bin": _pickle(), "adapters.npz": _npz()}


@pytest.mark.parametrize("name", ORIGINALS)
def test_the_originals_open(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(ORIGINALS[name])
    adapter = opened(tmp_path / name)
    assert adapter is not None
    assert len(adapter.modules) == 2


# --- bytes ------------------------------------------------------------------------------------------------


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, bytes]:
    """A file with bytes changed, put in, cut out or cut off."""
    name = draw(st.sampled_from(sorted(ORIGINALS)))
    content = bytearray(ORIGINALS[name])
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(0, len(content) - 1)))
        kind = draw(st.sampled_from(["change", "insert", "remove", "cut", "repeat"]))
        if kind == "change" and content:
            content[at] = draw(st.integers(0, 255))
        elif kind == "insert":
            content[at:at] = draw(st.binary(min_size=1, max_size=12))
        elif kind == "remove":
            del content[at : at + draw(st.integers(1, 40))]
        elif kind == "cut":
            del content[at:]
        else:
            content[at:at] = content[at : at + draw(st.integers(1, 60))]
    return name, bytes(content)


@_SETTINGS
@given(damaged())
def test_damaged_bytes(tmp_path: Path, file: tuple[str, bytes]) -> None:
    path = tmp_path / file[0]
    path.write_bytes(file[1])
    opened(path)


# --- headers that are JSON, and lie -----------------------------------------------------------------------

_anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
_KNOWN_NAMES = (
    "base_model.model.m.layers.0.q.lora_A.weight", "m.lora_a", "unet.x.lora.down.weight", "lora_unet_a_b.alpha",
    "lora_unet_a_b.lora_up.weight", "w_a_001", "unet:0:up", "hada_w1_a", "x.lora_magnitude_vector",
    "lora_embedding_A", "",
)  # fmt: skip
_names = st.sampled_from(_KNOWN_NAMES) | st.text(max_size=30)
_entries = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(["F32", "BF16", "F8_E4M3", "I64", "BOOL", "Q3", ""]) | _anything,
        "shape": st.lists(st.sampled_from([0, 1, 2, 6, 2**31, 2**62, -1]), max_size=4) | _anything,
        "data_offsets": st.lists(st.sampled_from([0, 8, 48, 96, 2**40, -8]), min_size=2, max_size=2) | _anything,
    }
)


@_SETTINGS
@given(
    st.dictionaries(_names, _entries | _anything, max_size=5),
    st.one_of(st.none(), st.integers(0, 2**64 - 1)),
    st.integers(0, 200),
    st.one_of(st.none(), _anything),
)
def test_headers_that_lie(tmp_path: Path, header: Any, length: int | None, data: int, metadata: Any) -> None:
    if metadata is not None:
        header = header | {"__metadata__": metadata}
    raw = json.dumps(header).encode()
    path = tmp_path / "x.safetensors"
    path.write_bytes(struct.pack("<Q", len(raw) if length is None else length) + raw + bytes(data))
    opened(path)


@_SETTINGS
@given(_anything | st.fixed_dictionaries({"weight_map": st.dictionaries(_names, st.text(max_size=20) | _anything)}))
def test_indexes_that_lie(tmp_path: Path, index: Any) -> None:
    (tmp_path / "model.safetensors").write_bytes(ORIGINALS["adapter.safetensors"])
    path = tmp_path / "adapter_model.safetensors.index.json"
    path.write_text(json.dumps(index), encoding="utf-8")
    opened(path)


_config_keys = st.sampled_from(
    ["peft_type", "r", "lora_alpha", "rank_pattern", "alpha_pattern", "target_modules", "target_parameters",
     "lora_parameters", "use_rslora", "base_model_name_or_path"]
)  # fmt: skip


@_SETTINGS
@given(_anything, st.dictionaries(_config_keys, _anything))
def test_configs_that_lie(tmp_path: Path, whole: Any, config: dict[str, Any]) -> None:
    (tmp_path / "adapter_model.safetensors").write_bytes(ORIGINALS["adapter.safetensors"])
    for content in (whole, config):
        (tmp_path / "adapter_config.json").write_text(json.dumps(content), encoding="utf-8")
        opened(tmp_path)


# --- attacks ----------------------------------------------------------------------------------------------


class _Bomb:
    """What a hostile pickle would run."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self._path,)


def test_no_code_of_a_pickle_is_run(tmp_path: Path) -> None:
    import pickle  # noqa: PLC0415 - used here alone

    import torch  # noqa: PLC0415 - heavy

    touched = tmp_path / "touched"
    torch.save({"a.lora_A.weight": _Bomb(touched)}, tmp_path / "zip.bin")
    torch.save({"a.lora_A.weight": _Bomb(touched)}, tmp_path / "old.bin", _use_new_zipfile_serialization=False)
    (tmp_path / "plain.pt").write_bytes(pickle.dumps({"a.lora_A.weight": _Bomb(touched)}))
    for name in ("zip.bin", "old.bin", "plain.pt"):
        assert opened(tmp_path / name) is None
        assert not touched.exists()


@pytest.mark.parametrize("shard", ["../outside.safetensors", "/etc/passwd", "sub/x.safetensors", "..", "C:\\x", ""])
def test_shards_cannot_leave_their_folder(tmp_path: Path, shard: str) -> None:
    (tmp_path / "outside.safetensors").write_bytes(ORIGINALS["adapter.safetensors"])
    folder = tmp_path / "adapter"
    folder.mkdir()
    index = folder / "adapter_model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"base_model.model.x.lora_A.weight": shard}}))
    assert opened(index) is None


def test_an_archive_that_swells_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "adapters.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        head = io.BytesIO()
        np.lib.format.write_array_header_1_0(
            head, {"descr": "<f4", "fortran_order": False, "shape": (2**14, 2**14)}
        )  # fmt: skip
        archive.writestr("model.layers.0.q_proj.lora_a.npy", head.getvalue() + bytes(50_000_000))
    opened(path)


def test_a_huge_sparse_file_opens_by_its_header(tmp_path: Path) -> None:
    """10 GB of zeros behind a header: the header alone is read, and the size is believed only as far as it goes."""
    rows = 2**15
    shape = [rows, 10 * 2**30 // 4 // rows]
    header = json.dumps(
        {"base_model.model.model.layers.0.q_proj.lora_A.weight": {
            "dtype": "F32", "shape": shape, "data_offsets": [0, 4 * shape[0] * shape[1]]}}
    ).encode()  # fmt: skip
    path = tmp_path / "adapter_model.safetensors"
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        file.truncate(8 + len(header) + 4 * shape[0] * shape[1])
    tracemalloc.start()
    try:
        adapter = open_source(path)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert adapter.modules[0].d_in == shape[1]
    assert peak < 10_000_000


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs Linux")
def test_nothing_stays_open_or_mapped(tmp_path: Path) -> None:
    paths = []
    for name, content in ORIGINALS.items():
        paths.append(tmp_path / name)
        paths[-1].write_bytes(content)
        adapter = open_source(paths[-1])
        with adapter.open() as reader:
            kept = [reader.read(module) for module in adapter.modules]
        assert len(kept) == 2
        held = {str(link.resolve()) for link in Path("/proc/self/fd").iterdir()}
        assert str(paths[-1]) not in held
        assert str(paths[-1]) not in Path("/proc/self/maps").read_text()
