"""The comparison's sentence above the figure: what is shared beyond chance, as far as it is known."""

from __future__ import annotations

from functools import partial
from html import escape

from PySide6.QtCore import QPointF, QSize, Qt, QTimer
from PySide6.QtGui import QAction, QFontMetricsF, QGuiApplication, QPainter, QPaintEvent, QTextLayout
from PySide6.QtWidgets import QSizePolicy, QWidget

from engine import work
from engine.comparison.outcome import SideFailure
from gui.state.session import Session
from gui.state.worker import JobAnswer
from gui.style.theme import GRID

_LINES = 2
_REFRESH = 200  # milliseconds between two looks at what has come in
_NAME = "What is shared"
_MEANING = (
    "Directions shared at full rank beyond what two random subspaces share. A module lies beyond chance where its "
    "tail probability is a discovery over all modules."
)


class SentenceLine(QWidget):
    """Two lines that keep their height: what does not fit is in the tool tip, and can be copied.

    The sentence is made in the compute thread; one at a time is on its way.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._text = ""
        self._asked: object = None  # the job on its way; one that was asked for another pair or side is passed over
        self._stale = False
        self.setObjectName("sentence")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        copy = QAction("Copy the sentence", self)
        copy.triggered.connect(self.copy)
        self.addAction(copy)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REFRESH)
        self._timer.timeout.connect(self._ask)
        session.outcomes_changed.connect(lambda _slugs: self._refresh())
        session.numbering_changed.connect(self._refresh)
        session.pairing_changed.connect(self._on_pairing)
        self._on_pairing()

    @property
    def text(self) -> str:
        """The whole sentence; empty while nothing is known."""
        return self._text

    def copy(self) -> None:
        """Put the sentence on the clipboard."""
        QGuiApplication.clipboard().setText(self._text)

    def sizeHint(self) -> QSize:
        return QSize(40 * GRID, int(_LINES * QFontMetricsF(self.font()).height()) + GRID)

    # --- how it comes to be known ---

    def _on_pairing(self) -> None:
        self._asked = None
        self._show("")
        self._refresh()

    def _refresh(self) -> None:
        if self._asked is not None:
            self._stale = True
        elif not self._timer.isActive():
            self._timer.start()

    def _ask(self) -> None:
        session = self._session
        results, side, count_from = session.results, session.document.side, session.document.count_from
        outcomes = map(session.outcome, session.comparable)
        total = sum(not isinstance(outcome, SideFailure) for outcome in outcomes)
        if not results:
            return
        asked = self._asked = object()
        self._stale = False

        def tell(answer: JobAnswer) -> None:
            if self._asked is not asked:
                return
            self._asked = None
            if answer.failure is not None:
                self._session.notice_raised.emit(answer.failure)
            else:
                self._show(answer.result)
            if self._stale:
                self._refresh()

        session.tasks.do(partial(work.shared_sentence, results, side, count_from, total), tell)

    def _show(self, text: str) -> None:
        self._text = text
        self.setAccessibleName(text or _NAME)
        self.setAccessibleDescription(_MEANING)
        self.setToolTip(f"<p>{escape(text)}</p><p>{_MEANING}</p>" if text else "")
        self.update()

    # --- painting ---

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self.palette().text().color())
        lines = self._lines(self.width() - 4 * GRID)
        metrics = QFontMetricsF(self.font())
        first = (self.height() - len(lines) * metrics.height()) / 2 + metrics.ascent()
        for position, line in enumerate(lines):
            painter.drawText(QPointF(2 * GRID, first + position * metrics.height()), line)

    def _lines(self, width: float) -> list[str]:
        """The sentence broken into lines; the last one is cut where it is too long."""
        layout = QTextLayout(self._text, self.font())
        layout.beginLayout()
        lines: list[str] = []
        while (line := layout.createLine()).isValid():
            line.setLineWidth(width)
            start, stop = line.textStart(), line.textStart() + line.textLength()
            if len(lines) == _LINES - 1:
                rest = self._text[start:]
                lines.append(QFontMetricsF(self.font()).elidedText(rest, Qt.TextElideMode.ElideRight, width))
                break
            lines.append(self._text[start:stop].rstrip())
        layout.endLayout()
        return lines
