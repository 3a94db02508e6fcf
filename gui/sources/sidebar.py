"""The left column: both adapters, and what of them is shown."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from gui.sources.card import AdapterCard
from gui.sources.selector import ModuleSelector
from gui.style.theme import GRID

_WIDTH = 304


class Sidebar(QScrollArea):
    """Gives the selector the height that the cards leave; scrolls where that is too little."""

    def __init__(self, cards: Iterable[AdapterCard], selector: ModuleSelector) -> None:
        super().__init__()
        self._selector = selector
        self._inner = inner = QWidget()
        inner.setObjectName("sidebar")
        layout = QVBoxLayout(inner)
        layout.setContentsMargins(GRID, GRID, GRID, GRID)
        layout.setSpacing(GRID)
        for card in cards:
            layout.addWidget(card)
        layout.addSpacing(GRID)
        layout.addWidget(selector, 1000)
        layout.addStretch(1)  # for when there is nothing to select
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # it follows what has the focus in it
        self.setWidget(inner)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFixedWidth(_WIDTH)
        selector.installEventFilter(self)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share_room()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Move:  # a card above it has changed its height
            self._share_room()
        return super().eventFilter(watched, event)

    def _share_room(self) -> None:
        others = self._inner.minimumSizeHint().height() - self._selector.minimumSizeHint().height()
        self._selector.set_room(self.viewport().height() - others)
