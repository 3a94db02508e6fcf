"""What every file of named tensors offers: header facts on opening, then one tensor at a time, as a copy."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.checkpoints.source_files import SourceFiles
from engine.checkpoints.storage_types import StoredArray
from engine.errors import EngineError, MalformedAdapter

# More tensors than any adapter has (a mixture of 256 experts in 61 layers, all adapted, has 94 000); a header
# that claims more would fill the memory before anything is known about the file.
MOST_TENSORS = 150_000

Rows = tuple[int, int]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """Header facts of one tensor: `dtype` is torch's name of its type (`float32`), or the file's own word.

    `problem` says why its numbers cannot be had, as the end of a sentence about it; empty where they can.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    problem: str = ""


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


def element_count(shape: tuple[int, ...]) -> int:
    """How many elements a tensor of this shape has."""
    return math.prod(shape)


def not_floating_point(path: Path, info: TensorInfo) -> EngineError:
    """The error for a factor stored as integers or in a type that cannot be read."""
    return MalformedAdapter(
        f"The tensor {info.name} is stored as {info.dtype}, which cannot be read as numbers here.",
        path=path, found=info.dtype,
    )  # fmt: skip


def too_many_tensors(path: Path, count: int) -> EngineError:
    """The error for a header that claims more tensors than any adapter has."""
    return MalformedAdapter(
        f"The file claims {count} tensors; no adapter has more than {MOST_TENSORS}.",
        path=path, expected=MOST_TENSORS, found=count,
    )  # fmt: skip
