"""What an export compares, and what of it the figure shows, by the options that say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.commands.arguments import Selection
from engine.comparison.outcome import SideResult
from engine.document.export_plan import default_figure
from engine.errors import NothingComparable
from engine.figures.presets import preset_pairs
from engine.matching.explaining import why_nothing
from engine.matching.pairing import ModulePair, Pairing
from engine.matching.selection import select_pairs
from engine.side import Side

_LISTED = 8


@dataclass(frozen=True)
class Chosen:
    """The pairs that can be compared, those of them that are, and those of the preset, if one was chosen."""

    comparable: tuple[ModulePair, ...]
    pairs: tuple[ModulePair, ...]
    of_preset: tuple[ModulePair, ...] = ()


def chosen_pairs(pairing: Pairing, side: Side, selection: Selection) -> Chosen:
    """The pairs that a selection picks.

    Raises:
        NothingComparable: there are none, one that was named is not there, or the preset does not fit.
    """
    comparable = pairing.comparable(side)
    if not comparable:
        why = f"Nothing can be compared with {pairing.second.path}: {why_nothing(pairing, side)}"
        raise NothingComparable(why, path=pairing.first.path)
    pairs = select_pairs(comparable, selection.layers, selection.projections)
    if selection.modules:
        pairs = _named(pairs, selection.modules)
    if not pairs:
        raise _none_picked(comparable)
    if selection.preset is None:
        return Chosen(comparable, pairs)
    of_preset = preset_pairs(pairs, selection.preset)
    return Chosen(comparable, pairs if selection.keeps_all else of_preset, of_preset)


def figure_slugs(results: Sequence[SideResult], selection: Selection) -> frozenset[str] | None:
    """Which results the figure shows: those named, the preset's, or what is usual; None for all.

    Raises:
        NothingComparable: one that was named is not among them, or the preset does not fit what came of it.
    """
    pairs = [result.pair for result in results]
    if selection.panels:
        return frozenset(pair.slug for pair in _named(pairs, selection.panels))
    if selection.preset:
        return frozenset(pair.slug for pair in preset_pairs(pairs, selection.preset))
    return default_figure(results, is_selection=selection.is_part)


def _named(pairs: Sequence[ModulePair], names: Sequence[str]) -> tuple[ModulePair, ...]:
    """The pairs of these slugs.

    Raises:
        NothingComparable: one is of no pair.
    """
    unknown = set(names) - {pair.slug for pair in pairs}
    if unknown:
        known = _first_and_last([pair.slug for pair in pairs])
        name = next(name for name in names if name in unknown)
        raise NothingComparable(f"No module that can be compared is called {name}; there are {known}.")
    return tuple(pair for pair in pairs if pair.slug in names)


def _none_picked(comparable: Sequence[ModulePair]) -> NothingComparable:
    labels = list(dict.fromkeys(pair.path.layer_label for pair in comparable))
    names = list(dict.fromkeys(pair.path.projection for pair in comparable))
    return NothingComparable(
        f"No module is in these layers and projections; there are layers {_first_and_last(labels)} and "
        f"projections {_first_and_last(names)}."
    )


def _first_and_last(items: Sequence[str]) -> str:
    shown = ", ".join(item or "(none)" for item in items[:_LISTED])
    return f"{shown}, … {items[-1]}" if len(items) > _LISTED else shown
