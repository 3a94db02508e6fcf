"""Errors and warnings in one place: one line, details on demand, copyable, never a pile of dialogs."""

from __future__ import annotations

import logging
from collections.abc import Collection

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QWidget

from gui.notice import Notice, Scope, Severity
from gui.theme import GRID, icon
from gui.widgets import set_style

log = logging.getLogger("phiscope")


class NoticeBar(QWidget):
    """Shows the last notice until it is dismissed; says how many came before it."""

    def __init__(self) -> None:
        super().__init__()
        self._notices: list[Notice] = []
        self.setAccessibleName("Notice")
        self._frame = frame = QFrame()
        frame.setProperty("role", "notice")
        self._text = QLabel()
        self._text.setWordWrap(True)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        copy = QPushButton("Copy details")
        copy.setProperty("chip", True)
        copy.setToolTip("Copy the notices with their details")
        copy.clicked.connect(self.copy_details)
        close = QToolButton()
        close.setIcon(icon("close"))
        close.setIconSize(QSize(16, 16))
        close.setProperty("quiet", True)
        close.setAccessibleName("Dismiss the notice")
        close.setToolTip("Dismiss the notice")
        close.clicked.connect(self.dismiss)
        layout = QHBoxLayout(frame)
        layout.setContentsMargins(GRID + 4, GRID // 2, GRID // 2, GRID // 2)
        layout.addWidget(self._text, 1)
        layout.addWidget(copy)
        layout.addWidget(close)
        around = QHBoxLayout(self)
        around.setContentsMargins(GRID, GRID, GRID, 0)
        around.addWidget(frame)
        self.hide()

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What is shown, oldest first."""
        return tuple(self._notices)

    def add(self, notice: Notice) -> None:
        """Show a notice, and write it to the log."""
        log.warning("%s %s", notice.sentence, notice.details)
        self._notices = [other for other in self._notices if not notice.key or other.key != notice.key]
        self._notices.append(notice)
        self._show_last()

    def _show_last(self) -> None:
        notice, before = self._notices[-1], len(self._notices) - 1
        more = f"  ({before} more before)" if before else ""
        self._text.setText(notice.sentence + more)
        self.setAccessibleDescription(notice.sentence)
        set_style(self._frame, "caution", notice.severity is not Severity.ERROR)
        self.show()

    def end(self, scopes: Collection[Scope]) -> None:
        """Forget what was said of what has gone."""
        staying = [notice for notice in self._notices if notice.scope not in scopes]
        if len(staying) < len(self._notices):
            self._notices = staying
            if staying:
                self._show_last()
            else:
                self.hide()

    def copy_details(self) -> None:
        """Put every notice with its details on the clipboard."""
        texts = (notice.text for notice in self._notices)
        QGuiApplication.clipboard().setText("\n\n".join(texts))

    def dismiss(self) -> None:
        """Forget the notices."""
        self._notices.clear()
        self.hide()
