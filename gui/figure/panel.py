"""One panel of the figure: a pooled image that takes new arrays, and what stands in its place while there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt

from engine.comparison.outcome import ModuleResult, Outcome
from engine.figures.presets import FigurePanel
from engine.matching.pairing import ModulePair
from engine.measures.views import View, why_undefined
from engine.naming.module_path import ModulePath
from engine.subspaces.subspace import SubspaceSimilarity
from gui.parts.colour_scale import ColourScale


@dataclass(frozen=True)
class Cell:
    """A cell of a panel: i and j count from 1."""

    pair: ModulePair
    i: int
    j: int


class HeatmapPanel:
    """A module and what is known of it, or a part of it that a preset shows, at a place in the figure."""

    def __init__(self, scene: Any) -> None:
        self.image = pg.ImageItem(axisOrder="row-major")
        self.image.setZValue(1)
        self.image.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        self.image.hide()
        scene.addItem(self.image)
        self.pair: ModulePair | None = None
        self.outcome: Outcome | None = None
        self.part: FigurePanel | None = None
        self.area = QRectF()
        self._placed: tuple[QRectF, object] | None = None  # the area, and the shape of the image that fills it

    @property
    def path(self) -> ModulePath | None:
        """Where its module sits; None for a control."""
        return self.pair.path if self.pair is not None else None

    @property
    def shape(self) -> tuple[int, int]:
        """How many i and j it shows."""
        if self.part is not None:
            return self.part.rows, self.part.columns
        return self.pair.shape if self.pair is not None else (0, 0)

    @property
    def similarity(self) -> SubspaceSimilarity | None:
        """φ, where it is known."""
        if self.part is not None:
            return self.part.similarity
        return self.outcome.similarity if isinstance(self.outcome, ModuleResult) else None

    @property
    def defined(self) -> tuple[int, int]:
        """Up to which i and j φ is defined: the numerical ranks, within what is shown."""
        similarity, (rows, columns) = self.similarity, self.shape
        if similarity is None:
            return 0, 0
        return min(rows, similarity.first.numerical_rank), min(columns, similarity.second.numerical_rank)

    def why_undefined(self, view: View) -> str:
        """Why some of its cells are undefined in a view; empty where none is, or nothing is known."""
        return why_undefined(self.similarity, view, *self.shape) if self.similarity is not None else ""

    def show_outcome(
        self, pair: ModulePair | None, outcome: Outcome | None, scale: ColourScale, part: FigurePanel | None = None
    ) -> None:
        """Show what is known of a pair, or the part of it that is given; nothing for neither."""
        self.pair, self.outcome, self.part = pair, outcome, part
        similarity = self.similarity
        if similarity is not None:
            values = scale.values(similarity)
            if part is not None:
                values = np.where(part.hidden(), np.nan, part.shown(values))
            self.image.setImage(values, autoLevels=False, levels=scale.levels, lut=scale.table)
            self._place()
        self.image.setVisible(similarity is not None)

    def recolour(self, scale: ColourScale) -> None:
        """Take over the scale's colours and range."""
        if self.image.image is None:
            return  # pyqtgraph would keep the levels, and put them in place of those given with the first image
        self.image.setLookupTable(scale.table)
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
        if self.pair is None or self.similarity is None or not self.area.contains(point):
            return None
        rows, columns = self.shape
        i = min(int((point.y() - self.area.top()) / self.area.height() * rows), rows - 1)
        j = min(int((point.x() - self.area.left()) / self.area.width() * columns), columns - 1)
        if self.part is not None and self.part.hidden()[i, j]:
            return None
        return Cell(self.pair, i + 1, j + 1)

    def nearest_cell(self, i: int, j: int) -> Cell | None:
        """The shown cell at i and j, or else near them; None where there is no φ of a module."""
        if self.pair is None or self.similarity is None:
            return None
        rows, columns = self.shape
        i, j = min(max(i, 1), rows), min(max(j, 1), columns)
        if self.is_hidden(i, j):  # the diagonal is shown in both triangles
            i = j = min(i, j)
        return Cell(self.pair, i, j)

    def is_hidden(self, i: int, j: int) -> bool:
        """Whether a cell of its shape is masked."""
        return self.part is not None and bool(self.part.hidden()[i - 1, j - 1])

    def cross_hair(self, cell: Cell) -> list[QRectF]:
        """Where the lines through a cell's i and j run in this panel, one pixel wide; none without φ."""
        if self.similarity is None:
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
