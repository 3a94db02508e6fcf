"""What a figure shows of its panels, before any of it is drawn: values, their range, and what needs explaining."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.checkpoints.storage_types import Float64Array
from engine.figures.colour_range import UNDEFINED_COLOUR, RangeMode, chosen_range, colour_table
from engine.figures.presets import FigurePanel, FigurePlan
from engine.figures.style import FigureStyle
from engine.measures.views import CHANCE_SD, View, view_values, why_undefined

# A ground like that of cells at chance, and the line that is seen on it.
_LINE_ON_DARK, _LINE_ON_LIGHT = ("#413d7b", "white"), ("#e6e0dc", "#26262c")


@dataclass(frozen=True)
class LegendEntry:
    """An explanation: the colour of its sample, that of a line across it ("" for none), and the words."""

    ground: str
    line: str
    text: str


def shown_arrays(plan: FigurePlan, style: FigureStyle) -> list[Float64Array]:
    """What the view shows of every panel, in the plan's order."""
    return [panel.shown(view_values(panel.similarity, style.view)) for panel in plan.panels]


def figure_levels(plan: FigurePlan, style: FigureStyle) -> tuple[float, float]:
    """The values of the view at both ends of the colours."""
    if style.range is not None:
        return style.range
    if plan.range is not None and style.view is View.PHI:
        return plan.range
    return chosen_range(shown_arrays(plan, style), style.view, RangeMode.AUTOMATIC)


def range_caution(plan: FigurePlan, style: FigureStyle) -> str:
    """That the paper's range had to be widened for what the figure shows; empty where it did not."""
    return plan.caution if style.range is None and style.view is View.PHI else ""


def chance_line(panel: FigurePanel) -> Any:
    """z of the cells shown (a masked array), where the line at 3 SD above chance crosses the panel; else None."""
    if min(panel.rows, panel.columns) < 2:
        return None
    z = panel.shown(view_values(panel.similarity, View.Z))
    z = np.ma.masked_where(panel.hidden() | np.isnan(z), z)
    return z if z.count() and z.min() < CHANCE_SD < z.max() else None


def line_at_chance(view: View, levels: tuple[float, float], table: Float64Array) -> tuple[str, str]:
    """A ground like that of the cells near chance, and a line that is seen on it."""
    low, high = levels
    near = min(max(0.0, -low / (high - low)), 1.0) if view.is_centred else 0.0
    red, green, blue = table[int(near * (len(table) - 1)), :3]
    is_dark = 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.5
    return _LINE_ON_DARK if is_dark else _LINE_ON_LIGHT


def legend(plan: FigurePlan, style: FigureStyle) -> list[LegendEntry]:
    """What needs an explanation below the panels."""
    entries, arrays, levels = [], shown_arrays(plan, style), figure_levels(plan, style)
    if any((np.isnan(values) & ~panel.hidden()).any() for values, panel in zip(arrays, plan.panels, strict=True)):
        reasons = (why_undefined(panel.similarity, style.view, panel.rows, panel.columns) for panel in plan.panels)
        entries.append(LegendEntry(UNDEFINED_COLOUR, "", f"undefined: {next(filter(None, reasons))}"))
    if style.chance and any(chance_line(panel) is not None for panel in plan.panels):
        ground, line = line_at_chance(style.view, levels, colour_table(style.colours, levels))
        colour = "white" if line == "white" else "dark"
        entries.append(LegendEntry(ground, line, f"{CHANCE_SD:g} SD above chance: {colour} line"))
    return entries
