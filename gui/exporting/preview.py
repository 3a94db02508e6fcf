"""The very figure that will be written, drawn in the compute thread and shown as large as there is room."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPixmap, QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout

from engine import work
from engine.document.export_plan import Comparison
from engine.errors import EngineError
from engine.figures.style import FigureStyle
from gui.state.session import Session
from gui.state.worker import JobAnswer

_PIXELS = 1400


class FigurePreview(QFrame):
    """Draws what `wanted` gives: one figure at a time, and once more where something changed meanwhile.

    `picture` is what is shown, null where words are: why the figure cannot be drawn.
    """

    sized = Signal(str, bool)  # the figure's size in words, and whether there is something to beware of in it

    def __init__(self, session: Session, wanted: Callable[[], tuple[Comparison, FigureStyle]]) -> None:
        super().__init__()
        self._session, self._wanted = session, wanted
        self._is_drawing = self._is_outdated = self._is_closed = False
        self.picture = QPixmap()
        self._label = QLabel("Drawing …")
        self._label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._label.setWordWrap(True)
        self._label.setMinimumSize(320, 240)
        self._label.setAccessibleName("Preview of the figure")
        self.setProperty("role", "paper")
        QVBoxLayout(self).addWidget(self._label)

    @property
    def words(self) -> str:
        """What is said where there is no picture."""
        return self._label.text()

    def draw(self) -> None:
        """Draw the figure as it would be written now."""
        if self._is_drawing:
            self._is_outdated = True
            return
        try:
            comparison, style = self._wanted()
        except EngineError as error:  # the preset does not fit these adapters
            self._show_words(error.reason)
            return

        self._is_drawing, self._is_outdated = True, False
        self._session.tasks.do(partial(work.preview, comparison, style, _PIXELS), self._on_drawn)

    def stop(self) -> None:
        """Show nothing any more: what listens may be gone when the figure is drawn."""
        self._is_closed = True

    def _on_drawn(self, answer: JobAnswer) -> None:
        if self._is_closed:
            return
        self._is_drawing = False
        if self._is_outdated:
            self.draw()
        elif answer.failure is not None:
            self._show_words(answer.failure.sentence)
        else:
            picture, size, is_too_tall = answer.result
            self.picture.loadFromData(picture)
            self.sized.emit(size, is_too_tall)
            self._show_picture()

    def _show_words(self, words: str) -> None:
        self.picture = QPixmap()
        self._label.setText(words)
        self.sized.emit("", False)

    def _show_picture(self) -> None:
        if not self.picture.isNull():
            ratio = self.devicePixelRatioF()
            size = self._label.size() * ratio
            scaled = self.picture.scaled(
                size, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
            )
            scaled.setDevicePixelRatio(ratio)
            self._label.setPixmap(scaled)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_picture()
