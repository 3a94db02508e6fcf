"""What a comparison says in one sentence or two: numbers, and no judgement beyond them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.checkpoints.storage_types import Float64Array
from engine.comparison.findings import shared_at_full_rank
from engine.comparison.outcome import SideResult
from engine.matching.pairing import ModulePair
from engine.measures.significance import FALSE_DISCOVERY_RATE, beyond_chance
from engine.naming.module_path import ModulePath
from engine.plain_text import one_line
from engine.side import Side
from engine.wording import number_text

# A list of more projections than this names the ends alone, so many at each.
_MOST_LISTED, _AT_EACH_END = 6, 3
_ROUNDING = 1e-9
_FEW_DIRECTIONS = 16  # up to which a tenth of a direction is too coarse
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class ProjectionShare:
    """s over the modules of one projection in one tower, at full rank, where it is defined.

    `ranks` are the smallest and the largest min(r, r') among them, `layers` how many layers they are in.
    """

    tower: str
    projection: str
    ranks: tuple[int, int]
    modules: int
    layers: int
    median: float
    low: float
    high: float

    @property
    def name(self) -> str:
        """`q`, or `decoder q` where a model has several towers."""
        return " ".join(filter(None, (self.tower, _told(self.projection))))


@dataclass(frozen=True)
class SharedSummary:
    """What the modules of a comparison share beyond chance, projection by projection.

    Of the `defined` modules, those where s has a value, `beyond` lie beyond chance (Benjamini–Hochberg over them);
    `strongest` is that of the largest s, `strongest_s`, and `least_p` the smallest tail probability. `undefined`
    modules have no φ at full rank, or fill the whole space there, which `whole_space` counts.
    """

    projections: tuple[ProjectionShare, ...]
    defined: int
    beyond: int
    undefined: int
    whole_space: int
    strongest: ModulePair | None = None
    strongest_s: float = float("nan")
    least_p: float = float("nan")

    @property
    def decimals(self) -> int:
        """How many of s are worth reading."""
        return 2 if max((group.ranks[1] for group in self.projections), default=0) < _FEW_DIRECTIONS else 1


def shared_summary(results: Sequence[SideResult]) -> SharedSummary:
    """Sum up results; projections in the order in which they come first."""
    shared, p = shared_at_full_rank(results)
    groups: dict[tuple[str, str], list[int]] = {}
    for position in np.flatnonzero(~np.isnan(shared)).tolist():
        path = results[position].pair.path
        groups.setdefault((path.tower, path.projection), []).append(position)
    whole = sum(max(result.pair.shape) >= result.facts.dimension for result in results)
    defined = sum(map(len, groups.values()))
    undefined = len(results) - defined
    if not groups:
        return SharedSummary((), 0, 0, undefined, whole)
    strongest = _strongest(shared)
    return SharedSummary(
        tuple(_projection([results[k].pair for k in members], shared[members]) for members in groups.values()),
        defined, int(beyond_chance(p).sum()), undefined, whole,
        results[strongest].pair, float(shared[strongest]), float(np.nanmin(p)),
    )  # fmt: skip


def _strongest(shared: Float64Array) -> int:
    """Where s is largest; the first of several that differ by no more than rounding."""
    largest = float(np.nanmax(shared))
    return int(np.flatnonzero(shared >= largest - _ROUNDING * max(1.0, abs(largest)))[0])


def _projection(pairs: Sequence[ModulePair], shared: Float64Array) -> ProjectionShare:
    path = pairs[0].path
    ranks = [min(pair.shape) for pair in pairs]
    return ProjectionShare(
        path.tower, path.projection, (min(ranks), max(ranks)), len(pairs),
        len({pair.path.layer_label for pair in pairs} - {""}),
        float(np.median(shared)), float(shared.min()), float(shared.max()),
    )  # fmt: skip


def shared_sentence(
    results: Sequence[SideResult], side: Side, *, count_from: int = 1, total: int | None = None
) -> str:
    """What is shared beyond chance at full rank: per projection the median of s over layers and its range, how many
    modules of how many lie beyond chance, and the strongest module. Plain text; empty without results.

    `total` is the number of modules that there will be, where more are still to come; layers are counted from
    `count_from`.
    """
    if not results:
        return ""
    so_far = f"{len(results)} of {total} modules so far. " if total is not None and total > len(results) else ""
    return so_far + one_line(_said(shared_summary(results), results, side, count_from))


def _said(summary: SharedSummary, results: Sequence[SideResult], side: Side, count_from: int) -> str:
    strongest = summary.strongest
    if strongest is None:
        return _nothing_defined(summary, results, side, count_from)
    subject = f"Directions shared beyond chance on {side.label}"
    place, most = _place(strongest, count_from), number_text(summary.strongest_s, summary.decimals)
    if summary.defined == 1:
        is_beyond = "lies" if summary.beyond else "does not lie"
        said = (
            f"{subject} in {place}: {most} of {min(strongest.shape)}, which {is_beyond} beyond chance "
            f"(p {equals(summary.least_p)})."
        )
    else:
        how_many = f"{summary.beyond} of {summary.defined} modules {'lies' if summary.beyond == 1 else 'lie'}"
        said = (
            f"{subject}{_over(summary, results, count_from)}: {_items(summary)}. {how_many} beyond chance "
            f"(Benjamini–Hochberg at {FALSE_DISCOVERY_RATE:g}); the strongest is {place} with {most}."
        )
    if count_from != 1 and strongest.path.layer is not None:
        said += f" Layers are counted from {count_from}."
    if summary.undefined:
        more = "1 more module has" if summary.undefined == 1 else f"{summary.undefined} more modules have"
        said += f" {more} no value at full rank."
    return said


def _nothing_defined(summary: SharedSummary, results: Sequence[SideResult], side: Side, count_from: int) -> str:
    where = _place(results[0].pair, count_from) if len(results) == 1 else f"all {len(results)} modules"
    reason = {
        0: "the full rank is past the numerical rank",
        len(results): "the larger rank reaches the dimension of the space",
    }.get(summary.whole_space, "the full rank is past the numerical rank or reaches the dimension of the space")
    return f"What is shared beyond chance on {side.label} has no value: in {where} {reason}."


def _over(summary: SharedSummary, results: Sequence[SideResult], count_from: int) -> str:
    """What the numbers are taken over: ` in layer 3` alone, or `, median (range) over 6 layers`."""
    groups = summary.projections
    if all(group.modules == 1 for group in groups):
        layers = {_layer(result.pair.path, count_from) for result in results}
        return f" in {layers.pop()}" if len(layers) == 1 and layers != {""} else ""
    if any(group.layers != group.modules for group in groups):
        return ", median (range) over modules"
    counts = {group.layers for group in groups}
    return f", median (range) over {counts.pop()} layers" if len(counts) == 1 else ", median (range) over layers"


def _items(summary: SharedSummary) -> str:
    groups, decimals = summary.projections, summary.decimals
    if len(groups) <= _MOST_LISTED:
        return ", ".join(_listed(groups, decimals))
    ordered = sorted(groups, key=lambda group: -group.median)
    ends = _listed([*ordered[:_AT_EACH_END], *ordered[-_AT_EACH_END:]], decimals)
    highest, lowest = ", ".join(ends[:_AT_EACH_END]), ", ".join(ends[_AT_EACH_END:])
    return f"of {len(groups)} projections, highest {highest}; lowest {lowest}"


def _listed(groups: Sequence[ProjectionShare], decimals: int) -> list[str]:
    """`q 3.6 of 64 (2.8 to 3.9)`; the rank is said again where it changes."""
    texts, said = [], None
    for group in groups:
        low, high = group.ranks
        ranks = "" if group.ranks == said else f" of {low}" if low == high else f" of {low} to {high}"
        said = group.ranks
        median, lowest, highest = (number_text(s, decimals) for s in (group.median, group.low, group.high))
        spread = f" ({lowest} to {highest})" if group.modules > 1 else ""
        texts.append(f"{group.name} {median}{ranks}{spread}")
    return texts


def _place(pair: ModulePair, count_from: int) -> str:
    """`layer 1 q`, `encoder layer 1 q`, or the module's own name where it is in no layer."""
    path = pair.path
    layer = _layer(path, count_from)
    return " ".join(filter(None, (path.tower, layer, _told(path.projection)))) if layer else path.name


def _told(projection: str) -> str:
    """A projection as it is told from the numbers around it."""
    return projection if projection[:1].isalpha() else f"“{projection}”"


def _layer(path: ModulePath, count_from: int) -> str:
    """`layer 1`, the block's own label, or empty."""
    return f"layer {path.layer_name(count_from)}" if path.layer is not None else path.block


def equals(p: float) -> str:
    """A tail probability as it follows `p` in a sentence: `= 7·10⁻⁴⁷`, `< 10⁻³⁰⁷`."""
    text = probability(p)
    return text if text.startswith("<") else f"= {text}"


def probability(p: float) -> str:
    """`0.21`, `7·10⁻⁴⁷`, `< 10⁻³⁰⁷` where float64 ends, a dash where it is undefined."""
    if math.isnan(p):
        return "–"
    if p < 1e-307:
        return "< 10⁻³⁰⁷"
    if p >= 1e-3:
        return f"{p:.2g}"
    digits, exponent = f"{p:.0e}".split("e")
    return f"{digits}·10{str(int(exponent)).translate(_SUPERSCRIPTS)}"
