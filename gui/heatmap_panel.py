"""One panel of the figure: a pooled image that takes new arrays, and what stands in its place while there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt

from engine.outcome import ModuleResult, Outcome
from engine.pairing import ModulePair
from gui.colour_scale import ColourScale


@dataclass(frozen=True)
class Cell:
    """A cell of a panel: i and j count from 1."""

    pair: ModulePair
    i: int
    j: int


class HeatmapPanel:
    """A pair of modules and what is known of it, at a place in the figure."""

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
            values = scale.values(outcome.similarity)
            self.image.setImage(values, autoLevels=False, levels=scale.levels, lut=scale.table)
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

    def cell_at(self, point: QPointF) -> Cell | None:
        """The cell under a point, None where it is outside or there is no φ yet."""
        if self.pair is None or not isinstance(self.outcome, ModuleResult) or not self.area.contains(point):
            return None
        rows, columns = self.pair.shape
        i = int((point.y() - self.area.top()) / self.area.height() * rows)
        j = int((point.x() - self.area.left()) / self.area.width() * columns)
        return Cell(self.pair, min(i, rows - 1) + 1, min(j, columns - 1) + 1)

    def cross_hair(self, cell: Cell) -> list[QRectF]:
        """Where the lines through a cell's i and j run in this panel, one pixel wide; none without φ."""
        if self.pair is None or not isinstance(self.outcome, ModuleResult):
            return []
        rows, columns = self.pair.shape
        area, lines = self.area, []
        if cell.i <= rows:
            y = round(area.top() + (cell.i - 0.5) / rows * area.height())
            lines.append(QRectF(area.left(), y, area.width(), 1))
        if cell.j <= columns:
            x = round(area.left() + (cell.j - 0.5) / columns * area.width())
            lines.append(QRectF(x, area.top(), 1, area.height()))
        return lines
