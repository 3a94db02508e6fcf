"""How long opening takes: an adapter of 5 000 modules, and the header of a file of 10 GB.

    python tests/benchmarks/opening.py

Compared with reading the same header by the safetensors library alone, in turns, the best of seven.
"""

from __future__ import annotations

import json
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from safetensors import safe_open

from engine.matching.pairing import pair_adapters
from engine.sources.opening import open_source

_ROUNDS = 7
_MODULES = 5_000
_PROJECTIONS = ("q", "k", "v", "o", "gate", "up", "down")


def main() -> None:
    """Write the files, open them, print the times."""
    with tempfile.TemporaryDirectory() as folder:
        many = _sparse(Path(folder) / "many.safetensors", _MODULES, rank=8, d=64)
        huge = _sparse(Path(folder) / "huge.safetensors", 20, rank=512, d=131_072)
        adapter = open_source(many)
        works: dict[str, Callable[[], object]] = {
            f"{_MODULES} modules": lambda: open_source(many),
            "the same by the library, names alone": lambda: _by_library(many),
            "pairing them with themselves": lambda: pair_adapters(adapter, adapter),
            f"{huge.stat().st_size / 1e9:.0f} GB": lambda: open_source(huge),
        }
        best = dict.fromkeys(works, float("inf"))
        for _ in range(_ROUNDS):
            for name, work in works.items():
                start = time.perf_counter()
                work()
                best[name] = min(best[name], time.perf_counter() - start)
    for name, seconds in best.items():
        sys.stdout.write(f"{seconds * 1000:8.1f} ms  {name}\n")


def _by_library(path: Path) -> None:
    with safe_open(path, framework="numpy") as file:
        for name in file.keys():  # noqa: SIM118 - the library's handle is no mapping
            file.get_slice(name).get_shape()


def _sparse(path: Path, modules: int, *, rank: int, d: int) -> Path:
    """A file of zeros that takes no room on the disk, but for B's first numbers, which say that it is trained."""
    header, end, marks = {}, 0, []
    for number in range(modules):
        layer, projection = divmod(number, len(_PROJECTIONS))
        name = f"base_model.model.model.layers.{layer}.self_attn.{_PROJECTIONS[projection]}_proj"
        for factor, shape in (("A", [rank, d]), ("B", [d, rank])):
            size = 4 * rank * d
            header[f"{name}.lora_{factor}.weight"] = {
                "dtype": "F32",
                "shape": shape,
                "data_offsets": [end, end + size],
            }
            marks.append(end)
            end += size
    raw = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(raw)) + raw)
        for mark in marks:
            file.seek(8 + len(raw) + mark)
            file.write(struct.pack("<f", 1.0))
        file.truncate(8 + len(raw) + end)
    return path


if __name__ == "__main__":
    main()
