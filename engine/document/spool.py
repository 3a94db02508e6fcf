"""Results that wait for being written on the disk rather than in memory."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from io import FileIO
from pathlib import Path
from typing import overload

import numpy as np

from engine.atomic_file import write_failure
from engine.checkpoints.storage_types import Float64Array
from engine.comparison.outcome import SideResult


class SpooledResults(Sequence[SideResult]):
    """Results whose overlap is in a file that has no name, and is read each time that one of them is asked for.

    Several threads may read at once.
    """

    def __init__(self, file: FileIO, place: Path) -> None:
        self._file, self._place = file, place
        self._without_overlap: list[SideResult] = []
        self._places: list[tuple[int, tuple[int, ...]]] = []
        self._end = 0
        self._using = threading.Lock()

    def append(self, result: SideResult) -> None:
        """Keep a result.

        Raises:
            ExportFailure: the disk is full.
        """
        matrix = result.facts.overlap.matrix
        try:
            with self._using:
                self._file.seek(self._end)
                rest = np.ascontiguousarray(matrix).data.cast("B")
                while rest:
                    rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise write_failure(self._place, error) from error
        self._places.append((self._end, matrix.shape))
        self._end += matrix.nbytes
        self._without_overlap.append(_with_overlap(result, np.empty((0, 0))))

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> SideResult: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[SideResult]: ...

    def __getitem__(self, index: int | slice) -> SideResult | Sequence[SideResult]:
        if isinstance(index, slice):
            return [self[position] for position in range(*index.indices(len(self)))]
        start, shape = self._places[index]
        matrix = np.empty(shape)
        with self._using:
            self._file.seek(start)
            rest = matrix.data.cast("B")
            while rest:
                rest = rest[self._file.readinto(rest) :]
        matrix.setflags(write=False)
        return _with_overlap(self._without_overlap[index], matrix)


def _with_overlap(result: SideResult, matrix: Float64Array) -> SideResult:
    overlap = replace(result.facts.overlap, matrix=matrix)
    return replace(result, facts=replace(result.facts, overlap=overlap))


@contextmanager
def spooled_results(folder: Path, place: Path) -> Iterator[SpooledResults]:
    """Results that are kept in `folder` until the context ends; `place` is what a failure names.

    Raises:
        ExportFailure: nothing can be written there.
    """
    with ExitStack() as open_files:
        try:
            file = open_files.enter_context(tempfile.TemporaryFile(dir=folder, buffering=0))
        except OSError as error:
            raise write_failure(place, error) from error
        yield SpooledResults(file, place)
