"""Whose singular vectors are compared (METHOD, "Four sides")."""

from __future__ import annotations

from enum import Enum


class Side(Enum):
    """A side of ΔW = s · B A; the value is its name on the command line and in files."""

    A = "A"
    B = "B"
    DW_RIGHT = "dW-right"
    DW_LEFT = "dW-left"

    @property
    def needs_B(self) -> bool:
        """Whether its vectors depend on B."""
        return self is not Side.A

    @property
    def needs_A(self) -> bool:
        """Whether its vectors depend on A."""
        return self is not Side.B

    @property
    def on_input(self) -> bool:
        """Whether its vectors live in R^d_in (else in R^d_out)."""
        return self in (Side.A, Side.DW_RIGHT)

    @property
    def label(self) -> str:
        """The side within a sentence: `A`, `B`, `ΔW (right)`, `ΔW (left)`."""
        return {Side.DW_RIGHT: "ΔW (right)", Side.DW_LEFT: "ΔW (left)"}.get(self, self.value)

    @property
    def words(self) -> str:
        """Which vectors it compares, for readers."""
        return {
            Side.A: "right-singular vectors of A",
            Side.B: "left-singular vectors of B",
            Side.DW_RIGHT: "right-singular vectors of ΔW",
            Side.DW_LEFT: "left-singular vectors of ΔW",
        }[self]
