"""Scrolls the figure where it is higher than the window."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from gui.figure.grid import FigureView
from gui.state.session import Session
from gui.style.pictures import copy_picture


class FigureArea(QScrollArea):
    """Scrolls the figure where it is higher than the window."""

    def __init__(self, session: Session, view: FigureView) -> None:
        super().__init__()
        self._session = session
        self.view = view
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(view)
        self.setFocusProxy(view)
        view.panel_reached.connect(self._scroll_to)

    def _scroll_to(self, area: QRectF) -> None:
        centre = area.center()
        self.ensureVisible(int(centre.x()), int(centre.y()), int(area.width() / 2), int(area.height() / 2 + 40))

    @property
    def seen(self) -> QWidget:
        """All of it."""
        return self

    def show_news(self, *, soon: bool) -> None:
        """Panels show by themselves what is known of them."""

    def copy_page(self) -> str:
        """Put the panels on the clipboard, as a picture on white."""
        preset = self._session.document.preset
        what = "the panel" if self.view.zoomed else preset.title if preset is not None else "the grid"
        return copy_picture(self.view.picture_on_paper(), what)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.view.set_viewport_height(self.viewport().height())
