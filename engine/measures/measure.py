"""What a measure is: numbers made of the facts of a pair, and what chance would give in their place."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from engine.checkpoints.storage_types import Float64Array
from engine.subspaces.facts import SideFacts


class Kind(Enum):
    """What a measure is of: every i and j of both, the k leading directions of both, or the pair."""

    CELLS = "cells"  # (r, r')
    PROFILE = "profile"  # (min(r, r'),)
    NUMBER = "number"  # ()


@dataclass(frozen=True, eq=False)
class Chance:
    """Mean and standard deviation of a measure between independent random subspaces, each of the measure's shape.

    NaN where an index exceeds the dimension of the space; the deviation is zero where a subspace is all of it.
    """

    expected: Float64Array
    deviation: Float64Array


class Measure(Protocol):
    """A number, or many, that say how alike two updates are. One measure is one file and one line in MEASURES.

    `name` tells it from the others, `symbol` is its name on axes, `term` what sentences call it, `range` its least
    and largest value for any pair (infinite where it has none), `source` where it is defined.
    """

    name: str
    symbol: str
    term: str
    kind: Kind
    range: tuple[float, float]
    source: str

    def values(self, facts: SideFacts) -> Float64Array:
        """The measure, float64 of the shape of its kind, NaN where it is undefined."""
        ...

    def chance(self, shape: tuple[int, int], d: int) -> Chance | None:
        """What chance gives for ranks (r, r') in R^d; None where nothing is known of it."""
        ...
