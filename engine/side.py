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
