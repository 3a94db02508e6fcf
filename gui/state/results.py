"""What is known of the pairs of the sources that are open."""

from __future__ import annotations

from collections.abc import Iterable

from engine.comparison.outcome import PairOutcome, SideOutcome, SideResult
from engine.matching.matching import Key
from engine.side import Side
from engine.subspaces.devices import Device

# Bytes of results that are kept; above, the sides that were not looked at for longest are forgotten. The side shown
# is always kept, whatever it takes: atlas and findings show all of it.
MOST_KEPT = 512 * 2**20


class Results:
    """Outcomes by side and pair; the side looked at last comes last."""

    def __init__(self) -> None:
        self._by_side: dict[Side, dict[Key, SideOutcome]] = {}
        self._devices: dict[Side, Device] = {}

    def clear(self) -> None:
        """Forget everything: other sources are open."""
        self._by_side = {}
        self._devices = {}

    def look_at(self, side: Side) -> None:
        """This side is shown from now on."""
        self._by_side[side] = self._by_side.pop(side, {})
        self.trim()

    def on(self, side: Side) -> dict[Key, SideOutcome]:
        """What is known on a side."""
        return self._by_side.get(side, {})

    def add(self, side: Side, outcomes: Iterable[PairOutcome], device: Device) -> None:
        """Keep what came of pairs on a side, and what computed it."""
        self._by_side.setdefault(side, {}).update((outcome.pair.key, outcome.on(side)) for outcome in outcomes)
        self._devices[side] = device

    def device(self, side: Side) -> Device | None:
        """What computed a side; of several devices, the last one."""
        return self._devices.get(side)

    def trim(self) -> None:
        """Keep within the budget of memory."""
        sizes = {side: sum(map(_size, outcomes.values())) for side, outcomes in self._by_side.items()}
        for side in list(self._by_side)[:-1]:
            if sum(sizes.values()) <= MOST_KEPT:
                break
            del self._by_side[side], sizes[side]


def _size(outcome: SideOutcome) -> int:
    return outcome.nbytes if isinstance(outcome, SideResult) else 0
