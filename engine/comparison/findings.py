"""The numbers a reader takes from a panel of Figure 7."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.checkpoints.storage_types import Float64Array
from engine.comparison.outcome import SideResult
from engine.matching.pairing import ModulePair
from engine.measures.measure import Chance
from engine.measures.phi import PHI
from engine.measures.significance import best_shared, shared_dimensions, tail_probability

_ABOVE_CHANCE_SD = 3.0
_CORNER = 8


@dataclass(frozen=True)
class Finding:
    """One panel in numbers; NaN where a value is undefined.

    `shared` is s at full rank, the directions shared beyond chance, and `p_rr` the probability that random subspaces
    have at least this φ(r, r'); `shared_best` is the largest s over the leading k of both and `shared_best_k` that k,
    0 where there is none (engine.measures.significance). `last_k_above_chance` is the largest k with φ(k, k) above
    chance by 3 standard deviations, 0 if none, which says little: two unrelated adapters reach it at large k; None
    where no φ is defined. `cosine_dw` is the cosine of the two updates by Frobenius's inner product, `norm_first` and
    `norm_second` are ‖ΔW‖ of both, NaN where ΔW was not computed; the norms also where the scaling is not known.
    `dominant` is "rows" where the first direction of the first adapter (row i = 1) is found in the second more
    than the other way round (column j = 1), on average above chance, "columns" where less, "" where they are equal or
    undefined. `corner_change` is the change of `mean_corner` from the layer before in the same tower and projection,
    NaN where that layer is not among the results.
    """

    pair: ModulePair
    phi_11: float
    mean: float
    mean_first_row: float
    mean_first_column: float
    mean_corner: float
    phi_rr: float
    chance_rr: float
    shared: float
    shared_best: float
    shared_best_k: int
    p_rr: float
    last_k_above_chance: int | None
    dominant: str
    cosine_dw: float
    norm_first: float
    norm_second: float
    corner_change: float = float("nan")


@dataclass(frozen=True)
class Column:
    """One number of a finding: its `name` in findings.csv, and what the window calls it and says of it.

    `place` is where it stands in the window; `digits` are those shown there, None for a probability.
    """

    name: str
    title: str
    place: int
    value: Callable[[Finding], float | int | str | None]
    tip: str = ""
    digits: int | None = 4


# In the order of findings.csv, after the columns that name the module.
COLUMNS = (
    Column("phi_1_1", "φ(1, 1)", 5, lambda f: f.phi_11),
    Column("mean", "mean", 6, lambda f: f.mean),
    Column("mean_row_1", "row 1", 7, lambda f: f.mean_first_row, "Mean of the row i = 1"),
    Column("mean_column_1", "column 1", 8, lambda f: f.mean_first_column, "Mean of the column j = 1"),
    Column("mean_8x8", "8 × 8", 9, lambda f: f.mean_corner, "Mean of the top left 8 × 8 cells"),
    Column("phi_r_r", "φ(r, r′)", 10, lambda f: f.phi_rr),
    Column("chance_r_r", "chance", 11, lambda f: f.chance_rr, "φ(r, r′) of random subspaces"),
    Column("shared_dimensions", "shared", 0, lambda f: f.shared,
           "Directions shared at full rank, beyond what two random subspaces share", 2),
    Column("dominant", "dominant", 12, lambda f: f.dominant, "Whether row 1 or column 1 is brighter"),
    Column("mean_8x8_change", "8 × 8, change", 13, lambda f: f.corner_change,
           "From the layer before, in the same projection"),
    Column("shared_best", "best s(k)", 2, lambda f: f.shared_best,
           "Directions shared beyond chance by the strongest k of both, at the k where that is largest", 2),
    Column("shared_best_k", "k", 3, lambda f: f.shared_best_k or None,
           "Where s(k) is largest; up to the smaller rank"),
    Column("p_rr", "p", 1, lambda f: f.p_rr,
           "Probability that two random subspaces have at least this φ(r, r′)", None),
    Column("last_k_above_chance", "last k + 3 SD", 14, lambda f: f.last_k_above_chance,
           "The last k with φ(k, k) 3 standard deviations above chance; it says little of large ranks"),
    Column("cosine_dw", "cos ΔW", 4, lambda f: f.cosine_dw,
           "Cosine of the two updates: ⟨ΔW, ΔW′⟩ over their Frobenius norms; 0 by chance"),
    Column("norm_first", "‖ΔW‖", 15, lambda f: f.norm_first, "Frobenius norm of the first update, scaled"),
    Column("norm_second", "‖ΔW′‖", 16, lambda f: f.norm_second, "Frobenius norm of the second update, scaled"),
)  # fmt: skip


def findings(results: Sequence[SideResult]) -> list[Finding]:
    """One finding per result, in the same order; `corner_change` compares neighbours in depth among them."""
    shared, p = shared_at_full_rank(results)
    found = [_finding(*each) for each in zip(results, shared.tolist(), p.tolist(), strict=True)]
    previous: dict[tuple[str, str], Finding] = {}
    ordered = []
    for finding in sorted(found, key=lambda f: f.pair.path.sort_key):
        key = finding.pair.path.tower, finding.pair.path.projection
        ordered.append(replace(finding, corner_change=_change(previous.get(key), finding)))
        previous[key] = finding
    by_slug = {finding.pair.slug: finding for finding in ordered}
    return [by_slug[finding.pair.slug] for finding in found]


def _change(before: Finding | None, finding: Finding) -> float:
    """Change of the corner's mean from the layer before, NaN without it; blocks with names just follow each other."""
    if before is None:
        return float("nan")
    layers = before.pair.path.layer, finding.pair.path.layer
    are_neighbours = layers[0] is None or layers[1] is None or layers[1] == layers[0] + 1
    return finding.mean_corner - before.mean_corner if are_neighbours else float("nan")


def shared_at_full_rank(results: Sequence[SideResult]) -> tuple[Float64Array, Float64Array]:
    """s and the tail probability of φ(r, r') of each result, each of length len(results); NaN where undefined."""
    phi = [float(result.phi[-1, -1]) for result in results]
    shapes = np.array([result.phi.shape for result in results], dtype=np.float64).reshape(-1, 2)
    place = shapes[:, 0], shapes[:, 1], [result.facts.dimension for result in results]
    return shared_dimensions(phi, *place), tail_probability(phi, *place)


def _finding(result: SideResult, shared: float, p: float) -> Finding:
    values = result.phi
    r, r_ = values.shape
    d = result.facts.dimension
    row, column = _mean(values[0]), _mean(values[:, 0])
    best, best_k = best_shared(values, d)
    chance = PHI.chance((r, r_), d)
    cosine, norms = _of_updates(result)
    return Finding(
        pair=result.pair,
        phi_11=float(values[0, 0]),
        mean=_mean(values),
        mean_first_row=row,
        mean_first_column=column,
        mean_corner=_mean(values[:_CORNER, :_CORNER]),
        phi_rr=float(values[-1, -1]),
        chance_rr=float(chance.expected[-1, -1]),
        shared=shared,
        shared_best=best,
        shared_best_k=best_k,
        p_rr=p,
        last_k_above_chance=_last_k_above_chance(values, chance),
        dominant=_dominant(values, d),
        cosine_dw=cosine,
        norm_first=norms[0],
        norm_second=norms[1],
    )


def _of_updates(result: SideResult) -> tuple[float, tuple[float, float]]:
    """The cosine of the updates, and their norms, as they are scaled."""
    if result.update is None:
        return math.nan, (math.nan, math.nan)
    scalings = [math.nan if scaling is None else scaling for scaling in (m.scaling for m in result.pair.modules)]
    norms = [abs(scaling) * norm for scaling, norm in zip(scalings, result.update.norms, strict=True)]
    is_turned = sum(scaling < 0.0 for scaling in scalings) == 1
    return -result.update.cosine if is_turned else result.update.cosine, (norms[0], norms[1])


def _dominant(values: Float64Array, d: int) -> str:
    """Which of row 1 and column 1 lies further above chance on average, which grows along both."""
    above = [_mean(line - np.arange(1, line.size + 1) / d) for line in (values[0], values[:, 0])]
    return "rows" if above[0] > above[1] else "columns" if above[1] > above[0] else ""


def _mean(values: Float64Array) -> float:
    """Mean of the defined cells, NaN if there is none."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if defined.size else float("nan")


def _last_k_above_chance(values: Float64Array, chance: Chance) -> int | None:
    if np.isnan(values).all():
        return None
    expected, deviation = np.diagonal(chance.expected), np.diagonal(chance.deviation)
    is_above = np.diagonal(values) > expected + _ABOVE_CHANCE_SD * deviation
    above = np.flatnonzero(is_above & (deviation > 0))  # the whole space is no news
    return int(above[-1]) + 1 if above.size else 0
