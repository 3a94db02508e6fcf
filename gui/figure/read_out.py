"""The line below the figure: what is under the cursor."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from engine.measures.view import View
from engine.measures.views import read_cell
from gui.figure.panel import Cell
from gui.parts.colour_scale import ColourScale
from gui.state.session import Session
from gui.style.texts import number, place_text, projection_html
from gui.style.theme import GRID


class ReadOut(QWidget):
    """The cell under the cursor: layer, projection, i, j, what is coloured, φ, chance, angle.

    Its height never changes.
    """

    def __init__(self, session: Session, scale: ColourScale) -> None:
        super().__init__()
        self._session, self._scale = session, scale
        self.setObjectName("readout")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._text = QLabel()
        self._text.setTextFormat(Qt.TextFormat.RichText)
        self._text.setAccessibleName("Value under the cursor")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2 * GRID, GRID // 2, 2 * GRID, GRID // 2)
        layout.addWidget(self._text)
        self.setFixedHeight(32)
        self._cell: Cell | None = None
        scale.view_changed.connect(self.refresh)
        self.refresh()

    @property
    def text(self) -> str:
        """What it says, as HTML."""
        return self._text.text()

    def show_cell(self, cell: Cell | None) -> None:
        """Read out a cell; nothing for none."""
        self._cell = cell
        self.refresh()

    def refresh(self) -> None:
        """Say what is known now of the cell under the cursor."""
        cell = self._cell
        outcome = self._session.result(cell.pair) if cell else None
        if cell is None or outcome is None:
            shown = self._scale.view.symbol
            self._text.setText(f"<span>Point at a panel to read {shown}</span>" if self._session.results else "")
            return
        path = cell.pair.path
        reading, view = read_cell(outcome.facts, cell.i, cell.j), self._scale.view
        gap = "&nbsp;&nbsp;&nbsp;&nbsp;"
        parts = [
            f"<b>{place_text(path, self._session.document.count_from)}</b>&nbsp; {projection_html(path.projection)}",
            f"<i>i</i> = {cell.i}", f"<i>j</i> = {cell.j}",
        ]  # fmt: skip
        if math.isnan(reading.phi):
            parts.append(f"{view.symbol} is undefined here: past the numerical rank")
        else:
            value = reading.value(view)
            parts.append(f"<b>{view.symbol} = {'undefined' if math.isnan(value) else number(value, view.digits)}</b>")
            if view is not View.PHI:
                parts.append(f"φ = {number(reading.phi)}")
            parts += [f"chance {number(reading.chance)}", f"angle {number(reading.angle, 1)}°"]
        self._text.setText(gap.join(parts))
