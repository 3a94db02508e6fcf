"""The figure that belongs to a comparison: its panels, and what a reader should hear of it before it is written."""

from __future__ import annotations

from engine.document.export_plan import Comparison
from engine.errors import ExportFailure
from engine.figures.arrangement import PAGE_HEIGHT, LaidOutFigure, figure_size, laid_out
from engine.figures.contents import filled, range_caution
from engine.figures.presets import figure_plan
from engine.figures.style import FigureStyle
from engine.wording import count


def comparison_figure(comparison: Comparison, style: FigureStyle) -> LaidOutFigure:
    """The comparison's figure: the panels of its preset, or those shown.

    Raises:
        ExportFailure: there are none.
    """
    results = comparison.figure_results
    if not results:
        raise ExportFailure("The figure cannot be drawn: it needs at least one panel.")
    pairs = [result.pair for result in results]
    plan = figure_plan(pairs, comparison.preset, control_of=pairs[-1] if style.control else None, square=style.square)
    return laid_out(filled(plan, results), style)


def figure_cautions(comparison: Comparison, style: FigureStyle) -> tuple[str, ...]:
    """What a reader of the figure should beware of: a range that is not the paper's.

    Raises:
        ExportFailure: there are no panels.
    """
    return tuple(filter(None, (range_caution(comparison_figure(comparison, style).contents, style),)))


def size_note(comparison: Comparison, style: FigureStyle) -> tuple[str, bool]:
    """`8 panels, 5.5 × 3.1 in`, and whether that is more than a page of a paper holds, which it then says.

    Raises:
        ExportFailure: there are no panels, or the width leaves no room for them.
    """
    figure = comparison_figure(comparison, style)
    try:
        width, height = figure_size(figure, style)
    except ValueError as error:
        raise ExportFailure(f"The figure cannot be drawn: {error}.") from error
    said = f"{count(len(figure.contents.plan.panels), 'panel')}, {width:.1f} × {height:.1f} in"
    fits = height <= PAGE_HEIGHT
    return (said if fits else f"{said}: taller than a page, which holds about {PAGE_HEIGHT:g} in"), not fits
