"""The mosaic of the atlas: a small picture or a coloured number for every module."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFont,
    QFontMetricsF,
    QHideEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QRegion,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QWidget,
)

from engine.comparison.outcome import SideFailure, SideResult
from engine.figures.colour_range import counted_range
from engine.matching.pairing import ModulePair
from engine.measures.summary import Summary, summary, thumbnail
from gui.atlas.geometry import AtlasGeometry, AtlasPlace, atlas_geometry
from gui.parts.colour_scale import Colouring, ColourScale
from gui.state.session import Session
from gui.style.rich_text import RichTextPainter
from gui.style.texts import number, projection_html
from gui.style.theme import BY_KEYBOARD, GRID, SMALL_TEXT, current_colours

_CELLS = 32  # of a thumbnail, along one side
_NUMBER_ROOM = 34  # pixels that a module needs for its number to be written into it
# Arrow keys as steps down the rows and along the columns.
_STEPS = {
    Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0), Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1),
}  # fmt: skip


class Mosaic(QWidget):
    """One small picture, or one coloured number, for every module that can be compared."""

    module_hovered = Signal(object)  # ModulePair or None: under the mouse, or where the keyboard is
    module_reached = Signal(object)  # QRectF of the module that the keyboard went to
    module_chosen = Signal(object)  # ModulePair

    def __init__(self, session: Session, scale: ColourScale) -> None:
        super().__init__()
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Atlas: every layer and projection")
        self._keys = "Arrow keys, Home and End go from module to module, Enter shows one in the grid."
        self.setAccessibleDescription(self._keys)
        self._session, self._scale = session, scale
        self._summary: Summary | None = None
        self._k = 1
        self._own: Colouring | None = None  # of what is shared, which is no value of a view
        self._at: dict[AtlasPlace, ModulePair] = {}
        self._places: dict[str, AtlasPlace] = {}  # by slug
        self._pictures: dict[str, QImage] = {}
        self._geometry: AtlasGeometry | None = None
        self._hovered: ModulePair | None = None
        self._left_at: AtlasPlace | None = None  # where the keyboard goes on
        self._rich = RichTextPainter()
        scale.changed.connect(self.refresh)
        scale.view_changed.connect(self.refresh)

    @property
    def geometry_shown(self) -> AtlasGeometry | None:
        """Where the modules stand; None while there are none."""
        return self._geometry

    @property
    def pointed_at(self) -> ModulePair | None:
        """The module under the mouse, or where the keyboard is."""
        return self._hovered

    def show_summary(self, which: Summary | None, k: int) -> None:
        """Show a number for each module, or thumbnails for None."""
        self._summary, self._k = which, k
        self.refresh()

    def refresh(self) -> None:
        """Show every module that can be compared anew."""
        self._pictures.clear()
        self._own = self._own_colouring()
        self._lay_out()
        self.update()
        if self._hovered is not None and self._hovered not in self._session.comparable:
            self._left_at = None
            self._hover(None)  # a module of the pair before

    def update_modules(self, slugs: Sequence[str]) -> None:
        """Show what has become known of these modules."""
        for slug in slugs:
            self._pictures.pop(slug, None)
        own = self._own_colouring()
        if own is not None and (self._own is None or own.levels != self._own.levels):
            self._own = own
            self._pictures.clear()
        self.update()

    def _own_colouring(self) -> Colouring | None:
        if self._summary is not Summary.SHARED:
            return None
        shared = np.array([self._number(result, Summary.SHARED) for result in self._session.results])
        return Colouring(self._scale.sequential, counted_range(shared) if shared.size else (0.0, 1.0))

    def describe(self, said: str) -> None:
        """Tell a screen reader what is said of the module pointed at; the keys where none is."""
        self.setAccessibleDescription(said or self._keys)

    def value(self, pair: ModulePair) -> float:
        """The number that stands for a module; NaN while it is not known."""
        result = self._session.result(pair)
        which = self._summary or Summary.MEAN
        return self._number(result, which) if result is not None else float("nan")

    @property
    def colouring(self) -> Colouring:
        """The colours of what is shown: those of the panels for values of their view; what is shared has its own."""
        return self._own or self._scale.colouring

    @property
    def digits(self) -> int:
        """Decimals of the numbers in the cells."""
        if self._own is not None:
            return 1 if self._own.levels[1] >= 10 else 2
        return self._scale.view.few_digits

    def _number(self, result: SideResult, which: Summary) -> float:
        return summary(result.facts, self._scale.view, which, self._k)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out()

    def _lay_out(self) -> None:
        pairs = self._session.comparable
        if not pairs:
            self._geometry, self._at, self._places = None, {}, {}
            self.setMinimumHeight(0)
            return
        paths = [pair.path for pair in pairs]
        names = {(path.tower, path.projection) for path in paths}
        left = max(self._name_width(tower, projection) for tower, projection in names) + 2 * GRID
        top = QFontMetricsF(self.font()).height() + GRID
        self._geometry = atlas_geometry(
            paths, self.width() - 2 * GRID, self._room(), left, top, self._session.document.count_from
        )  # fmt: skip
        self._at = dict(zip(self._geometry.places, pairs, strict=True))
        self._places = {pair.slug: place for place, pair in self._at.items()}
        self.setMinimumHeight(int(self._geometry.size[1]))

    def _room(self) -> float:
        """The height that can be seen at once."""
        parent = self.parentWidget()
        return parent.height() if parent is not None else self.height()

    def _name_width(self, tower: str, projection: str) -> float:
        return self._rich.width(row_html(tower, projection), self.font())

    # --- painting ---

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        self.paint_modules(painter, event.region())
        if self._geometry is not None:
            self._paint_ring(painter, self._geometry)

    def paint_modules(self, painter: QPainter, exposed: QRegion) -> None:
        """Paint what meets `exposed`, in its own coordinates, but for the ring around the module pointed at."""
        geometry = self._geometry
        if geometry is None:
            return
        small = QFont(self.font())
        small.setPointSizeF(small.pointSizeF() * SMALL_TEXT)
        painter.setFont(small)
        for place, pair in self._at.items():
            area = geometry.area(place)
            if exposed.intersects(_with_ring(area)):
                self._paint_module(painter, pair, area)
        self._paint_names(painter, geometry, small)

    def _paint_module(self, painter: QPainter, pair: ModulePair, area: QRectF) -> None:
        colours = current_colours()
        outcome = self._session.outcome(pair)
        if isinstance(outcome, SideResult):
            painter.drawImage(area, self._picture(outcome))
            value = self.value(pair)
            if self._summary is not None and area.width() >= _NUMBER_ROOM:
                painter.setPen(_readable(self.colouring.colour(value)))
                painter.drawText(area, Qt.AlignmentFlag.AlignCenter, number(value, self.digits))
        else:
            painter.fillRect(area, QColor(colours.raised))
            if isinstance(outcome, SideFailure):
                painter.setPen(QColor(colours.error))
                painter.drawText(area, Qt.AlignmentFlag.AlignCenter, "!")

    def _paint_ring(self, painter: QPainter, geometry: AtlasGeometry) -> None:
        """Around the module pointed at: light beside dark, it shows on every colour map."""
        place = self._place_of(self._hovered)
        if place is not None:
            colours, area = current_colours(), geometry.area(place)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            for colour, width, inset in ((colours.surface, 1, 1.5), (colours.text, 2, 0.0)):
                painter.setPen(QPen(QColor(colour), width))
                painter.drawRect(area.adjusted(inset, inset, -inset, -inset))

    def _picture(self, result: SideResult) -> QImage:
        slug = result.pair.slug
        if slug not in self._pictures:
            if self._summary is None:
                values = thumbnail(self._scale.values(result.facts), _CELLS)
            else:
                values = np.full((1, 1), self._number(result, self._summary))
            self._pictures[slug] = self.colouring.image(values)
        return self._pictures[slug]

    def _paint_names(self, painter: QPainter, geometry: AtlasGeometry, small: QFont) -> None:
        text, muted = QColor(current_colours().text), QColor(current_colours().muted)
        metrics = QFontMetricsF(small)
        widest = max(metrics.horizontalAdvance(name) for name in geometry.column_names) + GRID
        step = max(1, int(-(-widest // geometry.side)))
        for band in range(geometry.bands):
            top = geometry.band_top(band)
            for row, (tower, projection) in enumerate(geometry.row_names):
                box = QRectF(0, top + row * geometry.side, geometry.left - GRID, geometry.side)
                self._rich.paint(
                    painter, row_html(tower, projection), box, self.font(), text, Qt.AlignmentFlag.AlignRight
                )
            painter.setFont(small)
            painter.setPen(muted)
            first = band * geometry.per_band
            for column in range(first, min(first + geometry.per_band, len(geometry.column_names)), step):
                centre = geometry.area(AtlasPlace(0, column)).center().x()
                box = QRectF(centre - widest, top - metrics.height() - 2, 2 * widest, metrics.height())
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, geometry.column_names[column])

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange):
            self.refresh()

    # --- mouse and keyboard ---

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place = self._geometry.place_at(event.position()) if self._geometry else None
        self._hover(self._at.get(place) if place else None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton and self._hovered is not None:
            self.module_chosen.emit(self._hovered)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hover(None)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if event.reason() in BY_KEYBOARD and self._hovered is None:
            self._go_to(self._left_at or self._first_place())

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() in BY_KEYBOARD:
            self._hover(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        place = self._place_of(self._hovered)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self._hovered is not None:
            self.module_chosen.emit(self._hovered)
        elif event.key() in _STEPS and place is None:
            self._go_to(self._left_at or self._first_place())
        elif event.key() in _STEPS and place is not None:
            self._go_to(self._beside(place, *_STEPS[Qt.Key(event.key())]))
        elif event.key() in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self._go_to(self._end_of_row(place, last=event.key() == Qt.Key.Key_End))
        else:
            event.ignore()

    def _first_place(self) -> AtlasPlace | None:
        return min(self._at, key=lambda place: (place.row, place.column), default=None)

    def _place_of(self, pair: ModulePair | None) -> AtlasPlace | None:
        return self._places.get(pair.slug) if pair is not None else None

    def _beside(self, place: AtlasPlace, down: int, right: int) -> AtlasPlace:
        """The next place with a module in a direction; down the last row of a band follows the next band."""
        geometry = self._geometry
        if geometry is None:
            return place
        row, column, rows = place.row, place.column, len(geometry.row_names)
        while 0 <= column < len(geometry.column_names):
            column += right
            band, row = divmod(row + down, rows)
            column += band * geometry.per_band
            if AtlasPlace(row, column) in self._at:
                return AtlasPlace(row, column)
        return place

    def _end_of_row(self, place: AtlasPlace | None, *, last: bool) -> AtlasPlace | None:
        """The first or last module of a projection; of the first one where none is pointed at."""
        start = place or self._first_place()
        row = [other for other in self._at if start is not None and other.row == start.row]
        return (max if last else min)(row, key=lambda other: other.column, default=None)

    def _go_to(self, place: AtlasPlace | None) -> None:
        if place is not None and self._geometry is not None:
            self._hover(self._at[place])
            self.module_reached.emit(self._geometry.area(place))

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._hover(None)

    def _hover(self, pair: ModulePair | None) -> None:
        if pair == self._hovered:
            return
        before, self._hovered = self._hovered, pair
        self.setCursor(Qt.CursorShape.PointingHandCursor if pair else Qt.CursorShape.ArrowCursor)
        for place in map(self._place_of, (before, pair)):
            if place is not None and self._geometry is not None:
                self._left_at = place
                self.update(_with_ring(self._geometry.area(place)))
        self.module_hovered.emit(pair)


def _with_ring(area: QRectF) -> QRect:
    """A module's pixels, with those of the ring around it."""
    return area.adjusted(-2, -2, 2, 2).toAlignedRect()


def row_html(tower: str, projection: str) -> str:
    """The name of a row: its tower, and ΔW with its projection."""
    return (f"{tower}&nbsp; " if tower else "") + projection_html(projection)


def _readable(ground: QColor) -> QColor:
    """Black or white, whichever reads better on a ground."""
    return QColor("#000000") if ground.lightnessF() > 0.55 else QColor("#ffffff")
