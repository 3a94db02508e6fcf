"""What every file of named tensors offers: header facts on opening, then one tensor at a time, as a copy."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from engine.checkpoints.source_files import SourceFiles
from engine.checkpoints.storage_types import StoredArray
from engine.checkpoints.tensors import Rows, TensorInfo

Bytes = npt.NDArray[np.uint8]


class Scratch:
    """Memory that is read into again and again: fresh pages cost more time than the reading itself.

    What was read into it holds until `recycle`.
    """

    def __init__(self) -> None:
        self._buffers: list[Bytes] = []
        self._taken = 0

    def take(self, size: int) -> Bytes:
        """`size` bytes of whatever content."""
        if self._taken == len(self._buffers):
            self._buffers.append(np.empty(size, dtype=np.uint8))
        elif self._buffers[self._taken].size < size:
            self._buffers[self._taken] = np.empty(size, dtype=np.uint8)
        self._taken += 1
        return self._buffers[self._taken - 1][:size]

    def recycle(self) -> None:
        """Let everything that was taken be written over."""
        self._taken = 0


class TensorReader(ABC):
    """Reads tensors of one open file, into `scratch` where there is one."""

    scratch: Scratch | None = None

    @abstractmethod
    def read(self, name: str, rows: Rows | None = None) -> StoredArray:
        """Copy one tensor's bits out of the file, or only the rows from `rows[0]` up to `rows[1]` of it.

        Raises:
            UnreadableFile: the bytes are not there any more.
            MalformedAdapter: the tensor is not of a floating-point type that can be read.
        """

    @abstractmethod
    def number(self, name: str) -> float | None:
        """The value of a tensor of one element, integers too; None where it has more, or cannot be read."""

    @abstractmethod
    def is_zero(self, name: str, rows: Rows | None = None) -> bool:
        """Whether every element (of these rows) is zero, of either sign; stops at the first part that is not."""


class TensorFile(ABC):
    """A file of named tensors whose header has been read, from the bytes that `files` holds on to."""

    path: Path
    files: SourceFiles
    tensors: Mapping[str, TensorInfo]
    metadata: Mapping[str, str]

    @abstractmethod
    def open(self) -> AbstractContextManager[TensorReader]:
        """A reader that holds the file open until the context ends.

        Raises:
            FileChanged: it is not the file whose header was read.
            UnreadableFile: it cannot be opened.
        """


class Container(TensorFile):
    """One kind of file of named tensors: a class, and its line in CONTAINERS.

    `SUFFIXES` are the endings of its files.
    """

    SUFFIXES: ClassVar[tuple[str, ...]]

    @abstractmethod
    def __init__(self, path: Path, files: SourceFiles) -> None:
        """Read the header.

        Raises:
            UnreadableFile, UnsupportedFormat, MalformedAdapter: as open_tensor_file.
        """

    @classmethod
    @abstractmethod
    def recognises(cls, path: Path, start: bytes) -> bool:
        """Whether a file with these first bytes is one of its kind.

        Raises:
            UnreadableFile: it takes a look at more of the file, which cannot be read.
        """
