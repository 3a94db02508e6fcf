"""Whose singular vectors are compared (docs/method.md, "Sides")."""

from __future__ import annotations

from enum import Enum


class Side(Enum):
    """A side of ΔW = s · B A; the value is its name on the command line and in files.

    Whether its vectors depend on A and on B (`needs_A`, `needs_B`) and live in R^d_in (`on_input`, else in R^d_out);
    `matrix` is the one whose vectors they are, `vectors` which of its. `title` stands alone, `label` in a sentence.
    """

    needs_A: bool
    needs_B: bool
    on_input: bool
    matrix: str
    vectors: str
    label: str
    title: str

    A = "A", True, False, True, "A", "right-singular vectors", "A", "A"
    B = "B", False, True, False, "B", "left-singular vectors", "B", "B"
    DW_RIGHT = "dW-right", True, True, True, "ΔW", "right-singular vectors", "ΔW (right)", "ΔW, right"
    DW_LEFT = "dW-left", True, True, False, "ΔW", "left-singular vectors", "ΔW (left)", "ΔW, left"

    def __new__(  # the defaults are for `Side("A")`, which looks a member up
        cls, value: str, needs_A: bool = False, needs_B: bool = False, on_input: bool = False, matrix: str = "",
        vectors: str = "", label: str = "", title: str = "",
    ) -> Side:  # fmt: skip
        member = object.__new__(cls)
        member._value_ = value
        member.needs_A, member.needs_B, member.on_input = needs_A, needs_B, on_input
        member.matrix, member.vectors, member.label, member.title = matrix, vectors, label, title
        return member

    # Enum's own hashes the name, in Python, which takes longer than what is looked up with it.
    __hash__ = object.__hash__

    @property
    def words(self) -> str:
        """Which vectors it compares, for readers."""
        return f"{self.vectors} of {self.matrix}"

    @property
    def is_of_update(self) -> bool:
        """Whether it is of ΔW itself, which does not depend on how it is written as B A."""
        return self.needs_A and self.needs_B
