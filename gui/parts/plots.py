"""Line plots in the program's own looks."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen, QWheelEvent

from engine.checkpoints.storage_types import Float64Array
from gui.style.theme import GRID, SMALL_TEXT, current_colours

# Lines are told apart by their dashes as well as by their colours.
DASHES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine, Qt.PenStyle.DashDotLine)


def dash(position: int) -> Qt.PenStyle:
    """How the line at a position is dashed: the fifth has the first one's colour, and other dashes."""
    return DASHES[(position + position // len(DASHES)) % len(DASHES)]


_FEW_DECADES, _MOST_DECADES = 2.5, 6
_SMALLEST_PLAIN = -3.0  # log₁₀ of the smallest number that is not written with an exponent
_X_HEIGHT = 34


class _CountAxis(pg.AxisItem):  # type: ignore[misc]
    """An axis of layers or directions, which are counted: ticks at whole numbers only."""

    def tickSpacing(self, low: float, high: float, size: float) -> list[tuple[float, float]]:
        whole = [(spacing, offset) for spacing, offset in super().tickSpacing(low, high, size) if spacing >= 1]
        return whole or [(1.0, 0.0)]


class _ValueAxis(pg.AxisItem):  # type: ignore[misc]
    """An axis of values, with a real minus sign."""

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        return [text.replace("-", "−") for text in super().tickStrings(values, scale, spacing)]


class _DecadeAxis(pg.AxisItem):  # type: ignore[misc]
    """A logarithmic axis with a tick at each power of ten, and at 2 and 5 between them where there is room."""

    def logTickValues(self, low: float, high: float, _size: float, _levels: object) -> list[tuple[None, list[float]]]:
        first, last = math.floor(low), math.ceil(high)
        between = (1, 2, 5) if high - low < _FEW_DECADES else (1,)
        step = max(1, round((high - low) / _MOST_DECADES))
        ticks = (decade + math.log10(factor) for decade in range(first, last + 1, step) for factor in between)
        return [(None, [tick for tick in ticks if low <= tick <= high])]

    def logTickStrings(self, values: Sequence[float], _scale: float, _spacing: object) -> list[str]:
        return [f"{10.0**value:.0e}" if value < _SMALLEST_PLAIN else f"{10.0**value:.3g}" for value in values]


class LinePlot(pg.PlotWidget):  # type: ignore[misc]
    """A plot of a few lines and a band, which follows the theme. Nothing in it moves under the mouse."""

    def __init__(self, name: str, x_label: str, *, logarithmic: bool = False) -> None:
        axes = {"bottom": _CountAxis("bottom"), "left": (_DecadeAxis if logarithmic else _ValueAxis)("left")}
        super().__init__(enableMenu=False, axisItems=axes)
        self.setAccessibleName(name)
        for part in (self, self.viewport()):
            part.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # a picture: there is nothing to do in it
        self.setFrameShape(pg.PlotWidget.Shape.NoFrame)
        self.setMouseEnabled(x=False, y=False)
        self.hideButtons()
        self._x_label = x_label
        self._logarithmic = logarithmic
        self._colours: tuple[str, ...] = ()
        self._lines_shown: list[tuple[Float64Array, Float64Array]] = []
        self._band_shown: list[Float64Array] = []
        self._lines: list[pg.PlotDataItem] = []
        self._edges = pg.PlotDataItem(), pg.PlotDataItem()
        self._band = pg.FillBetweenItem(*self._edges)
        self._marks: list[pg.InfiniteLine] = []
        for item in (*self._edges, self._band):
            item.setZValue(-10)
            self.addItem(item)
        self.setLogMode(y=logarithmic)
        self.plotItem.layout.setContentsMargins(0, GRID, GRID, 0)  # a number at the top or right end is not cut
        self.getAxis("bottom").setHeight(_X_HEIGHT)
        self.restyle()

    def show_lines(self, lines: Sequence[tuple[Float64Array, Float64Array]], colours: Sequence[str] = ()) -> None:
        """Draw lines of x and y; the first is the accent's, others take `colours` or the text's."""
        while len(self._lines) < len(lines):
            self._lines.append(self.plot(antialias=True))
        self._colours = tuple(colours)
        for position, line in enumerate(self._lines):
            x, y = lines[position] if position < len(lines) else (np.empty(0), np.empty(0))
            line.setData(x, y, connect="finite")
        self._lines_shown = list(lines)
        self._fit()
        self._style_lines()

    def show_band(self, x: Float64Array, low: Float64Array, high: Float64Array) -> None:
        """Shade what lies between `low` and `high`; nothing for empty arrays."""
        for edge, values in zip(self._edges, (low, high), strict=True):
            edge.setData(x, values)
        self._band_shown = [low, high]
        self._fit()

    def _fit(self) -> None:
        """Show all of the lines and of the band, and φ from 0 on, with a little air around them."""
        x = np.concatenate([np.empty(0), *(line[0] for line in self._lines_shown)])
        y = np.concatenate([np.zeros(1), *(line[1] for line in self._lines_shown), *self._band_shown])
        y = y[np.isfinite(y)]
        if x.size == 0:
            return
        if self._logarithmic:
            y = np.log10(y[y > 0]) if (y > 0).any() else np.zeros(1)
        self.setXRange(x.min(), max(x.max(), x.min() + 1), padding=0.02)
        self.setYRange(y.min(), max(y.max(), y.min() + 1e-3), padding=0.06)

    def show_marks(self, positions: Sequence[float]) -> None:
        """Upright lines at these x."""
        while len(self._marks) < len(positions):
            self._marks.append(pg.InfiniteLine(angle=90))
            self.addItem(self._marks[-1], ignoreBounds=True)
        for index, mark in enumerate(self._marks):
            mark.setVisible(index < len(positions))
            if index < len(positions):
                mark.setPos(positions[index])
        self._style_lines()

    def set_x_label(self, label: str) -> None:
        """Name what is across."""
        self._x_label = label
        size = f"{self.font().pointSizeF() * SMALL_TEXT:.1f}pt"
        self.setLabel("bottom", label, **{"color": current_colours().muted, "font-size": size})

    def paint_on(self, painter: QPainter, area: QRectF, magnification: float) -> None:
        """Paint it into `area`, in the colours of the moment, by a painter that magnifies. To be restyled then."""
        self.restyle(magnification)
        self.scene().render(painter, area, QRectF(self.viewport().rect()))

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()  # what is around it scrolls

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_band"):
            self.restyle()

    def restyle(self, magnification: float = 1.0) -> None:
        """Take the colours of the moment; lines are as many times wider, which no painter magnifies."""
        colours = current_colours()
        self.setBackground(QColor(colours.surface))
        font = QFont(self.font())
        font.setPointSizeF(font.pointSizeF() * SMALL_TEXT)
        for side in ("bottom", "left"):
            axis = self.getAxis(side)
            axis.setPen(QPen(QColor(colours.line)))
            axis.setTextPen(QPen(QColor(colours.muted)))
            axis.setTickFont(font)
            axis.setStyle(tickLength=-4, tickTextOffset=4)
        self.set_x_label(self._x_label)
        ground = QColor(colours.muted)
        ground.setAlpha(60)
        self._band.setBrush(ground)
        self._style_lines(magnification)

    def _style_lines(self, magnification: float = 1.0) -> None:
        colours = current_colours()
        wanted = self._colours or (colours.accent, colours.text)
        for position, line in enumerate(self._lines):
            pen = QPen(QColor(wanted[position % len(wanted)]), 1.6 * magnification)
            pen.setCosmetic(True)
            pen.setStyle(dash(position))
            line.setPen(pen)
        for position, mark in enumerate(self._marks):
            pen = QPen(QColor(wanted[position % len(wanted)]), magnification)
            pen.setCosmetic(True)
            pen.setStyle(dash(position))
            mark.setPen(pen)
