"""Everything that is known of a pair of modules, from which every measure follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.side import Side
from engine.subspaces.overlap import Overlap, Spectrum


@dataclass(frozen=True, eq=False)
class SideFacts:
    """What is known of a pair on one side."""

    side: Side
    overlap: Overlap

    @property
    def shape(self) -> tuple[int, int]:
        """(r, r'), the ranks of both."""
        return self.overlap.shape

    @property
    def dimension(self) -> int:
        """d, the dimension of the space that holds both subspaces."""
        return self.overlap.dimension

    @property
    def first(self) -> Spectrum:
        """Singular values of the first matrix."""
        return self.overlap.first

    @property
    def second(self) -> Spectrum:
        """Singular values of the second matrix."""
        return self.overlap.second

    @property
    def method(self) -> str:
        """The way the overlap was computed, "Gram" or "SVD"."""
        return self.overlap.method


@dataclass(frozen=True, eq=False)
class PairFacts:
    """What is known of a pair, on one side or several."""

    overlaps: Mapping[Side, Overlap]

    def on(self, side: Side) -> SideFacts:
        """What is known on a side.

        Raises:
            KeyError: nothing is.
        """
        return SideFacts(side, self.overlaps[side])
