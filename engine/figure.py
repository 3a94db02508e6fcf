"""Figures for papers, drawn anew with matplotlib from stored arrays.

Everything is placed in inches, so that a figure of a venue's width holds text of the venue's size.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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
    ROW_LABELS,
    UNDEFINED_COLOUR,
    RangeMode,
    chosen_range,
    tick_positions,
)
from engine.figure_style import FigureStyle
from engine.outcome import ModuleResult
from engine.panel_layout import PANELS_PER_ROW, PanelGroups, PanelLayout, PanelPlace
from engine.presets import FigurePanel, FigurePlan, Preset, plain_plan, preset_plan
from engine.side import Side
from engine.storage_types import Float64Array
from engine.views import View, view_values

_POINTS = 72.0
# Sides of a panel in inches: where the width is free, what is still read with ease, and what is refused.
_FREE_PANEL, _SMALLEST_READABLE, _SMALLEST_PANEL = 1.75, 0.6, 0.3
_HIDDEN_COLOUR = "#e9e7f1"
_LINE_GROUND = "#413d7b"  # of the sample that explains the white line
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
class FigureText:
    """What a figure says besides its panels, in mathtext; the short label stands beside a short bar."""

    title: str
    bar_label: str = ""
    short_bar_label: str = ""


def projection_math(projection: str) -> str:
    """ΔW with its projection as a subscript, in mathtext."""
    subscript = projection if len(projection) == 1 else rf"\mathrm{{{_escaped(projection)}}}"
    return rf"$\Delta W_{{{subscript}}}$"


def figure_title(side: Side, results: Sequence[ModuleResult]) -> str:
    """φ(A_{r=64}, A'_{r=64}, i, j) for the ranks at hand, in mathtext."""
    symbol = {Side.A: "A", Side.B: "B", Side.DW_RIGHT: r"\Delta W", Side.DW_LEFT: r"\Delta W"}[side]
    ranks = [_ranks([result.pair.shape[axis] for result in results]) for axis in (0, 1)]
    return rf"$\phi({symbol}_{{r={ranks[0]}}},\ {symbol}^{{\prime}}_{{r={ranks[1]}}},\ i,\ j)$"


def figure_text(side: Side, view: View, results: Sequence[ModuleResult]) -> FigureText:
    """The title of the results at hand, and what the colours stand for: `φ, right-singular vectors of A`."""
    shown = {View.PHI: r"$\phi$", View.ABOVE_CHANCE: "$\\phi$ \u2212 chance", View.Z: "$z$"}[view]
    vectors, _, matrix = side.words.rpartition(" ")
    symbol = f"${matrix.replace('Δ', chr(92) + 'Delta ')}$"
    short = f"{symbol}, {vectors.partition('-')[0]}" if side in (Side.DW_LEFT, Side.DW_RIGHT) else symbol
    return FigureText(figure_title(side, results), f"{shown}, {vectors} {symbol}", f"{shown} on {short}")


def _ranks(ranks: Sequence[int]) -> str:
    low, high = min(ranks), max(ranks)
    return str(low) if low == high else rf"{low}\ldots{high}"


def _escaped(text: str) -> str:
    return "".join("\\" + char if char in r"\_#$%&{}^~" else char for char in text)


@dataclass(frozen=True)
class _Measures:
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


def fitting_plan(results: Sequence[ModuleResult], style: FigureStyle, preset: Preset | None = None) -> FigurePlan:
    """The panels in the paper's rows of four, or in shorter ones where the width makes those too small to read."""
    plans = _plans(results, style, preset)
    plan = next(plans)
    while _panel_size(plan.layout, style) < _SMALLEST_READABLE:
        narrower = next(plans, None)
        if narrower is None:
            break
        plan = narrower
    return plan


def _plans(results: Sequence[ModuleResult], style: FigureStyle, preset: Preset | None) -> Iterator[FigurePlan]:
    """From the longest rows to the shortest: fewer layers side by side, then a layer's own panels broken."""
    if preset is not None:
        yield from (preset_plan(results, preset, per_row) for per_row in range(PANELS_PER_ROW, 0, -1))
        return
    groups = PanelGroups([result.pair.path for result in results])
    for layers in range(groups.per_row(PANELS_PER_ROW), 0, -1):
        yield plain_plan(results, groups.lay_out(layers), control=style.control, square=style.square)
    for wrap in range(groups.width - 1, 0, -1):
        yield plain_plan(results, groups.lay_out(1, wrap), control=style.control, square=style.square)


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
    levels = figure_levels(plan, style)
    norm = Normalize(*levels)
    colours = Colormap(style.colour_map).to_matplotlib()
    legend = _legend(plan, arrays, style)
    with mpl.rc_context(dict(_RC)):
        bottom = measures.bottom + ((0.6 + 1.6 * len(legend)) * style.tick_size / _POINTS if legend else 0.0)
        inner = measures.tops[-1] + measures.panel - measures.tops[0]
        height = measures.tops[0] + inner + bottom
        figure = Figure(figsize=(measures.width, height), dpi=style.dpi, facecolor="white")
        FigureCanvasAgg(figure)
        canvas = _Canvas(figure, measures.width, height)
        title_size = _title_size(plan, measures.panel, style)
        for number, place in enumerate(layout.places):
            axes = canvas.axes(
                measures.lefts[place.column], measures.tops[place.row], measures.panel, measures.panel
            )  # fmt: skip
            panel = plan.panels[place.index]
            _draw_panel(axes, panel, arrays[place.index], colours, norm, style)
            if style.titles:
                letter = f"({_letter(number)}) " if style.letters else ""
                title = letter + _panel_title(panel, measures.panel, style)
                axes.set_title(title, fontsize=title_size, pad=3)
            _draw_axes(axes, panel, place, measures, style)
        if style.headings:
            _draw_headings(canvas, layout, measures, style)
        centre = measures.lefts[0] / 2 + (measures.width - measures.right) / 2
        canvas.text(centre, 0.08, text.title, style.label_size * 1.2, va="top")
        _draw_bar(canvas, measures, inner, ScalarMappable(norm, colours), levels, text, style)
        _draw_legend(canvas, legend, measures, height, style)
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


def _panel_title(panel: FigurePanel, width: float, style: FigureStyle) -> str:
    if panel.path is not None:
        return projection_math(panel.path.projection)
    name = "random Gaussian"
    return name if _text_width(name, style.label_size) < width else "random"


def _title_size(plan: FigurePlan, width: float, style: FigureStyle) -> float:
    """Points in which every panel's title stays above its own panel; a subscript is set in 0.7 of them."""
    names = [panel.path.projection for panel in plan.panels if panel.path is not None]
    letters = "(aa) " if style.letters else ""
    longest = max((_text_width(letters + "ΔW", 1.0) + _text_width(name, 0.7) for name in names), default=0.0)
    return min(style.label_size, (width + style.tick_size / _POINTS) / longest) if longest else style.label_size


def _text_width(text: str, size: float) -> float:
    """About how wide a text is, in inches: an upper bound for ordinary words in DejaVu Sans."""
    return len(text) * 0.66 * size / _POINTS


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
    z = _chance_line(panel) if style.chance else None
    if z is not None:
        j, i = np.arange(1, panel.columns + 1), np.arange(1, panel.rows + 1)
        axes.contour(j, i, z, levels=[_CHANCE_SD], colors="white", linewidths=0.7)


def _chance_line(panel: FigurePanel) -> Any:
    """z of the cells shown (a masked array), where the line at 3 SD above chance crosses the panel; else None."""
    if min(panel.rows, panel.columns) < 2:
        return None
    z = panel.shown(view_values(panel.similarity, View.Z))
    z = np.ma.masked_where(panel.hidden() | np.isnan(z), z)
    return z if z.count() and z.min() < _CHANCE_SD < z.max() else None


def save_figure(figure: Figure, target: BinaryIO, kind: str, style: FigureStyle, metadata: Mapping[str, Any]) -> None:
    """Write a figure as `png`, `pdf` or `svg` with provenance inside and fonts that publishers accept.

    The same figure gives the same bytes; SOURCE_DATE_EPOCH sets the date in them.
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

    def rectangle(
        self, left: float, top: float, width: float, height: float, colour: str, edge: str = "#555"
    ) -> None:
        corner = (left / self._width, 1.0 - (top + height) / self._height)
        size = width / self._width, height / self._height
        self.figure.add_artist(Rectangle(corner, *size, facecolor=colour, edgecolor=edge, lw=0.4))


def _margins(layout: PanelLayout, style: FigureStyle) -> list[float]:
    """What stands left of each column: a layer's heading, i and its numbers, or only a gap."""
    label, tick = style.label_size / _POINTS, style.tick_size / _POINTS
    headed = {heading.first for heading in layout.headings if heading.lines()} if style.headings else set()
    ticked = {place.column for place in layout.places if place.is_leftmost}
    margins = []
    for column in range(layout.columns):
        gap = 1.6 * tick if column else 0.0
        heading = _heading_room(layout, label) if column in headed else 0.0
        margins.append(gap + heading + (1.2 * label + 2.2 * tick if column in ticked else 0.0))
    return margins


def _bar_room(style: FigureStyle) -> tuple[float, float, float]:
    """Gap before the bar, its width, and the room for its numbers and label."""
    tick = style.tick_size / _POINTS
    return 1.6 * tick, 1.5 * tick, 4.0 * tick + 1.4 * tick


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
        gap=title + 0.6 * tick,
        tops=tuple(_tops(layout, style, panel, 0.08 + 1.7 * label + title, title + 0.6 * tick)),
        bottom=_column_room(layout, style, layout.rows - 1),
        bar_gap=bar_gap,
        bar_width=bar_width,
        right=right,
    )


def _tops(layout: PanelLayout, style: FigureStyle, panel: float, first: float, gap: float) -> Iterator[float]:
    top = first
    for row in range(layout.rows):
        yield top
        top += panel + gap + _column_room(layout, style, row)


def _column_room(layout: PanelLayout, style: FigureStyle, row: int) -> float:
    """Room under a row for the numbers of j and its name, where a panel of it has them."""
    needed = any(place.is_lowest and place.row == row for place in layout.places)
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
    canvas: _Canvas, measures: _Measures, height: float, colours: ScalarMappable, ends: tuple[float, float],
    text: FigureText, style: FigureStyle,
) -> None:  # fmt: skip
    bar = canvas.axes(
        measures.lefts[-1] + measures.panel + measures.bar_gap, measures.tops[0], measures.bar_width, height
    )  # fmt: skip
    axis = canvas.figure.colorbar(colours, cax=bar)
    axis.outline.set_linewidth(0.6)
    room = (ends[1] - ends[0]) * 1.6 * style.tick_size / _POINTS / height
    most = max(2, min(9, int((ends[1] - ends[0]) / room)))
    ticks = MaxNLocator(most, steps=[1, 2, 5, 10]).tick_values(*ends)
    shown = [ends[0], *(tick for tick in ticks if ends[0] + room < tick < ends[1] - room), ends[1]]
    axis.set_ticks(shown, labels=_bar_numbers(shown))
    bar.tick_params(labelsize=style.tick_size)
    fits = _text_width(text.bar_label.replace("$", ""), style.tick_size) < height
    bar.set_ylabel(text.bar_label if fits else text.short_bar_label, fontsize=style.tick_size)


def _heading_room(layout: PanelLayout, label: float) -> float:
    return (0.3 + 1.2 * layout.heading_lines) * label


def _draw_headings(canvas: _Canvas, layout: PanelLayout, measures: _Measures, style: FigureStyle) -> None:
    """The layers beside their panels, in letters small enough for the longest to stay beside its own."""
    label, tick = style.label_size / _POINTS, style.tick_size / _POINTS
    texts = ["\n".join(heading.lines(style.count_from)) for heading in layout.headings]
    longest = max((_text_width(line, style.label_size) for text in texts for line in text.split("\n")), default=0.0)
    size = style.label_size * min(1.0, (measures.panel + measures.gap) / longest if longest else 1.0)
    for heading, text in zip(layout.headings, texts, strict=True):
        y = measures.tops[heading.row] + measures.panel / 2
        x = measures.lefts[heading.first] - 1.2 * label - 2.2 * tick - _heading_room(layout, label) / 2
        canvas.text(x, y, text, size, rotation=90, linespacing=1.1)


def _bar_numbers(values: Sequence[float]) -> list[str]:
    """As many digits for all as the longest needs, up to three, and fewer for large values; real minus signs."""
    needed = next((n for n in range(3) if all(abs(round(value, n) - value) < 1e-9 for value in values)), 3)
    whole = len(f"{max(map(abs, values)):.0f}")
    digits = needed if whole == 1 else min(needed, max(0, 3 - whole))
    return [f"{value:.{digits}f}".replace("-", "\u2212") for value in values]


def _legend(plan: FigurePlan, arrays: Sequence[Float64Array], style: FigureStyle) -> list[tuple[str, str]]:
    """What needs an explanation: the colour of its sample, and the words. A white line crosses a dark sample."""
    entries = []
    if any((np.isnan(values) & ~panel.hidden()).any() for values, panel in zip(arrays, plan.panels, strict=True)):
        entries.append((UNDEFINED_COLOUR, "undefined: past the numerical rank of an adapter"))
    if style.chance and any(_chance_line(panel) is not None for panel in plan.panels):
        entries.append((_LINE_GROUND, f"{_CHANCE_SD:g} SD above chance: white line"))
    return entries


def _draw_legend(
    canvas: _Canvas, entries: Sequence[tuple[str, str]], measures: _Measures, height: float, style: FigureStyle
) -> None:
    """The entries below everything; where a page is narrow only what stands before the colon of each."""
    size, left = style.tick_size / _POINTS, measures.lefts[0]
    room = measures.width - left - 2.2 * size
    for line, (colour, text) in enumerate(reversed(entries)):
        words = text if _text_width(text, style.tick_size) < room else text.partition(":")[0]
        top = height - (1.9 + 1.6 * line) * size
        canvas.rectangle(left, top, 1.6 * size, size, colour)
        if colour == _LINE_GROUND:
            canvas.rectangle(left, top + 0.46 * size, 1.6 * size, 0.08 * size, "white", edge="none")
        canvas.text(left + 2.2 * size, top + size / 2, words, style.tick_size, ha="left")
