"""Where the keys lead in the figure: from cell to cell, and from panel to panel."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt

from gui.figure.panel import Cell, HeatmapPanel

# Arrow keys as steps of i, down, and j, to the right.
CELL_STEPS = {
    Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0), Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1),
}  # fmt: skip
PANEL_STEPS = {Qt.Key.Key_PageUp: -1, Qt.Key.Key_PageDown: 1}


def readable(panels: Sequence[HeatmapPanel]) -> list[HeatmapPanel]:
    """The panels that have numbers of a module."""
    return [panel for panel in panels if panel.pair and panel.facts]


def panel_of(panels: Sequence[HeatmapPanel], cell: Cell | None, pointed: HeatmapPanel | None) -> HeatmapPanel | None:
    """The panel that a cell is in: the one it was pointed at in, as a zoom beside it may show the same module."""
    if cell is None or pointed in panels:
        return pointed if cell is not None else None
    return next((panel for panel in panels if panel.pair == cell.pair), None)


def next_cell(panel: HeatmapPanel, cell: Cell, down: int, right: int) -> Cell | None:
    """The cell a step away; None at the edge, or where hidden cells begin."""
    target = panel.nearest_cell(cell.i + down, cell.j + right)
    is_next = target is not None and abs(target.i - cell.i) + abs(target.j - cell.j) == 1
    return target if is_next else None


def next_panel(panels: Sequence[HeatmapPanel], at: HeatmapPanel | None, by: int) -> HeatmapPanel | None:
    """The readable panel so many further, the first or last at the ends; None where there is none."""
    known = readable(panels)
    if not known:
        return None
    position = known.index(at) + by if at in known else 0
    return known[min(max(position, 0), len(known) - 1)]
