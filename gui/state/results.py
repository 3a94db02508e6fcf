"""What is known of the pairs of the sources that are open."""

from __future__ import annotations

from collections.abc import Iterable

from engine.comparison.outcome import PairOutcome, Request, SideOutcome, SideResult
from engine.matching.matching import Key
from engine.side import Side
from engine.subspaces.devices import Device

# Bytes of results that are kept; above, the sides that were not looked at for longest are forgotten. The side shown
# is always kept, whatever it takes: atlas and findings show all of it.
MOST_KEPT = 512 * 2**20


class Results:
    """Outcomes by side and pair; the side looked at last comes last."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything: other sources are open."""
        self._by_side: dict[Side, dict[Key, SideOutcome]] = {side: {} for side in reversed(Side)}
        self._sizes = dict.fromkeys(Side, 0)
        self._forgotten: set[Side] = set()  # there was no room for them, and there is none for more of them
        self._devices: dict[Side, Device] = {}

    def look_at(self, side: Side) -> None:
        """This side is shown from now on."""
        self._by_side[side] = self._by_side.pop(side)
        self._forgotten.discard(side)
        self._trim()

    def on(self, side: Side) -> dict[Key, SideOutcome]:
        """What is known on a side."""
        return self._by_side[side]

    def add(self, request: Request, outcomes: Iterable[PairOutcome]) -> None:
        """Keep what came of pairs on the sides that were asked for."""
        for outcome in outcomes:
            for side in request.sides:
                if side not in self._forgotten and not outcome.pair.obstacle(side):
                    self._keep(side, outcome.on(side))
        self._devices |= dict.fromkeys(request.sides, request.device)
        self._trim()

    def kept_sides(self, side: Side) -> tuple[Side, ...]:
        """The sides that there is room for, this one in any case."""
        return tuple(each for each in Side if each is side or each not in self._forgotten)

    def device(self, side: Side) -> Device | None:
        """What computed a side; of several devices, the last one."""
        return self._devices.get(side)

    def _keep(self, side: Side, outcome: SideOutcome) -> None:
        before = self._by_side[side].get(outcome.pair.key)
        self._sizes[side] += _size(outcome) - (_size(before) if before is not None else 0)
        self._by_side[side][outcome.pair.key] = outcome

    def _trim(self) -> None:
        """Keep within the budget of memory."""
        for side in list(self._by_side)[:-1]:
            if sum(self._sizes.values()) <= MOST_KEPT:
                break
            if self._by_side[side]:
                self._by_side[side], self._sizes[side] = {}, 0
                self._forgotten.add(side)


def _size(outcome: SideOutcome) -> int:
    return outcome.nbytes if isinstance(outcome, SideResult) else 0
