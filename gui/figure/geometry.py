"""Where the panels of the figure stand on the screen, in pixels: arithmetic only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF

from engine.figures.layout import PanelLayout
from gui.style.theme import MARGIN

SMALLEST_PANEL = 72.0
LARGEST_PANEL = 960.0


@dataclass(frozen=True)
class TextSizes:
    """Heights and widths of texts in pixels, which margins follow."""

    label: float
    tick: float
    row_number: float
    bar_number: float


@dataclass(frozen=True)
class FigureGeometry:
    """The figure's rectangles. `panels` stand in the order of the pairs, `headings` in the layout's order."""

    layout: PanelLayout
    panels: tuple[QRectF, ...]
    headings: tuple[QRectF, ...]
    title: QRectF
    bar: QRectF
    height: float


def figure_geometry(layouts: Sequence[PanelLayout], width: float, height: float, text: TextSizes) -> FigureGeometry:
    """Fit the best of the layouts into width × height; it is higher where the panels would get too small."""
    width, height = width - 2 * MARGIN, height - 2 * MARGIN
    sides = [_panel_side(layout, width, height, text) for layout in layouts]
    best = max(range(len(layouts)), key=lambda k: sides[k])
    if sides[best] < SMALLEST_PANEL:  # it will scroll: as many to a row as stay legible
        wide = [k for k, layout in enumerate(layouts) if _side_for_width(layout, width, text) >= SMALLEST_PANEL]
        best = max(wide, key=lambda k: layouts[k].columns, default=0)
        side = max(40.0, _side_for_width(layouts[best], width, text))
    else:
        side = min(sides[best], LARGEST_PANEL)
    return _place(layouts[best], float(int(side)), width, height, text)


def _starts(layout: PanelLayout) -> set[int]:
    return {heading.first for heading in layout.headings}


def _left_margin(layout: PanelLayout, text: TextSizes) -> float:
    """Room for the tower and `Layer n`, `i` and the row numbers."""
    return _heading_width(layout, text) + 4 + text.label + text.row_number + 10


def _heading_width(layout: PanelLayout, text: TextSizes) -> float:
    return max(1, layout.heading_lines) * text.label


def _column_gap(text: TextSizes) -> float:
    return text.tick


def _bar_room(text: TextSizes) -> float:
    """Gap, bar, its numbers and its label."""
    return 20 + 16 + 8 + text.bar_number + 6 + text.label


def _margins(layout: PanelLayout, text: TextSizes) -> list[float]:
    """What stands left of each column: a layer's heading and i with its numbers, these alone, or only a gap."""
    starts = _starts(layout)
    numbered = {place.column for place in layout.places if place.is_leftmost}
    margins = []
    for column in range(layout.columns):
        gap = _column_gap(text) if column else 0.0
        if column in starts:
            margins.append(2 * gap + _left_margin(layout, text))
        else:
            margins.append(gap + (text.label + text.row_number + 10 if column in numbered else 0.0))
    return margins


def _side_for_width(layout: PanelLayout, width: float, text: TextSizes) -> float:
    return (width - sum(_margins(layout, text)) - _bar_room(text)) / max(1, layout.columns)


def _row_room(text: TextSizes) -> float:
    """Height of a row besides its panel: the title above and the gap below."""
    return text.label + 6 + text.tick


def _fixed_height(layout: PanelLayout, text: TextSizes) -> float:
    """The figure's title above, the column numbers and j below the rows that have them."""
    return text.label * 2 + len(_ticked_rows(layout)) * _tick_room(text)


def _tick_room(text: TextSizes) -> float:
    """Height of the column numbers and of j."""
    return text.tick * 2 + text.label * 1.4


def _ticked_rows(layout: PanelLayout) -> set[int]:
    return {place.row for place in layout.places if place.is_lowest}


def _tops(layout: PanelLayout, side: float, text: TextSizes) -> list[float]:
    """Where the panels of each row begin, from the top of the first row's titles."""
    ticked, tops, y = _ticked_rows(layout), [], text.label + 6
    for row in range(layout.rows):
        tops.append(y)
        y += side + _row_room(text) + (_tick_room(text) if row in ticked else 0.0)
    return tops


def _panel_side(layout: PanelLayout, width: float, height: float, text: TextSizes) -> float:
    by_height = (height - _fixed_height(layout, text)) / max(1, layout.rows) - _row_room(text)
    return min(by_height, _side_for_width(layout, width, text))


def _place(layout: PanelLayout, side: float, width: float, height: float, text: TextSizes) -> FigureGeometry:
    lefts: list[float] = []
    x = 0.0
    for margin in _margins(layout, text):
        lefts.append(x + margin)
        x += margin + side
    used = (lefts[-1] if lefts else 0.0) + side + _bar_room(text)
    needed = _fixed_height(layout, text) + layout.rows * (side + _row_room(text))
    shift = MARGIN + float(int(max(0.0, (width - used) / 2)))
    top = MARGIN + float(int(max(0.0, (height - needed) / 2))) + text.label * 2
    tops = [float(int(top + y)) for y in _tops(layout, side, text)]
    panels = [QRectF()] * len(layout.places)
    for place in layout.places:
        panels[place.index] = QRectF(shift + lefts[place.column], tops[place.row], side, side)
    headings = tuple(  # a long name may reach into the gaps between the rows
        QRectF(
            shift + lefts[heading.first] - _left_margin(layout, text), tops[heading.row] - text.label,
            _heading_width(layout, text), side + 2 * text.label,
        )
        for heading in layout.headings
    )  # fmt: skip
    bar_top = top + text.label + 6
    bar_height = (tops[-1] - tops[0] if tops else 0.0) + side
    visible = min(bar_height, max(side, height + 2 * MARGIN - bar_top - text.tick * 2))
    return FigureGeometry(
        layout=layout,
        panels=tuple(panels),
        headings=headings,
        title=QRectF(shift, top - text.label * 2, used - _bar_room(text), text.label * 1.6),
        bar=QRectF(shift + used - _bar_room(text) + 20, float(int(bar_top)), 16, float(int(visible))),
        height=needed + 2 * MARGIN,
    )
