"""Outcomes that are kept: what is asked for again is not computed again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.comparison.outcome import Request, SideFailure, SideOutcome, SideResult
from engine.comparison.running import outcomes
from engine.errors import EngineError, NothingComparable
from engine.matching.matching import Key, Matching
from engine.matching.pairing import ModulePair
from engine.side import Side
from engine.sources.left_out import by_reason
from engine.sources.source import SkippedModule
from engine.subspaces.devices import Device
from engine.wording import count


@dataclass(frozen=True)
class ComparedModule:
    """A module that was compared. `slug` names it in files and is understood by `Comparison.phi`.

    `name` is its path in the first adapter, `layer` counts from 1, or is a label such as "down.1.0", `tower` is empty
    where a model has one. `ranks` are (r, r′), and `d` is the dimension of the space that holds both subspaces.
    """

    slug: str
    name: str
    tower: str
    layer: int | str
    projection: str
    ranks: tuple[int, int]
    d: int

    @classmethod
    def of(cls, result: SideResult) -> ComparedModule:
        """The module of a result."""
        path, pair = result.pair.path, result.pair
        d = result.facts.dimension
        label = path.layer_label
        layer = int(label) if label.isdecimal() else label
        return cls(pair.slug, path.name, path.tower, layer, path.projection, pair.shape, d)


class KnownOutcomes:
    """What is known of the pairs of a matching, side by side. It grows with what is asked for."""

    def __init__(self, matching: Matching, device: Device) -> None:
        self.matching = matching
        self.device = device
        self._known: dict[Side, dict[Key, SideOutcome]] = {}

    def on(self, side: Side, pairs: Sequence[ModulePair]) -> tuple[SideOutcome, ...]:
        """What comes of these pairs on a side, in their order; what is not known yet is computed.

        Raises:
            FileChanged, UnreadableFile: as engine.comparison.running.outcomes.
        """
        known = self._known.setdefault(side, {})
        missing = tuple(pair for pair in pairs if pair.key not in known)
        if missing:
            asked = dict.fromkeys((side, Side.DW_RIGHT, Side.DW_LEFT))  # findings say how the updates stand together
            for outcome in outcomes(Request(0, self.matching, missing, tuple(asked), self.device)):
                for each in asked:
                    self._known.setdefault(each, {})[outcome.pair.key] = outcome.on(each)
        return tuple(known[pair.key] for pair in pairs)


def sound_results(found: Sequence[SideOutcome]) -> tuple[tuple[SideResult, ...], tuple[SkippedModule, ...]]:
    """The results among outcomes, and the modules that failed, with the reason.

    Raises:
        EngineError: there is no result.
    """
    results = tuple(outcome for outcome in found if isinstance(outcome, SideResult))
    failures = [outcome for outcome in found if isinstance(outcome, SideFailure)]
    if not results:
        raise why_none(failures)
    return results, tuple(skipped_module(failure) for failure in failures)


def why_none(failures: Sequence[SideFailure]) -> EngineError:
    """Why nothing came of a comparison: the one module's error, or the most frequent reason with its count."""
    if len(failures) == 1:
        return failures[0].error
    groups, paths = by_reason(map(skipped_module, failures)), {failure.error.path for failure in failures}
    others = len(failures) - len(groups[0].modules)
    why = f"{groups[0]} {count(others, 'module')} more for other reasons." if others else groups[0].with_examples
    return NothingComparable(
        f"None of the {len(failures)} modules can be compared: {why}", path=paths.pop() if len(paths) == 1 else None
    )


def skipped_module(failure: SideFailure) -> SkippedModule:
    """A module that failed, as one that is left out."""
    return SkippedModule(failure.pair.path.name, failure.error.reason)
