"""What a reader of φ should beware of: the choice of factors, and a common start (docs/method.md, "Sides")."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.comparison.module_cautions import module_cautions, untrained_caution
from engine.comparison.outcome import Request, SideResult
from engine.comparison.running import outcomes
from engine.matching.first_selection import first_selection
from engine.matching.pairing import ModulePair, Pairing
from engine.measures.views import read_cell
from engine.side import Side
from engine.slices import finished
from engine.subspaces.devices import CPU, Device

# How the Hub's cache names the folder of a model: models--org--name.
_CACHED = "models--"
_LOOKED_AT = 4
_AT_CHANCE_SD = 3.0
_MUCH, _FAR_LESS = 0.5, 0.75  # of the way from chance to 1 on A; of that on B
_MOST_BY_CHANCE = 0.5  # of a subspace: where random ones share more, nothing can be told


def gauge_caution(side: Side) -> str:
    """That φ on A or B depends on how ΔW is written as B A; empty for ΔW's own sides, which do not."""
    if side.is_of_update:
        return ""
    return (
        f"Below the full rank, φ on {side.value} depends on how ΔW is written as a product B A: "
        "G A and B G⁻¹ give the same ΔW and another φ. The sides of ΔW do not depend on it."
    )


def base_model_caution(pairing: Pairing) -> str:
    """That the two adapters name different base models; empty where they agree or one does not tell."""
    names = [base_model_name(adapter.base_model) for adapter in (pairing.first, pairing.second)]
    last = {name.rpartition("/")[2].casefold() for name in names}
    if not all(names) or len(last) == 1:
        return ""
    return (
        f"The adapters name different base models, {names[0]} and {names[1]}: their directions can be compared "
        "only if these are versions of one model."
    )


def base_model_name(named: str) -> str:
    """What a config calls its base model, without a path: `org/name` of a Hub or of its cache, else a last name."""
    parts = [part for part in named.replace("\\", "/").split("/") if part]
    cached = next((part for part in parts if part.startswith(_CACHED)), "")
    if cached:
        return cached.removeprefix(_CACHED).replace("--", "/")
    is_id = named == "/".join(parts) and len(parts) <= 2 and not re.match(r"[.~]|[A-Za-z]:", named)
    return named if is_id else "".join(parts[-1:])


def same_file_caution(pairing: Pairing) -> str:
    """That both places hold one and the same file; empty where they do not."""
    places = [[path.resolve() for path in adapter.file.files.paths] for adapter in (pairing.first, pairing.second)]
    return "Both adapters are the same file: it is compared with itself." if places[0] == places[1] else ""


def comparison_cautions(
    pairing: Pairing, side: Side, results: Sequence[SideResult], started_alike: str = "", count_from: int = 1
) -> tuple[str, ...]:
    """Everything that a reader of these results should beware of, a sentence each.

    `started_alike` is what `initialisation_caution` says of the pair; layers are counted from `count_from`.
    """
    of_modules = (caution.sentence for caution in module_cautions(results, side, count_from))
    sentences = (
        same_file_caution(pairing), base_model_caution(pairing), started_alike, untrained_caution(pairing),
        *of_modules, gauge_caution(side),
    )  # fmt: skip
    return tuple(filter(None, sentences))


@dataclass(frozen=True)
class _Level:
    """φ of one module on a side where both subspaces are whole, and its distance from chance."""

    phi: float
    chance: float
    z: float

    @property
    def share(self) -> float:
        """How far φ is on the way from chance to 1."""
        return (self.phi - self.chance) / (1.0 - self.chance)

    @property
    def is_at_chance(self) -> bool:
        """Whether random subspaces could well have this φ."""
        return self.z <= _AT_CHANCE_SD


def initialisation_caution(pairing: Pairing, device: Device = CPU) -> str:
    """That two adapters may be alike on A only because they started from the same random A; empty where not.

    A few modules spread over the depth are compared on A and on B, at the numerical ranks. B starts at zero, so it
    remembers nothing of the start: the caution is given where in most of them φ is more than halfway from chance
    to 1 on A, and on B within 3 standard deviations of chance or less than three quarters as far on that way.
    Modules where random subspaces share more than half
    on either side tell nothing, and are passed over.

    Raises:
        UnreadableFile: an adapter's file has gone.
    """
    return finished(looking_at_start(pairing, device))


def looking_at_start(pairing: Pairing, device: Device = CPU) -> Generator[None, None, str]:
    """`initialisation_caution`, a pair at a time.

    Raises:
        UnreadableFile: an adapter's file has gone.
    """
    both = [pair for pair in pairing.pairs if not pair.obstacle(Side.A) and not pair.obstacle(Side.B)]
    chosen = tuple(both[index] for index in first_selection([pair.path for pair in both])[:_LOOKED_AT])
    on_A, on_B = yield from _levels(pairing, chosen, device)
    if untrained := _untrained_start(chosen, on_A):
        return untrained
    compared = [
        (on_A[slug], on_B[slug])
        for slug in on_A
        if slug in on_B and max(on_A[slug].chance, on_B[slug].chance) <= _MOST_BY_CHANCE
    ]
    alike = [(A, B) for A, B in compared if A.share > _MUCH and (B.is_at_chance or B.share < _FAR_LESS * A.share)]
    if not alike or 2 * len(alike) <= len(compared):
        return ""
    A, B = (float(np.mean([levels[which].phi for levels in alike])) for which in (0, 1))
    if all(level.is_at_chance for _, level in alike):
        there, rather = f"at chance on B ({B:.2f})", "rather than"
    else:
        there, rather = f"far lower on B ({B:.2f})", "besides"
    return (
        f"φ is high on A ({A:.2f}) where it is {there}: the two adapters may have in common the "
        f"random A that they started from {rather} what they learned. Compare them on B or ΔW."
    )


def _untrained_start(pairs: Sequence[ModulePair], on_A: Mapping[str, _Level]) -> str:
    """That what is shared on A is a random start, where B is still zero and has nothing to be compared with."""
    levels = {pair: on_A[pair.slug] for pair in pairs if pair.untrained and pair.slug in on_A}
    alike = {pair: level for pair, level in levels.items() if level.chance <= _MOST_BY_CHANCE and level.share > _MUCH}
    if not alike or 2 * len(alike) <= len(levels):
        return ""
    which = next(iter(alike)).untrained
    phi = float(np.mean([level.phi for level in alike.values()]))
    return (
        f"φ is high on A ({phi:.2f}) where B is zero in the {which} adapter: what the two have in common is the "
        "random A that they started from, not what they learned."
    )


def _levels(
    pairing: Pairing, pairs: Sequence[ModulePair], device: Device
) -> Generator[None, None, tuple[dict[str, _Level], dict[str, _Level]]]:
    """By slug, φ on A and on B at the numerical ranks."""
    sides = (Side.A, Side.B)
    levels: tuple[dict[str, _Level], dict[str, _Level]] = {}, {}
    for outcome in outcomes(Request(0, pairing.matching, tuple(pairs), sides, device)):
        for side, known in zip(sides, levels, strict=True):
            result = outcome.on(side)
            if isinstance(result, SideResult) and (level := _level(result)) is not None:
                known[result.pair.slug] = level
        yield
    return levels


def _level(result: SideResult) -> _Level | None:
    i, j = result.facts.first.numerical_rank, result.facts.second.numerical_rank
    if not i or not j:
        return None
    reading = read_cell(result.facts, i, j)
    return _Level(reading.phi, reading.chance, np.inf if np.isnan(reading.z) else reading.z)
