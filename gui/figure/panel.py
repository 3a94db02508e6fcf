"""One panel of the figure: a pooled image that takes new arrays, and what stands in its place while there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt

from engine.figures.contents import hidden_cells
from engine.figures.plan import Mask, PanelSpec
from engine.matching.pairing import ModulePair
from engine.measures.view import View
from engine.measures.views import why_undefined
from engine.naming.module_path import ModulePath
from engine.subspaces.facts import SideFacts
from gui.parts.colour_scale import ColourScale


@dataclass(frozen=True)
class Cell:
    """A cell of a panel: i and j count from 1."""

    pair: ModulePair
    i: int
    j: int


class HeatmapPanel:
    """A panel of the plan, and what is known of it, at a place in the figure."""

    def __init__(self, scene: Any) -> None:
        self.image = pg.ImageItem(axisOrder="row-major")
        self.image.setZValue(1)
        self.image.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        self.image.hide()
        scene.addItem(self.image)
        self.spec: PanelSpec | None = None
        self.facts: SideFacts | None = None
        self.failure = ""
        self.area = QRectF()
        self._placed: tuple[QRectF, object] | None = None  # the area, and the shape of the image that fills it

    @property
    def pair(self) -> ModulePair | None:
        """The pair that it shows; None for a control."""
        return None if self.spec is None or self.spec.is_control else self.spec.pair

    @property
    def path(self) -> ModulePath | None:
        """Where its module sits; None for a control."""
        return self.spec.path if self.spec is not None else None

    @property
    def shape(self) -> tuple[int, int]:
        """How many i and j it shows."""
        return self.spec.shape if self.spec is not None else (0, 0)

    @property
    def defined(self) -> tuple[int, int]:
        """Up to which i and j φ is defined: the numerical ranks, within what is shown."""
        facts, (rows, columns) = self.facts, self.shape
        if facts is None:
            return 0, 0
        return min(rows, facts.first.numerical_rank), min(columns, facts.second.numerical_rank)

    def why_undefined(self, view: View) -> str:
        """Why some of its cells are undefined in a view; empty where none is, or nothing is known."""
        return why_undefined(self.facts, view, *self.shape) if self.facts is not None else ""

    def show(self, spec: PanelSpec | None, facts: SideFacts | None, scale: ColourScale, failure: str = "") -> None:
        """Show what is known of a panel, or why nothing will be; nothing at all for no panel."""
        self.spec, self.facts, self.failure = spec, facts, failure
        if spec is not None and facts is not None:
            values = spec.shown(scale.values(facts))
            if spec.mask is not Mask.NONE:
                values = np.where(hidden_cells(spec), np.nan, values)
            self.image.setImage(values, autoLevels=False, levels=scale.levels, lut=scale.table)
            self._place()
        self.image.setVisible(facts is not None)

    def recolour(self, scale: ColourScale) -> None:
        """Take over the scale's colours and range."""
        if self.image.image is None:
            return  # pyqtgraph would keep the levels, and put them in place of those given with the first image
        self.image.setLookupTable(scale.table, update=False)
        self.image.setLevels(scale.levels)

    def set_area(self, area: QRectF) -> None:
        """Where the panel's cells stand, in pixels."""
        self.area = area
        if self.image.image is not None:
            self._place()

    def _place(self) -> None:
        wanted = self.area, self.image.image.shape
        if wanted != self._placed:
            self._placed = wanted
            self.image.setRect(self.area)

    def cell_at(self, point: QPointF) -> Cell | None:
        """The cell under a point, None where it is outside, hidden, or there is no φ of a module."""
        if self.pair is None or self.facts is None or not self.area.contains(point):
            return None
        rows, columns = self.shape
        i = min(int((point.y() - self.area.top()) / self.area.height() * rows), rows - 1)
        j = min(int((point.x() - self.area.left()) / self.area.width() * columns), columns - 1)
        if self.is_hidden(i + 1, j + 1):
            return None
        return Cell(self.pair, i + 1, j + 1)

    def nearest_cell(self, i: int, j: int) -> Cell | None:
        """The shown cell at i and j, or else near them; None where there is no φ of a module."""
        if self.pair is None or self.facts is None:
            return None
        rows, columns = self.shape
        i, j = min(max(i, 1), rows), min(max(j, 1), columns)
        if self.is_hidden(i, j):  # the diagonal is shown in both triangles
            i = j = min(i, j)
        return Cell(self.pair, i, j)

    def is_hidden(self, i: int, j: int) -> bool:
        """Whether a cell of its shape is masked."""
        return self.spec is not None and self.spec.hides(i, j)

    def cross_hair(self, cell: Cell) -> list[QRectF]:
        """Where the lines through a cell's i and j run in this panel, one pixel wide; none without φ."""
        if self.facts is None:
            return []
        rows, columns = self.shape
        area, lines = self.area, []
        if cell.i <= rows:
            y = round(area.top() + (cell.i - 0.5) / rows * area.height())
            lines.append(QRectF(area.left(), y, area.width(), 1))
        if cell.j <= columns:
            x = round(area.left() + (cell.j - 0.5) / columns * area.width())
            lines.append(QRectF(x, area.top(), 1, area.height()))
        return lines
