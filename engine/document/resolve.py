"""A document and what is known → what is shown of it, and what has to be computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.comparison.outcome import SideFailure, SideOutcome
from engine.document.document import Document
from engine.figures.plan import FigurePlan
from engine.figures.presets import figure_plan
from engine.matching.matching import Key
from engine.matching.pairing import ModulePair, Pairing


@dataclass(frozen=True, eq=False)
class Shown:
    """What a document shows of a pair of sources.

    `comparable` are the pairs that can be compared on its side, in natural order, `pairs` those of them that are
    selected, `plan` the figure of these; a control stands for the last of them that has not failed. `missing` are
    the pairs that are not known: those selected first, then the rest.
    """

    comparable: tuple[ModulePair, ...]
    pairs: tuple[ModulePair, ...]
    plan: FigurePlan
    missing: tuple[ModulePair, ...]


def resolve(document: Document, pairing: Pairing | None, known: Mapping[Key, SideOutcome]) -> Shown:
    """What a document shows of a pairing, of which this is known on the document's side."""
    comparable = pairing.comparable(document.side) if pairing is not None else ()
    selection = set(document.selection)
    pairs = tuple(pair for pair in comparable if pair.slug in selection)
    plan = figure_plan(
        pairs,
        document.preset if pairs else None,
        control_of=_last_sound(pairs, known) if document.control else None,
        square=document.square,
    )
    unknown = [pair for pair in comparable if pair.key not in known]
    missing = sorted(unknown, key=lambda pair: pair.slug not in selection)
    return Shown(comparable, pairs, plan, tuple(missing))


def _last_sound(pairs: Sequence[ModulePair], known: Mapping[Key, SideOutcome]) -> ModulePair | None:
    return next((pair for pair in reversed(pairs) if not isinstance(known.get(pair.key), SideFailure)), None)
