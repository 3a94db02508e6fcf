"""Every measure once."""

from __future__ import annotations

from engine.measures.measure import Measure
from engine.measures.phi import PHI

# By their names.
MEASURES: dict[str, Measure] = {measure.name: measure for measure in (PHI,)}
