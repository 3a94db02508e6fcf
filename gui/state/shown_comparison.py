"""What the window shows, as the engine's exports want it."""

from __future__ import annotations

from engine import work
from engine.document.export_plan import Comparison
from engine.errors import NothingComparable
from engine.figures.presets import Preset, preset_pairs
from engine.side import Side
from gui.state.session import Session


def shown_slugs(session: Session, alone: str | None = None) -> frozenset[str]:
    """The panels shown whose φ is known; of them the one that is `alone`, where one fills the window."""
    slugs = (pair.slug for pair in session.shown if session.result(pair) is not None)
    return frozenset(slug for slug in slugs if alone in (None, slug))


def shown_comparison(
    session: Session, preset: Preset | None, *, everything: bool, alone: str | None = None
) -> Comparison:
    """What is known of the pair on the side shown; the figure holds the panels shown, or those of a preset.

    `everything` keeps the numbers of all modules, not only of the figure's.

    Raises:
        NothingComparable: the preset does not fit these adapters, or there are not two of them any more.
    """
    pairing = session.pairing
    if pairing is None:
        raise NothingComparable("There are no two adapters to compare any more.")
    figure = shown_slugs(session, alone)
    if preset is not None:
        pairs = preset_pairs(session.comparable, preset)
        if any(session.outcome(pair) is None for pair in pairs):
            raise NothingComparable(f"{preset.title} waits for modules that are still to be computed.")
        figure = frozenset(pair.slug for pair in pairs)
    results = tuple(result for result in session.results if everything or result.pair.slug in figure)
    side, count_from = session.document.side, session.document.count_from
    started_alike = session.common_start.caution if side is Side.A else ""
    cautions = work.comparison_cautions(pairing, side, results, started_alike, count_from)
    return Comparison(
        pairing.first, pairing.second, side, session.device_computed_on, results, session.skipped, figure,
        cautions, preset,
    )  # fmt: skip
