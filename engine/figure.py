"""Figures for papers, drawn anew with matplotlib from stored arrays: the layout of the paper's Figure 7.

Everything is placed in inches, so that a figure of a venue's width holds text of the venue's size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import matplotlib as mpl
import numpy as np
from cmap import Colormap
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from engine.colour_range import (
    COLUMN_LABELS,
    DEFAULT_COLOUR_MAP,
    ROW_LABELS,
    UNDEFINED_COLOUR,
    shared_range,
    tick_positions,
)
from engine.outcome import ModuleResult
from engine.panel_layout import PanelLayout, PanelPlace, lay_out
from engine.side import Side

FIGURE_FORMATS = ("png", "pdf", "svg")
_POINTS = 72.0

_RC: Mapping[str, object] = {
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
    "svg.fonttype": "none",
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
    """How a figure looks. `width` is in inches (None: as wide as its panels want), text in points."""

    width: float | None = None
    dpi: int = 300
    colour_map: str = DEFAULT_COLOUR_MAP
    range: tuple[float, float] | None = None
    label_size: float = 9.0
    tick_size: float = 7.0


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
    return rf"$\phi({symbol}_{{r={ranks[0]}}},\ {symbol}'_{{r={ranks[1]}}},\ i,\ j)$"


def _ranks(ranks: Sequence[int]) -> str:
    low, high = min(ranks), max(ranks)
    return str(low) if low == high else rf"{low}\ldots{high}"


def _escaped(text: str) -> str:
    return "".join("\\" + char if char in r"\_#$%&{}^~" else char for char in text)


@dataclass(frozen=True)
class _Measures:
    """Sizes in inches that follow from the width and the text sizes."""

    panel: float
    left: float
    pair_gap: float
    column_gap: float
    row_gap: float
    top: float
    bottom: float
    bar_gap: float
    bar_width: float
    right: float


def draw_figure(results: Sequence[ModuleResult], text: FigureText, style: FigureStyle) -> Figure:
    """Draw the panels of these results with one shared colour bar.

    Raises:
        ValueError: there are no results, or the width leaves no room for the panels.
    """
    if not results:
        raise ValueError("a figure needs at least one panel")
    layout = lay_out([result.pair.path for result in results])
    starts = {heading.first for heading in layout.headings}
    measures = _measure(layout, starts, style)
    arrays = [result.similarity.values for result in results]
    norm = Normalize(*(style.range or shared_range(arrays)))
    colours = Colormap(style.colour_map).to_matplotlib().with_extremes(bad=UNDEFINED_COLOUR)
    with mpl.rc_context(dict(_RC)):
        lefts = _column_lefts(layout, starts, measures)
        width = lefts[-1] + measures.panel + measures.bar_gap + measures.bar_width + measures.right
        legend = any(np.isnan(values).any() for values in arrays)
        bottom = measures.bottom + (2.2 * style.tick_size / _POINTS if legend else 0.0)
        inner = layout.rows * measures.panel + (layout.rows - 1) * measures.row_gap
        height = measures.top + inner + bottom
        figure = Figure(figsize=(width, height), dpi=style.dpi, facecolor="white")
        FigureCanvasAgg(figure)
        canvas = _Canvas(figure, width, height)
        for place in layout.places:
            top = measures.top + place.row * (measures.panel + measures.row_gap)
            axes = canvas.axes(lefts[place.column], top, measures.panel, measures.panel)
            result = results[place.index]
            axes.imshow(
                result.similarity.values, cmap=colours, norm=norm, interpolation="nearest", aspect="auto",
                extent=(0.5, result.pair.shape[1] + 0.5, result.pair.shape[0] + 0.5, 0.5),
            )  # fmt: skip
            axes.set_title(projection_math(result.pair.path.projection), fontsize=style.label_size, pad=3)
            _draw_axes(axes, result, place, measures, style)
        _draw_headings(canvas, layout, lefts, measures, style)
        canvas.text(lefts[0] / 2 + (width - measures.right) / 2, 0.08, text.title, style.label_size * 1.2, va="top")
        bar = canvas.axes(lefts[-1] + measures.panel + measures.bar_gap, measures.top, measures.bar_width, inner)
        bar_axis = figure.colorbar(ScalarMappable(norm, colours), cax=bar)
        bar_axis.outline.set_linewidth(0.6)
        bar.tick_params(labelsize=style.tick_size)
        bar.set_ylabel(text.bar_label, fontsize=style.tick_size)
        if legend:
            _draw_legend(canvas, lefts[0], height, style)
    return figure


def save_figure(figure: Figure, target: Path | BinaryIO, kind: str, dpi: int, metadata: Mapping[str, str]) -> None:
    """Write a figure as `png`, `pdf` or `svg` with provenance inside and fonts that publishers accept.

    Raises:
        OSError: the file cannot be written.
    """
    with mpl.rc_context(dict(_RC)):
        figure.savefig(target, format=kind, dpi=dpi, metadata=dict(metadata))


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


def _measure(layout: PanelLayout, starts: set[int], style: FigureStyle) -> _Measures:
    label, tick = style.label_size / _POINTS, style.tick_size / _POINTS
    left = 1.5 * label + 1.2 * label + 2.2 * tick  # Layer n, i, tick labels
    gap = 1.6 * tick
    right = 3.6 * tick + 1.4 * tick
    bar_gap, bar_width = 1.6 * tick, 1.5 * tick
    within = layout.columns - len(starts)
    fixed = len(starts) * left + (len(starts) - 1) * gap + within * gap + bar_gap + bar_width + right
    panel = 1.75 if style.width is None else (style.width - fixed) / layout.columns
    if panel < 0.3:
        raise ValueError(f"{style.width} inches are too narrow for {layout.columns} panels in a row")
    return _Measures(
        panel=panel,
        left=left,
        pair_gap=gap,
        column_gap=gap,
        row_gap=2.0 * label + (0.6 * tick),
        top=0.08 + 1.7 * label + 2.0 * label,
        bottom=2.4 * tick + 1.9 * label,
        bar_gap=bar_gap,
        bar_width=bar_width,
        right=right,
    )


def _column_lefts(layout: PanelLayout, starts: set[int], measures: _Measures) -> list[float]:
    lefts: list[float] = []
    x = 0.0
    for column in range(layout.columns):
        if column:
            x += measures.panel + measures.column_gap
        if column in starts:
            x += measures.left
        lefts.append(x)
    return lefts


def _draw_axes(
    axes: Axes,
    result: ModuleResult,
    place: PanelPlace,
    measures: _Measures,
    style: FigureStyle,
) -> None:
    rows, columns = result.pair.shape
    fits = int(measures.panel * _POINTS / (1.25 * style.tick_size))
    axes.set_yticks(tick_positions(rows, min(ROW_LABELS, fits)))
    axes.set_xticks(tick_positions(columns, min(COLUMN_LABELS, fits)))
    leftmost, lowest = place.is_leftmost, place.is_lowest
    axes.tick_params(labelsize=style.tick_size, labelleft=leftmost, labelbottom=lowest, pad=1.5)
    axes.tick_params(axis="x", rotation=90)
    if leftmost:
        axes.set_ylabel("$i$", fontsize=style.label_size, labelpad=2)
    if lowest:
        axes.set_xlabel("$j$", fontsize=style.label_size, labelpad=2)


def _draw_headings(
    canvas: _Canvas, layout: PanelLayout, lefts: Sequence[float], measures: _Measures, style: FigureStyle
) -> None:
    for heading in layout.headings:
        y = measures.top + heading.row * (measures.panel + measures.row_gap) + measures.panel / 2
        x = lefts[heading.first] - measures.left + 0.75 * style.label_size / _POINTS
        canvas.text(x, y, heading.text, style.label_size, rotation=90)


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
