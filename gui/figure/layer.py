"""What lies below the figure's panels, and what is painted anew of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget


class FigureLayer(QGraphicsItem):
    """What a function paints below the panels; `changed` is called before any of it is painted anew."""

    def __init__(self, paint: Callable[[QPainter], None], changed: Callable[[], None]) -> None:
        super().__init__()
        self._paint, self._changed = paint, changed
        self._area = QRectF()
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)

    def set_area(self, area: QRectF) -> None:
        self.prepareGeometryChange()
        self._area = area
        self.repaint()

    def repaint(self, area: QRectF | None = None) -> None:
        """Have it, or a part of it, painted anew."""
        self._changed()
        self.update(self._area if area is None else area)

    def boundingRect(self) -> QRectF:
        return self._area

    def paint(self, painter: QPainter, _option: QStyleOptionGraphicsItem, _widget: QWidget | None = None) -> None:
        painter.save()
        self._paint(painter)
        painter.restore()


def bands(lines: Iterable[QRectF]) -> Iterable[QRectF]:
    """Lines of many panels as one across or down all of them: Qt repaints a few long areas faster than many short."""
    found: dict[tuple[bool, float], QRectF] = {}
    for line in lines:
        key = (True, line.y()) if line.width() > line.height() else (False, line.x())
        found[key] = found[key].united(line) if key in found else line
    return found.values()
