"""Figures for papers, drawn anew with matplotlib from stored arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, BinaryIO

import numpy as np
from matplotlib import style as mpl_style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize, to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from engine.checkpoints.storage_types import Float64Array
from engine.figures.arrangement import (
    POINTS,
    LaidOutFigure,
    Measures,
    figure_height,
    heading_room,
    measure,
)
from engine.figures.colour_bar import bar_marks, bar_ticks
from engine.figures.colour_maps import UNDEFINED_COLOUR
from engine.figures.colour_range import COLUMN_LABELS, ROW_LABELS, colour_table, tick_positions
from engine.figures.contents import (
    LegendEntry,
    chance_line,
    figure_levels,
    hidden_cells,
    legend,
    line_at_chance,
    shown_arrays,
)
from engine.figures.layout import PanelLayout, PanelPlace
from engine.figures.notation import FigureText, letter, projection_math, text_width
from engine.figures.plan import FigurePlan, PanelSpec
from engine.figures.style import FigureStyle
from engine.measures.view import CHANCE_SD
from engine.subspaces.facts import SideFacts

_HIDDEN_COLOUR = "#e9e7f1"
# pixels along one side that matplotlib can draw
_LARGEST_SIDE = 2**16 - 1

_RC: Mapping[str, object] = {
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
    "svg.hashsalt": "phiscope",
    "mathtext.fontset": "cm",
    "font.family": "DejaVu Sans",
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
}


def draw_figure(laid_out: LaidOutFigure, text: FigureText, style: FigureStyle) -> Figure:
    """Draw the panels of a figure with one shared colour bar.

    Raises:
        ValueError: there are no panels, or the width leaves no room for them.
    """
    contents, layout, measures = laid_out.contents, laid_out.layout, measure(laid_out, style)
    arrays, levels = shown_arrays(contents, style), figure_levels(contents, style)
    table = colour_table(style.colours, levels)
    explained = legend(contents, style)
    width, height = measures.width, figure_height(measures, len(explained), style)
    with _own_settings():
        figure = Figure(figsize=(width, height), dpi=style.dpi, facecolor="white")
        FigureCanvasAgg(figure)
        canvas = _Canvas(figure, width, height)
        title_size = _title_size(contents.plan, measures.panel, style)
        for number, place in enumerate(layout.places):
            axes = canvas.axes(
                measures.lefts[place.column], measures.tops[place.row], measures.panel, measures.panel
            )  # fmt: skip
            panel, facts = contents.panels[place.index]
            _draw_panel(axes, panel, arrays[place.index], table, levels)
            if style.chance:
                _draw_chance_line(axes, panel, facts, line_at_chance(style.view, levels, table)[1])
            if style.titles:
                lettered = f"({letter(number)}) " if style.letters else ""
                title = lettered + _panel_title(panel, measures.panel, style)
                axes.set_title(title, fontsize=title_size, pad=3)
            _draw_axes(axes, panel, place, measures, style)
        if style.headings:
            _draw_headings(canvas, layout, measures, style)
        centre = measures.lefts[0] / 2 + (measures.width - measures.right) / 2
        canvas.title(centre, 0.08, text.title, style.label_size * 1.2)
        _draw_bar(canvas, measures, table, levels, text, style)
        _draw_legend(canvas, explained, measures, style)
    return figure


def save_figure(figure: Figure, target: BinaryIO, kind: str, style: FigureStyle, metadata: Mapping[str, Any]) -> None:
    """Write a figure as `png`, `pdf` or `svg` with provenance inside and fonts that publishers accept.

    The same figure gives the same bytes; SOURCE_DATE_EPOCH sets the date in them.

    Raises:
        ValueError: it has more pixels than a PNG can be drawn with.
    """
    largest = max(figure.get_size_inches())
    if kind == "png" and largest * style.dpi > _LARGEST_SIDE:
        raise ValueError(f"{largest:.0f} inches at {style.dpi} dots per inch are more than a PNG can hold")
    with _own_settings({"svg.fonttype": "path" if style.svg_paths else "none"}):
        figure.savefig(target, format=kind, dpi=style.dpi, metadata=dict(metadata))


def _own_settings(more: Mapping[str, object] | None = None) -> AbstractContextManager[None]:
    """A context in which matplotlib is as this module wants it, whatever a notebook or a matplotlibrc made of it."""
    settings: AbstractContextManager[None] = mpl_style.context(["default", {**_RC, **(more or {})}])
    return settings


class _Canvas:
    """Places things on a figure in inches from its top left corner."""

    def __init__(self, figure: Figure, width: float, height: float) -> None:
        self.figure, self._width, self.height = figure, width, height

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        bottom = self.height - top - height
        return self.figure.add_axes(
            (left / self._width, bottom / self.height, width / self._width, height / self.height)
        )

    def text(self, x: float, y: float, text: str, size: float, **options: Any) -> Any:
        place: dict[str, Any] = {"ha": "center", "va": "center"} | options
        return self.figure.text(x / self._width, 1.0 - y / self.height, text, fontsize=size, **place)

    def title(self, x: float, y: float, text: str, size: float) -> None:
        """A line over the whole width, centred at x where it is short enough, smaller where it is wider."""
        title = self.text(x, y, text, size, va="top")
        wide = title.get_window_extent().width / self.figure.dpi
        room = self._width - 0.1
        if wide > room:
            title.set_fontsize(size * room / wide)
        half = min(wide, room) / 2 + 0.05
        title.set_x(min(max(x, half), self._width - half) / self._width)

    def rectangle(
        self, left: float, top: float, width: float, height: float, colour: str, edge: str = "#555"
    ) -> None:
        corner = (left / self._width, 1.0 - (top + height) / self.height)
        size = width / self._width, height / self.height
        self.figure.add_artist(Rectangle(corner, *size, facecolor=colour, edgecolor=edge, lw=0.4))


# --- panels ---


def _panel_title(panel: PanelSpec, width: float, style: FigureStyle) -> str:
    if panel.path is not None:
        return projection_math(panel.path.projection)
    name = "random Gaussian"
    return name if text_width(name, style.label_size) < width else "random"


def _title_size(plan: FigurePlan, width: float, style: FigureStyle) -> float:
    """Points in which every panel's title stays above its own panel; a subscript is set in 0.7 of them."""
    names = [panel.path.projection for panel in plan.panels if panel.path is not None]
    letters = "(aa) " if style.letters else ""
    longest = max((text_width(letters + "ΔW", 1.0) + text_width(name, 0.7) for name in names), default=0.0)
    return min(style.label_size, (width + style.tick_size / POINTS) / longest) if longest else style.label_size


def _draw_panel(
    axes: Axes, panel: PanelSpec, values: Float64Array, table: Float64Array, levels: tuple[float, float]
) -> None:
    pixels = ListedColormap(table)(Normalize(*levels)(np.nan_to_num(values)))
    pixels[np.isnan(values)] = to_rgba(UNDEFINED_COLOUR)
    pixels[hidden_cells(panel)] = to_rgba(_HIDDEN_COLOUR)
    extent = (0.5, panel.columns + 0.5, panel.rows + 0.5, 0.5)
    axes.imshow(pixels, interpolation="nearest", aspect="auto", extent=extent)


def _draw_chance_line(axes: Axes, panel: PanelSpec, facts: SideFacts, colour: str) -> None:
    z = chance_line(panel, facts)
    if z is not None:
        j, i = np.arange(1, panel.columns + 1), np.arange(1, panel.rows + 1)
        axes.contour(j, i, z, levels=[CHANCE_SD], colors=colour, linewidths=0.7)


def _draw_axes(axes: Axes, panel: PanelSpec, place: PanelPlace, measures: Measures, style: FigureStyle) -> None:
    fits = int(measures.panel * POINTS / (1.25 * style.tick_size))
    axes.set_yticks(_ticks(panel.row_ticks, panel.rows, min(ROW_LABELS, fits), fits))
    axes.set_xticks(_ticks(panel.column_ticks, panel.columns, min(COLUMN_LABELS, fits), fits))
    axes.tick_params(labelsize=style.tick_size, labelleft=place.is_leftmost, labelbottom=place.is_lowest, pad=1.5)
    axes.tick_params(axis="x", rotation=90)
    if place.is_leftmost:
        axes.set_ylabel("$i$", fontsize=style.label_size, labelpad=2)
    if place.is_lowest:
        axes.set_xlabel("$j$", fontsize=style.label_size, labelpad=2)


def _ticks(wanted: tuple[int, ...] | None, count: int, labels: int, fits: int) -> Sequence[int]:
    """The ticks that were asked for, where they have room; else evenly spaced ones."""
    return wanted if wanted is not None and len(wanted) <= fits else tick_positions(count, labels)


# --- around the panels ---


def _draw_headings(canvas: _Canvas, layout: PanelLayout, measures: Measures, style: FigureStyle) -> None:
    """The layers beside their panels, in letters small enough for the longest to stay beside its own."""
    label, tick = style.label_size / POINTS, style.tick_size / POINTS
    texts = ["\n".join(heading.lines(style.count_from)) for heading in layout.headings]
    longest = max((text_width(line, style.label_size) for text in texts for line in text.split("\n")), default=0.0)
    size = style.label_size * min(1.0, (measures.panel + measures.gap) / longest if longest else 1.0)
    for heading, text in zip(layout.headings, texts, strict=True):
        y = measures.tops[heading.row] + measures.panel / 2
        x = measures.lefts[heading.first] - 1.2 * label - 2.2 * tick - heading_room(layout, label) / 2
        canvas.text(x, y, text, size, rotation=90, linespacing=1.1)


def _draw_bar(
    canvas: _Canvas,
    measures: Measures,
    table: Float64Array,
    levels: tuple[float, float],
    text: FigureText,
    style: FigureStyle,
) -> None:
    """The bar with its numbers, both ends among them, and lines across it where the view has marks."""
    left, height = measures.lefts[-1] + measures.panel + measures.bar_gap, measures.inner
    bar = canvas.axes(left, measures.tops[0], measures.bar_width, height)
    axis = canvas.figure.colorbar(ScalarMappable(Normalize(*levels), ListedColormap(table)), cax=bar)
    axis.outline.set_linewidth(0.6)
    ticks = bar_ticks(levels, style.view, style.tick_size / POINTS / height)
    axis.set_ticks([tick.value for tick in ticks], labels=[tick.text for tick in ticks])
    for value in bar_marks(levels, style.view):
        bar.axhline(value, color=line_at_chance(style.view, levels, table)[1], linewidth=0.7)
    bar.tick_params(labelsize=style.tick_size)
    fits = text_width(text.bar_label.replace("$", ""), style.tick_size) < height
    bar.set_ylabel(text.bar_label if fits else text.short_bar_label, fontsize=style.tick_size)


def _draw_legend(canvas: _Canvas, entries: Sequence[LegendEntry], measures: Measures, style: FigureStyle) -> None:
    """The entries below everything; where a page is narrow only what stands before the colon of each."""
    size, left = style.tick_size / POINTS, measures.lefts[0]
    room = measures.width - left - 2.2 * size
    for number, entry in enumerate(reversed(entries)):
        fits = text_width(entry.text, style.tick_size) < room
        words = entry.text if fits else entry.text.partition(":")[0]
        top = canvas.height - (1.9 + 1.6 * number) * size
        canvas.rectangle(left, top, 1.6 * size, size, entry.ground)
        if entry.line:
            canvas.rectangle(left, top + 0.46 * size, 1.6 * size, 0.08 * size, entry.line, edge="none")
        canvas.text(left + 2.2 * size, top + size / 2, words, style.tick_size, ha="left")
