"""Colour map and range, as a reader sets them."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QHBoxLayout, QLabel, QWidget

from engine.colour_range import COLOUR_MAPS, RangeMode
from gui.colour_scale import ColourScale, colour_strip
from gui.texts import number
from gui.theme import GRID, current_colours

_STRIP = QSize(20, 12)


class ScaleControls(QWidget):
    """Sets the one scale of every panel; two numbers appear where the range is typed."""

    def __init__(self, scale: ColourScale) -> None:
        super().__init__()
        self._scale = scale
        self._ranges = QComboBox()
        self._ranges.setAccessibleName("Range of the colours")
        self._ranges.setToolTip(
            "One range for all panels: Figure 7's 0–0.8, widened to 0–1 where exceeded; or another"
        )
        for mode in RangeMode:
            self._ranges.addItem(mode.value, mode)
        self._ranges.activated.connect(lambda _index: scale.set_mode(self._ranges.currentData()))
        self._low, self._high = _number_box("Lowest value shown"), _number_box("Highest value shown")
        for box in (self._low, self._high):
            box.editingFinished.connect(self._on_typed)
        self._dash = QLabel("–")
        self._maps = QComboBox()
        self._maps.setAccessibleName("Colour map")
        self._maps.setToolTip("Colours from the lowest to the highest φ")
        self._maps.setIconSize(_STRIP)
        for name in COLOUR_MAPS:
            self._maps.addItem(_icon(name), name.removeprefix("seaborn:"), name)
        self._maps.activated.connect(lambda _index: scale.set_map(self._maps.currentData()))
        for combo in (self._ranges, self._maps):
            combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self._ranges.setMinimumWidth(9 * GRID)  # where the header is narrow the words stay, and the map's name goes
        self._maps.setMinimumWidth(6 * GRID)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID // 2)
        for widget in (self._ranges, self._low, self._dash, self._high, self._maps):
            layout.addWidget(widget)
        scale.mode_changed.connect(self._show)
        scale.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        self._ranges.setCurrentIndex(self._ranges.findData(self._scale.mode))
        self._maps.setCurrentIndex(self._maps.findData(self._scale.name))
        for widget in (self._low, self._dash, self._high):
            widget.setVisible(self._scale.mode is RangeMode.TYPED)
        for box, value in zip((self._low, self._high), self._scale.levels, strict=True):
            box.setValue(value)

    def _on_typed(self) -> None:
        low, high = self._low.value(), self._high.value()
        if low < high:
            self._scale.set_typed(low, high)
        else:
            self._show()  # a range that is none is taken back


class ScaleBar(QWidget):
    """The colours between the lowest and the highest value, lying."""

    def __init__(self, scale: ColourScale) -> None:
        super().__init__()
        self._scale = scale
        self.setAccessibleName("Colour bar")
        self.setFixedSize(22 * GRID, 3 * GRID)
        scale.changed.connect(self.update)

    def paintEvent(self, _event: QPaintEvent) -> None:
        self.paint_on(QPainter(self))

    def paint_on(self, painter: QPainter) -> None:
        """Paint it in its own coordinates."""
        painter.setPen(QColor(current_colours().text))
        low, high = (number(level, 2) for level in self._scale.levels)
        room = 5 * GRID
        strip = QRect(room, (self.height() - _STRIP.height()) // 2, self.width() - 2 * room, _STRIP.height())
        painter.drawImage(strip, colour_strip(self._scale.name))
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRect(0, 0, room - 4, self.height()), Qt.AlignmentFlag.AlignRight | middle, low)
        painter.drawText(QRect(strip.right() + 5, 0, room, self.height()), Qt.AlignmentFlag.AlignLeft | middle, high)


def _number_box(name: str) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setAccessibleName(name)
    box.setRange(-1000.0, 1000.0)
    box.setDecimals(2)
    box.setSingleStep(0.05)
    box.setAlignment(Qt.AlignmentFlag.AlignCenter)
    box.setFixedWidth(6 * GRID)
    return box


def _icon(name: str) -> QIcon:
    return QIcon(QPixmap.fromImage(colour_strip(name).scaled(_STRIP)))
