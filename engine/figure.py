"""Figures for papers, drawn anew with matplotlib from stored arrays.

Everything is placed in inches, so that a figure of a venue's width holds text of the venue's size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

import matplotlib as mpl
import numpy as np
from cmap import Colormap
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from engine.colour_range import (
    COLUMN_LABELS,
    DEFAULT_COLOUR_MAP,
    ROW_LABELS,
    UNDEFINED_COLOUR,
    RangeMode,
    chosen_range,
    tick_positions,
)
from engine.outcome import ModuleResult
from engine.panel_layout import PANELS_PER_ROW, PanelGroups, PanelLayout, PanelPlace
from engine.presets import FigurePanel, FigurePlan, plain_plan
from engine.side import Side
from engine.storage_types import Float64Array
from engine.views import View, view_values

FIGURE_FORMATS = ("png", "pdf", "svg")
_POINTS = 72.0
# Sides of a panel in inches: where the width is free, what is still read with ease, and what is refused.
_FREE_PANEL, _SMALLEST_READABLE, _SMALLEST_PANEL = 1.75, 0.6, 0.3
_HIDDEN_COLOUR = "#e9e7f1"
_CHANCE_SD = 3.0

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


@dataclass(frozen=True)
class FigureStyle:
    """How a figure looks. `width` is in inches (None: as wide as its panels want), text in points.

    `range` holds the colours to these values of the view; None chooses. `chance` draws the line where φ is 3
    standard deviations above chance. `letters` puts (a), (b), … before the panels' titles. `svg_paths` turns the
    text of an SVG into outlines, which look alike everywhere and cannot be edited.
    """

    width: float | None = None
    dpi: int = 300
    colour_map: str = DEFAULT_COLOUR_MAP
    range: tuple[float, float] | None = None
    label_size: float = 9.0
    tick_size: float = 7.0
    view: View = View.PHI
    titles: bool = True
    headings: bool = True
    letters: bool = False
    chance: bool = False
    svg_paths: bool = False


@dataclass(frozen=True)
class FigureText:
    """What a figure says besides its panels."""

    title: str
    bar_label: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


def projection_math(projection: str) -> str:
    """ΔW with its projection as a subscript, in mathtext."""
    subscript = projection if len(projection) == 1 else rf"\mathrm{{{_escaped(projection)}}}"
    return rf"$\Delta W_{{{subscript}}}$"


def figure_title(side: Side, results: Sequence[ModuleResult]) -> str:
    """φ(A_{r=64}, A'_{r=64}, i, j) for the ranks at hand, in mathtext."""
    symbol = {Side.A: "A", Side.B: "B", Side.DW_RIGHT: r"\Delta W", Side.DW_LEFT: r"\Delta W"}[side]
    ranks = [_ranks([result.pair.shape[axis] for result in results]) for axis in (0, 1)]
    return rf"$\phi({symbol}_{{r={ranks[0]}}},\ {symbol}^{{\prime}}_{{r={ranks[1]}}},\ i,\ j)$"


def _ranks(ranks: Sequence[int]) -> str:
    low, high = min(ranks), max(ranks)
    return str(low) if low == high else rf"{low}\ldots{high}"


def _escaped(text: str) -> str:
    return "".join("\\" + char if char in r"\_#$%&{}^~" else char for char in text)


@dataclass(frozen=True)
class _Measures:
    """Sizes in inches that follow from the width and the text sizes; `lefts` are those of the columns."""

    panel: float
    lefts: tuple[float, ...]
    width: float
    row_gap: float
    top: float
    bottom: float
    bar_gap: float
    bar_width: float
    right: float


def fitting_plan(results: Sequence[ModuleResult], style: FigureStyle) -> FigurePlan:
    """Whole panels in rows of four, or of fewer where the figure's width would make them too small to read."""
    groups = PanelGroups([result.pair.path for result in results])
    for per_row in range(groups.per_row(PANELS_PER_ROW), 0, -1):
        layout = groups.lay_out(per_row)
        if _panel_size(layout, style) >= _SMALLEST_READABLE:
            break
    return replace(plain_plan(results), layout=layout)


def draw_figure(plan: FigurePlan, text: FigureText, style: FigureStyle) -> Figure:
    """Draw the panels of a plan with one shared colour bar.

    Raises:
        ValueError: there are no panels, or the width leaves no room for them.
    """
    if not plan.panels:
        raise ValueError("a figure needs at least one panel")
    layout = plan.layout
    measures = _measure(layout, style)
    arrays = _arrays(plan, style)
    norm = Normalize(*figure_levels(plan, style))
    colours = Colormap(style.colour_map).to_matplotlib()
    undefined = any(
        (np.isnan(values) & ~panel.hidden()).any() for values, panel in zip(arrays, plan.panels, strict=True)
    )
    with mpl.rc_context(dict(_RC)):
        bottom = measures.bottom + (2.2 * style.tick_size / _POINTS if undefined else 0.0)
        inner = layout.rows * measures.panel + (layout.rows - 1) * measures.row_gap
        height = measures.top + inner + bottom
        figure = Figure(figsize=(measures.width, height), dpi=style.dpi, facecolor="white")
        FigureCanvasAgg(figure)
        canvas = _Canvas(figure, measures.width, height)
        for number, place in enumerate(layout.places):
            top = measures.top + place.row * (measures.panel + measures.row_gap)
            axes = canvas.axes(measures.lefts[place.column], top, measures.panel, measures.panel)
            panel = plan.panels[place.index]
            _draw_panel(axes, panel, arrays[place.index], colours, norm, style)
            if style.titles:
                letter = f"({_letter(number)}) " if style.letters else ""
                axes.set_title(letter + _panel_title(panel), fontsize=style.label_size, pad=3)
            _draw_axes(axes, panel, place, measures, style)
        if style.headings:
            _draw_headings(canvas, layout, measures, style)
        centre = measures.lefts[0] / 2 + (measures.width - measures.right) / 2
        canvas.text(centre, 0.08, text.title, style.label_size * 1.2, va="top")
        _draw_bar(canvas, measures, inner, ScalarMappable(norm, colours), text.bar_label, style)
        if undefined:
            _draw_legend(canvas, measures.lefts[0], height, style)
    return figure


def figure_levels(plan: FigurePlan, style: FigureStyle) -> tuple[float, float]:
    """The values of the view at both ends of the colours."""
    if style.range is not None:
        return style.range
    if plan.range is not None and style.view is View.PHI:
        return plan.range
    return chosen_range(_arrays(plan, style), style.view, RangeMode.AUTOMATIC)


def _arrays(plan: FigurePlan, style: FigureStyle) -> list[Float64Array]:
    return [panel.shown(view_values(panel.similarity, style.view)) for panel in plan.panels]


def _panel_title(panel: FigurePanel) -> str:
    return "random Gaussian" if panel.path is None else projection_math(panel.path.projection)


def _letter(number: int) -> str:
    """a, b, …, z, aa, ab, …"""
    letters = "abcdefghijklmnopqrstuvwxyz"
    return letters[number] if number < len(letters) else letters[number // 26 - 1] + letters[number % 26]


def _draw_panel(
    axes: Axes, panel: FigurePanel, values: Float64Array, colours: Any, norm: Normalize, style: FigureStyle
) -> None:
    pixels = colours(norm(np.nan_to_num(values)))
    pixels[np.isnan(values)] = to_rgba(UNDEFINED_COLOUR)
    pixels[panel.hidden()] = to_rgba(_HIDDEN_COLOUR)
    extent = (0.5, panel.columns + 0.5, panel.rows + 0.5, 0.5)
    axes.imshow(pixels, interpolation="nearest", aspect="auto", extent=extent)
    if style.chance and min(values.shape) > 1:
        z = np.ma.masked_where(panel.hidden(), np.nan_to_num(panel.shown(view_values(panel.similarity, View.Z))))
        j, i = np.arange(1, panel.columns + 1), np.arange(1, panel.rows + 1)
        if z.min() < _CHANCE_SD < z.max():
            axes.contour(j, i, z, levels=[_CHANCE_SD], colors="white", linewidths=0.7)


def save_figure(
    figure: Figure, target: Path | BinaryIO, kind: str, style: FigureStyle, metadata: Mapping[str, Any]
) -> None:
    """Write a figure as `png`, `pdf` or `svg` with provenance inside and fonts that publishers accept.

    The same figure gives the same bytes; SOURCE_DATE_EPOCH sets the date in them.

    Raises:
        OSError: the file cannot be written.
    """
    with mpl.rc_context(dict(_RC) | {"svg.fonttype": "path" if style.svg_paths else "none"}):
        figure.savefig(target, format=kind, dpi=style.dpi, metadata=dict(metadata))


class _Canvas:
    """Places things on a figure in inches from its top left corner."""

    def __init__(self, figure: Figure, width: float, height: float) -> None:
        self.figure, self._width, self._height = figure, width, height

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        bottom = self._height - top - height
        return self.figure.add_axes(
            (left / self._width, bottom / self._height, width / self._width, height / self._height)
        )

    def text(self, x: float, y: float, text: str, size: float, **options: Any) -> None:
        place: dict[str, Any] = {"ha": "center", "va": "center"} | options
        self.figure.text(x / self._width, 1.0 - y / self._height, text, fontsize=size, **place)

    def rectangle(self, left: float, top: float, width: float, height: float, colour: str) -> None:
        corner = (left / self._width, 1.0 - (top + height) / self._height)
        self.figure.add_artist(
            Rectangle(corner, width / self._width, height / self._height, facecolor=colour, edgecolor="#555", lw=0.4)
        )


def _margins(layout: PanelLayout, style: FigureStyle) -> list[float]:
    """What stands left of each column: a layer's heading, i and its numbers, or only a gap."""
    label, tick = style.label_size / _POINTS, style.tick_size / _POINTS
    headed = {heading.first for heading in layout.headings if heading.text} if style.headings else set()
    ticked = {place.column for place in layout.places if place.is_leftmost}
    margins = []
    for column in range(layout.columns):
        gap = 1.6 * tick if column else 0.0
        heading = 1.5 * label if column in headed else 0.0
        margins.append(gap + heading + (1.2 * label + 2.2 * tick if column in ticked else 0.0))
    return margins


def _bar_room(style: FigureStyle) -> tuple[float, float, float]:
    """Gap before the bar, its width, and the room for its numbers and label."""
    tick = style.tick_size / _POINTS
    return 1.6 * tick, 1.5 * tick, 3.6 * tick + 1.4 * tick


def _panel_size(layout: PanelLayout, style: FigureStyle) -> float:
    if style.width is None:
        return _FREE_PANEL
    return (style.width - sum(_margins(layout, style)) - sum(_bar_room(style))) / max(1, layout.columns)


def _measure(layout: PanelLayout, style: FigureStyle) -> _Measures:
    label, tick = style.label_size / _POINTS, style.tick_size / _POINTS
    panel = _panel_size(layout, style)
    if panel < _SMALLEST_PANEL:
        raise ValueError(f"{style.width} inches are too narrow for {layout.columns} panels in a row")
    margins = _margins(layout, style)
    lefts = tuple(sum(margins[: column + 1]) + column * panel for column in range(layout.columns))
    bar_gap, bar_width, right = _bar_room(style)
    title = 2.0 * label if style.titles else 0.6 * label
    return _Measures(
        panel=panel,
        lefts=lefts,
        width=lefts[-1] + panel + bar_gap + bar_width + right,
        row_gap=title + 0.6 * tick + _column_room(layout, style, below=False),
        top=0.08 + 1.7 * label + title,
        bottom=_column_room(layout, style, below=True),
        bar_gap=bar_gap,
        bar_width=bar_width,
        right=right,
    )


def _column_room(layout: PanelLayout, style: FigureStyle, *, below: bool) -> float:
    """Room under a row for the numbers of j and its name: under the last row, or under any other that has them."""
    last = layout.rows - 1
    needed = any(place.is_lowest and (place.row == last) is below for place in layout.places)
    return (2.4 * style.tick_size + 1.9 * style.label_size) / _POINTS if needed else 0.0


def _draw_axes(axes: Axes, panel: FigurePanel, place: PanelPlace, measures: _Measures, style: FigureStyle) -> None:
    fits = int(measures.panel * _POINTS / (1.25 * style.tick_size))
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


def _draw_bar(
    canvas: _Canvas, measures: _Measures, height: float, colours: ScalarMappable, label: str, style: FigureStyle
) -> None:
    bar = canvas.axes(
        measures.lefts[-1] + measures.panel + measures.bar_gap, measures.top, measures.bar_width, height
    )  # fmt: skip
    axis = canvas.figure.colorbar(colours, cax=bar)
    axis.outline.set_linewidth(0.6)
    low, high = colours.get_clim()
    ends = (low or 0.0, high or 1.0)
    room = (ends[1] - ends[0]) * 1.6 * style.tick_size / _POINTS / height
    ticks = MaxNLocator(9, steps=[1, 2, 5, 10]).tick_values(*ends)
    shown = [ends[0], *(tick for tick in ticks if ends[0] + room < tick < ends[1] - room), ends[1]]
    axis.set_ticks(shown, labels=_bar_numbers(shown))
    bar.tick_params(labelsize=style.tick_size)
    bar.set_ylabel(label, fontsize=style.tick_size)


def _draw_headings(canvas: _Canvas, layout: PanelLayout, measures: _Measures, style: FigureStyle) -> None:
    label, tick = style.label_size / _POINTS, style.tick_size / _POINTS
    for heading in layout.headings:
        y = measures.top + heading.row * (measures.panel + measures.row_gap) + measures.panel / 2
        x = measures.lefts[heading.first] - 1.2 * label - 2.2 * tick - 0.75 * label
        canvas.text(x, y, heading.text, style.label_size, rotation=90)


def _bar_numbers(values: Sequence[float]) -> list[str]:
    """As many digits for all as the longest needs, up to three; real minus signs."""
    digits = next((n for n in range(3) if all(abs(round(value, n) - value) < 1e-9 for value in values)), 3)
    return [f"{value:.{digits}f}".replace("-", "\u2212") for value in values]


def _draw_legend(canvas: _Canvas, left: float, height: float, style: FigureStyle) -> None:
    size = style.tick_size / _POINTS
    top = height - 1.9 * size
    canvas.rectangle(left, top, 1.6 * size, size, UNDEFINED_COLOUR)
    canvas.text(
        left + 2.2 * size,
        top + size / 2,
        "undefined: past the numerical rank of an adapter",
        style.tick_size,
        ha="left",
    )
