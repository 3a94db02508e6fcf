"""Things of a comparison to take away on the clipboard, made in the compute thread."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication, QImage

from engine import work
from engine.commands.recipe import runnable_command
from engine.document.export_plan import Comparison, ExportPlan
from engine.figures.style import FigureStyle
from gui.state.session import Session
from gui.state.worker import JobAnswer


class Clipboard(QObject):
    """Puts one thing at a time on the clipboard, and says so."""

    told = Signal(str, str)  # what became of it, and the role of that text

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._is_closed = False

    def stop(self) -> None:
        """Put nothing there any more: whoever asked has gone."""
        self._is_closed = True

    def copy_figure(self, comparison: Comparison, style: FigureStyle) -> None:
        """The figure as a picture."""
        self._copy(partial(_picture, comparison, style), "The figure is on the clipboard.")

    def copy_command(self, comparison: Comparison, plan: ExportPlan, folder: Path) -> None:
        """The command that makes the same files."""
        self._copy(partial(runnable_command, comparison, plan, folder), "The command is on the clipboard.")

    def copy_latex(self, comparison: Comparison, style: FigureStyle) -> None:
        """The figure's environment with its caption."""
        self._copy(partial(work.latex_figure, comparison, style), "The LaTeX block is on the clipboard.")

    def _copy(self, make: Callable[[], QImage | str], said: str) -> None:
        def copied(answer: JobAnswer) -> None:
            if self._is_closed:
                return
            if answer.failure is not None:
                self.told.emit(answer.failure.sentence, "error")
                return
            clipboard = QGuiApplication.clipboard()
            if isinstance(answer.result, QImage):
                clipboard.setImage(answer.result)
            else:
                clipboard.setText(answer.result)
            self.told.emit(said, "muted")

        self._session.tasks.do(make, copied)


def _picture(comparison: Comparison, style: FigureStyle) -> QImage:
    return QImage.fromData(work.figure_picture(comparison, style))
