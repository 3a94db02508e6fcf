"""The numbers a reader takes from a panel of Figure 7."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.chance import expected_similarity, similarity_deviation
from engine.outcome import ModuleResult
from engine.pairing import ModulePair
from engine.storage_types import Float64Array

_SHARED_ABOVE_CHANCE_SD = 3.0
_CORNER = 8


@dataclass(frozen=True)
class Finding:
    """One panel in numbers; NaN where a value is undefined.

    `shared_dimensions` is the largest k with φ(k, k) above chance by 3 standard deviations, 0 if none.
    `dominant` is "rows" where the first direction of the first adapter (row i = 1) is found in the second more
    than the other way round (column j = 1), "columns" where less, "" where they are equal or undefined.
    `corner_change` is the change of `mean_corner` from the layer before in the same tower and projection.
    """

    pair: ModulePair
    phi_11: float
    mean: float
    mean_first_row: float
    mean_first_column: float
    mean_corner: float
    phi_rr: float
    chance_rr: float
    shared_dimensions: int
    dominant: str
    corner_change: float = float("nan")


def findings(results: Sequence[ModuleResult]) -> list[Finding]:
    """One finding per result, in the same order; `corner_change` compares neighbours in depth among them."""
    found = [_finding(result) for result in results]
    previous: dict[tuple[str, str], float] = {}
    ordered = []
    for finding in sorted(found, key=lambda f: f.pair.path.sort_key):
        key = finding.pair.path.tower, finding.pair.path.projection
        change = finding.mean_corner - previous.get(key, float("nan"))
        previous[key] = finding.mean_corner
        ordered.append(replace(finding, corner_change=change))
    by_slug = {finding.pair.slug: finding for finding in ordered}
    return [by_slug[finding.pair.slug] for finding in found]


def _finding(result: ModuleResult) -> Finding:
    values = result.similarity.values
    r, r_ = values.shape
    d = result.similarity.dimension
    row, column = _mean(values[0]), _mean(values[:, 0])
    return Finding(
        pair=result.pair,
        phi_11=float(values[0, 0]),
        mean=_mean(values),
        mean_first_row=row,
        mean_first_column=column,
        mean_corner=_mean(values[:_CORNER, :_CORNER]),
        phi_rr=float(values[-1, -1]),
        chance_rr=float(expected_similarity(r, r_, d)[-1, -1]),
        shared_dimensions=_shared_dimensions(values, d),
        dominant="rows" if row > column else "columns" if column > row else "",
    )


def _mean(values: Float64Array) -> float:
    """Mean of the defined cells, NaN if there is none."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if defined.size else float("nan")


def _shared_dimensions(values: Float64Array, d: int) -> int:
    r, r_ = values.shape
    threshold = expected_similarity(r, r_, d) + _SHARED_ABOVE_CHANCE_SD * similarity_deviation(r, r_, d)
    above = np.flatnonzero(np.diagonal(values) > np.diagonal(threshold))
    return int(above[-1]) + 1 if above.size else 0
