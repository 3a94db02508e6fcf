"""`.safetensors`: the header checked by the library, the tensors by plain file reads, nothing ever mapped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from safetensors import SafetensorError, safe_open

from engine.checkpoints.reading import Bytes, Container, TensorReader
from engine.checkpoints.source_files import SourceFiles
from engine.checkpoints.storage_types import STORAGE_TYPES, StoredArray
from engine.checkpoints.tensors import (
    MOST_TENSORS,
    Rows,
    TensorInfo,
    element_count,
    not_floating_point,
    too_many_tensors,
)
from engine.errors import MalformedAdapter, UnreadableFile, unreadable

_FLOATS = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
}
_INTEGERS = {
    "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1", "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1",
}  # fmt: skip
# Twice the header of the largest adapter known (94 000 tensors); the library itself would take 100 MB.
_LARGEST_HEADER = 32_000_000
# What the library says of a header, and what we say; the first that fits counts.
_HEADER_FAULTS = (
    ("unknown variant", "a tensor is of a type that is not known here"),
    ("utf-8", "it is not text"),
    ("json", "it is not valid JSON, or does not describe tensors"),
    ("deserialization", "it is not valid JSON, or does not describe tensors"),
    ("invalid shape", "the shape and type of a tensor do not fill its bytes"),
    ("invalidinfo", "the shape and type of a tensor do not fill its bytes"),
    ("offset", "tensors overlap, or leave gaps between them"),
    ("overflow", "a tensor is larger than any file can be"),
)
_FIRST_LOOK_BYTES = 4096
_ZERO_CHECK_BYTES = 1 << 16
_LENGTH_BYTES = 8


class SafetensorsFile(Container):
    """A `.safetensors` file: the length of its header, the header, and the numbers."""

    SUFFIXES = (".safetensors",)

    @classmethod
    def recognises(cls, _path: Path, start: bytes) -> bool:
        """Whether a header follows its length, whose bytes may be any."""
        return start[_LENGTH_BYTES : _LENGTH_BYTES + 1] == b"{"

    def __init__(self, path: Path, files: SourceFiles) -> None:
        """
        Raises:
            UnreadableFile: cut off, or gone.
            MalformedAdapter: a header that contradicts itself or the file.
        """
        self.path, self.files = path, files
        size = files.size
        length = self._header_length()
        if length + _LENGTH_BYTES > size:
            needed = length + _LENGTH_BYTES
            raise UnreadableFile(
                f"The file is cut off: its header needs {needed} bytes and there are {size}.",
                path=path, expected=needed, found=size,
            )  # fmt: skip
        if length > _LARGEST_HEADER:
            raise MalformedAdapter(f"The header claims {length} bytes; no adapter has one so large.", path=path)
        header = self._header(length, size)
        self._data_start = _LENGTH_BYTES + length
        self.metadata = header.pop("__metadata__", None) or {}
        self._offsets = {name: entry["data_offsets"] for name, entry in header.items()}
        self.tensors = {
            name: TensorInfo(name, _FLOATS.get(entry["dtype"], entry["dtype"]), tuple(entry["shape"]))
            for name, entry in header.items()
        }

    def _header_length(self) -> int:
        try:
            with self.files.open(self.path) as file:
                return int.from_bytes(file.read(_LENGTH_BYTES), "little")
        except OSError as error:
            raise unreadable(self.path, error) from error

    def _header(self, length: int, size: int) -> dict[str, Any]:
        try:
            with self.path.open("rb") as file:
                file.seek(_LENGTH_BYTES)
                raw = file.read(length)
        except OSError as error:
            raise unreadable(self.path, error) from error
        count = raw.count(b'"data_offsets"')
        if count > MOST_TENSORS:
            raise too_many_tensors(self.path, count)
        self._check(size)
        try:
            header: dict[str, Any] = json.loads(raw)
        except (ValueError, RecursionError) as error:
            raise MalformedAdapter(
                "The safetensors header is damaged: it is not valid JSON.", path=self.path
            ) from error
        return header

    def _check(self, size: int) -> None:
        """Let the library judge the header: types, shapes, offsets without holes, and the file's length."""
        try:
            with safe_open(self.path, framework="numpy"):
                return
        except SafetensorError as error:
            text = str(error)
            if "MetadataIncompleteBuffer" in text or "not entirely covered" in text or "incomplete" in text.lower():
                raise UnreadableFile(
                    f"The file is cut off or overlong: its header describes another size than {size} bytes.",
                    path=self.path, found=size,
                ) from error  # fmt: skip
            fault = next(
                (words for sign, words in _HEADER_FAULTS if sign in text.casefold()), "it contradicts itself"
            )
            raise MalformedAdapter(f"The safetensors header is damaged: {fault}.", path=self.path) from error
        except OSError as error:
            raise unreadable(self.path, error) from error

    @contextmanager
    def open(self) -> Iterator[TensorReader]:
        with self.files.open(self.path) as file:
            yield _SafetensorsReader(self, file)

    def byte_range(self, name: str, rows: Rows | None = None) -> tuple[int, int]:
        """Where the bytes of the tensor (of these rows) start and end, counted from the start of the file."""
        start, end = self._offsets[name]
        if rows is not None:
            row = (end - start) // max(self.tensors[name].shape[0], 1)
            start, end = start + rows[0] * row, start + rows[1] * row
        return self._data_start + start, self._data_start + end


class _SafetensorsReader(TensorReader):
    def __init__(self, source: SafetensorsFile, file: BinaryIO) -> None:
        self._source = source
        self._file = file

    def read(self, name: str, rows: Rows | None = None) -> StoredArray:
        info = self._source.tensors[name]
        type_ = STORAGE_TYPES.get(info.dtype)
        if type_ is None:
            raise not_floating_point(self._source.path, info)
        data = self._bytes(*self._source.byte_range(name, rows)).view(type_.carrier)
        shape = info.shape if rows is None else (rows[1] - rows[0], *info.shape[1:])
        return StoredArray(data.reshape(shape), type_)

    def number(self, name: str) -> float | None:
        info = self._source.tensors[name]
        if element_count(info.shape) != 1:
            return None
        if info.dtype in _INTEGERS:
            return float(self._bytes(*self._source.byte_range(name)).view(_INTEGERS[info.dtype])[0])
        return float(self.read(name).widened().reshape(-1)[0]) if info.dtype in STORAGE_TYPES else None

    def is_zero(self, name: str, rows: Rows | None = None) -> bool:
        type_ = STORAGE_TYPES.get(self._source.tensors[name].dtype)
        if type_ is None:
            return False
        start, end = self._source.byte_range(name, rows)
        chunk = _FIRST_LOOK_BYTES  # one page tells trained factors apart; only zeros are read on
        while start < end:
            content = self._some_bytes(start, min(end - start, chunk))
            # Only zeros, which may be negative, are made of these two bytes alone; numbers may be as well.
            if content.lstrip(b"\x00\x80"):
                return False
            content = content[: len(content) - len(content) % type_.carrier.itemsize]
            if not content or StoredArray(np.frombuffer(content, type_.carrier), type_).widened().any():
                return False
            start += len(content)
            chunk = _ZERO_CHECK_BYTES
        return True

    def _some_bytes(self, start: int, most: int) -> bytes:
        try:
            self._file.seek(start)
            content = self._file.read(most)
        except OSError as error:
            raise unreadable(self._source.path, error) from error
        if not content:
            raise UnreadableFile("The file became shorter while it was read.", path=self._source.path)
        return content

    def _bytes(self, start: int, end: int) -> Bytes:
        size = end - start
        buffer = np.empty(size, dtype=np.uint8) if self.scratch is None else self.scratch.take(size)
        view = memoryview(buffer.data)
        try:
            self._file.seek(start)
            while view:
                count = self._file.readinto(view)  # type: ignore[attr-defined]
                if not count:
                    raise UnreadableFile("The file became shorter while it was read.", path=self._source.path)
                view = view[count:]
        except OSError as error:
            raise unreadable(self._source.path, error) from error
        return buffer
