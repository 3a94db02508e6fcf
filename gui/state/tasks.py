"""What is asked of the compute thread, and what comes back: one comparison at a time, and any other work."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from engine.comparison.outcome import Request
from engine.matching.matching import Key, Matching
from engine.matching.pairing import ModulePair
from engine.side import Side
from engine.subspaces.devices import CPU, Device
from gui.state.notice import Notice, Scope
from gui.state.session_values import Progress
from gui.state.worker import ComputeThread, Job, JobAnswer, OpenRequest, OutcomeBatch


class Tasks(QObject):
    """Numbers requests, so that answers to one that is over are passed over."""

    adapter_opened = Signal(object)  # OpenAnswer
    outcomes_arrived = Signal(object, object)  # the Request, tuple of PairOutcome
    progress_changed = Signal(object)  # Progress
    run_ended = Signal(object)  # Notice where it failed, else None
    devices_changed = Signal()

    def __init__(self, compute: ComputeThread, parent: QObject) -> None:
        super().__init__(parent)
        self._compute = compute
        self._ids = itertools.count(1)
        self._jobs: dict[int, Callable[[JobAnswer], None]] = {}
        self._run: Request | None = None  # None: nothing is compared, and what still arrives belongs to no run
        self._arrived: set[Key] = set()
        self._start = 0.0
        self._has_failed = False
        self._progress = Progress(0, 0, 0.0, running=False)
        self._devices: tuple[Device, ...] = ()
        self._chosen: Device | None = None
        compute.adapter_opened.connect(self.adapter_opened)
        compute.outcomes_arrived.connect(self._on_outcomes)
        compute.job_finished.connect(self._on_job_finished)
        compute.devices_found.connect(self._on_devices_found)

    # --- opening, and any other work ---

    def open(self, path: Path) -> OpenRequest:
        """Have an adapter opened; `adapter_opened` answers."""
        request = OpenRequest(next(self._ids), path)
        self._compute.open(request)
        return request

    def do(self, work: Callable[[], Any], finished: Callable[[JobAnswer], None]) -> int:
        """Have `work` done, `finished` called with its answer; returns the job's number.

        Where `work()` gives a generator it is run in slices, between which other things are done; its return value is
        the answer.
        """
        job = Job(next(self._ids), work)
        self._jobs[job.id] = finished
        self._compute.do(job)
        return job.id

    @Slot(object)
    def _on_job_finished(self, answer: JobAnswer) -> None:
        self._jobs.pop(answer.id)(answer)

    # --- devices ---

    @property
    def devices(self) -> tuple[Device, ...]:
        """The GPUs found; empty until they have been looked for."""
        return self._devices

    @property
    def device(self) -> Device | None:
        """The device chosen; None stands for the best there is."""
        return self._chosen

    @property
    def device_in_use(self) -> Device:
        """The device that computes."""
        return self._chosen or next(iter(self._devices), CPU)

    def choose_device(self, device: Device | None) -> None:
        """Compute on this device from now on."""
        self._chosen = device
        self.devices_changed.emit()

    def find_devices(self) -> None:
        """Have GPUs looked for."""
        self._compute.find_devices()

    @Slot(object)
    def _on_devices_found(self, devices: tuple[Device, ...]) -> None:
        self._devices = devices
        self.devices_changed.emit()

    # --- one comparison ---

    @property
    def progress(self) -> Progress:
        """How far the comparison is."""
        return self._progress

    @property
    def has_failed(self) -> bool:
        """Whether the last comparison ended by itself, before all was known."""
        return self._has_failed

    def will_compare(self, pairs: Iterable[ModulePair], side: Side) -> bool:
        """Whether the comparison that is running is still to bring all these pairs on a side."""
        run = self._run
        if run is None or not self._progress.running or side not in run.sides:
            return False
        return {pair.key for pair in pairs} <= {pair.key for pair in run.pairs} - self._arrived

    def compare(self, matching: Matching, pairs: tuple[ModulePair, ...], sides: tuple[Side, ...], total: int) -> None:
        """Compute these pairs on these sides in place of what is computed; `total` pairs there are in all."""
        self._has_failed = False
        self._run = Request(next(self._ids), matching, pairs, sides, self.device_in_use)
        self._arrived = set()
        self._start = time.monotonic()
        self._set_progress(total - len(pairs), total, running=True)
        self._compute.compare(self._run)

    def cancel(self) -> None:
        """Stop computing."""
        if self._progress.running:
            self._forget_run()
            self._set_progress(self._progress.done, self._progress.total, running=False, cancelled=True)

    def start_over(self, total: int) -> None:
        """Other pairs are shown: nothing is known of them, and nothing is computed."""
        self._forget_run()
        self._show(Progress(0, total, 0.0, running=False))

    def show_known(self, total: int) -> None:
        """Everything is known that there is; nothing is computed."""
        was_of_all = self._progress.done == total == self._progress.total and not self._progress.running
        elapsed = self._progress.elapsed if was_of_all else None
        self._forget_run()
        self._show(Progress(total, total, elapsed, running=False))

    def _forget_run(self) -> None:
        self._compute.cancel()
        self._run = None

    def _is_current(self, batch: OutcomeBatch) -> bool:
        return self._run is not None and batch.request_id == self._run.id

    @Slot(object)
    def _on_outcomes(self, batch: OutcomeBatch) -> None:
        if not self._is_current(batch):
            return
        if batch.outcomes:
            self._arrived |= {outcome.pair.key for outcome in batch.outcomes}
            self.outcomes_arrived.emit(self._run, batch.outcomes)
            if not self._is_current(batch):  # whoever heard of them asked for others
                return
        done = self._progress.done + len(batch.outcomes)
        failure: Notice | None = batch.failure
        self._set_progress(done, self._progress.total, running=not batch.finished, cancelled=failure is not None)
        if batch.finished:
            self._has_failed = failure is not None
            self.run_ended.emit(replace(failure, scope=Scope.FILES, key="run") if failure is not None else None)

    def _set_progress(self, done: int, total: int, *, running: bool, cancelled: bool = False) -> None:
        self._show(Progress(done, total, time.monotonic() - self._start, running, cancelled))

    def _show(self, progress: Progress) -> None:
        self._progress = progress
        self.progress_changed.emit(progress)
