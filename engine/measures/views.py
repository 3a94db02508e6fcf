"""What a view shows of a measure: its values, one cell of them, and the band of chance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from engine.checkpoints.storage_types import Float64Array
from engine.measures.measure import Measure
from engine.measures.phi import PHI
from engine.measures.view import CHANCE_SD, View
from engine.subspaces.facts import SideFacts


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


def read_cell(facts: SideFacts, i: int, j: int, measure: Measure = PHI) -> CellReading:
    """The cell at i and j, counted from 1."""
    phi = float(measure.values(facts)[i - 1, j - 1])
    expected, spread = _chance_of_cell(measure, facts, i, j)
    above = phi - expected
    angle = math.nan if math.isnan(phi) else math.degrees(math.acos(min(1.0, math.sqrt(max(0.0, phi)))))
    return CellReading(phi, expected, above, above / spread if spread > 0 else math.nan, angle)


def _chance_of_cell(measure: Measure, facts: SideFacts, i: int, j: int) -> tuple[float, float]:
    chance = measure.chance(facts.shape, facts.dimension)
    if chance is None:
        return math.nan, math.nan
    return float(chance.expected[i - 1, j - 1]), float(chance.deviation[i - 1, j - 1])


def why_undefined(facts: SideFacts, view: View, rows: int, columns: int) -> str:
    """Why a view has undefined cells among i ≤ rows and j ≤ columns; empty where it has none."""
    ranks = facts.first.numerical_rank, facts.second.numerical_rank
    if not min(ranks):
        return "a matrix is zero: untrained"
    if ranks[0] < rows or ranks[1] < columns:
        return "past the numerical rank"
    is_whole = view is View.Z and max(rows, columns) >= facts.dimension
    return "a subspace is the whole space" if is_whole else ""


def view_values(facts: SideFacts, view: View, measure: Measure = PHI) -> Float64Array:
    """What a view shows of a measure, float64 of its shape; NaN where it is undefined.

    The value less its mean by chance; z is that in standard deviations, NaN where a subspace is the whole space and
    there are none (docs/method.md, "Chance"). Both are NaN for a measure of which chance is not known.
    """
    return _seen(measure.values(facts), facts, view, measure)


def chance_band(facts: SideFacts, view: View, measure: Measure = PHI) -> tuple[Float64Array, Float64Array]:
    """What a view shows 3 standard deviations below and above chance, within the measure's range; each as it is."""
    chance = measure.chance(facts.shape, facts.dimension)
    if chance is None:
        nothing = np.full(measure.values(facts).shape, np.nan)
        return nothing, nothing
    reach = CHANCE_SD * chance.deviation
    low = np.maximum(measure.range[0], chance.expected - reach)
    high = np.minimum(measure.range[1], chance.expected + reach)
    return _seen(low, facts, view, measure), _seen(high, facts, view, measure)


def _seen(values: Float64Array, facts: SideFacts, view: View, measure: Measure) -> Float64Array:
    if view is View.PHI:
        return values
    chance = measure.chance(facts.shape, facts.dimension)
    if chance is None:
        return np.full_like(values, np.nan)
    above: Float64Array = values - chance.expected
    if view is View.ABOVE_CHANCE:
        return above
    return np.divide(above, chance.deviation, out=np.full_like(above, np.nan), where=chance.deviation > 0)
