"""What is asked of a comparison, and what comes of each pair of modules: values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import EngineError
from engine.matching.matching import Matching
from engine.matching.pairing import ModulePair
from engine.side import Side
from engine.subspaces.devices import CPU, Device

if TYPE_CHECKING:  # NumPy stays out of the window's first paint
    from engine.checkpoints.storage_types import Float64Array
    from engine.subspaces.facts import PairFacts, SideFacts, UpdateFacts


@dataclass(frozen=True, eq=False)
class Request:
    """What to compute: these pairs of the sources of a matching, on these sides, in this order of modules.

    `id` tells requests apart.
    """

    id: int
    matching: Matching
    pairs: tuple[ModulePair, ...]
    sides: tuple[Side, ...] = (Side.A,)
    device: Device = CPU


@dataclass(frozen=True, eq=False)
class PairOutcome:
    """What came of one pair: facts on some of the sides asked for, and why there are none on the others.

    `device_failure` is why the device asked for did not compute it, so that the CPU did; empty where it did.
    """

    pair: ModulePair
    facts: PairFacts
    failures: Mapping[Side, EngineError]
    device_failure: str = ""

    def on(self, side: Side) -> SideOutcome:
        """What came of it on a side.

        Raises:
            KeyError: it was not asked for.
        """
        if side in self.failures:
            return SideFailure(self.pair, self.failures[side])
        return SideResult(self.pair, self.facts.on(side), self.device_failure, self.facts.update)


@dataclass(frozen=True, eq=False)
class SideResult:
    """What is known of one pair on one side, and of its updates as a whole where both sides of ΔW are known."""

    pair: ModulePair
    facts: SideFacts
    device_failure: str = ""
    update: UpdateFacts | None = None

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        return self.facts.overlap.nbytes

    @property
    def phi(self) -> Float64Array:
        """φ, (r, r'), computed each time."""
        from engine.measures.phi import PHI  # noqa: PLC0415 - as above

        return PHI.values(self.facts)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader of it should know, a sentence each."""
        said = (f"{self.device_failure} This module was computed on the CPU.",) if self.device_failure else ()
        if self.pair.untrained:
            said = (*said, f"B is zero in the {self.pair.untrained} adapter, so ΔW is zero: untrained.")
        return (*said, *self._of_spectra("first"), *self._of_spectra("second"))

    def _of_spectra(self, which: str) -> tuple[str, ...]:
        module, spectrum = {
            "first": (self.pair.first, self.facts.first), "second": (self.pair.second, self.facts.second),
        }[which]  # fmt: skip
        said = []
        if spectrum.numerical_rank < module.rank:
            said.append(
                f"The {which} adapter has numerical rank {spectrum.numerical_rank} of {module.rank} here; "
                "φ is undefined past it."
            )
        if spectrum.ties:
            listed = ", ".join(map(str, spectrum.ties[:5])) + (", …" if len(spectrum.ties) > 5 else "")
            said.append(f"Nearly equal singular values in the {which} adapter at k = {listed}: φ there is unstable.")
        return tuple(said)


@dataclass(frozen=True, eq=False)
class SideFailure:
    """Why one pair has no facts on a side."""

    pair: ModulePair
    error: EngineError


SideOutcome = SideResult | SideFailure
