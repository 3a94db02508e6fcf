"""Files dragged or pasted onto the window."""

from __future__ import annotations

import contextlib
from pathlib import Path

from PySide6.QtCore import QMimeData, QPoint, QRect, Qt, QTimer, QUrl
from PySide6.QtGui import (
    QColor,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QGuiApplication,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QWidget

from engine.wording import listed
from gui.state.notice import Notice
from gui.state.session import Session
from gui.state.session_values import Which
from gui.style.theme import GRID, current_colours


def dropped_paths(data: QMimeData) -> list[Path]:
    """The local files and folders of a drag; empty if it holds none."""
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]


def pasted_paths(text: str) -> list[Path]:
    """Paths in pasted text, one to a line, plain or as file URLs, whether they exist or not."""
    paths = []
    for line in text.splitlines():
        word = line.strip().strip("\"'")
        if word:
            path = Path(QUrl(word).toLocalFile() if word.startswith("file:") else word)
            with contextlib.suppress(RuntimeError):  # ~ of a user that there is not
                path = path.expanduser()
            paths.append(path)
    return paths


def is_there(path: Path) -> bool:
    """Whether there is something at a path; any text may have been pasted for one."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def open_pasted(session: Session) -> None:
    """Open the adapters whose paths or files are on the clipboard; say which of the paths lead nowhere."""
    data = QGuiApplication.clipboard().mimeData()
    dropped, pasted = dropped_paths(data), pasted_paths(data.text())
    paths = dropped or [path for path in pasted if is_there(path)]
    absent = [str(path) for path in pasted if path not in paths] if not dropped else []
    if absent:
        said = f"There is no file or folder {listed(absent, 3)}."
        session.notice_raised.emit(Notice.error(said, "\n".join(absent)))
    if paths:
        session.places.open_paths(paths)


class DropOverlay(QWidget):
    """Covers the figure during a drag and shows its two halves, First | Second."""

    _LINGER = 150  # ms: a drag leaves one widget before it enters the next

    def __init__(self, parent: QWidget, session: Session) -> None:
        super().__init__(parent)
        self._parent = parent
        self._session = session
        self._count = 1
        self._at: QPoint | None = None
        self._hide_soon = QTimer(self)
        self._hide_soon.setSingleShot(True)
        self._hide_soon.setInterval(self._LINGER)
        self._hide_soon.timeout.connect(self.hide)
        self.setAcceptDrops(True)
        self.hide()

    def begin(self, paths: list[Path]) -> None:
        """A drag of these files is over the window."""
        self._hide_soon.stop()
        self._count = len(paths)
        self.setGeometry(self._parent.rect())
        self.raise_()
        self.show()

    def end(self) -> None:
        """The drag left a part of the window: hide, unless it enters another at once."""
        self._at = None
        self.update()
        self._hide_soon.start()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        self.begin(dropped_paths(event.mimeData()))
        event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        self._at = event.position().toPoint()
        event.acceptProposedAction()
        self.update()

    def dragLeaveEvent(self, _event: QDragLeaveEvent) -> None:
        self.end()

    def dropEvent(self, event: QDropEvent) -> None:
        self.hide()
        event.acceptProposedAction()
        which = Which.FIRST if event.position().x() < self.width() / 2 else Which.SECOND
        self._session.places.open_paths(dropped_paths(event.mimeData()), which)

    def paintEvent(self, _event: QPaintEvent) -> None:
        colours = current_colours()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        veil = QColor(colours.background)
        veil.setAlpha(235)
        painter.fillRect(self.rect(), veil)
        font = painter.font()
        font.setPointSizeF(self.font().pointSizeF() * 1.5)
        painter.setFont(font)
        for which in Which:
            half = self._half(which)
            lit = self._count >= 2 or (self._at is not None and half.contains(self._at))
            painter.setPen(QPen(QColor(colours.accent if lit else colours.line), 2, Qt.PenStyle.DashLine))
            painter.setBrush(QColor(colours.tint if lit else colours.surface))
            painter.drawRoundedRect(half, 12, 12)
            painter.setPen(QColor(colours.text))
            painter.drawText(half, Qt.AlignmentFlag.AlignCenter, f"{which.word} adapter")

    def _half(self, which: Which) -> QRect:
        inner = self.rect().adjusted(2 * GRID, 2 * GRID, -2 * GRID, -2 * GRID)
        width = (inner.width() - 2 * GRID) // 2
        left = inner.left() if which is Which.FIRST else inner.right() - width + 1
        return QRect(left, inner.top(), width, inner.height())
