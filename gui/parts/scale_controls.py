"""Colour map and range, as a reader sets them, and the bar that lies above the atlas."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QWidget

from engine.figures.colour_bar import bar_marks, bar_ticks
from engine.figures.colour_maps import RangeMode, maps_of, range_modes, short_name
from engine.measures.view import View
from gui.parts.colour_scale import Colouring, ColourScale, colour_strip
from gui.parts.typed_range import TypedRange
from gui.style.theme import GRID, current_colours

_STRIP = QSize(20, 12)
_BAR = 11 * GRID  # length of the lying bar
_RANGE_TIPS = {
    False: "One range for all panels: Figure 7's 0–0.8, widened to 0–1 where exceeded; or another",
    True: "One range for all panels, as far below 0 as above it unless it is typed; 0 is chance",
}
_MAP_TIPS = {
    False: "Colours from the lowest to the highest φ",
    True: "Colours on both sides of 0, which is chance, and has the middle of the map whatever the range",
}


class ScaleControls(QWidget):
    """Sets the one scale of every panel; two numbers appear where the range is typed."""

    def __init__(self, scale: ColourScale) -> None:
        super().__init__()
        self._scale = scale
        self._ranges = QComboBox()
        self._ranges.setAccessibleName("Range of the colours")
        self._ranges.activated.connect(lambda _index: scale.set_mode(self._ranges.currentData()))
        self.typed = TypedRange()
        self.typed.typed.connect(scale.set_typed)
        self._maps = QComboBox()
        self._maps.setAccessibleName("Colour map")
        self._maps.setIconSize(_STRIP)
        self._maps.activated.connect(lambda _index: scale.set_map(self._maps.currentData()))
        for combo in (self._ranges, self._maps):
            combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self._ranges.setMinimumWidth(9 * GRID)  # where the header is narrow the words stay, and the map's name goes
        self._maps.setMinimumWidth(6 * GRID)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID // 2)
        for widget in (self._ranges, self.typed, self._maps):
            layout.addWidget(widget)
        scale.mode_changed.connect(self._show)
        scale.changed.connect(self._show)
        scale.view_changed.connect(self._offer)
        self._offer()

    def _offer(self) -> None:
        """Offer what the view can be shown with."""
        view = self._scale.view
        self._ranges.clear()
        for mode, name in range_modes(view).items():
            self._ranges.addItem(name, mode)
        self._ranges.setToolTip(_RANGE_TIPS[view.is_centred])
        self._maps.clear()
        for name in maps_of(view):
            self._maps.addItem(_icon(name), short_name(name), name)
        self._maps.setToolTip(_MAP_TIPS[view.is_centred])
        self._show()

    def _show(self) -> None:
        self._ranges.setCurrentIndex(self._ranges.findData(self._scale.mode))
        self._maps.setCurrentIndex(self._maps.findData(self._scale.name))
        self.typed.setVisible(self._scale.mode is RangeMode.TYPED)
        self.typed.show_levels(*self._scale.levels)


class ScaleBar(QWidget):
    """What the colours stand for, and the colours between the lowest and the highest value, lying."""

    def __init__(self) -> None:
        super().__init__()
        self._colouring: Colouring | None = None
        self._name = self._low = self._high = ""
        self._marks: list[float] = []
        self.setAccessibleName("Colour bar")
        self.setFixedHeight(3 * GRID)

    def show_scale(self, colouring: Colouring, name: str, view: View) -> None:
        """Show these colours of a number called `name`, with the marks of its view."""
        ticks = bar_ticks(colouring.levels, view, 1.0)
        self._colouring, self._name = colouring, name
        self._low, self._high = ticks[0].text, ticks[-1].text
        self._marks = bar_marks(colouring.levels, view)
        self.setAccessibleDescription(f"{name} from {self._low} to {self._high}")
        self.setFixedWidth(self._name_room + self._room(self._low) + _BAR + self._room(self._high))
        self.update()

    @property
    def _name_room(self) -> int:
        return self.fontMetrics().horizontalAdvance(self._name) + 2 * GRID

    def _room(self, text: str) -> int:
        return self.fontMetrics().horizontalAdvance(text) + GRID

    def paintEvent(self, _event: QPaintEvent) -> None:
        self.paint_on(QPainter(self))

    def paint_on(self, painter: QPainter) -> None:
        """Paint it in its own coordinates."""
        if self._colouring is None:
            return
        text = QColor(current_colours().text)
        painter.setPen(text)
        left = self._name_room + self._room(self._low)
        strip = QRect(left, (self.height() - _STRIP.height()) // 2, _BAR, _STRIP.height())
        painter.drawImage(strip, self._colouring.strip())
        middle, right = Qt.AlignmentFlag.AlignVCenter, Qt.AlignmentFlag.AlignRight
        painter.drawText(QRect(0, 0, self._name_room - 2 * GRID, self.height()), middle, self._name)
        painter.drawText(QRect(0, 0, left - 5, self.height()), right | middle, self._low)
        painter.drawText(QRect(strip.right() + 5, 0, self.width(), self.height()), middle, self._high)
        low, high = self._colouring.levels
        painter.setPen(QPen(text, 1))
        for mark in self._marks:
            x = left + (mark - low) / (high - low) * _BAR
            for y in (strip.top() - 4, strip.bottom() + 2):
                painter.drawLine(QPointF(x, y), QPointF(x, y + 2))


def _icon(name: str) -> QIcon:
    return QIcon(QPixmap.fromImage(colour_strip(name).scaled(_STRIP)))
