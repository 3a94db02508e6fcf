"""The files that a user takes away: CSV, NPZ, JSON and figures. All of them come to their folder, or none."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import IO, Any, TypeVar

from matplotlib.figure import Figure

from engine.atomic_file import write_atomically, write_failure
from engine.document.cancellation import Cancellation
from engine.document.comparison_figure import comparison_figure
from engine.document.export_plan import Comparison, ExportPlan, file_names
from engine.document.former_export import former_export
from engine.document.provenance import comparison_facts, comparison_origin, facts_text, figure_metadata
from engine.document.stage import Stage, staged
from engine.document.tables import findings_csv, matrix_csv, phi_csv, write_phi_npz
from engine.errors import ExportFailure, WouldBeLost
from engine.figures.matplotlib_figure import draw_figure, save_figure
from engine.figures.notation import figure_text
from engine.figures.style import FigureStyle

_T = TypeVar("_T")
# Files on their way to the disk at once: a file system answers several in little more time than one.
_FLUSHING_THREADS = 4
_MOMENT = 0.02  # seconds


def exporting(
    comparison: Comparison,
    folder: Path,
    plan: ExportPlan,
    command: str,
    wrote: Callable[[Path], None] = lambda _path: None,
    cancellation: Cancellation | None = None,
    *,
    replacing: bool = False,
) -> Generator[None, None, dict[str, Any]]:
    """Write the files of a comparison, slice by slice, and return what comparison.json states.

    `wrote` hears of each file. They state `command` as what makes them again, and come into `folder` all together at
    the end; files of an earlier export that do not belong to them go. Only where `replacing` may anything be lost by
    that (FormerExport.loss).

    Raises:
        ExportFailure: a file could not be written, or it was cancelled; the folder is as it was before.
        WouldBeLost: something would be lost.
    """
    with staged(folder) as stage:
        return (yield from exporting_into(stage, comparison, plan, command, wrote, cancellation, replacing=replacing))


def exporting_into(
    stage: Stage,
    comparison: Comparison,
    plan: ExportPlan,
    command: str,
    wrote: Callable[[Path], None] = lambda _path: None,
    cancellation: Cancellation | None = None,
    *,
    replacing: bool = False,
) -> Generator[None, None, dict[str, Any]]:
    """`exporting` into the folder of a stage."""
    cancellation = cancellation or Cancellation()
    for source in (comparison.first, comparison.second):
        yield from source.file.files.hashed()
    origin = comparison_origin(comparison, plan.style)
    facts = comparison_facts(comparison, plan, origin, command)
    coming = file_names(comparison.slugs, plan)
    yield
    with _Writer(stage, wrote, cancellation) as writer:
        yield from _writing_files(writer, comparison, plan, facts, origin)
        yield from writer.ending()
    with stage.alone():
        former = former_export(stage.target)
        loss = "" if replacing else former.loss(coming, facts, stage.files)
        if loss:
            raise WouldBeLost(f"{loss}.", path=stage.target)
        if not cancellation.may_publish():
            raise _cancelled(stage)
        stage.publish(former.stale(coming, facts))
    return facts


def _cancelled(stage: Stage) -> ExportFailure:
    return ExportFailure("The export was cancelled; nothing was written.", path=stage.target)


def _writing_files(
    writer: _Writer, comparison: Comparison, plan: ExportPlan, facts: dict[str, Any], origin: dict[str, Any]
) -> Iterator[None]:
    if "npz" in plan.data:  # beside the rest: compressing does without the interpreter
        results = writer.watched(comparison.results)
        writer.write_beside("phi.npz", partial(write_phi_npz, results, facts_text(facts)))
    if "csv" in plan.data:
        yield from writer.writing("phi.csv", phi_csv(writer.watched(comparison.results)))
        yield from writer.writing("findings.csv", [findings_csv(comparison.results)])
        for result in writer.watched(comparison.results):
            yield from writer.writing(f"matrices/{result.pair.slug}.csv", matrix_csv(result.phi))
    for kind in plan.figures:
        yield from writer.writing(f"figure.{kind}", _drawn(comparison, kind, plan.style, origin))
    if "json" in plan.data:
        yield from writer.writing("comparison.json", [_json(facts)])


class _Writer:
    """Writes files into a stage, one of them beside others, and has all of them on the disk when it is left."""

    def __init__(self, stage: Stage, wrote: Callable[[Path], None], cancellation: Cancellation) -> None:
        self._stage, self._wrote, self._cancellation = stage, wrote, cancellation
        self._pool = ThreadPoolExecutor(1 + _FLUSHING_THREADS, thread_name_prefix="write")
        self._beside: list[Future[None]] = []
        self._flushing: list[Future[None]] = []
        self._is_left = threading.Event()

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        try:
            if kind is None:
                for future in [*self._beside, *self._flushing]:
                    future.result()
                for future in self._flushing:  # those that began at the end of a file written beside
                    future.result()
        finally:
            self._is_left.set()
            self._pool.shutdown(cancel_futures=True)

    def ending(self) -> Iterator[None]:
        """Wait for what is written beside, a moment at a time."""
        while waiting := [future for future in [*self._beside, *self._flushing] if not future.done()]:
            wait(waiting, _MOMENT, FIRST_COMPLETED)
            self._look_beside()
            yield

    def watched(self, items: Iterable[_T]) -> Iterator[_T]:
        """The items, as long as nobody cancels and nothing fails beside."""
        for item in items:
            if self._is_left.is_set() or self._cancellation.is_cancelled():
                raise _cancelled(self._stage)
            yield item

    def writing(self, name: str, pieces: Iterable[bytes]) -> Iterator[None]:
        """Write a file of these pieces, one at a time.

        Raises:
            ExportFailure: it cannot be written, or the one beside could not.
        """
        with self._opened(name) as file:
            for piece in self.watched(pieces):
                file.write(piece)
                self._look_beside()
                yield

    def write_beside(self, name: str, fill: Callable[[IO[bytes]], None]) -> None:
        """Have a file written while others are; what fails is raised later."""

        def write() -> None:
            with self._opened(name) as file:
                fill(file)

        self._beside.append(self._pool.submit(write))

    def _look_beside(self) -> None:
        for future in self._beside:
            if future.done():
                future.result()

    @contextmanager
    def _opened(self, name: str) -> Iterator[IO[bytes]]:
        """A file of the stage, to be filled; then it is on its way to the disk."""
        path, place = self._stage.files / name, self._stage.target / name
        try:
            path.parent.mkdir(exist_ok=True)
            with path.open("wb") as file:
                yield file
        except OSError as error:
            raise write_failure(place, error) from error
        self._flushing.append(self._pool.submit(_flush, path, place))
        self._wrote(place)


def _flush(path: Path, place: Path) -> None:
    """Have a file on the disk; it is named by its place in what is said."""
    try:
        handle = os.open(path, os.O_RDWR)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise write_failure(place, error) from error


def save_comparison(comparison: Comparison, path: Path, plan: ExportPlan, command: str) -> None:
    """Write comparison.json alone, to any path: what leads back to the comparison, and the `command` of its files.

    Raises:
        ExportFailure: the file cannot be written.
    """
    facts = comparison_facts(comparison, plan, comparison_origin(comparison, plan.style), command)
    write_atomically(path, _json(facts))


def _json(facts: dict[str, Any]) -> bytes:
    return (facts_text(facts, indent=2) + "\n").encode()


def _drawn(comparison: Comparison, kind: str, style: FigureStyle, origin: dict[str, Any]) -> Iterator[bytes]:
    figure = drawn_figure(comparison, style)
    yield b""
    yield _saved(figure, kind, style, figure_metadata(origin, kind))


def drawn_figure(comparison: Comparison, style: FigureStyle) -> Figure:
    """The figure of a comparison as it is written, to be saved by `engine.figures.matplotlib_figure.save_figure`.

    Raises:
        ExportFailure: there are no panels, or the width leaves no room for them.
    """
    figure = comparison_figure(comparison, style)
    text = figure_text(comparison.side, style.view, comparison.figure_results)
    try:
        return draw_figure(figure, text, style)
    except ValueError as error:
        raise _undrawn(error) from error


def figure_picture(comparison: Comparison, style: FigureStyle, pixels: int | None = None) -> bytes:
    """The figure of a comparison as it is written, as a PNG of its resolution, or about `pixels` wide.

    Raises:
        ExportFailure: the width leaves no room.
    """
    figure = drawn_figure(comparison, style)
    dpi = style.dpi if pixels is None else max(50, int(pixels / figure.get_figwidth()))
    return _saved(figure, "png", replace(style, dpi=dpi), {})


def _saved(figure: Figure, kind: str, style: FigureStyle, metadata: Mapping[str, str]) -> bytes:
    out = io.BytesIO()
    try:
        save_figure(figure, out, kind, style, metadata)
    except ValueError as error:
        raise _undrawn(error) from error
    return out.getvalue()


def _undrawn(error: ValueError) -> ExportFailure:
    return ExportFailure(f"The figure cannot be drawn: {error}.")
