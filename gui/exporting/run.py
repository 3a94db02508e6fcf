"""The way of an export in the window: a look at the folder, a question where something would be lost, writing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from engine.commands.recipe import command_line
from engine.document.export_plan import Comparison, ExportPlan, file_names
from engine.document.export_size import tables_size
from engine.errors import ExportFailure
from engine.wording import count, file_size
from gui.state.notice import Notice
from gui.state.session import Session
from gui.state.worker import JobAnswer

_PROGRESS_INTERVAL = 100


@dataclass(frozen=True)
class ExportOrder:
    """What to write, and where; `is_announced` where the user has read what it is."""

    comparison: Comparison
    plan: ExportPlan
    folder: Path
    is_announced: bool = True

    @property
    def names(self) -> list[str]:
        """The files that it consists of."""
        return file_names(self.comparison.slugs, self.plan)

    @property
    def amount(self) -> str:
        """`12 files, about 1.2 MB of numbers`."""
        pairs = [result.pair for result in self.comparison.results]
        size = tables_size(pairs, self.comparison.side, self.plan.data)
        return count(len(self.names), "file") + (f", about {file_size(size)} of numbers" if size else "")

    @property
    def contents(self) -> str:
        """The files by name, a matrix for each module as one."""
        names = [name for name in self.names if "/" not in name]
        matrices = len(self.names) - len(names)
        many = f"{matrices} matrices" if matrices > 1 else "1 matrix"
        return ", ".join([*names, *([f"{many} of φ"] if matrices else [])])

    def command(self) -> str:
        """The command that makes the files again; it pairs the adapters once more, which takes a moment."""
        return command_line(self.comparison, self.plan)


class ExportRun(QObject):
    """Carries out one order at a time; `confirm` is asked with what would be lost, empty where nothing is."""

    progressed = Signal(int, int)  # files written, of how many
    finished = Signal(str, bool)  # what became of it, and whether it was written; empty where it was not wanted

    def __init__(self, session: Session, confirm: Callable[[ExportOrder, str], bool], parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._confirm = confirm
        self._cancelled: threading.Event | None = None
        self._is_over = False
        self._written: list[Path] = []
        self._total = 0
        self._clock = QTimer(self)
        self._clock.setInterval(_PROGRESS_INTERVAL)
        self._clock.timeout.connect(self._tell)

    @property
    def is_stopping(self) -> bool:
        """Whether there is nothing left to cancel."""
        return self._cancelled is None or self._cancelled.is_set()

    def start(self, order: ExportOrder) -> None:
        """Look at the folder, ask, and write; `finished` answers."""
        self._cancelled = cancelled = threading.Event()
        names = order.names

        def look() -> str:
            from engine.document.former_export import former_export  # noqa: PLC0415 - in the compute thread
            from engine.document.provenance import comparison_facts, comparison_origin  # noqa: PLC0415 - as above

            former = former_export(order.folder)
            if not (former.files or former.strangers):
                return ""
            origin = comparison_origin(order.comparison, order.plan.style)
            facts = comparison_facts(order.comparison, order.plan, origin, order.command())
            return former.loss(names, facts, strictly=True)

        def looked(answer: JobAnswer) -> None:
            if self._is_over:
                return
            if cancelled.is_set():
                self._finish("", written=False)
            elif answer.failure is not None:
                self._finish(answer.failure.sentence, written=False)
            elif self._confirm(order, answer.result):
                self._write(order, names, cancelled, replacing=bool(answer.result))
            else:
                self._finish("", written=False)

        self._session.do(look, looked)

    def cancel(self) -> None:
        """Stop; nothing of what was written stays."""
        if self._cancelled is not None:
            self._cancelled.set()

    def end(self) -> None:
        """Nobody will listen any more; what is written all the same is told as a notice."""
        self.cancel()
        self._clock.stop()
        self._is_over = True

    def _write(self, order: ExportOrder, names: list[str], cancelled: threading.Event, *, replacing: bool) -> None:
        session, written = self._session, list[Path]()
        self._written, self._total = written, len(names)

        def write() -> None:
            from engine.document.export import export_comparison  # noqa: PLC0415 - matplotlib, in the compute thread

            export_comparison(
                order.comparison, order.folder, order.plan, order.command(), written.append, cancelled.is_set,
                replacing=replacing,
            )  # fmt: skip

        def done(answer: JobAnswer) -> None:
            said = f"{count(len(names), 'file')} written to {order.folder}."
            if self._is_over:
                if not answer.failure:
                    session.notice_raised.emit(Notice.news(said))
                return
            self._finish(answer.failure.sentence if answer.failure else said, written=not answer.failure)

        self._clock.start()
        self._tell()
        self._session.do(write, done)

    def _tell(self) -> None:
        self.progressed.emit(len(self._written), self._total)

    def _finish(self, said: str, *, written: bool) -> None:
        self._clock.stop()
        self._cancelled = None
        self.finished.emit(said, written)


def typed_folder(text: str) -> Path:
    """The folder that was typed.

    Raises:
        ExportFailure: it is empty, or of a user that there is not.
    """
    if not text.strip():
        raise ExportFailure("Choose a folder to write into.")
    try:
        return Path(text.strip()).expanduser()
    except RuntimeError as error:
        raise ExportFailure(f"There is no such folder: {text.strip()}.") from error
