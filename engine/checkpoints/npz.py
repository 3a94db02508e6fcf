"""`.npz`, NumPy's zip of arrays, as older MLX wrote it: headers parsed here, no object array is ever unpickled."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from engine.checkpoints.reading import Container, TensorReader
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

# A packed array may unfold to this much: a factor of rank 64 over a vocabulary of 250 000 words.
_LARGEST_UNPACKED = 64_000_000
_SUFFIX = ".npy"
ZIP_MAGIC = b"PK\x03\x04"
_ENCRYPTED = 1  # the first of a member's flags, APPNOTE 4.4.4
_DAMAGE = (ValueError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, SyntaxError)


@dataclass(frozen=True)
class _Member:
    """One array: its name in the archive, NumPy's type, and whether its first axis runs fastest."""

    archive_name: str
    dtype: np.dtype[Any]
    fortran: bool


class NpzFile(Container):
    """An `.npz` archive whose members' headers have been read."""

    SUFFIXES = (".npz",)

    @classmethod
    def recognises(cls, path: Path, start: bytes) -> bool:
        """Whether it is a zip archive that holds arrays.

        Raises:
            UnreadableFile: its table of contents cannot be read.
        """
        return start.startswith(ZIP_MAGIC) and _holds_arrays(path)

    def __init__(self, path: Path, files: SourceFiles) -> None:
        """
        Raises:
            UnreadableFile: the file has gone.
            MalformedAdapter: a damaged archive, or one that would unfold to far more than it holds.
        """
        self.path, self.files = path, files
        self.metadata = {}
        self.tensors = {}
        self._members: dict[str, _Member] = {}
        try:
            with zipfile.ZipFile(path) as archive:
                members = archive.infolist()
                if len(members) > MOST_TENSORS:
                    raise too_many_tensors(path, len(members))
                for member in members:
                    if member.filename.endswith(_SUFFIX):
                        self._add(archive, member)
        except OSError as error:
            raise unreadable(path, error) from error
        except NotImplementedError as error:
            raise MalformedAdapter("The .npz archive is packed in a way that is not read here.", path=path) from error
        except _DAMAGE as error:
            raise MalformedAdapter("The .npz archive is damaged.", path=path) from error

    def _add(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
        name = member.filename.removesuffix(_SUFFIX)
        if member.flag_bits & _ENCRYPTED:
            raise MalformedAdapter("The .npz archive is protected by a password.", path=self.path)
        with archive.open(member) as stream:
            shape, fortran, dtype = _npy_header(stream)
            start = stream.tell()
        size = element_count(shape) * dtype.itemsize
        if not dtype.hasobject and start + size != member.file_size:
            raise MalformedAdapter(f"The array {name} does not fill its place in the archive.", path=self.path)
        if member.compress_type != zipfile.ZIP_STORED and member.file_size > _LARGEST_UNPACKED:
            raise MalformedAdapter(f"The array {name} would unfold to {member.file_size} bytes.", path=self.path)
        problem = "holds Python objects, which only running the file's code could read" if dtype.hasobject else ""
        self.tensors[name] = TensorInfo(name, dtype.name, shape, problem)  # type: ignore[index]
        self._members[name] = _Member(member.filename, dtype, fortran)

    @contextmanager
    def open(self) -> Iterator[TensorReader]:
        with self.files.open(self.path) as file:
            try:
                archive = zipfile.ZipFile(io.BufferedReader(file))  # type: ignore[type-var]
            except OSError as error:
                raise unreadable(self.path, error) from error
            except zipfile.BadZipFile as error:
                raise MalformedAdapter("The .npz archive is damaged.", path=self.path) from error
            with archive:
                yield _NpzReader(self, archive)

    def member(self, name: str) -> _Member:
        """Where and how an array is stored."""
        return self._members[name]


def _npy_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = npy.read_magic(stream)
    read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(version)
    if read is None:
        raise ValueError(f"npy version {version}")
    shape, fortran, dtype = read(stream)
    if not all(isinstance(length, int) and length >= 0 for length in shape):
        raise ValueError("a negative length")
    return tuple(shape), bool(fortran), dtype


class _NpzReader(TensorReader):
    def __init__(self, source: NpzFile, archive: zipfile.ZipFile) -> None:
        self._source = source
        self._archive = archive

    def read(self, name: str, rows: Rows | None = None) -> StoredArray:
        info = self._source.tensors[name]
        type_ = STORAGE_TYPES.get(info.dtype)
        if type_ is None:
            raise not_floating_point(self._source.path, info)
        data = self._array(name).astype(type_.carrier, copy=False)
        return StoredArray(data if rows is None else data[slice(*rows)], type_)

    def number(self, name: str) -> float | None:
        info = self._source.tensors[name]
        if element_count(info.shape) != 1 or self._source.member(name).dtype.kind not in "fiu":
            return None
        return float(self._array(name).reshape(-1)[0])

    def is_zero(self, name: str, rows: Rows | None = None) -> bool:
        if self._source.member(name).dtype.kind not in "fiu":
            return False
        data = self._array(name)
        return not bool((data if rows is None else data[slice(*rows)]).any())

    def _array(self, name: str) -> np.ndarray[Any, np.dtype[Any]]:
        info, member = self._source.tensors[name], self._source.member(name)
        size = element_count(info.shape) * member.dtype.itemsize
        try:
            with self._archive.open(member.archive_name) as stream:
                _npy_header(stream)
                content = stream.read(size)
        except OSError as error:
            raise unreadable(self._source.path, error) from error
        except (*_DAMAGE, KeyError) as error:
            raise MalformedAdapter(f"The array {name} is damaged.", path=self._source.path) from error
        if len(content) != size:
            raise UnreadableFile("The file became shorter while it was read.", path=self._source.path)
        array = np.frombuffer(content, member.dtype)
        # Column-major, as Fortran has it, is the transpose of the reversed shape.
        return array.reshape(info.shape[::-1]).T if member.fortran else array.reshape(info.shape)


def _holds_arrays(path: Path) -> bool:
    """Whether a zip archive is NumPy's."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith(_SUFFIX) for name in archive.namelist())
    except OSError as error:
        raise unreadable(path, error) from error
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise UnreadableFile(
            "The file is cut off or damaged: its table of contents is missing.", path=path
        ) from error
