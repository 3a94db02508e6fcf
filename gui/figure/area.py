"""Scrolls the figure where it is higher than the window."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea

from gui.figure.grid import FigureView


class FigureArea(QScrollArea):
    """Scrolls the figure where it is higher than the window."""

    def __init__(self, view: FigureView) -> None:
        super().__init__()
        self._view = view
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(view)
        self.setFocusProxy(view)
        view.panel_reached.connect(self._scroll_to)

    def _scroll_to(self, area: QRectF) -> None:
        centre = area.center()
        self.ensureVisible(int(centre.x()), int(centre.y()), int(area.width() / 2), int(area.height() / 2 + 40))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._view.set_viewport_height(self.viewport().height())
