"""The one lazy door to what computes: NumPy, SciPy, torch and matplotlib are loaded by the first call of each.

For a program that paints before it computes; all but `comparison_cautions` belongs into the thread that computes.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.comparison.outcome import PairOutcome, Request, SideResult
from engine.document.cancellation import Cancellation
from engine.document.export_plan import Comparison, ExportPlan, file_names
from engine.errors import EngineError
from engine.figures.style import FigureStyle
from engine.matching.pairing import Pairing
from engine.side import Side
from engine.sources.source import Source
from engine.subspaces.devices import Device

if TYPE_CHECKING:
    from engine.comparison.module_cautions import ModuleCaution
    from engine.document.reopening import FoundAdapter, SavedAdapter, SavedComparison


def open_source(path: Path) -> Source:
    """engine.sources.opening.open_source."""
    from engine.sources import opening

    return opening.open_source(path)


def choices(path: Path) -> tuple[Path, ...]:
    """The adapters of a folder that holds several, to choose from; empty for anything else."""
    from engine.sources import opening

    try:
        several = opening.adapters_in(path)
    except EngineError:  # there is nothing that could be read, as opening it said
        return ()
    return several if len(several) > 1 else ()


def outcomes(request: Request, cancelled: Callable[[], bool]) -> Generator[PairOutcome, None, None]:
    """engine.comparison.running.outcomes."""
    from engine.comparison import running

    return running.outcomes(request, cancelled)


def looking_at_start(pairing: Pairing, device: Device) -> Generator[None, None, str]:
    """engine.comparison.cautions.looking_at_start."""
    from engine.comparison import cautions

    return cautions.looking_at_start(pairing, device)


def pair_cautions(pairing: Pairing) -> dict[str, str]:
    """What is to be said of a pair before anything of it is computed, by kind; empty where there is nothing."""
    from engine.comparison import cautions
    from engine.comparison.module_cautions import untrained_caution

    return {
        "same file": cautions.same_file_caution(pairing),
        "base models": cautions.base_model_caution(pairing),
        "untrained": untrained_caution(pairing),
    }


def module_cautions(results: Sequence[SideResult], side: Side, count_from: int) -> tuple[ModuleCaution, ...]:
    """engine.comparison.module_cautions.module_cautions."""
    from engine.comparison import module_cautions as cautions

    return cautions.module_cautions(results, side, count_from)


def shared_sentence(results: Sequence[SideResult], side: Side, count_from: int, total: int) -> str:
    """engine.comparison.sentence.shared_sentence."""
    from engine.comparison import sentence

    return sentence.shared_sentence(results, side, count_from=count_from, total=total)


def saved_comparison(
    path: Path, places: Sequence[Path]
) -> Generator[None, None, tuple[SavedComparison, tuple[FoundAdapter, FoundAdapter]]]:
    """What an export says it shows, and what became of its two adapters, looked for in these places.

    Raises:
        EngineError: as engine.document.reopening.read_saved.
    """
    from engine.document.reopening import finding_adapter, read_saved

    saved = read_saved(path)
    first = yield from finding_adapter(saved.first, places)
    second = yield from finding_adapter(saved.second, places)
    return saved, (first, second)


def checking_adapter(saved: SavedAdapter, path: Path) -> Generator[None, None, FoundAdapter]:
    """engine.document.reopening.checking_adapter."""
    from engine.document import reopening

    return reopening.checking_adapter(saved, path)


def saving_comparison(comparison: Comparison, path: Path, style: FigureStyle) -> Generator[None, None, None]:
    """engine.document.export.save_comparison, with the command that makes the files again."""
    from engine.commands.recipe import command_line
    from engine.document import export

    yield from _hashed(comparison)
    plan = ExportPlan(style=style)
    export.save_comparison(comparison, path, plan, command_line(comparison, plan))


def _hashed(comparison: Comparison) -> Generator[None, None, None]:
    """Wait for the checksums, which files state, in slices."""
    for source in (comparison.first, comparison.second):
        yield from source.file.files.hashed()


def export_loss(comparison: Comparison, plan: ExportPlan, folder: Path) -> Generator[None, None, str]:
    """What an export into a folder would take away or write over, in a sentence's end; empty where nothing."""
    from engine.commands.recipe import command_line
    from engine.document.former_export import former_export
    from engine.document.provenance import comparison_facts, comparison_origin

    former = former_export(folder)
    if not (former.files or former.strangers):
        return ""
    yield from _hashed(comparison)
    origin = comparison_origin(comparison, plan.style)
    facts = comparison_facts(comparison, plan, origin, command_line(comparison, plan))
    return former.loss(file_names(comparison.slugs, plan), facts, strictly=True)


def exporting(
    comparison: Comparison,
    folder: Path,
    plan: ExportPlan,
    wrote: Callable[[Path], None],
    cancellation: Cancellation,
    *,
    replacing: bool,
) -> Generator[None, None, dict[str, Any]]:
    """engine.document.export.exporting, with the command that makes the files again."""
    from engine.commands.recipe import command_line
    from engine.document import export

    command = command_line(comparison, plan)
    return export.exporting(comparison, folder, plan, command, wrote, cancellation, replacing=replacing)


def preview(comparison: Comparison, style: FigureStyle, pixels: int) -> tuple[bytes, str, bool]:
    """A figure as a PNG about so many pixels wide, its size and cautions in lines, and whether these are to be
    heeded."""
    from engine.document.comparison_figure import figure_cautions, size_note
    from engine.document.export import figure_picture as drawn

    picture, (size, is_too_tall) = drawn(comparison, style, pixels), size_note(comparison, style)
    cautions = figure_cautions(comparison, style)
    return picture, "\n".join((size, *cautions)), is_too_tall or bool(cautions)


def figure_picture(comparison: Comparison, style: FigureStyle) -> bytes:
    """engine.document.export.figure_picture, in the figure's resolution."""
    from engine.document import export

    return export.figure_picture(comparison, style)


def latex_figure(comparison: Comparison, style: FigureStyle) -> str:
    """engine.document.latex.latex_figure."""
    from engine.document import latex

    return latex.latex_figure(comparison, style)


def comparison_cautions(
    pairing: Pairing, side: Side, results: Sequence[SideResult], started_alike: str, count_from: int
) -> tuple[str, ...]:
    """engine.comparison.cautions.comparison_cautions; NumPy has been loaded where there are results."""
    from engine.comparison import cautions

    return cautions.comparison_cautions(pairing, side, results, started_alike, count_from)
