"""What a figure shows of its panels, before any of it is drawn: values, their range, and what needs explaining."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from engine.checkpoints.storage_types import Float64Array
from engine.comparison.outcome import SideResult
from engine.figures.colour_maps import UNDEFINED_COLOUR, RangeMode
from engine.figures.colour_range import chosen_range, colour_table, largest_value
from engine.figures.plan import FigurePlan, Mask, PanelSpec
from engine.figures.style import FigureStyle
from engine.measures.control import gaussian_control
from engine.measures.phi import PHI
from engine.measures.view import CHANCE_SD, View
from engine.measures.views import view_values, why_undefined
from engine.subspaces.facts import SideFacts

# A ground like that of cells at chance, and the line that is seen on it.
_LINE_ON_DARK, _LINE_ON_LIGHT = ("#413d7b", "white"), ("#e6e0dc", "#26262c")


@dataclass(frozen=True)
class LegendEntry:
    """An explanation: the colour of its sample, that of a line across it ("" for none), and the words."""

    ground: str
    line: str
    text: str


@dataclass(frozen=True, eq=False)
class FigureContents:
    """A plan, and what is known of its panels on one side, in its order."""

    plan: FigurePlan
    facts: tuple[SideFacts, ...]

    @cached_property
    def panels(self) -> tuple[tuple[PanelSpec, SideFacts], ...]:
        """Each panel with what is known of it."""
        return tuple(zip(self.plan.panels, self.facts, strict=True))

    @cached_property
    def paper_range(self) -> PaperRange:
        """The range of the paper's figure, widened where these panels exceed it."""
        return paper_range(self.plan, [spec.shown(PHI.values(facts)) for spec, facts in self.panels])


@dataclass(frozen=True)
class PaperRange:
    """The range of φ of a figure of the paper, None for other figures; `caution` says that it had to be widened."""

    levels: tuple[float, float] | None
    caution: str = ""


def paper_range(plan: FigurePlan, phi: Sequence[Float64Array]) -> PaperRange:
    """The paper's range where φ of the panels, as far as it is known, stays within; else 0 to 1, and why."""
    if plan.paper_range is None:
        return PaperRange(None)
    low, high = plan.paper_range
    largest = largest_value(phi)
    if largest <= high or high >= 1.0:
        return PaperRange((low, high))
    # As many figures as it takes to be seen to exceed the paper's.
    said = next(text for n in range(2, 17) if float(text := f"{largest:.{n}f}") > high)
    return PaperRange(
        (0.0, 1.0),
        f"{plan.paper} of the paper runs from {low:g} to {high:g}; φ reaches {said} here, so the colours run from "
        "0 to 1.",
    )


def filled(plan: FigurePlan, results: Sequence[SideResult]) -> FigureContents:
    """A plan with what is known of its pairs; controls are made here.

    Raises:
        KeyError: a pair of the plan is not among the results.
    """
    known = {result.pair.key: result.facts for result in results}
    return FigureContents(
        plan,
        tuple(
            control_facts(known[spec.pair.key]) if spec.is_control else known[spec.pair.key] for spec in plan.panels
        ),
    )


def hidden_cells(spec: PanelSpec) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Which of the cells shown are hidden, (rows, columns)."""
    i, j = np.ogrid[1 : spec.rows + 1, 1 : spec.columns + 1]
    if spec.mask is Mask.NONE:
        return np.zeros(spec.shape, dtype=bool)
    return j < i if spec.mask is Mask.BELOW else j > i


def control_facts(facts: SideFacts) -> SideFacts:
    """What is known of two random Gaussian matrices of the same shapes."""
    return gaussian_control(*facts.shape, facts.dimension, facts.side)


def shown_arrays(figure: FigureContents, style: FigureStyle) -> list[Float64Array]:
    """What the view shows of every panel, in the plan's order."""
    return [spec.shown(view_values(facts, style.view)) for spec, facts in figure.panels]


def figure_levels(figure: FigureContents, style: FigureStyle) -> tuple[float, float]:
    """The values of the view at both ends of the colours."""
    if style.range is not None:
        return style.range
    paper = figure.paper_range.levels
    if paper is not None and style.view is View.PHI:
        return paper
    return chosen_range(shown_arrays(figure, style), style.view, RangeMode.AUTOMATIC)


def range_caution(figure: FigureContents, style: FigureStyle) -> str:
    """That the paper's range had to be widened for what the figure shows; empty where it did not."""
    return figure.paper_range.caution if style.range is None and style.view is View.PHI else ""


def chance_line(spec: PanelSpec, facts: SideFacts) -> Any:
    """z of the cells shown (a masked array), where the line at 3 SD above chance crosses the panel; else None."""
    if min(spec.shape) < 2:
        return None
    z = spec.shown(view_values(facts, View.Z))
    z = np.ma.masked_where(hidden_cells(spec) | np.isnan(z), z)
    return z if z.count() and z.min() < CHANCE_SD < z.max() else None


def line_at_chance(view: View, levels: tuple[float, float], table: Float64Array) -> tuple[str, str]:
    """A ground like that of the cells near chance, and a line that is seen on it."""
    low, high = levels
    near = min(max(0.0, -low / (high - low)), 1.0) if view.is_centred else 0.0
    red, green, blue = table[int(near * (len(table) - 1)), :3]
    is_dark = 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.5
    return _LINE_ON_DARK if is_dark else _LINE_ON_LIGHT


def legend(figure: FigureContents, style: FigureStyle) -> list[LegendEntry]:
    """What needs an explanation below the panels."""
    entries, arrays, levels = [], shown_arrays(figure, style), figure_levels(figure, style)
    panels = figure.panels
    if any((np.isnan(values) & ~hidden_cells(spec)).any() for values, (spec, _) in zip(arrays, panels, strict=True)):
        reasons = (why_undefined(facts, style.view, *spec.shape) for spec, facts in panels)
        entries.append(LegendEntry(UNDEFINED_COLOUR, "", f"undefined: {next(filter(None, reasons))}"))
    if style.chance and any(chance_line(spec, facts) is not None for spec, facts in panels):
        ground, line = line_at_chance(style.view, levels, colour_table(style.colours, levels))
        colour = "white" if line == "white" else "dark"
        entries.append(LegendEntry(ground, line, f"{CHANCE_SD:g} SD above chance: {colour} line"))
    return entries
