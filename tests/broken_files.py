"""Adapters that are damaged, hostile or at the edge, each made like what people meet."""

from __future__ import annotations

import json
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.adapters import (
    Matrix,
    llama_modules,
    peft_config,
    peft_tensors,
    write_peft_adapter,
    write_tensors,
)

MODULES = llama_modules(2)
RANK = 3
WEIGHTS = "adapter_model.safetensors"
FIRST_A = f"base_model.model.{MODULES[0]}.lora_A.weight"
FIRST_B = f"base_model.model.{MODULES[0]}.lora_B.weight"


def good(folder: Path) -> Path:
    """A sound adapter with the same modules as the broken ones."""
    return write_peft_adapter(folder, MODULES, RANK, seed=0)


def _content(make: Callable[[bytes], bytes]) -> Callable[[Path], Path]:
    """A sound adapter whose weights file is made anew from its bytes."""

    def write(folder: Path) -> Path:
        file = write_peft_adapter(folder, MODULES, RANK, seed=1) / WEIGHTS
        file.write_bytes(make(file.read_bytes()))
        return folder

    return write


def _tensors(change: Callable[[dict[str, Matrix]], object]) -> Callable[[Path], Path]:
    """A sound adapter with some of its tensors changed."""

    def write(folder: Path) -> Path:
        tensors = peft_tensors(MODULES, RANK, seed=1)
        change(tensors)
        return write_tensors(folder, tensors, peft_config(MODULES, RANK))

    return write


def _invalid_header(_content: bytes) -> bytes:
    header = b'{"a": {"dtype": "F32", "shape": [1, '
    return struct.pack("<Q", len(header)) + header + bytes(16)


# What must be refused, on whichever side of the comparison it stands.
REFUSED: dict[str, Callable[[Path], Path]] = {
    "empty": _content(lambda _: b""),
    "truncated": _content(lambda content: content[:-100]),
    "header_length_beyond_file": _content(lambda content: struct.pack("<Q", 10**15) + content[8:]),
    "header_invalid_json": _content(_invalid_header),
    "text": _content(lambda _: b"These are my notes on the adapter.\n" * 9),
    "html": _content(lambda _: b"<!DOCTYPE html>\n<html><body>401 Unauthorized</body></html>\n"),
    "git_lfs_pointer": _content(
        lambda _: b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 9437184\n"
    ),
}


def _set(name: str, value: float) -> Callable[[dict[str, Matrix]], None]:
    def change(tensors: dict[str, Matrix]) -> None:
        tensors[name][0, 0] = value

    return change


# Only their first module is damaged: the rest is compared.
PARTLY_USABLE: dict[str, Callable[[Path], Path]] = {
    "nan_in_A": _tensors(_set(FIRST_A, float("nan"))),
    "inf_in_A": _tensors(_set(FIRST_A, float("inf"))),
    "shapes_differ": _tensors(lambda tensors: tensors.update({FIRST_B: np.ones((24, RANK + 1), np.float32)})),
    "B_without_A": _tensors(lambda tensors: tensors.pop(FIRST_A)),
}


def _nan_in_every_A(tensors: dict[str, Matrix]) -> None:
    for name, matrix in tensors.items():
        if "lora_A" in name:
            matrix[0, 0] = float("nan")


nan_everywhere = _tensors(_nan_in_every_A)
a_without_b = _tensors(lambda tensors: tensors.pop(FIRST_B))


def zero_b(folder: Path) -> Path:
    """An untrained adapter."""
    return write_peft_adapter(folder, MODULES, RANK, seed=1, zero_B=True)


def config_invalid_json(folder: Path) -> Path:
    """Sound weights beside a config that is cut off."""
    write_peft_adapter(folder, MODULES, RANK, seed=1)
    (folder / "adapter_config.json").write_text('{"r": 3, "lora_al', encoding="utf-8")
    return folder


def config_alone(folder: Path) -> Path:
    """A config with no weights beside it."""
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps(peft_config(MODULES, RANK)), encoding="utf-8")
    return folder


class _Payload:
    """Pickles to a call that leaves a file `PWNED` in the working directory of whoever runs it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return eval, ("open('PWNED', 'w').close()",)


def malicious_pickle(folder: Path, *, archive: bool) -> Path:
    """adapter_model.bin, as torch's zip archive or as a bare pickle, that runs code where it is unpickled."""
    folder.mkdir()
    payload = pickle.dumps({"base_model.model.a.lora_A.weight": _Payload()}, protocol=2)
    file = folder / "adapter_model.bin"
    if not archive:
        file.write_bytes(payload)
        return folder
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("archive/data.pkl", payload)
        made.writestr("archive/version", "3\n")
    return folder
