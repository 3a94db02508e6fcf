"""The figure on the screen: pooled panels, their headings and ticks, and the one colour bar."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QMoveEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QRegion,
    QResizeEvent,
)
from PySide6.QtWidgets import QFrame, QToolTip

from engine.comparison.outcome import SideFailure
from engine.figures.plan import PanelSpec
from engine.measures.view import bar_labels, figure_title
from gui.figure.contents import ShownFigure
from gui.figure.geometry import FigureGeometry, figure_geometry
from gui.figure.layer import FigureLayer, bands
from gui.figure.navigation import CELL_STEPS, PANEL_STEPS, next_cell, next_panel, panel_of, readable
from gui.figure.painter import FigurePainter, FigureWords
from gui.figure.panel import Cell, HeatmapPanel
from gui.figure.panel_pool import PanelPool
from gui.parts.colour_scale import ColourScale
from gui.state.notice import Notice, Scope
from gui.state.session import Session
from gui.state.session_values import Progress
from gui.style.pictures import picture_on_paper
from gui.style.texts import title_html
from gui.style.theme import BY_KEYBOARD, CROSS_HAIR, MARGIN, on_paper

_STILL_AFTER = 80  # milliseconds without a change after which what can be seen is kept


class FigureView(pg.GraphicsView):  # type: ignore[misc]
    """The panels and everything written around them. Lays itself out anew when its size or selection changes."""

    cell_hovered = Signal(object)  # Cell or None
    zoom_changed = Signal()
    panel_reached = Signal(object)  # QRectF of the panel that the keyboard went to

    def __init__(self, session: Session, scale: ColourScale) -> None:
        super().__init__(background=None, useOpenGL=False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMouseTracking(True)
        self.setAcceptDrops(False)
        self.viewport().setAcceptDrops(False)
        self.setAccessibleDescription("Arrow keys read cell by cell, Page Up and Down change the panel, Enter zooms")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._session = session
        self._contents = ShownFigure(session, self)
        self._contents.control_ready.connect(self.show_selection)
        self.scale = scale
        self._used = 0
        self._viewport_height = 0
        self._geometry: FigureGeometry | None = None
        self._number_room = 0.0  # beside the bar, in that geometry
        self._cell: Cell | None = None
        self._cell_panel: HeatmapPanel | None = None  # the one that the cell was pointed at in
        self._zoomed: str | None = None  # the slug of the only panel shown
        self._cautioned = ""  # what was said of the range of the paper's figure that is shown
        self._exposed = QRegion()
        self._running = False
        self._painter = FigurePainter(self.font())
        self._still: QPixmap | None = None  # what can be seen without the cross-hair, while nothing else changes
        self._still_area = QRect()
        self._still_timer = QTimer(self)
        self._still_timer.setSingleShot(True)
        self._still_timer.setInterval(_STILL_AFTER)
        self._still_timer.timeout.connect(self._keep_still)
        self._under = FigureLayer(self._paint_under, self._forget_still)
        self.bar_image = pg.ImageItem(axisOrder="row-major")
        self.bar_image.setZValue(1)
        for item in (self._under, self.bar_image):
            self.scene().addItem(item)
        self._pool = PanelPool(self.scene(), self)
        session.pairing_changed.connect(lambda: self._pool.prepare(len(session.comparable)))
        scale.changed.connect(self._on_scale_changed)
        scale.view_changed.connect(self.show_selection)
        session.outcomes_changed.connect(self._on_outcomes)
        session.tasks.progress_changed.connect(self._on_progress)
        session.numbering_changed.connect(self._under.repaint)

    # --- what it shows ---

    @property
    def panels(self) -> Sequence[HeatmapPanel]:
        """The panels in use, in the order of the pairs shown."""
        return self._pool.panels[: self._used]

    def show_selection(self) -> None:
        """Show the session's selected pairs, or the one zoomed into, with what is known of them."""
        if not self._contents.choose(self._zoomed) and self._zoomed is not None:
            self._zoomed = None
            self.zoom_changed.emit()
        self.setAccessibleName(f"Figure: panels of the {self.scale.view.words}")
        shown = self._contents.specs
        self._pool.have(len(shown))
        self._used = len(shown)
        self._fit_scale()
        for panel, spec in zip(self._pool.panels, shown, strict=False):
            self._fill(panel, spec)
        for panel in self._pool.panels[len(shown) :]:
            panel.show(None, None, self.scale)
        self._set_cell(None)
        self.lay_out()

    def _on_outcomes(self, slugs: tuple[str, ...]) -> None:
        changed = set(slugs)
        touched = [panel for panel in self.panels if panel.pair is not None and panel.pair.slug in changed]
        if not touched:
            return
        if self._contents.is_outdated:
            self.show_selection()
            return
        self._fit_scale()
        for panel in touched:
            if panel.spec is not None:
                self._fill(panel, panel.spec)
                self._under.repaint(panel.area)
        if self._geometry is not None:
            self._under.repaint(self._geometry.title)  # where undefined cells are explained

    def _fill(self, panel: HeatmapPanel, spec: PanelSpec) -> None:
        outcome = None if spec.is_control else self._session.outcome(spec.pair)
        failure = outcome.error.reason if isinstance(outcome, SideFailure) else ""
        panel.show(spec, self._contents.facts(spec), self.scale, failure)

    def _on_progress(self, progress: Progress) -> None:
        if progress.running != self._running:
            self._running = progress.running
            for panel in self.panels:
                if panel.facts is None:
                    self._under.repaint(panel.area)

    def _fit_scale(self) -> None:
        paper = self._contents.paper_range
        self.scale.fit(self._contents.values(self.scale), paper.levels)
        caution = paper.caution if self.scale.is_papers else ""
        if caution != self._cautioned:
            if self._cautioned:
                self._session.notices_ended.emit((Scope.FIGURE,))
            self._cautioned = caution
            if caution:
                self._session.notice_raised.emit(Notice.caution(caution, scope=Scope.FIGURE, key="range"))

    def _on_scale_changed(self) -> None:
        for panel in self.panels:
            panel.recolour(self.scale)
        if self._geometry is not None and self._painter.bar_number(self.scale) != self._number_room:
            self.lay_out()  # the numbers of the bar need more room, or less
        self._colour_bar()
        self._under.repaint()

    # --- one panel alone ---

    @property
    def zoomed(self) -> bool:
        """Whether one panel fills the figure."""
        return self._zoomed is not None

    @property
    def alone(self) -> str | None:
        """The slug of the only panel shown, where one fills the figure."""
        return self._zoomed

    def zoom(self, slug: str | None) -> None:
        """Let one panel fill the figure, or show all again for None."""
        if slug != self._zoomed:
            self._zoomed = slug
            self.show_selection()
            self.zoom_changed.emit()

    # --- layout ---

    def set_viewport_height(self, height: int) -> None:
        """How much of it can be seen at once."""
        self._viewport_height = height
        self.lay_out()

    def lay_out(self) -> None:
        """Place everything for the current size."""
        if not self.panels:
            self._geometry = None
            self.setMinimumHeight(0)
            self.bar_image.hide()
        else:
            height = self._viewport_height or self.height()
            texts = self._painter.text_sizes(self._most_rows(), self.scale)
            geometry = figure_geometry(self._contents.layouts(), self.width(), height, texts)
            self._geometry, self._number_room = geometry, texts.bar_number
            for panel, area in zip(self.panels, geometry.panels, strict=True):
                panel.set_area(area)
            self.setMinimumHeight(int(geometry.height) if geometry.height > height else 0)
            self._colour_bar()
        area = QRectF(0, 0, self.width(), max(self.height(), self._geometry.height if self._geometry else 0))
        self._under.set_area(area)

    def _most_rows(self) -> int:
        return max((panel.shape[0] for panel in self.panels), default=1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if hasattr(self, "_under"):  # pyqtgraph resizes once while it is being made
            self.lay_out()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange) and hasattr(self, "_under"):
            self._painter.set_font(self.font())
            self.lay_out()
            self._under.repaint()

    def _colour_bar(self) -> None:
        if self._geometry is None:
            return
        low, high = self.scale.levels
        column = np.linspace(high, low, len(self.scale.table)).reshape(-1, 1)
        self.bar_image.setImage(column, autoLevels=False, levels=self.scale.levels, lut=self.scale.table)
        self.bar_image.setRect(self._geometry.bar)
        self.bar_image.show()

    # --- painting ---

    def paintEvent(self, event: QPaintEvent) -> None:
        region = event.region()
        if self._still is not None and self._still_area.contains(region.boundingRect()):
            painter = QPainter(self.viewport())
            painter.drawPixmap(self._still_area.topLeft(), self._still)  # Qt clips it to the region
        else:
            self._exposed = region
            super().paintEvent(event)
            painter = QPainter(self.viewport())
        self._paint_cross_hair(painter, region)
        painter.end()

    def _forget_still(self) -> None:
        """Something besides the cross-hair changes; it is kept again when that is over."""
        self._still = None
        self._still_timer.start()

    def _keep_still(self) -> None:
        """Keep what can be seen, so that the cross-hair moves over it without painting the panels anew."""
        area = self.visibleRegion().boundingRect()
        if not area.isEmpty():
            self._still, self._still_area = self.picture(area), area

    def moveEvent(self, event: QMoveEvent) -> None:
        super().moveEvent(event)
        self._forget_still()  # scrolled: something else can be seen

    def _paint_under(self, painter: QPainter) -> None:
        if self._geometry is not None:
            view, side = self.scale.view, self._session.document.side
            title = figure_title(view, side, [pair.shape for pair in self._session.shown])
            words = FigureWords(
                title_html(title),
                bar_labels(view, side),
                "waiting" if self._session.tasks.progress.running else "not computed",
                self._session.document.count_from,
            )
            self._painter.paint(painter, self._exposed, self._geometry, self.panels, words, self.scale)

    def _paint_cross_hair(self, painter: QPainter, region: QRegion) -> None:
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Difference)
        painter.setPen(QPen(Qt.PenStyle.NoPen))
        painter.setBrush(CROSS_HAIR)
        for line in self._cross_hair(self._cell, QRectF(region.boundingRect())):
            if region.intersects(line.toAlignedRect()):
                painter.drawRect(line)

    def _cross_hair(self, cell: Cell | None, within: QRectF) -> list[QRectF]:
        """The lines through one i and j in every panel that has them and meets `within`."""
        if cell is None:
            return []
        return [line for panel in self.panels if panel.area.intersects(within) for line in panel.cross_hair(cell)]

    def picture(self, area: QRect | None = None) -> QPixmap:
        """The figure, or a part of it, as it is shown, but for the cross-hair."""
        cell, self._cell = self._cell, None
        picture: QPixmap = self.grab() if area is None else self.grab(area)
        self._cell = cell
        return picture

    def picture_on_paper(self) -> QImage:
        """All of the figure, also what has to be scrolled to, for a paper."""
        geometry = self._geometry
        if geometry is None:
            return QImage()
        left, top = geometry.title.left() - MARGIN, geometry.title.top() - MARGIN
        extent = QRectF(left, top, self.width() - 2 * left, geometry.height)
        self._exposed = QRegion(extent.toAlignedRect())
        with on_paper():
            return picture_on_paper(
                extent.size(), lambda painter: self.scene().render(painter, QRectF(QPointF(), extent.size()), extent)
            )

    # --- mouse and keyboard ---

    def viewportEvent(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            name = self._painter.name_cut_at(self.panels, self.mapToScene(event.pos()))
            QToolTip.showText(event.globalPos(), f"<p style='white-space:pre'>{name}</p>" if name else "", self)
            return True
        return bool(super().viewportEvent(event))

    def _panel_at(self, point: QPointF) -> HeatmapPanel | None:
        return next((panel for panel in self.panels if panel.area.contains(point)), None)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        point = self.mapToScene(event.position().toPoint())
        panel = self._panel_at(point)
        self._set_cell(panel.cell_at(point) if panel else None, panel)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        panel = self._panel_at(self.mapToScene(event.position().toPoint()))
        if self.zoomed:
            self.zoom(None)
        elif panel is not None and panel.pair is not None:
            self.zoom(panel.pair.slug)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in CELL_STEPS:
            self._step_cell(*CELL_STEPS[Qt.Key(event.key())])
        elif event.key() in PANEL_STEPS:
            self._step_panel(PANEL_STEPS[Qt.Key(event.key())])
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._cell is not None:
            self.zoom(None if self.zoomed else self._cell.pair.slug)
        else:
            event.ignore()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if event.reason() in BY_KEYBOARD and self._cell is None:
            self._step_panel(0)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() in BY_KEYBOARD:
            self._set_cell(None)

    def first_cell(self) -> Cell | None:
        """The cell pointed at, or else the first one of the first panel that has φ."""
        first = next((panel.pair for panel in readable(self.panels)), None)
        return self._cell or (Cell(first, 1, 1) if first is not None else None)

    def _step_cell(self, down: int, right: int) -> None:
        """Move the cross-hair by cells; it enters at the first one."""
        cell, panel = self._cell, panel_of(self.panels, self._cell, self._cell_panel)
        if cell is None:
            self._step_panel(0)
        elif panel is not None and (target := next_cell(panel, cell, down, right)) is not None:
            self._set_cell(target, panel)

    def _step_panel(self, by: int) -> None:
        """Move the cross-hair to the same i and j of another panel that has φ."""
        cell = self._cell
        panel = next_panel(self.panels, panel_of(self.panels, cell, self._cell_panel), by)
        if panel is not None:
            self._set_cell(panel.nearest_cell(*((cell.i, cell.j) if cell is not None else (1, 1))), panel)
            self.panel_reached.emit(panel.area)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._set_cell(None)

    def _set_cell(self, cell: Cell | None, panel: HeatmapPanel | None = None) -> None:
        self._cell_panel = panel
        if cell == self._cell:
            return
        before, self._cell = self._cell, cell
        visible = QRectF(self.visibleRegion().boundingRect())
        for lines in (self._cross_hair(before, visible), self._cross_hair(cell, visible)):
            for band in bands(lines):
                self.viewport().update(band.toAlignedRect())
        self.cell_hovered.emit(cell)
