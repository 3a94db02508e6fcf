"""Where the update of a module lies in a file: header facts alone, and what reads its numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # NumPy stays out of the window's first paint
    from engine.checkpoints.reading import TensorReader
    from engine.checkpoints.storage_types import Array, Float64Array, StoredArray
    from engine.checkpoints.tensors import Rows


@dataclass(frozen=True, slots=True)
class StoredMatrix:
    """Where one factor lies in a file, and how it becomes a matrix.

    `tensors` are the names of the tensors it is made of (nearly always one), `shape` the matrix' rows and
    columns, `dtype` torch's name of its type. `rows` picks rows of the tensor's first axis where it stacks
    several matrices. `arrange` makes the matrix of the tensors' bits: it must only move them (reshape,
    transpose, pick), so that it works on any carrier; a product of tensors, which needs numbers, is `compose`,
    in float64.
    """

    tensors: tuple[str, ...]
    shape: tuple[int, int]
    dtype: str
    arrange: Callable[[Array], Array] | None = None
    compose: Callable[..., Float64Array] | None = None
    rows: Rows | None = None

    def read(self, reader: TensorReader) -> StoredArray:
        """The matrix, of shape `shape`, as it is stored (float64 where it is composed of several tensors).

        Raises:
            UnreadableFile, MalformedAdapter: as TensorReader.read.
        """
        from engine.checkpoints.storage_types import FLOAT64, StoredArray  # noqa: PLC0415 - as above

        stored = [reader.read(name, self.rows) for name in self.tensors]
        if self.compose is not None:
            return StoredArray(self.compose(*(tensor.widened() for tensor in stored)), FLOAT64)
        data = stored[0].data if self.arrange is None else self.arrange(stored[0].data)
        return StoredArray(data.reshape(self.shape), stored[0].type)

    def is_zero(self, reader: TensorReader) -> bool:
        """Whether the tensors that it is made of are all zero."""
        return all(reader.is_zero(name, self.rows) for name in self.tensors)


@dataclass(frozen=True, slots=True)
class Factors:
    """An update of low rank, ΔW = scaling · B A: A is (rank, d_in), B (d_out, rank).

    `B` is None where the file holds A alone, `scaling` where the file does not tell it. AdaLoRA puts a diagonal
    between the two, ΔW = scaling · B diag(E) A with `E` (rank, 1).
    """

    A: StoredMatrix
    B: StoredMatrix | None = None
    E: StoredMatrix | None = None
    scaling: float | None = None

    @property
    def rank(self) -> int:
        """r, the number of A's rows."""
        return self.A.shape[0]

    @property
    def d_in(self) -> int:
        """The dimension of what goes into the module."""
        return self.A.shape[1]

    @property
    def d_out(self) -> int | None:
        """The dimension of what comes out of it; None without B."""
        return None if self.B is None else self.B.shape[0]

    @property
    def dtype(self) -> str:
        """The storage type of A."""
        return self.A.dtype
