"""What is asked of a comparison, and what comes of each module: values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import EngineError
from engine.matching.pairing import ModulePair
from engine.side import Side
from engine.sources.source import Source
from engine.subspaces.devices import CPU, Device

if TYPE_CHECKING:  # NumPy stays out of the window's first paint
    from engine.subspaces.subspace import SubspaceSimilarity


@dataclass(frozen=True, eq=False)
class ComparisonRequest:
    """What to compute: these pairs of these adapters, on this side, in this order. `id` tells requests apart."""

    id: int
    first: Source
    second: Source
    pairs: tuple[ModulePair, ...]
    side: Side = Side.A
    device: Device = CPU


@dataclass(frozen=True, eq=False)
class ModuleResult:
    """φ of one pair, and what a reader of it should know.

    `device_failure` is why the device asked for did not compute it, so that the CPU did; empty where it did.
    """

    pair: ModulePair
    similarity: SubspaceSimilarity
    warnings: tuple[str, ...] = ()
    device_failure: str = ""

    @property
    def size(self) -> int:
        """Bytes of its arrays."""
        similarity = self.similarity
        return similarity.values.nbytes + similarity.first.values.nbytes + similarity.second.values.nbytes


@dataclass(frozen=True, eq=False)
class ModuleFailure:
    """Why one pair has no φ."""

    pair: ModulePair
    error: EngineError


Outcome = ModuleResult | ModuleFailure
