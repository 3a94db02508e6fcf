"""The way of an export in the window: a look at the folder, a question where something would be lost, writing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from engine import work
from engine.document.cancellation import Cancellation
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


class ExportRun(QObject):
    """Carries out one order at a time; `confirm` is asked with what would be lost, empty where nothing is."""

    progressed = Signal(int, int)  # files written, of how many
    finished = Signal(str, bool)  # what became of it, and whether it was written; empty where it was not wanted

    def __init__(self, session: Session, confirm: Callable[[ExportOrder, str], bool], parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._confirm = confirm
        self._cancellation: Cancellation | None = None  # of what is being written, or looked at
        self._is_over = False
        self._written: list[Path] = []
        self._total = 0
        self._clock = QTimer(self)
        self._clock.setInterval(_PROGRESS_INTERVAL)
        self._clock.timeout.connect(self._tell)

    @property
    def is_stopping(self) -> bool:
        """Whether there is nothing left to cancel."""
        return self._cancellation is None

    def start(self, order: ExportOrder) -> None:
        """Look at the folder, ask, and write; `finished` answers."""
        self._cancellation = cancellation = Cancellation()

        def looked(answer: JobAnswer) -> None:
            if self._is_over or cancellation.is_cancelled():
                return
            if answer.failure is not None:
                self._finish(answer.failure.sentence, written=False)
            elif self._confirm(order, answer.result):
                self._write(order, cancellation, replacing=bool(answer.result))
            else:
                self._finish("", written=False)

        self._session.tasks.do(partial(work.export_loss, order.comparison, order.plan, order.folder), looked)

    def cancel(self) -> None:
        """Stop, and say so at once; nothing of what was written stays. Too late where it is being put in place."""
        if self._cancellation is not None and self._cancellation.cancel():
            self._finish("The export was cancelled; nothing was written.", written=False)

    def end(self) -> None:
        """Nobody will listen any more; what is written all the same is told as a notice."""
        self._is_over = True
        self._clock.stop()
        if self._cancellation is not None:
            self._cancellation.cancel()

    def _write(self, order: ExportOrder, cancellation: Cancellation, *, replacing: bool) -> None:
        session, written, names = self._session, list[Path](), order.names
        self._written, self._total = written, len(names)

        def done(answer: JobAnswer) -> None:
            said = f"{count(len(names), 'file')} written to {order.folder}."
            if cancellation.is_cancelled():
                return
            if not self._is_over:
                self._finish(answer.failure.sentence if answer.failure else said, written=not answer.failure)
            elif not answer.failure:
                session.notice_raised.emit(Notice.news(said))

        self._clock.start()
        self._tell()
        task = partial(
            work.exporting, order.comparison, order.folder, order.plan, written.append, cancellation,
            replacing=replacing,
        )  # fmt: skip
        session.tasks.do(task, done)

    def _tell(self) -> None:
        self.progressed.emit(len(self._written), self._total)

    def _finish(self, said: str, *, written: bool) -> None:
        self._clock.stop()
        self._cancellation = None
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
