"""Where everything in a figure for a paper stands, in inches, so that a venue's width holds text of its size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.figures.colour_bar import bar_ticks
from engine.figures.contents import FigureContents, figure_levels, legend
from engine.figures.layout import PANELS_PER_ROW, PanelLayout
from engine.figures.notation import text_width
from engine.figures.style import FigureStyle

POINTS = 72.0
# Sides of a panel in inches: where the width is free, what is still read with ease, and what is refused.
_FREE_PANEL, _SMALLEST_READABLE, _SMALLEST_PANEL = 1.75, 0.6, 0.3
# What a page of a paper has room for, with a caption below.
PAGE_HEIGHT = 9.0
# Ticks that are this close, as a share of the bar, are the most that a bar ever has: their numbers are the longest.
_CLOSEST_NUMBERS = 0.05


@dataclass(frozen=True)
class Measures:
    """Sizes in inches that follow from the width and the text sizes.

    `lefts` are those of the columns, `tops` those of the rows, `gap` is the least between two rows, `bottom` the
    room below the last row.
    """

    panel: float
    lefts: tuple[float, ...]
    tops: tuple[float, ...]
    width: float
    gap: float
    bottom: float
    bar_gap: float
    bar_width: float
    right: float

    @property
    def inner(self) -> float:
        """Height of all panels, which is that of the bar."""
        return self.tops[-1] + self.panel - self.tops[0]


@dataclass(frozen=True, eq=False)
class LaidOutFigure:
    """A figure's contents, and where its panels stand."""

    contents: FigureContents
    layout: PanelLayout


def laid_out(contents: FigureContents, style: FigureStyle) -> LaidOutFigure:
    """The panels in the paper's rows of four, or in shorter ones where the width makes those too small to read."""
    plan = contents.plan
    number = _longest_number(contents, style)
    layout = PanelLayout(0, 0, (), ())
    for layout in plan.layouts(1, PANELS_PER_ROW, broken=not plan.paper):
        if _panel_size(layout, style, number) >= _SMALLEST_READABLE:
            break
    return LaidOutFigure(contents, layout)


def measure(figure: LaidOutFigure, style: FigureStyle) -> Measures:
    """Place the panels of a figure and its bar.

    Raises:
        ValueError: there are no panels, or the width leaves no room for them.
    """
    layout = figure.layout
    if not layout.places:
        raise ValueError("a figure needs at least one panel")
    number = _longest_number(figure.contents, style)
    label, tick = style.label_size / POINTS, style.tick_size / POINTS
    panel = _panel_size(layout, style, number)
    if panel < _SMALLEST_PANEL:
        raise ValueError(f"{style.width} inches are too narrow for {layout.columns} panels in a row")
    margins = _margins(layout, style)
    lefts = tuple(sum(margins[: column + 1]) + column * panel for column in range(layout.columns))
    bar_gap, bar_width, right = _bar_room(style, number)
    title = 2.0 * label if style.titles else 0.6 * label
    return Measures(
        panel=panel,
        lefts=lefts,
        width=lefts[-1] + panel + bar_gap + bar_width + right,
        gap=title + 0.6 * tick,
        tops=tuple(_tops(layout, style, panel, 0.08 + 1.7 * label + title, title + 0.6 * tick)),
        bottom=_column_room(layout, style, layout.rows - 1),
        bar_gap=bar_gap,
        bar_width=bar_width,
        right=right,
    )


def figure_size(figure: LaidOutFigure, style: FigureStyle) -> tuple[float, float]:
    """Width and height that a figure has when it is drawn.

    Raises:
        ValueError: there are no panels, or the width leaves no room for them.
    """
    measures = measure(figure, style)
    return measures.width, figure_height(measures, len(legend(figure.contents, style)), style)


def figure_height(measures: Measures, explained: int, style: FigureStyle) -> float:
    """Height of the figure with so many explanations below its panels."""
    room = (0.6 + 1.6 * explained) * style.tick_size / POINTS if explained else 0.0
    return measures.tops[0] + measures.inner + measures.bottom + room


def heading_room(layout: PanelLayout, label: float) -> float:
    """Width of the layers' headings, turned, for letters of this height."""
    return (0.3 + 1.2 * layout.heading_lines) * label


def _margins(layout: PanelLayout, style: FigureStyle) -> list[float]:
    """What stands left of each column: a layer's heading and i with its numbers, these alone, or only a gap."""
    label, tick = style.label_size / POINTS, style.tick_size / POINTS
    headed = {heading.first for heading in layout.headings if heading.lines()} if style.headings else set()
    ticked = {place.column for place in layout.places if place.is_leftmost}
    margins = []
    for column in range(layout.columns):
        gap = 1.6 * tick if column else 0.0
        heading = heading_room(layout, label) if column in headed else 0.0
        margins.append(gap + heading + (1.2 * label + 2.2 * tick if column in ticked else 0.0))
    return margins


def _longest_number(contents: FigureContents, style: FigureStyle) -> int:
    """How many characters the longest number beside the bar may have."""
    ticks = bar_ticks(figure_levels(contents, style), style.view, _CLOSEST_NUMBERS)
    return max(len(tick.text) for tick in ticks)


def _bar_room(style: FigureStyle, number: int) -> tuple[float, float, float]:
    """Gap before the bar, its width, and the room for its numbers and label."""
    tick = style.tick_size / POINTS
    return (
        1.6 * tick,
        1.5 * tick,
        max(4.0 * tick, 1.5 * tick + text_width("0" * number, style.tick_size)) + 1.4 * tick,
    )


def _panel_size(layout: PanelLayout, style: FigureStyle, number: int) -> float:
    if style.width is None:
        return _FREE_PANEL
    return (style.width - sum(_margins(layout, style)) - sum(_bar_room(style, number))) / max(1, layout.columns)


def _tops(layout: PanelLayout, style: FigureStyle, panel: float, first: float, gap: float) -> Iterator[float]:
    top = first
    for row in range(layout.rows):
        yield top
        top += panel + gap + _column_room(layout, style, row)


def _column_room(layout: PanelLayout, style: FigureStyle, row: int) -> float:
    """Room under a row for the numbers of j and its name, where a panel of it has them."""
    needed = any(place.is_lowest and place.row == row for place in layout.places)
    return (2.4 * style.tick_size + 1.9 * style.label_size) / POINTS if needed else 0.0
