"""What `export` says beside its answer, in lines: of the choice, the adapters, the figure, and what is left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from engine.commands.arguments import Selection
from engine.commands.choosing import Chosen
from engine.comparison.cautions import gauge_caution
from engine.comparison.module_cautions import untrained_caution
from engine.document.comparison_figure import figure_cautions, size_note
from engine.document.export_plan import Comparison
from engine.figures.presets import preset_layers
from engine.figures.style import FigureStyle
from engine.matching.explaining import group_text
from engine.matching.pairing import ModulePair, Pairing
from engine.matching.selection import unmatched
from engine.side import Side
from engine.sources.left_out import by_reason
from engine.sources.source import SkippedModule
from engine.wording import count

_SAID_REASONS = 6


def choice_lines(chosen: Chosen, selection: Selection, count_from: int) -> Iterator[str]:
    """What of the selection is not there, and which layers stand for the preset's."""
    for sentence in unmatched(chosen.comparable, selection.layers, selection.projections):
        yield f"note: {sentence}"
    if selection.preset:
        depth = len({pair.path.layer_label for pair in chosen.comparable})
        yield preset_layers(chosen.of_preset, selection.preset, depth, count_from)


def warning_lines(pairing: Pairing) -> Iterator[str]:
    """What a reader should know of the adapters; what is true of both is said once."""
    both = (pairing.first, pairing.second)
    for warning in dict.fromkeys(warning for adapter in both for warning in adapter.warnings):
        places = dict.fromkeys(str(adapter.path) for adapter in both if warning in adapter.warnings)
        yield f"note: {' and '.join(places)}: {warning}"


def left_out_lines(skipped: Sequence[SkippedModule], pairing: Pairing) -> Iterator[str]:
    """What is left out, a line for each of the most frequent reasons."""
    groups = by_reason(skipped)
    for group in groups[:_SAID_REASONS]:
        yield f"left out: {group_text(group, pairing)}"
    rest = sum(len(group.modules) for group in groups[_SAID_REASONS:])
    if rest:
        yield f"left out: {count(rest, 'module')} for other reasons"


def caution_lines(cautions: Sequence[str], side: Side, pairing: Pairing) -> Iterator[str]:
    """Cautions of the numbers, but for what is true of every export or was said of the adapters."""
    for caution in cautions:
        if caution not in (gauge_caution(side), untrained_caution(pairing)):
            yield f"note: {caution}"


def panel_lines(comparison: Comparison, selection: Selection) -> Iterator[str]:
    """That the figure shows a part of the modules, where nobody chose it."""
    shown = comparison.figure_slugs
    if shown is not None and not selection.chooses_figure:
        yield f"the figure shows {len(shown)} of {len(comparison.results)} modules; choose others with --panels"


def figure_lines(comparison: Comparison, style: FigureStyle) -> Iterator[str]:
    """What a reader of the figure should beware of, and that it is taller than a page.

    Raises:
        ExportFailure: it cannot be drawn.
    """
    for caution in figure_cautions(comparison, style):
        yield f"note: {caution}"
    size, is_too_tall = size_note(comparison, style)
    if is_too_tall:
        yield f"note: the figure has {size}; --panels chooses fewer, --width takes more to a row"


def summary_line(comparison: Comparison, pairing: Pairing, pairs: Sequence[ModulePair], folder: Path) -> str:
    """`12 modules compared (2 of them undefined: untrained), 3 left out: OUT`; `pairs` are those that were tried."""
    names = {skip.module for skip in pairing.undefined(comparison.side)} & {pair.path.name for pair in pairs}
    undefined = f" ({len(names)} of them undefined: untrained)" if names else ""
    compared, left_out = count(len(comparison.results), "module"), len(comparison.skipped)
    return f"{compared} compared{undefined}, {left_out} left out: {folder}"
