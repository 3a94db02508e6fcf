"""Everything that is known of a pair of modules, from which every measure follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from engine.checkpoints.storage_types import Float64Array
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
        """The way the overlap was computed: "Gram", "CholeskyQR2" or "SVD"."""
        return self.overlap.method


@dataclass(frozen=True)
class UpdateFacts:
    """What two updates B A and B' A' are to each other as a whole, before they are scaled.

    `cosine` is ⟨BA, B'A'⟩ / (‖BA‖ ‖B'A'‖) by Frobenius's inner product, NaN where one is zero; `norms` are ‖BA‖ and
    ‖B'A'‖.
    """

    cosine: float
    norms: tuple[float, float]


@dataclass(frozen=True, eq=False)
class PairFacts:
    """What is known of a pair, on one side or several."""

    overlaps: Mapping[Side, Overlap]

    @cached_property
    def update(self) -> UpdateFacts | None:
        """What the updates are to each other as a whole; None unless both sides of ΔW are known.

        With BA = Σ σ_k u_k v_kᵀ the inner product is Σ σ_k σ'_l (u_kᵀu'_l)(v_kᵀv'_l); the signs of u and v belong
        together, as both come from one decomposition.
        """
        right, left = self.overlaps.get(Side.DW_RIGHT), self.overlaps.get(Side.DW_LEFT)
        if right is None or left is None:
            return None
        r, r_ = (min(lengths) for lengths in zip(right.matrix.shape, left.matrix.shape, strict=True))
        unit, unit_ = (_direction(spectrum, n) for spectrum, n in ((right.first, r), (right.second, r_)))
        cosine = unit @ (right.matrix[:r, :r_] * left.matrix[:r, :r_]) @ unit_
        return UpdateFacts(float(cosine), (right.first.norm, right.second.norm))

    def on(self, side: Side) -> SideFacts:
        """What is known on a side.

        Raises:
            KeyError: nothing is.
        """
        return SideFacts(side, self.overlaps[side])


def _direction(spectrum: Spectrum, length: int) -> Float64Array:
    """The first so many singular values, the rest of which are zero, over the norm of all."""
    values = spectrum.values[:length]
    norm = np.linalg.norm(values)
    return values / norm if norm > 0.0 else np.full(length, np.nan)
