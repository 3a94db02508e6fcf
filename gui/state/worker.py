"""The compute thread: the only one that touches checkpoint files, matrices and GPUs.

Work is done in slices of about 25 ms, between which the thread answers what else it is asked for; so opening an
adapter need not wait for a comparison, and results travel in batches.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, QThread, QTimer, Signal, Slot

from engine import work
from engine.comparison.outcome import PairOutcome, Request
from engine.errors import EngineError
from engine.sources.source import Source
from engine.subspaces.devices import cuda_devices
from engine.subspaces.processors import hold_products_to_one_processor
from engine.wording import own_words
from gui.state.notice import Notice

log = logging.getLogger("phiscope")
_SLICE_SECONDS = 0.025
_NICENESS = 5
_SHUTDOWN_MILLISECONDS = 10_000


@dataclass(frozen=True, eq=False)
class OpenRequest:
    """Open the adapter at `path`; `id` tells requests apart."""

    id: int
    path: Path


@dataclass(frozen=True, eq=False)
class OpenAnswer:
    """The adapter, or why there is none; `choices` are the adapters of a folder that holds several."""

    request: OpenRequest
    adapter: Source | None = None
    failure: Notice | None = None
    choices: tuple[Path, ...] = ()


@dataclass(frozen=True, eq=False)
class OutcomeBatch:
    """Outcomes of one request, in its order; `finished` with the last batch of a run, complete or not."""

    request_id: int
    outcomes: tuple[PairOutcome, ...]
    finished: bool = False
    failure: Notice | None = None


@dataclass(frozen=True, eq=False)
class Job:
    """Any other work: `work()` is called, its result sent back. Where that is a generator, it is run in slices, and
    what it returns at the end is the result."""

    id: int
    work: Callable[[], object]


@dataclass(frozen=True, eq=False)
class JobAnswer:
    """What a job returned, or why it failed."""

    id: int
    result: Any = None
    failure: Notice | None = None


@dataclass
class _Run:
    request: Request
    cancelled: threading.Event
    outcomes: Generator[PairOutcome, None, None] = field(init=False)

    def __post_init__(self) -> None:
        self.outcomes = work.outcomes(self.request, self.cancelled.is_set)


class Worker(QObject):
    """Lives in the compute thread; its slots are called through queued signals only."""

    adapter_opened = Signal(object)  # OpenAnswer
    outcomes_arrived = Signal(object)  # OutcomeBatch
    job_finished = Signal(object)  # JobAnswer
    devices_found = Signal(object)  # tuple[Device, ...]

    def __init__(self) -> None:
        super().__init__()
        self._run: _Run | None = None
        self._long_jobs: deque[tuple[int, Generator[object, None, object]]] = deque()
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._work_a_slice)

    @Slot()
    def begin(self) -> None:
        """Let the window go first where the processors are few; Linux counts niceness by thread."""
        if sys.platform == "linux":
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)

    @Slot(object)
    def open(self, request: OpenRequest) -> None:
        """Read an adapter's header."""

        def opened() -> OpenAnswer:
            try:
                return OpenAnswer(request, adapter=work.open_source(request.path))
            except EngineError as error:
                failure = Notice.error(error.reason, str(error))
                return OpenAnswer(request, failure=failure, choices=work.choices(request.path))

        answer, failure = _tried(opened)
        self.adapter_opened.emit(answer or OpenAnswer(request, failure=failure))

    @Slot(object)
    def compare(self, order: tuple[Request, threading.Event]) -> None:
        """Start a comparison in place of the one that may be running."""
        self._end_run()
        self._run, failure = _tried(lambda: _Run(*order))
        if failure is None:
            self._timer.start()
        else:
            self.outcomes_arrived.emit(OutcomeBatch(order[0].id, (), finished=True, failure=failure))

    @Slot(object)
    def do(self, job: Job) -> None:
        """Do one job, or begin it."""
        result, failure = _tried(job.work)
        if isinstance(result, Generator):
            self._long_jobs.append((job.id, result))
            self._timer.start()
        else:
            self.job_finished.emit(JobAnswer(job.id, result, failure))

    @Slot()
    def find_devices(self) -> None:
        """Look for GPUs."""
        try:
            devices = cuda_devices()
        except Exception:
            log.exception("looking for GPUs failed")
            devices = ()
        self.devices_found.emit(devices)

    @Slot()
    def stop(self) -> None:
        """End what may be going on, closing its files, and then the thread."""
        self._timer.stop()
        self._end_run()
        while self._long_jobs:
            self._long_jobs.pop()[1].close()
        self.thread().quit()

    def _end_run(self) -> None:
        if self._run is not None:
            self._run.outcomes.close()
            self._run = None

    @Slot()
    def _work_a_slice(self) -> None:
        """A slice of the run, and one of the first of the long jobs, which then waits behind the others."""
        if self._run is not None:
            self._compute_slice()
        if self._long_jobs:
            self._continue(*self._long_jobs.popleft())
        if self._run is None and not self._long_jobs:
            self._timer.stop()

    def _continue(self, id_: int, job: Generator[object, None, object]) -> None:
        until = time.monotonic() + _SLICE_SECONDS

        def go_on() -> tuple[bool, object]:
            while time.monotonic() < until:
                try:
                    next(job)
                except StopIteration as end:
                    return True, end.value
            return False, None

        result, failure = _tried(go_on)
        is_over, value = result if failure is None else (True, None)
        if is_over:
            self.job_finished.emit(JobAnswer(id_, value, failure))
        else:
            self._long_jobs.append((id_, job))

    def _compute_slice(self) -> None:
        run = self._run
        if run is None:
            return
        batch: list[PairOutcome] = []
        until = time.monotonic() + _SLICE_SECONDS

        def go_on() -> bool:
            while time.monotonic() < until:
                outcome = next(run.outcomes, None)
                if outcome is None:
                    return True
                batch.append(outcome)
            return False

        result, failure = _tried(go_on)
        finished = bool(result) or failure is not None
        if finished:
            self._end_run()
        self.outcomes_arrived.emit(OutcomeBatch(run.request.id, tuple(batch), finished, failure))


def _tried(work: Callable[[], Any]) -> tuple[Any, Notice | None]:
    """What work gives, or why it failed: the thread's edge, where nothing may end it."""
    try:
        return work(), None
    except EngineError as error:
        return None, Notice.error(str(error))
    except Exception as error:  # noqa: BLE001 - as above
        return None, _unexpected(error)


def _unexpected(error: Exception) -> Notice:
    details = "".join(traceback.format_exception(error))
    return Notice.error(f"Something unexpected went wrong ({type(error).__name__}: {own_words(error)}).", details)


class ComputeThread(QObject):
    """The thread and its worker, as the GUI thread sees them."""

    adapter_opened = Signal(object)
    outcomes_arrived = Signal(object)
    job_finished = Signal(object)
    devices_found = Signal(object)

    _open_asked = Signal(object)
    _compare_asked = Signal(object)
    _job_asked = Signal(object)
    _devices_asked = Signal()
    _stop_asked = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        hold_products_to_one_processor()  # the two threads would wait for each other for ever
        self._thread = QThread()
        self._thread.setObjectName("compute")
        self._worker = Worker()
        self._worker.moveToThread(self._thread)
        self._cancelled = threading.Event()
        queued = Qt.ConnectionType.QueuedConnection
        self._open_asked.connect(self._worker.open, queued)
        self._compare_asked.connect(self._worker.compare, queued)
        self._job_asked.connect(self._worker.do, queued)
        self._devices_asked.connect(self._worker.find_devices, queued)
        self._stop_asked.connect(self._worker.stop, queued)
        self._worker.adapter_opened.connect(self.adapter_opened, queued)
        self._worker.outcomes_arrived.connect(self.outcomes_arrived, queued)
        self._worker.job_finished.connect(self.job_finished, queued)
        self._worker.devices_found.connect(self.devices_found, queued)
        self._thread.started.connect(self._worker.begin)
        self._thread.start()

    def open(self, request: OpenRequest) -> None:
        """Have an adapter opened; `adapter_opened` answers."""
        self._open_asked.emit(request)

    def compare(self, request: Request) -> None:
        """Have a comparison computed in place of the one before; `outcomes_arrived` answers, in batches."""
        self.cancel()
        self._cancelled = threading.Event()
        self._compare_asked.emit((request, self._cancelled))

    def do(self, job: Job) -> None:
        """Have a job done; `job_finished` answers."""
        self._job_asked.emit(job)

    def find_devices(self) -> None:
        """Have GPUs looked for; `devices_found` answers."""
        self._devices_asked.emit()

    def cancel(self) -> None:
        """Stop the comparison that is running before its next module."""
        self._cancelled.set()

    def shut_down(self) -> bool:
        """End the thread and wait for it; whether it ended in time. The worker closes its files by itself."""
        self.cancel()
        if not self._thread.isRunning():
            return True
        self._stop_asked.emit()
        return self._thread.wait(_SHUTDOWN_MILLISECONDS)
