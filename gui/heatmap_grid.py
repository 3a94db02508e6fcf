"""The figure on the screen: pooled panels, their headings and ticks, and the one colour bar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QMouseEvent, QPainter, QPen, QPixmap, QResizeEvent
from PySide6.QtWidgets import QFrame, QGraphicsItem, QScrollArea, QStyleOptionGraphicsItem, QWidget

from engine.colour_range import COLUMN_LABELS, ROW_LABELS, tick_positions
from engine.outcome import ModuleFailure, ModuleResult, Outcome
from engine.pairing import ModulePair
from engine.panel_layout import PanelPlace
from engine.side import Side
from gui.colour_scale import ColourScale
from gui.figure_geometry import FigureGeometry, TextSizes, figure_geometry
from gui.rich_text import RichTextPainter
from gui.session import Session
from gui.texts import number_range, projection_html
from gui.theme import SMALL_TEXT, current_colours

_BAR_STEPS = 256


@dataclass(frozen=True)
class Cell:
    """A cell of a panel: i and j count from 1."""

    pair: ModulePair
    i: int
    j: int


class HeatmapPanel:
    """One panel: a pooled image that takes new arrays, and what stands in its place while there is none."""

    def __init__(self, scene: Any) -> None:
        self.image = pg.ImageItem(axisOrder="row-major")
        self.image.setZValue(1)
        self.image.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        scene.addItem(self.image)
        self.image.hide()
        self.pair: ModulePair | None = None
        self.outcome: Outcome | None = None
        self.area = QRectF()

    def show_outcome(self, pair: ModulePair | None, outcome: Outcome | None, scale: ColourScale) -> None:
        """Show what is known of a pair; nothing for no pair."""
        self.pair, self.outcome = pair, outcome
        if isinstance(outcome, ModuleResult):
            self.image.setImage(outcome.similarity.values, autoLevels=False, levels=scale.levels, lut=scale.table)
            self.image.setRect(self.area)
        self.image.setVisible(isinstance(outcome, ModuleResult))

    def recolour(self, scale: ColourScale) -> None:
        """Take over the scale's colours and range."""
        self.image.setLookupTable(scale.table)
        self.image.setLevels(scale.levels)

    def set_area(self, area: QRectF) -> None:
        """Where the panel's cells stand, in pixels."""
        self.area = area
        if self.image.image is not None:
            self.image.setRect(area)

    def cell_at(self, point: QPointF) -> tuple[int, int] | None:
        """i and j under a point, None where it is outside or there is no φ yet."""
        if self.pair is None or not isinstance(self.outcome, ModuleResult) or not self.area.contains(point):
            return None
        rows, columns = self.pair.shape
        i = int((point.y() - self.area.top()) / self.area.height() * rows)
        j = int((point.x() - self.area.left()) / self.area.width() * columns)
        return min(i, rows - 1) + 1, min(j, columns - 1) + 1


class FigureView(pg.GraphicsView):  # type: ignore[misc]
    """The panels and everything written around them. Lays itself out anew when its size or selection changes."""

    cell_hovered = Signal(object)  # Cell or None

    def __init__(self, session: Session, scale: ColourScale) -> None:
        super().__init__(background=None, useOpenGL=False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMouseTracking(True)
        self.setAcceptDrops(False)
        self.viewport().setAcceptDrops(False)
        self.setAccessibleName("Figure: panels of the subspace similarity φ")
        self._session = session
        self.scale = scale
        self._panels: list[HeatmapPanel] = []
        self._used = 0
        self._viewport_height = 0
        self._geometry: FigureGeometry | None = None
        self._cell: Cell | None = None
        self._under, self._over = _Layer(self._paint_under, 0), _Layer(self._paint_over, 2)
        self._rich = RichTextPainter()
        self.bar_image = pg.ImageItem(axisOrder="row-major")
        self.bar_image.setZValue(1)
        for item in (self._under, self._over, self.bar_image):
            self.scene().addItem(item)
        scale.changed.connect(self._on_scale_changed)
        session.outcomes_changed.connect(self._on_outcomes)
        self._load_fonts()

    def _load_fonts(self) -> None:
        """Paint a few texts where nobody sees them: fonts are found and loaded now, not in the first figure."""
        canvas = QPixmap(64, 64)
        painter = QPainter(canvas)
        words = f"<i>φ</i>(<i>A</i><sub><i>r</i>=1</sub>, {projection_html('q')})"
        self._rich.paint(painter, words, QRectF(canvas.rect()), self._label_font(), QColor(Qt.GlobalColor.black))
        for font in (self._label_font(), self._tick_font()):
            painter.setFont(font)
            _paint_turned(painter, "Layer 0123456789, φ", QRectF(canvas.rect()), QColor(Qt.GlobalColor.black))
            painter.drawText(QRectF(canvas.rect()), "0123456789 waiting")
        self._paint_axis_name(painter, "ij", QRectF(canvas.rect()))
        painter.end()

    # --- what it shows ---

    @property
    def panels(self) -> Sequence[HeatmapPanel]:
        """The panels in use, in the order of the pairs shown."""
        return self._panels[: self._used]

    def show_selection(self) -> None:
        """Show the session's selected pairs with what is known of them."""
        pairs = self._session.shown
        while len(self._panels) < len(pairs):
            self._panels.append(HeatmapPanel(self.scene()))
        self._used = len(pairs)
        self._fit_scale()
        for position, panel in enumerate(self._panels):
            pair = pairs[position] if position < len(pairs) else None
            panel.show_outcome(pair, self._session.outcome(pair) if pair else None, self.scale)
        self._set_cell(None)
        self.lay_out()

    def _on_outcomes(self, slugs: tuple[str, ...]) -> None:
        changed = set(slugs)
        touched = [panel for panel in self.panels if panel.pair is not None and panel.pair.slug in changed]
        if not touched:
            return
        self._fit_scale()
        for panel in touched:
            if panel.pair is not None:
                panel.show_outcome(panel.pair, self._session.outcome(panel.pair), self.scale)
        self._under.update()

    def _fit_scale(self) -> None:
        outcomes = (self._session.outcome(pair) for pair in self._session.shown)
        self.scale.fit(o.similarity.values for o in outcomes if isinstance(o, ModuleResult))

    def _on_scale_changed(self) -> None:
        for panel in self.panels:
            panel.recolour(self.scale)
        self._colour_bar()
        self._under.update()

    # --- layout ---

    def set_viewport_height(self, height: int) -> None:
        """How much of it can be seen at once."""
        self._viewport_height = height
        self.lay_out()

    def lay_out(self) -> None:
        """Place everything for the current size."""
        paths = [panel.pair.path for panel in self.panels if panel.pair is not None]
        if not paths:
            self._geometry = None
            self.setMinimumHeight(0)
            self.bar_image.hide()
        else:
            height = self._viewport_height or self.height()
            geometry = figure_geometry(paths, self.width(), height, self._text_sizes())
            self._geometry = geometry
            for panel, area in zip(self.panels, geometry.panels, strict=True):
                panel.set_area(area)
            self.setMinimumHeight(int(geometry.height) if geometry.height > height else 0)
            self._colour_bar()
        area = QRectF(0, 0, self.width(), max(self.height(), self._geometry.height if self._geometry else 0))
        self._under.set_area(area)
        self._over.set_area(area)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if hasattr(self, "_over"):  # pyqtgraph resizes once while it is being made
            self.lay_out()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange) and hasattr(self, "_over"):
            self.lay_out()
            self._under.update()

    def _label_font(self) -> QFont:
        return QFont(self.font())

    def _tick_font(self) -> QFont:
        font = QFont(self.font())
        font.setPointSizeF(font.pointSizeF() * SMALL_TEXT)
        return font

    def _text_sizes(self) -> TextSizes:
        label, tick = QFontMetricsF(self._label_font()), QFontMetricsF(self._tick_font())
        rows = max((panel.pair.shape[0] for panel in self.panels if panel.pair), default=1)
        return TextSizes(
            label.height(), tick.height(), tick.horizontalAdvance(str(rows)), tick.horizontalAdvance("0.0")
        )

    def _colour_bar(self) -> None:
        if self._geometry is None:
            return
        low, high = self.scale.levels
        column = np.linspace(high, low, _BAR_STEPS).reshape(-1, 1)
        self.bar_image.setImage(column, autoLevels=False, levels=self.scale.levels, lut=self.scale.table)
        self.bar_image.setRect(self._geometry.bar)
        self.bar_image.show()

    # --- painting ---

    def _paint_under(self, painter: QPainter) -> None:
        geometry = self._geometry
        if geometry is None:
            return
        colours = current_colours()
        text, muted, line = QColor(colours.text), QColor(colours.muted), QColor(colours.line)
        self._rich.paint(painter, self._title(), geometry.title, self._label_font(), text)
        for place in geometry.layout.places:
            self._paint_panel(painter, self._panels[place.index], place)
        painter.setFont(self._label_font())
        for heading, area in zip(geometry.layout.headings, geometry.headings, strict=True):
            _paint_turned(painter, heading.text, area, text)
        self._paint_bar(painter, geometry.bar, muted, line)

    def _paint_panel(self, painter: QPainter, panel: HeatmapPanel, place: PanelPlace) -> None:
        if panel.pair is None:
            return
        colours = current_colours()
        area, text, muted = panel.area, QColor(colours.text), QColor(colours.muted)
        label = QFontMetricsF(self._label_font()).height()
        title = QRectF(area.left(), area.top() - label - 6, area.width(), label + 4)
        self._rich.paint(painter, projection_html(panel.pair.path.projection), title, self._label_font(), text)
        if isinstance(panel.outcome, ModuleResult):
            painter.fillRect(area, self.scale.undefined)
        else:
            painter.fillRect(area, QColor(colours.raised))
            painter.setFont(self._tick_font())
            failed = isinstance(panel.outcome, ModuleFailure)
            words = panel.outcome.error.reason if isinstance(panel.outcome, ModuleFailure) else self._waiting_word()
            painter.setPen(QColor(colours.error) if failed else muted)
            painter.drawText(
                area.adjusted(8, 8, -8, -8), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, words
            )
        painter.setPen(QPen(QColor(colours.line), 1))
        painter.drawRect(area.adjusted(-1, -1, 0, 0))
        self._paint_ticks(painter, panel, place)

    def _waiting_word(self) -> str:
        return "waiting" if self._session.progress.running else "not computed"

    def _paint_ticks(self, painter: QPainter, panel: HeatmapPanel, place: PanelPlace) -> None:
        if panel.pair is None:
            return
        painter.setFont(self._tick_font())
        metrics = QFontMetricsF(self._tick_font())
        painter.setPen(QPen(QColor(current_colours().muted), 1))
        rows, columns = panel.pair.shape
        if place.is_leftmost:
            self._paint_row_ticks(painter, panel.area, rows, metrics)
        if place.is_lowest:
            self._paint_column_ticks(painter, panel.area, columns, metrics)

    def _paint_row_ticks(self, painter: QPainter, area: QRectF, rows: int, metrics: QFontMetricsF) -> None:
        fits = int(area.height() / (metrics.height() * 0.95))
        step = area.height() / rows
        widest = metrics.horizontalAdvance(str(rows))
        for i in tick_positions(rows, min(ROW_LABELS, fits)):
            y = area.top() + (i - 0.5) * step
            painter.drawLine(QPointF(area.left() - 4, y), QPointF(area.left() - 1, y))
            box = QRectF(area.left() - 7 - widest, y - metrics.height() / 2, widest, metrics.height())
            painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, str(i))
        left = area.left() - widest - 10 - metrics.height()
        self._paint_axis_name(painter, "i", QRectF(left, area.top(), metrics.height(), area.height()))

    def _paint_column_ticks(self, painter: QPainter, area: QRectF, columns: int, metrics: QFontMetricsF) -> None:
        widest = metrics.horizontalAdvance(str(columns))
        step = area.width() / columns
        level = len(tick_positions(columns, min(COLUMN_LABELS, int(area.width() / (widest + 5)))))
        turned = level < len(tick_positions(columns, COLUMN_LABELS))
        fits = int(area.width() / (metrics.height() * 0.95)) if turned else COLUMN_LABELS
        for j in tick_positions(columns, min(COLUMN_LABELS, fits)):
            x = area.left() + (j - 0.5) * step
            painter.drawLine(QPointF(x, area.bottom() + 1), QPointF(x, area.bottom() + 4))
            if turned:
                box = QRectF(x - metrics.height() / 2, area.bottom() + 6, metrics.height(), widest)
                _paint_turned(painter, str(j), box, painter.pen().color(), Qt.AlignmentFlag.AlignRight)
            else:
                box = QRectF(x - widest, area.bottom() + 5, 2 * widest, metrics.height())
                painter.drawText(box, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, str(j))
        top = area.bottom() + 7 + (widest if turned else metrics.height() - 2)
        self._paint_axis_name(painter, "j", QRectF(area.left(), top, area.width(), metrics.height() * 1.6))

    def _paint_axis_name(self, painter: QPainter, name: str, area: QRectF) -> None:
        font = QFont(self._label_font())
        font.setItalic(True)
        painter.save()
        painter.setFont(font)
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter, name)
        painter.restore()

    def _paint_bar(self, painter: QPainter, bar: QRectF, muted: QColor, line: QColor) -> None:
        painter.setFont(self._tick_font())
        metrics = QFontMetricsF(self._tick_font())
        painter.setPen(QPen(line, 1))
        painter.drawRect(bar.adjusted(-1, -1, 0, 0))
        painter.setPen(QPen(muted, 1))
        low, high = self.scale.levels
        for value in _bar_ticks(low, high):
            y = bar.bottom() - (value - low) / (high - low) * bar.height()
            painter.drawLine(QPointF(bar.right() + 1, y), QPointF(bar.right() + 4, y))
            box = QRectF(bar.right() + 8, y - metrics.height() / 2, 60, metrics.height())
            painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, _bar_number(value))
        label = QFontMetricsF(self._tick_font()).height()
        box = QRectF(bar.right() + 8 + metrics.horizontalAdvance("0.0") + 6, bar.top(), label, bar.height())
        _paint_turned(painter, f"φ, {self._session.side.words}", box, muted)

    def _title(self) -> str:
        symbol = {Side.A: "<i>A</i>", Side.B: "<i>B</i>"}.get(self._session.side, "Δ<i>W</i>")
        pairs = self._session.shown
        first, second = (number_range(sorted({pair.shape[axis] for pair in pairs})) for axis in (0, 1))
        return (
            f"<i>φ</i>({symbol}<sub><i>r</i>={first}</sub>, {symbol}′<sub><i>r</i>={second}</sub>, "
            "<i>i</i>, <i>j</i>)"
        )

    def _paint_over(self, painter: QPainter) -> None:
        """The cross-hair, at the same i and j in every panel that has them."""
        cell = self._cell
        if cell is None:
            return
        pen = QPen(QColor(255, 255, 255, 150), 1)
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Difference)
        painter.setPen(pen)
        for panel in self.panels:
            if panel.pair is None or not isinstance(panel.outcome, ModuleResult):
                continue
            rows, columns = panel.pair.shape
            if cell.i <= rows:
                y = round(panel.area.top() + (cell.i - 0.5) / rows * panel.area.height())
                painter.drawLine(QPointF(panel.area.left(), y), QPointF(panel.area.right() - 1, y))
            if cell.j <= columns:
                x = round(panel.area.left() + (cell.j - 0.5) / columns * panel.area.width())
                painter.drawLine(QPointF(x, panel.area.top()), QPointF(x, panel.area.bottom() - 1))

    # --- the mouse ---

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        point = self.mapToScene(event.position().toPoint())
        for panel in self.panels:
            found = panel.cell_at(point)
            if found and panel.pair:
                self._set_cell(Cell(panel.pair, *found))
                return
        self._set_cell(None)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._set_cell(None)

    def _set_cell(self, cell: Cell | None) -> None:
        if cell != self._cell:
            self._cell = cell
            self._over.update()
            self.cell_hovered.emit(cell)


class FigureArea(QScrollArea):
    """Scrolls the figure where it is higher than the window."""

    def __init__(self, view: FigureView) -> None:
        super().__init__()
        self._view = view
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(view)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._view.set_viewport_height(self.viewport().height())


class _Layer(QGraphicsItem):
    """A part of the scene that a function paints."""

    def __init__(self, paint: Any, z: float) -> None:
        super().__init__()
        self._paint = paint
        self._area = QRectF()
        self.setZValue(z)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)

    def set_area(self, area: QRectF) -> None:
        self.prepareGeometryChange()
        self._area = area
        self.update()

    def boundingRect(self) -> QRectF:
        return self._area

    def paint(self, painter: QPainter, _option: QStyleOptionGraphicsItem, _widget: QWidget | None = None) -> None:
        painter.save()
        self._paint(painter)
        painter.restore()


def _paint_turned(
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


def _bar_ticks(low: float, high: float) -> list[float]:
    """Eight to ten round numbers from low to high."""
    span = high - low
    step = 10.0 ** np.floor(np.log10(span))
    step = next(s for s in (step / 10, step / 5, step / 2, step, step * 2) if span / s <= 10.5)
    first = np.ceil(low / step - 1e-9) * step
    return [float(first + k * step) for k in range(int((high - first) / step + 1e-9) + 1)]


def _bar_number(value: float) -> str:
    text = f"{value:.3f}".rstrip("0")
    return (text + "0" if text.endswith(".") else text).replace("-", "−")
