"""One way to read tensors: safetensors, a sharded index, .npz, or a PyTorch pickle (weights only).

Opening reads the header; a reader then reads one tensor at a time, as a copy: nothing stays mapped or locked.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath

from engine.checkpoints.npz import NpzFile
from engine.checkpoints.pickles import PickleFile
from engine.checkpoints.safetensors import SafetensorsFile
from engine.checkpoints.source_files import SourceFiles, refuse_pipe
from engine.checkpoints.storage_types import StoredArray
from engine.checkpoints.tensors import (
    MOST_TENSORS,
    Rows,
    TensorFile,
    TensorInfo,
    TensorReader,
    element_count,
    not_floating_point,
    too_many_tensors,
)
from engine.errors import MalformedAdapter, UnreadableFile, UnsupportedFormat, unreadable

__all__ = [
    "PICKLE_SUFFIXES", "SHARD_INDEX_SUFFIX", "ShardedFile", "TensorFile", "TensorInfo", "TensorReader",
    "element_count", "not_floating_point", "open_tensor_file",
]  # fmt: skip

SHARD_INDEX_SUFFIX = ".index.json"
PICKLE_SUFFIXES = (".bin", ".pt", ".pth", ".ckpt", ".lora")

_LFS_POINTER = b"version https://git-lfs"
_LARGEST_INDEX = 8_000_000
_FIRST_BYTES = 512
# Files that people take for adapters, by their first bytes.
_FOREIGN = (
    (b"GGUF", "a GGUF file of llama.cpp, which is not read here; open the adapter that it was made from."),
    (b"\x89HDF", "an HDF5 file, not a checkpoint known here."),
    (b"\x1f\x8b", "a gzip archive; unpack it and open the adapter in it."),
    (b"Rar!", "a RAR archive; unpack it and open the adapter in it."),
    (b"7z\xbc\xaf", "a 7-Zip archive; unpack it and open the adapter in it."),
    (b"\x89PNG", "a picture, not a checkpoint."),
    (b"\xff\xd8\xff", "a picture, not a checkpoint."),
    (b"%PDF", "a PDF document, not a checkpoint."),
)


def open_tensor_file(path: Path) -> TensorFile:
    """Read the header of a checkpoint, whatever its name says, by what its first bytes are.

    Raises:
        UnreadableFile: missing, forbidden, empty, cut off, or a placeholder for a file not downloaded.
        UnsupportedFormat: not a checkpoint at all, or one that only running its code could open.
        MalformedAdapter: a checkpoint whose header contradicts itself.
    """
    refuse_pipe(path)
    if path.name.endswith(SHARD_INDEX_SUFFIX):
        return ShardedFile(path)
    files = SourceFiles(path)
    with files.unchanged():
        return _by_first_bytes(path, files)


def _by_first_bytes(path: Path, files: SourceFiles) -> TensorFile:
    try:
        with files.open(path) as file:
            start = file.read(_FIRST_BYTES)
    except OSError as error:
        raise unreadable(path, error) from error
    if not start:
        raise UnreadableFile("The file is empty (0 bytes).", path=path)
    if start.startswith(_LFS_POINTER):
        raise UnreadableFile(
            "This is a Git LFS pointer: the weights are not downloaded yet (run `git lfs pull`).", path=path
        )
    if start[8:9] == b"{":  # a safetensors file's first byte belongs to its length and may be any
        return SafetensorsFile(path, files, start, files.size)
    if start.startswith(b"PK\x03\x04"):
        return NpzFile(path, files) if _holds_arrays(path) else PickleFile(path, files)
    if start[:1] == b"\x80" and start[1:2] <= b"\x05":
        return PickleFile(path, files)
    raise _foreign(path, start)


def _holds_arrays(path: Path) -> bool:
    """Whether a zip archive is NumPy's."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith(".npy") for name in archive.namelist())
    except OSError as error:
        raise unreadable(path, error) from error
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise UnreadableFile(
            "The file is cut off or damaged: its table of contents is missing.", path=path
        ) from error


def _foreign(path: Path, start: bytes) -> UnsupportedFormat:
    for magic, what in _FOREIGN:
        if start.startswith(magic):
            return UnsupportedFormat(f"This is {what}", path=path)
    if start[257:262] == b"ustar":
        return UnsupportedFormat(
            "This is a tar archive (such as .nemo); unpack it and open the adapter in it.", path=path
        )
    if _looks_like_text(start):
        what = "a web page" if start.lstrip()[:1] == b"<" else "a text file"
        return UnsupportedFormat(f"This is {what}, not a checkpoint; download the weights again.", path=path)
    return UnsupportedFormat("This is not a safetensors file, nor any checkpoint known here.", path=path)


def _looks_like_text(start: bytes) -> bool:
    return all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in start) and len(start) > 8


class ShardedFile(TensorFile):
    """`*.index.json`: tensors spread over several files beside it."""

    def __init__(self, path: Path) -> None:
        """
        Raises:
            UnreadableFile, UnsupportedFormat, MalformedAdapter: as open_tensor_file, for the index or a shard.
        """
        self.path = path
        self.metadata = {}
        self._shard_of = self._weight_map()
        self._shards: dict[str, TensorFile] = {}
        self.tensors = {}
        for name, shard_name in self._shard_of.items():
            if shard_name not in self._shards:
                self._shards[shard_name] = open_tensor_file(self._shard_path(shard_name))
            info = self._shards[shard_name].tensors.get(name)
            if info is None:
                raise MalformedAdapter(
                    f"The index promises {name} in {shard_name}, which does not hold it.", path=path
                )
            self.tensors[name] = info
        self.files = SourceFiles.joined(self._shards[name].files for name in sorted(self._shards))
        for shard in self._shards.values():
            shard.files = self.files

    def _weight_map(self) -> dict[str, str]:
        try:
            with self.path.open("rb") as file:
                raw = file.read(_LARGEST_INDEX + 1)
            index = json.loads(raw) if len(raw) <= _LARGEST_INDEX else None
        except OSError as error:
            raise unreadable(self.path, error) from error
        except (ValueError, RecursionError) as error:
            raise MalformedAdapter("The shard index is not valid JSON.", path=self.path) from error
        weight_map = index.get("weight_map") if isinstance(index, dict) else None
        if (
            not isinstance(weight_map, dict)
            or not weight_map
            or not all(isinstance(shard, str) for shard in weight_map.values())
        ):
            raise MalformedAdapter("The shard index has no weight_map of file names.", path=self.path)
        if len(weight_map) > MOST_TENSORS:
            raise too_many_tensors(self.path, len(weight_map))
        return weight_map

    def _shard_path(self, shard_name: str) -> Path:
        parts = PurePosixPath(shard_name).parts
        unsafe = "\\" in shard_name or ":" in shard_name or not shard_name.isprintable()
        if len(parts) != 1 or unsafe or shard_name in {"", ".", ".."} or shard_name.startswith("/"):
            raise MalformedAdapter(
                f"The index names a shard outside its own folder ({shard_name[:80]}); refused.", path=self.path
            )
        if shard_name.endswith(SHARD_INDEX_SUFFIX):
            raise MalformedAdapter(f"The index names another index as a shard ({shard_name}).", path=self.path)
        return self.path.with_name(shard_name)

    @contextmanager
    def open(self) -> Iterator[TensorReader]:
        with ExitStack() as stack:
            readers = {name: stack.enter_context(shard.open()) for name, shard in self._shards.items()}
            yield _ShardedReader({name: readers[shard] for name, shard in self._shard_of.items()})


class _ShardedReader(TensorReader):
    def __init__(self, reader_of: Mapping[str, TensorReader]) -> None:
        self._reader_of = reader_of

    def read(self, name: str, rows: Rows | None = None) -> StoredArray:
        reader = self._reader_of[name]
        reader.scratch = self.scratch
        return reader.read(name, rows)

    def number(self, name: str) -> float | None:
        return self._reader_of[name].number(name)

    def is_zero(self, name: str, rows: Rows | None = None) -> bool:
        return self._reader_of[name].is_zero(name, rows)
