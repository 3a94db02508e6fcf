"""Header facts of the tensors in a file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from engine.errors import EngineError, MalformedAdapter

# More tensors than any adapter has (a mixture of 256 experts in 61 layers, all adapted, has 94 000); a header
# that claims more would fill the memory before anything is known about the file.
MOST_TENSORS = 150_000

Rows = tuple[int, int]


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """Header facts of one tensor: `dtype` is torch's name of its type (`float32`), or the file's own word.

    `problem` says why its numbers cannot be had, as the end of a sentence about it; empty where they can.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    problem: str = ""


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
