"""The one lazy door to what computes: NumPy, SciPy, torch and matplotlib are loaded by the first call of each.

For a program that paints before it computes; every function here belongs into the thread that computes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.comparison.outcome import PairOutcome, Request, SideResult
from engine.document.export_plan import Comparison, ExportPlan
from engine.errors import EngineError
from engine.matching.pairing import Pairing
from engine.side import Side
from engine.sources.source import Source
from engine.subspaces.devices import Device

if TYPE_CHECKING:
    from engine.comparison.module_cautions import ModuleCaution
    from engine.document.reopening import FoundAdapter, SavedComparison


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


def outcomes(request: Request, cancelled: Callable[[], bool]) -> Iterator[PairOutcome]:
    """engine.comparison.running.outcomes."""
    from engine.comparison import running

    return running.outcomes(request, cancelled)


def initialisation_caution(pairing: Pairing, device: Device) -> str:
    """engine.comparison.cautions.initialisation_caution."""
    from engine.comparison import cautions

    return cautions.initialisation_caution(pairing, device)


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


def saved_comparison(path: Path, places: Sequence[Path]) -> tuple[SavedComparison, tuple[FoundAdapter, FoundAdapter]]:
    """What an export says it shows, and what became of its two adapters, looked for in these places.

    Raises:
        EngineError: as engine.document.reopening.read_saved.
    """
    from engine.document.reopening import find_adapter, read_saved

    saved = read_saved(path)
    return saved, (find_adapter(saved.first, places), find_adapter(saved.second, places))


def save_comparison(comparison: Comparison, path: Path, plan: ExportPlan, command: str) -> None:
    """engine.document.export.save_comparison."""
    from engine.document import export

    export.save_comparison(comparison, path, plan, command)


def comparison_cautions(
    pairing: Pairing, side: Side, results: Sequence[SideResult], started_alike: str, count_from: int
) -> tuple[str, ...]:
    """engine.comparison.cautions.comparison_cautions; NumPy has been loaded where there are results."""
    from engine.comparison import cautions

    return cautions.comparison_cautions(pairing, side, results, started_alike, count_from)
