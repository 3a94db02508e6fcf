"""Three ways to look at a measure: as it is, above chance, and in standard deviations from chance.

What a view is called, how many digits its numbers have and which line stands on its bar is said here and nowhere
else; the window, figures and files read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from engine.side import Side

# Where the white line of a figure runs and z's bar has its marks. It is a distance, not a level of significance:
# at i = j = 1 two random subspaces are beyond it in 2 % of all cases (docs/method.md, "Chance").
CHANCE_SD = 3.0


class View(Enum):
    """What a panel shows of φ; the value is its name on the command line and in files.

    `letter` is the function of i and j that is shown, or that chance is taken from, and `rest` what is done to it.
    `words` go on a sentence, `latex` goes on a caption after "Normalised". `digits` are the decimals of a value as it
    is read out, `few_digits` those where there is little room.
    """

    letter: str
    rest: str
    words: str
    latex: str
    digits: int
    few_digits: int

    PHI = "phi", "φ", "", "subspace similarity φ", r"subspace similarity $\phi(i, j)$", 4, 2
    ABOVE_CHANCE = (
        "above-chance", "φ", " − chance", "subspace similarity φ above chance, φ − chance",
        r"subspace similarity above chance, $\phi(i, j) - \max(i, j)/d$,", 4, 2,
    )  # fmt: skip
    Z = (
        "z", "z", "", "distance of φ from chance in standard deviations, z",
        r"distance $z$ of the subspace similarity $\phi(i, j)$ from chance in standard deviations", 1, 0,
    )  # fmt: skip

    def __new__(  # the defaults are for `View("z")`, which looks a member up
        cls, value: str, letter: str = "", rest: str = "", words: str = "", latex: str = "",
        digits: int = 0, few_digits: int = 0,
    ) -> View:  # fmt: skip
        member = object.__new__(cls)
        member._value_ = value
        member.letter, member.rest, member.words, member.latex = letter, rest, words, latex
        member.digits, member.few_digits = digits, few_digits
        return member

    @property
    def symbol(self) -> str:
        """What is shown, in symbols: φ, φ − chance, z."""
        return self.letter + self.rest

    @property
    def is_centred(self) -> bool:
        """Whether its values lie on both sides of 0, which is chance."""
        return self is not View.PHI

    @property
    def marks(self) -> tuple[float, ...]:
        """The values that the bar marks: 3 standard deviations on both sides of chance.

        Only z has them: φ − chance has other standard deviations in every cell.
        """
        return (-CHANCE_SD, CHANCE_SD) if self is View.Z else ()


@dataclass(frozen=True)
class Title:
    """`φ(A_{r=64}, A′_{r=64}, i, j) − chance` in parts, to be set in type by whoever writes it."""

    letter: str
    matrix: str
    first_ranks: tuple[int, int]
    second_ranks: tuple[int, int]
    rest: str


def figure_title(view: View, side: Side, shapes: Sequence[tuple[int, int]]) -> Title:
    """The title of panels of these shapes (r, r'); ranks are stated as smallest and largest."""
    first, second = ([shape[axis] for shape in shapes] for axis in (0, 1))
    return Title(view.letter, side.matrix, (min(first), max(first)), (min(second), max(second)), view.rest)


def bar_labels(view: View, side: Side) -> tuple[str, str]:
    """What a bar stands for, `φ, right-singular vectors of A`, and the same in short: `φ on A`, `z on ΔW, left`."""
    return f"{view.symbol}, {side.words}", f"{view.symbol} on {side.title}"
