"""The figure that belongs to a comparison: its panels, and what a reader should hear of it before it is written."""

from __future__ import annotations

from engine.document.export_plan import Comparison
from engine.errors import ExportFailure
from engine.figures.arrangement import PAGE_HEIGHT, figure_size, fitting_plan
from engine.figures.contents import range_caution
from engine.figures.presets import FigurePlan
from engine.figures.style import FigureStyle
from engine.wording import count


def figure_plan(comparison: Comparison, style: FigureStyle) -> FigurePlan:
    """The panels of the comparison's figure: those of its preset, or those shown.

    Raises:
        ExportFailure: there are none.
    """
    results = comparison.figure_results
    if not results:
        raise ExportFailure("The figure cannot be drawn: it needs at least one panel.")
    return fitting_plan(results, style, comparison.preset)


def figure_cautions(comparison: Comparison, style: FigureStyle) -> tuple[str, ...]:
    """What a reader of the figure should beware of: a range that is not the paper's.

    Raises:
        ExportFailure: there are no panels.
    """
    return tuple(filter(None, (range_caution(figure_plan(comparison, style), style),)))


def size_note(comparison: Comparison, style: FigureStyle) -> tuple[str, bool]:
    """`8 panels, 5.5 × 3.1 in`, and whether that is more than a page of a paper holds, which it then says.

    Raises:
        ExportFailure: there are no panels, or the width leaves no room for them.
    """
    plan = figure_plan(comparison, style)
    try:
        width, height = figure_size(plan, style)
    except ValueError as error:
        raise ExportFailure(f"The figure cannot be drawn: {error}.") from error
    said = f"{count(len(plan.panels), 'panel')}, {width:.1f} × {height:.1f} in"
    fits = height <= PAGE_HEIGHT
    return (said if fits else f"{said}: taller than a page, which holds about {PAGE_HEIGHT:g} in"), not fits
