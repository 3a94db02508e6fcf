"""Three ways to look at φ: as it is, above chance, and in standard deviations from chance.

What a view is called, how many digits its numbers have and which line stands on its bar is said here and nowhere
else; the window, figures and files read it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from engine.checkpoints.storage_types import Float64Array
from engine.measures.chance import chance_of_cell, expected_similarity, similarity_deviation
from engine.side import Side
from engine.subspaces.subspace import SubspaceSimilarity

# Where the white line of a figure runs and z's bar has its marks. It is a distance, not a level of significance:
# at i = j = 1 two random subspaces are beyond it in 2 % of all cases (METHOD, "What a pair shares").
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
    matrix = {Side.A: "A", Side.B: "B"}.get(side, "ΔW")
    first, second = ([shape[axis] for shape in shapes] for axis in (0, 1))
    return Title(view.letter, matrix, (min(first), max(first)), (min(second), max(second)), view.rest)


def bar_labels(view: View, side: Side) -> tuple[str, str]:
    """What a bar stands for, `φ, right-singular vectors of A`, and the same in short: `φ on A`, `z on ΔW, left`."""
    vectors, _, matrix = side.words.rpartition(" ")
    which = f"{matrix}, {vectors.partition('-')[0]}" if side in (Side.DW_LEFT, Side.DW_RIGHT) else matrix
    return f"{view.symbol}, {side.words}", f"{view.symbol} on {which}"


@dataclass(frozen=True)
class CellReading:
    """One cell in numbers: φ, chance, φ − chance, z, and the angle in degrees whose squared cosine is φ.

    All but chance are NaN where φ is undefined, z also where a subspace is the whole space and has no spread.
    """

    phi: float
    chance: float
    above_chance: float
    z: float
    angle: float

    def value(self, view: View) -> float:
        """What a view shows of the cell."""
        return {View.PHI: self.phi, View.ABOVE_CHANCE: self.above_chance, View.Z: self.z}[view]


def read_cell(similarity: SubspaceSimilarity, i: int, j: int) -> CellReading:
    """The cell at i and j, counted from 1."""
    phi = float(similarity.values[i - 1, j - 1])
    chance, spread = chance_of_cell(i, j, similarity.dimension)
    above = phi - chance
    angle = math.nan if math.isnan(phi) else math.degrees(math.acos(min(1.0, math.sqrt(max(0.0, phi)))))
    return CellReading(phi, chance, above, above / spread if spread > 0 else math.nan, angle)


def why_undefined(similarity: SubspaceSimilarity, view: View, rows: int, columns: int) -> str:
    """Why a view has undefined cells among i ≤ rows and j ≤ columns; empty where it has none."""
    ranks = similarity.first.numerical_rank, similarity.second.numerical_rank
    if not min(ranks):
        return "a matrix is zero: untrained"
    if ranks[0] < rows or ranks[1] < columns:
        return "past the numerical rank"
    is_whole = view is View.Z and max(rows, columns) >= similarity.dimension
    return "a subspace is the whole space" if is_whole else ""


def view_values(similarity: SubspaceSimilarity, view: View) -> Float64Array:
    """What a view shows of φ, shape (r, r'), float64; NaN where φ is undefined.

    φ − E[φ] above chance; z = (φ − E[φ]) / SD[φ], NaN where a subspace is the whole space and SD is zero
    (METHOD, "Chance level").
    """
    return _seen(similarity.values, view, similarity.dimension)


def chance_band(similarity: SubspaceSimilarity, view: View) -> tuple[Float64Array, Float64Array]:
    """What a view shows where φ is 3 standard deviations below and above chance, within 0 and 1; each (r, r')."""
    r, r_ = similarity.values.shape
    d = similarity.dimension
    expected, reach = expected_similarity(r, r_, d), CHANCE_SD * similarity_deviation(r, r_, d)
    low, high = np.maximum(0.0, expected - reach), np.minimum(1.0, expected + reach)
    return _seen(low, view, d), _seen(high, view, d)


def _seen(values: Float64Array, view: View, d: int) -> Float64Array:
    if view is View.PHI:
        return values
    r, r_ = values.shape
    above: Float64Array = values - expected_similarity(r, r_, d)
    if view is View.ABOVE_CHANCE:
        return above
    deviation = similarity_deviation(r, r_, d)
    return np.divide(above, deviation, out=np.full_like(above, np.nan), where=deviation > 0)
