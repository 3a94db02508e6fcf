"""One way to read tensors: safetensors, a sharded index, or a PyTorch pickle (weights only).

Opening reads the header; a reader then reads one tensor at a time, as a copy: nothing stays mapped or locked.
"""

from __future__ import annotations

import json
import math
import pickle
import struct
import warnings
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from safetensors import SafetensorError, safe_open

from engine.errors import EngineError, MalformedAdapter, UnreadableFile, UnsupportedFormat
from engine.storage_types import STORAGE_TYPES, StoredArray

if TYPE_CHECKING:
    import torch

SHARD_INDEX_SUFFIX = ".index.json"
PICKLE_SUFFIXES = (".bin", ".pt", ".pth", ".ckpt", ".lora")
# The same wrappers that training scripts put around a state dict.
CONTAINERS = ("state_dict", "model", "model_state_dict", "module", "adapter")

_SAFETENSORS_TYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
}
_LFS_POINTER = b"version https://git-lfs"
# Beyond this no known checkpoint goes (the safetensors library's own limit).
_LARGEST_HEADER = 100_000_000
_ZERO_CHECK_BYTES = 1 << 16


@dataclass(frozen=True)
class TensorInfo:
    """Header facts of one tensor: `dtype` is torch's name of its type (`float32`), or the file's own word."""

    name: str
    dtype: str
    shape: tuple[int, ...]


class TensorReader(ABC):
    """Reads tensors of one open file."""

    @abstractmethod
    def read(self, name: str) -> StoredArray:
        """Copy one tensor's bits out of the file.

        Raises:
            UnreadableFile: the bytes are not there any more.
            MalformedAdapter: the tensor is not of a floating-point type that can be read.
        """

    @abstractmethod
    def is_zero(self, name: str) -> bool:
        """Whether every element is zero, of either sign; stops reading at the first part that is not."""


class TensorFile(ABC):
    """A file of named tensors whose header has been read."""

    path: Path
    tensors: Mapping[str, TensorInfo]
    metadata: Mapping[str, str]

    @abstractmethod
    def open(self) -> AbstractContextManager[TensorReader]:
        """A reader that holds the file open until the context ends.

        Raises:
            UnreadableFile: the file has gone, changed or cannot be opened.
        """

    @abstractmethod
    def data_files(self) -> tuple[Path, ...]:
        """The files that hold the tensors, in a fixed order: what a checksum covers."""

    @property
    def size(self) -> int:
        """Bytes on disk of all data files.

        Raises:
            UnreadableFile: a file has gone.
        """
        try:
            return sum(file.stat().st_size for file in self.data_files())
        except OSError as error:
            raise _unreadable(self.path, error) from error


def open_tensor_file(path: Path) -> TensorFile:
    """Read the header of a checkpoint, whatever its name says, by what its first bytes are.

    Raises:
        UnreadableFile: missing, forbidden, empty, cut off, or a placeholder for a file not downloaded.
        UnsupportedFormat: not a checkpoint at all, or one that only running its code could open.
        MalformedAdapter: a checkpoint whose header contradicts itself.
    """
    if path.name.endswith(SHARD_INDEX_SUFFIX):
        return ShardedFile(path)
    try:
        with path.open("rb") as file:
            start = file.read(512)
            size = file.seek(0, 2)
    except OSError as error:
        raise _unreadable(path, error) from error
    if not start:
        raise UnreadableFile("The file is empty (0 bytes).", path=path)
    if start.startswith(_LFS_POINTER):
        raise UnreadableFile(
            "This is a Git LFS pointer: the weights are not downloaded yet (run `git lfs pull`).", path=path
        )
    if _looks_like_text(start) and path.suffix != ".npz":
        what = "a web page" if start.lstrip()[:1] == b"<" else "a text file"
        raise UnsupportedFormat(f"This is {what}, not a checkpoint; download the weights again.", path=path)
    if _looks_like_pickle(start) or (path.suffix in PICKLE_SUFFIXES and start[8:9] != b"{"):
        return PickleFile(path)
    return SafetensorsFile(path, start, size)


def _looks_like_pickle(start: bytes) -> bool:
    """A zip by torch.save, or a bare pickle; a safetensors file's first byte is its length and may be any."""
    return start[8:9] != b"{" and (start[:4] == b"PK\x03\x04" or start[:1] == b"\x80")


def _looks_like_text(start: bytes) -> bool:
    printable = sum(byte in b"\t\n\r" or 32 <= byte < 127 for byte in start)
    return printable == len(start) and len(start) > 8


def _unreadable(path: Path, error: OSError) -> UnreadableFile:
    reasons: dict[type[OSError], str] = {
        FileNotFoundError: "There is no such file.",
        PermissionError: "The file may not be read (permission denied).",
        IsADirectoryError: "This is a folder, not a file.",
    }
    reason = reasons.get(type(error), f"The file cannot be read ({error.strerror or error}).")
    return UnreadableFile(reason, path=path)


# --- safetensors ---------------------------------------------------------------------------------------


class SafetensorsFile(TensorFile):
    """A `.safetensors` file. The library checks the header; the bytes are read without mapping the file."""

    def __init__(self, path: Path, start: bytes, size: int) -> None:
        self.path = path
        length = struct.unpack("<Q", start[:8])[0] if len(start) >= 8 else 0
        if len(start) < 8 or length > _LARGEST_HEADER or (length + 8 > size and start[8:9] != b"{"):
            raise UnsupportedFormat("This is not a safetensors file, nor any checkpoint known here.", path=path)
        if length + 8 > size:
            raise UnreadableFile(
                f"The file is cut off: its header needs {length + 8} bytes and there are {size}.",
                path=path, expected=length + 8, found=size,
            )  # fmt: skip
        self._check(size)
        header = self._header(length)
        self._data_start = 8 + length
        self.metadata = header.pop("__metadata__", {})
        self._offsets = {name: tuple(entry["data_offsets"]) for name, entry in header.items()}
        self.tensors = {
            name: TensorInfo(name, _SAFETENSORS_TYPES.get(entry["dtype"], entry["dtype"]), tuple(entry["shape"]))
            for name, entry in header.items()
        }

    def _check(self, size: int) -> None:
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
            cause = text.removeprefix("Error while deserializing header: ")
            raise MalformedAdapter(f"The safetensors header is damaged ({cause}).", path=self.path) from error
        except OSError as error:
            raise _unreadable(self.path, error) from error

    def _header(self, length: int) -> dict[str, Any]:
        try:
            with self.path.open("rb") as file:
                file.seek(8)
                header: dict[str, Any] = json.loads(file.read(length))
        except OSError as error:
            raise _unreadable(self.path, error) from error
        except (ValueError, RecursionError) as error:
            raise MalformedAdapter(f"The safetensors header is not JSON ({error}).", path=self.path) from error
        return header

    @contextmanager
    def open(self) -> Iterator[TensorReader]:
        try:
            file = self.path.open("rb", buffering=0)
        except OSError as error:
            raise _unreadable(self.path, error) from error
        with file:
            yield _SafetensorsReader(self, file)

    def data_files(self) -> tuple[Path, ...]:
        return (self.path,)

    def byte_range(self, name: str) -> tuple[int, int]:
        """Where the tensor's bytes start and end, counted from the start of the file."""
        start, end = self._offsets[name]
        return self._data_start + start, self._data_start + end


class _SafetensorsReader(TensorReader):
    def __init__(self, source: SafetensorsFile, file: BinaryIO) -> None:
        self._source = source
        self._file = file

    def read(self, name: str) -> StoredArray:
        info = self._source.tensors[name]
        type_ = STORAGE_TYPES.get(info.dtype)
        if type_ is None:
            raise not_floating_point(self._source.path, info)
        start, end = self._source.byte_range(name)
        data = self._bytes(start, end).view(type_.carrier).reshape(info.shape)
        return StoredArray(data, type_)

    def is_zero(self, name: str) -> bool:
        type_ = STORAGE_TYPES.get(self._source.tensors[name].dtype)
        if type_ is None:
            return False
        start, end = self._source.byte_range(name)
        chunk = 4096  # one page tells trained factors apart; only zeros are read on
        while start < end:
            bits = self._bytes(start, min(end, start + chunk)).view(type_.carrier)
            if type_.widen(bits).any():  # as numbers: there are negative zeros
                return False
            start += chunk
            chunk = _ZERO_CHECK_BYTES
        return True

    def _bytes(self, start: int, end: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
        buffer = np.empty(end - start, dtype=np.uint8)
        view = memoryview(buffer.data)
        try:
            self._file.seek(start)
            while view:
                count = self._file.readinto(view)  # type: ignore[attr-defined]
                if not count:
                    raise UnreadableFile("The file became shorter while it was read.", path=self._source.path)
                view = view[count:]
        except OSError as error:
            raise _unreadable(self._source.path, error) from error
        return buffer


# --- a sharded index -----------------------------------------------------------------------------------


class ShardedFile(TensorFile):
    """`*.safetensors.index.json`: tensors spread over several safetensors files beside it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.metadata = {}
        weight_map = self._weight_map()
        self._shards: dict[str, TensorFile] = {}
        self.tensors = {}
        for name, shard_name in weight_map.items():
            if shard_name not in self._shards:
                self._shards[shard_name] = open_tensor_file(self._shard_path(shard_name))
            info = self._shards[shard_name].tensors.get(name)
            if info is None:
                raise MalformedAdapter(
                    f"The index promises {name} in {shard_name}, which does not hold it.", path=path
                )
            self.tensors[name] = info
        self._shard_of = weight_map

    def _weight_map(self) -> dict[str, str]:
        try:
            index = json.loads(self.path.read_text(encoding="utf-8"))
        except OSError as error:
            raise _unreadable(self.path, error) from error
        except (ValueError, RecursionError) as error:
            raise MalformedAdapter("The shard index is not valid JSON.", path=self.path) from error
        weight_map = index.get("weight_map") if isinstance(index, dict) else None
        if not isinstance(weight_map, dict) or not all(isinstance(shard, str) for shard in weight_map.values()):
            raise MalformedAdapter("The shard index has no weight_map of file names.", path=self.path)
        return weight_map

    def _shard_path(self, shard_name: str) -> Path:
        parts = PurePosixPath(shard_name).parts
        if len(parts) != 1 or "\\" in shard_name or ":" in shard_name or shard_name in {"", ".", ".."}:
            raise MalformedAdapter(
                f"The index names a shard outside its own folder ({shard_name}); refused.", path=self.path
            )
        if shard_name.endswith(SHARD_INDEX_SUFFIX):
            raise MalformedAdapter(f"The index names another index as a shard ({shard_name}).", path=self.path)
        return self.path.with_name(shard_name)

    @contextmanager
    def open(self) -> Iterator[TensorReader]:
        with ExitStack() as stack:
            readers = {name: stack.enter_context(shard.open()) for name, shard in self._shards.items()}
            yield _ShardedReader({name: readers[shard] for name, shard in self._shard_of.items()})

    def data_files(self) -> tuple[Path, ...]:
        return tuple(file for name in sorted(self._shards) for file in self._shards[name].data_files())


class _ShardedReader(TensorReader):
    def __init__(self, reader_of: Mapping[str, TensorReader]) -> None:
        self._reader_of = reader_of

    def read(self, name: str) -> StoredArray:
        return self._reader_of[name].read(name)

    def is_zero(self, name: str) -> bool:
        return self._reader_of[name].is_zero(name)


# --- PyTorch pickles -----------------------------------------------------------------------------------


class PickleFile(TensorFile):
    """A `.bin`, `.pt` or `.pth` written by `torch.save`, read with `weights_only=True`: no code is ever run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.metadata = {}
        tensors = _load_tensors(path, map_location="meta")
        self.tensors = {
            name: TensorInfo(name, str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape))
            for name, tensor in tensors.items()
        }

    @contextmanager
    def open(self) -> Iterator[TensorReader]:
        yield _PickleReader(self.path, _load_tensors(self.path, map_location="cpu"))

    def data_files(self) -> tuple[Path, ...]:
        return (self.path,)


class _PickleReader(TensorReader):
    def __init__(self, path: Path, tensors: Mapping[str, torch.Tensor]) -> None:
        self._path = path
        self._tensors = tensors

    def read(self, name: str) -> StoredArray:
        import torch  # noqa: PLC0415 - heavy, and needed for pickles only

        tensor = self._tensors.get(name)
        if tensor is None:
            raise UnreadableFile("The file changed while it was open.", path=self._path)
        dtype = str(tensor.dtype).removeprefix("torch.")
        type_ = STORAGE_TYPES.get(dtype)
        if type_ is None:
            raise not_floating_point(self._path, TensorInfo(name, dtype, tuple(tensor.shape)))
        bits = tensor.detach().contiguous()
        if type_.carrier.kind == "u":
            bits = bits.view(torch.uint16 if type_.carrier.itemsize == 2 else torch.uint8)
        return StoredArray(bits.numpy().copy(), type_)

    def is_zero(self, name: str) -> bool:
        return not bool(self._tensors[name].any())


def _load_tensors(path: Path, map_location: str) -> dict[str, torch.Tensor]:
    """Every tensor of a pickle by dotted name, containers such as `state_dict` unwrapped."""
    import torch  # noqa: PLC0415 - heavy, and needed for pickles only

    try:
        is_zip = zipfile.is_zipfile(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's remarks on a damaged pickle; the error says enough
            content = torch.load(
                path, weights_only=True, map_location=map_location, mmap=is_zip and map_location == "cpu"
            )
    except OSError as error:
        raise _unreadable(path, error) from error
    except pickle.UnpicklingError as error:
        if "Unsupported global" in str(error) or "Unsupported class" in str(error):
            raise UnsupportedFormat(
                "This pickle holds more than tensors and opening it could run code, so it is refused; "
                "convert it to safetensors with the program that wrote it.",
                path=path,
            ) from error
        raise MalformedAdapter("The file is not a readable PyTorch checkpoint.", path=path) from error
    except Exception as error:
        raise MalformedAdapter("The file is not a readable PyTorch checkpoint.", path=path) from error
    return _named_tensors(content, path)


def _named_tensors(content: Any, path: Path) -> dict[str, torch.Tensor]:
    import torch  # noqa: PLC0415 - heavy, and needed for pickles only

    tensors: dict[str, torch.Tensor] = {}
    if isinstance(content, list | tuple):
        content = {str(position): item for position, item in enumerate(content)}
    while isinstance(content, dict):
        tensors = {str(name): item for name, item in content.items() if isinstance(item, torch.Tensor)}
        inner = next((content[key] for key in CONTAINERS if isinstance(content.get(key), dict)), None)
        if tensors or inner is None:
            break
        content = inner
    if not tensors:
        raise UnsupportedFormat("The file holds no tensors by name.", path=path)
    return tensors


def not_floating_point(path: Path, info: TensorInfo) -> EngineError:
    """The error for a factor stored as integers or in a type that cannot be read."""
    return MalformedAdapter(
        f"The tensor {info.name} is stored as {info.dtype}, which cannot be read as numbers here.",
        path=path, found=info.dtype,
    )  # fmt: skip


def element_count(shape: tuple[int, ...]) -> int:
    """How many elements a tensor of this shape has."""
    return math.prod(shape)
