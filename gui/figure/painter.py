"""Paints what stands around the figure's panels: titles, headings, ticks, the bar's numbers, and what waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QPen, QPixmap, QRegion

from engine.figures.colour_bar import bar_marks, bar_ticks
from engine.figures.colour_range import COLUMN_LABELS, ROW_LABELS, tick_positions
from engine.figures.contents import hidden_cells
from engine.figures.layout import PanelPlace
from engine.figures.plan import Mask
from gui.figure.geometry import FigureGeometry, TextSizes
from gui.figure.panel import HeatmapPanel
from gui.parts.colour_scale import ColourScale
from gui.style.rich_text import RichTextPainter
from gui.style.texts import projection_html
from gui.style.theme import SMALL_TEXT, current_colours

_USUAL_NUMBER = "−0000"  # beside the bar: the figure stands still while numbers are no wider
_CLOSEST_NUMBERS = 0.05  # of the bar's height: no bar has more numbers than so many
_SUBSCRIPT = 2 / 3  # what Qt sets <sub> in
_UNDEFINED_TEXT = QColor("#3a3a44")  # on the colour of undefined cells, which no theme changes


@dataclass(frozen=True)
class FigureWords:
    """What the figure says besides its panels: its title (HTML), the bar's label, long and short, and what a panel
    without φ is. Layers are counted from `count_from`.
    """

    title: str
    bar: tuple[str, str]
    waiting: str
    count_from: int


class FigurePainter:
    """Paints the parts of a figure that meet a region; everything is in the pixels of its geometry."""

    def __init__(self, font: QFont) -> None:
        self._rich = RichTextPainter()
        self.set_font(font)
        self._load_fonts()

    def set_font(self, font: QFont) -> None:
        """Write in this font, ticks somewhat smaller."""
        self._label = QFont(font)
        self._axis = QFont(font)
        self._axis.setItalic(True)
        self._tick = QFont(font)
        self._tick.setPointSizeF(font.pointSizeF() * SMALL_TEXT)
        self._label_height = QFontMetricsF(self._label).height()
        self._metrics = QFontMetricsF(self._tick)
        self._height = self._metrics.height()
        self._names: dict[tuple[str, int], str] = {}

    def text_sizes(self, rows: int, scale: ColourScale) -> TextSizes:
        """What texts take, for panels of up to `rows` rows."""
        return TextSizes(
            self._label_height, self._height, self._advance(str(rows)), self.bar_number(scale)
        )  # fmt: skip

    def bar_number(self, scale: ColourScale) -> float:
        """How wide the numbers beside the bar may get."""
        texts = [tick.text for tick in bar_ticks(scale.levels, scale.view, _CLOSEST_NUMBERS)]
        return max(map(self._advance, (_USUAL_NUMBER, *texts)))

    def panel_name(self, panel: HeatmapPanel) -> str:
        """What stands above a panel (HTML), its middle left out where it would meet that of the panel beside it."""
        if panel.path is None:
            return "random"
        projection, room = panel.path.projection, panel.area.width() + self._height - 4
        key = projection, int(room)
        if key not in self._names:
            room -= self._rich.width(projection_html(""), self._label)
            small = QFont(self._label)
            small.setPointSizeF(self._label.pointSizeF() * _SUBSCRIPT)
            elided = QFontMetricsF(small).elidedText(projection, Qt.TextElideMode.ElideMiddle, room)
            self._names[key] = projection_html(elided)
        return self._names[key]

    def name_cut_at(self, panels: Sequence[HeatmapPanel], point: QPointF) -> str:
        """The whole name (HTML) of the panel whose title is at a point; empty where all of it is there to read."""
        for panel in panels:
            if panel.path is not None and self._title_area(panel.area).contains(point):
                whole = projection_html(panel.path.projection)
                return whole if self.panel_name(panel) != whole else ""
        return ""

    def paint(
        self, painter: QPainter, exposed: QRegion, geometry: FigureGeometry, panels: Sequence[HeatmapPanel],
        words: FigureWords, scale: ColourScale,
    ) -> None:  # fmt: skip
        """Paint what of the figure meets `exposed`."""
        colours = current_colours()
        text, muted, line = QColor(colours.text), QColor(colours.muted), QColor(colours.line)

        def meets(area: QRectF) -> bool:
            return exposed.intersects(area.toAlignedRect())

        around = self._advance("00000") + 3 * self._label_height  # no panel's title or ticks reach further
        if meets(geometry.title):
            self._rich.paint(painter, words.title, geometry.title, self._label, text)
            why = next(filter(None, (panel.why_undefined(scale.view) for panel in panels)), "")
            if why:
                self._paint_legend(painter, geometry.title, why, scale, muted)
        for place in geometry.layout.places:
            panel = panels[place.index]
            if not meets(panel.area.adjusted(-around, -around, around, around)):
                continue
            if meets(panel.area.adjusted(-1, -1, 1, 1)):
                self._paint_state(painter, panel, words.waiting, scale, line)
            if meets(self._title_area(panel.area)):
                self._rich.paint(painter, self.panel_name(panel), self._title_area(panel.area), self._label, text)
            self._paint_ticks(painter, panel, place, exposed, muted)
        painter.setFont(self._label)
        for heading, area in zip(geometry.layout.headings, geometry.headings, strict=True):
            if meets(area):
                self._paint_heading(painter, heading.lines(words.count_from), area, text)
        if meets(geometry.bar.adjusted(-2, -self._height, 100, self._height)):
            self._paint_bar(painter, geometry.bar, words.bar, scale, muted, line)

    def _paint_heading(self, painter: QPainter, lines: Sequence[str], area: QRectF, colour: QColor) -> None:
        """A layer beside its panels, its last line next to them."""
        height = self._label_height
        for number, line in enumerate(reversed(lines)):
            place = QRectF(area.right() - (number + 1) * height, area.top(), height, area.height())
            paint_turned(painter, line, place, colour)

    def _advance(self, text: str) -> float:
        return self._metrics.horizontalAdvance(text)

    def _title_area(self, area: QRectF) -> QRectF:
        return QRectF(area.left(), area.top() - self._label_height - 6, area.width(), self._label_height + 4)

    def _paint_legend(self, painter: QPainter, title: QRectF, why: str, scale: ColourScale, colour: QColor) -> None:
        """What grey cells are, at the right end of the title's line."""
        words = f"undefined: {why}"
        width, box = self._advance(words), self._height * 0.8
        if title.width() < 2 * (width + 3 * box) + self._label_height * 12:  # it would meet the title in the middle
            words, width = "undefined", self._advance("undefined")
        left, middle = title.right() - width - 1.6 * box, title.center().y()
        sample = QRectF(left, middle - box / 2, box, box).toAlignedRect()
        painter.fillRect(sample, scale.undefined)
        painter.setFont(self._tick)
        painter.setPen(colour)
        place = QRectF(title.right() - width, title.top(), width + 1, title.height())
        painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, words)

    def _paint_state(
        self, painter: QPainter, panel: HeatmapPanel, waiting: str, scale: ColourScale, line: QColor
    ) -> None:
        """The ground of undefined cells, or words where there is no φ; and the frame."""
        area, colours = panel.area, current_colours()
        if panel.facts is not None:
            painter.fillRect(area, scale.undefined)
            if 0 in panel.defined:
                painter.setFont(self._tick)
                painter.setPen(_UNDEFINED_TEXT)
                painter.drawText(area, Qt.AlignmentFlag.AlignCenter, "undefined")
            if panel.spec is not None and panel.spec.mask is not Mask.NONE:
                painter.drawImage(area, _hidden_cells(hidden_cells(panel.spec), QColor(colours.raised)))
        else:
            painter.fillRect(area, QColor(colours.raised))
            painter.setFont(self._tick)
            painter.setPen(QColor(colours.error if panel.failure else colours.muted))
            box = area.adjusted(8, 8, -8, -8)
            words = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(box, words, panel.failure or waiting)
        painter.setPen(QPen(line, 1))
        painter.drawRect(area.adjusted(-1, -1, 0, 0))

    # --- ticks ---

    def _paint_ticks(
        self, painter: QPainter, panel: HeatmapPanel, place: PanelPlace, exposed: QRegion, colour: QColor
    ) -> None:
        if not (place.is_leftmost or place.is_lowest):
            return
        rows, columns = panel.shape
        painter.setPen(QPen(colour, 1))
        area, widest = panel.area, self._advance(str(max(rows, columns)))
        margin = widest + 12 + self._height
        left = area.adjusted(-margin, -self._height, 0, self._height)
        left.setRight(area.left() - 1)
        below = area.adjusted(-widest, 0, widest, margin + self._height)
        below.setTop(area.bottom() + 1)
        band = exposed.intersected(left.toAlignedRect()).boundingRect()
        if place.is_leftmost and not band.isEmpty():
            self._paint_row_ticks(painter, area, rows, band)
        if place.is_lowest and exposed.intersects(below.toAlignedRect()):
            self._paint_column_ticks(painter, area, columns)

    def _paint_row_ticks(self, painter: QPainter, area: QRectF, rows: int, band: QRect) -> None:
        """The ticks that meet `band`: the cross-hair uncovers one of them at most."""
        painter.setFont(self._tick)
        fits = int(area.height() / (self._height * 0.95))
        step = area.height() / rows
        widest = self._advance(str(rows))
        for i in tick_positions(rows, min(ROW_LABELS, fits)):
            y = area.top() + (i - 0.5) * step
            if y + self._height < band.top() or y - self._height > band.bottom():
                continue
            painter.drawLine(QPointF(area.left() - 4, y), QPointF(area.left() - 1, y))
            box = QRectF(area.left() - 7 - widest, y - self._height / 2, widest, self._height)
            painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, str(i))
        left = area.left() - widest - 10 - self._height
        self._paint_axis_name(painter, "i", QRectF(left, area.top(), self._height, area.height()))

    def _paint_column_ticks(self, painter: QPainter, area: QRectF, columns: int) -> None:
        painter.setFont(self._tick)
        widest = self._advance(str(columns))
        step = area.width() / columns
        level = len(tick_positions(columns, min(COLUMN_LABELS, int(area.width() / (widest + 5)))))
        turned = level < len(tick_positions(columns, COLUMN_LABELS))
        fits = int(area.width() / (self._height * 0.95)) if turned else COLUMN_LABELS
        for j in tick_positions(columns, min(COLUMN_LABELS, fits)):
            x = area.left() + (j - 0.5) * step
            painter.drawLine(QPointF(x, area.bottom() + 1), QPointF(x, area.bottom() + 4))
            if turned:
                box = QRectF(x - self._height / 2, area.bottom() + 6, self._height, widest)
                paint_turned(painter, str(j), box, painter.pen().color(), Qt.AlignmentFlag.AlignRight)
            else:
                box = QRectF(x - widest, area.bottom() + 5, 2 * widest, self._height)
                painter.drawText(box, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, str(j))
        top = area.bottom() + 7 + (widest if turned else self._height - 2)
        self._paint_axis_name(painter, "j", QRectF(area.left(), top, area.width(), self._height * 1.6))

    def _paint_axis_name(self, painter: QPainter, name: str, area: QRectF) -> None:
        painter.setFont(self._axis)
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter, name)

    # --- the bar ---

    def _paint_bar(
        self, painter: QPainter, bar: QRectF, labels: tuple[str, str], scale: ColourScale, muted: QColor, line: QColor
    ) -> None:
        """The numbers of the bar and what it stands for; its marks reach out of it, as its ticks do."""
        painter.setFont(self._tick)
        painter.setPen(QPen(line, 1))
        painter.drawRect(bar.adjusted(-1, -1, 0, 0))
        painter.setPen(QPen(muted, 1))
        low, high = scale.levels
        number = self.bar_number(scale)
        for tick in bar_ticks(scale.levels, scale.view, self._height / bar.height()):
            y = bar.bottom() - (tick.value - low) / (high - low) * bar.height()
            painter.drawLine(QPointF(bar.right() + 1, y), QPointF(bar.right() + 4, y))
            box = QRectF(bar.right() + 8, y - self._height / 2, number + 2, self._height)
            painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, tick.text)
        for value in bar_marks(scale.levels, scale.view):
            y = bar.bottom() - (value - low) / (high - low) * bar.height()
            painter.drawLine(QPointF(bar.left() - 5, y), QPointF(bar.left() - 2, y))
        box = QRectF(bar.right() + 8 + number + 6, bar.top(), self._height, bar.height())
        fits = self._advance(labels[0]) <= bar.height()
        paint_turned(painter, labels[0] if fits else labels[1], box, muted)

    def _load_fonts(self) -> None:
        """Paint a few texts where nobody sees them: fonts are found and loaded now, not in the first figure."""
        canvas = QPixmap(64, 64)
        area, colour = QRectF(canvas.rect()), QColor(Qt.GlobalColor.black)
        painter = QPainter(canvas)
        words = f"<i>φ</i>(<i>A</i><sub><i>r</i>=1</sub>, {projection_html('q')})"
        self._rich.paint(painter, words, area, self._label, colour)
        for font in (self._label, self._tick):
            painter.setFont(font)
            paint_turned(painter, "Layer 0123456789, φ", area, colour)
            painter.drawText(area, "0123456789 waiting")
        self._paint_axis_name(painter, "ij", area)
        painter.end()


def paint_turned(
    painter: QPainter,
    text: str,
    area: QRectF,
    colour: QColor,
    align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignHCenter,
) -> None:
    """Text turned a quarter to the left, centred in an upright area."""
    painter.save()
    painter.setPen(colour)
    painter.translate(area.left(), area.bottom())
    painter.rotate(-90)
    turned = QRectF(0, 0, area.height(), area.width())
    shown = QFontMetricsF(painter.font()).elidedText(text, Qt.TextElideMode.ElideRight, area.height())
    painter.drawText(turned, align | Qt.AlignmentFlag.AlignVCenter, shown)
    painter.restore()


def _hidden_cells(hidden: np.ndarray[tuple[int, int], np.dtype[np.bool_]], colour: QColor) -> QImage:
    """A picture, a pixel for each cell, that covers those hidden and lets the others through."""
    rows, columns = hidden.shape
    pixels = np.zeros((rows, columns, 4), dtype=np.uint8)
    pixels[hidden] = (colour.red(), colour.green(), colour.blue(), 255)
    return QImage(pixels.tobytes(), columns, rows, 4 * columns, QImage.Format.Format_RGBA8888).copy()
