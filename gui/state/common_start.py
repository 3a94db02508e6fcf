"""A look at whether two adapters started from the same random A, once for a pair that is compared on A."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject, Signal

from engine import work
from engine.matching.pairing import Pairing
from engine.side import Side
from engine.subspaces.devices import Device
from gui.state.notice import Notice, Scope
from gui.state.tasks import Tasks
from gui.state.worker import JobAnswer


class CommonStart(QObject):
    """`caution` is what a reader of φ on A should beware of; empty where it is nothing, or has not been looked at."""

    notice_raised = Signal(object)  # Notice

    def __init__(self, tasks: Tasks) -> None:
        super().__init__(tasks)
        self._tasks = tasks
        self._pairing: Pairing | None = None
        self.caution = ""

    def forget(self) -> None:
        """Another pair is shown."""
        self._pairing, self.caution = None, ""

    def look(self, pairing: Pairing | None, side: Side, device: Device) -> None:
        """Have it looked at, if the pair is compared on A and has not been looked at."""
        if pairing is None or side is not Side.A or pairing is self._pairing:
            return
        self._pairing = pairing

        def tell(answer: JobAnswer) -> None:
            if self._pairing is not pairing:
                return
            self.caution = answer.result or ""
            if answer.failure is not None:
                self._pairing = None  # to be looked at again, once its files are back
                self.notice_raised.emit(replace(answer.failure, scope=Scope.FILES, key="run"))
            elif answer.result:
                self.notice_raised.emit(Notice.caution(answer.result))

        self._tasks.do(partial(work.looking_at_start, pairing, device), tell)
