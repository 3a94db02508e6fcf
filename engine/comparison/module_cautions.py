"""What a reader of many modules should beware of: each kind once, with a count and examples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.comparison.outcome import SideResult
from engine.matching.pairing import Pairing
from engine.naming.headings import heading_text
from engine.side import Side

_EXAMPLES = 3
_MOST_TIES = 5  # told of one matrix


@dataclass(frozen=True)
class ModuleCaution:
    """A caution about several modules. `kind` tells it from others, `lines` say it module by module."""

    kind: str
    sentence: str
    lines: tuple[str, ...]


def untrained_caution(pairing: Pairing) -> str:
    """That B is all zero in modules of an adapter, or of both; empty where it is in none."""
    parts = []
    names = (pairing.first.name, pairing.second.name)
    if names[0] == names[1]:  # their folders are nobody's business: this is written into files
        names = ("the first adapter", "the second adapter")
    for adapter, name in zip((pairing.first, pairing.second), names, strict=True):
        zero, total = len(adapter.zero_update), len(adapter.modules)
        if zero:
            where = "every module" if zero == total else f"{zero} of {total} modules"
            parts.append(f"{where} of {name}")
    if not parts:
        return ""
    return (
        f"B is zero in {' and in '.join(parts)}: untrained. A is a random start there, ΔW is zero, and φ is "
        "undefined on the sides that need B."
    )


def module_cautions(results: Sequence[SideResult], side: Side, count_from: int = 1) -> tuple[ModuleCaution, ...]:
    """What the results of one side warn of; layers are counted from `count_from`.

    Ties of singular values, numerical ranks below the nominal ones, and modules that the CPU computed in place of
    the device asked for.
    """
    kinds: tuple[tuple[str, str, Callable[[SideResult], str]], ...] = (
        ("ties", "Nearly equal singular values of {matrix} in {where}: φ is unstable at those indices.", _ties),
        ("ranks", "The numerical rank of {matrix} is below r in {where}: φ is undefined past it.", _deficiency),
        ("device", "The CPU computed {where}, as the device chosen failed.", lambda result: result.device_failure),
    )
    cautions = []
    for kind, sentence, told in kinds:
        modules = [(_name(result, count_from), said) for result in results if (said := told(result))]
        if modules:
            names = [name for name, _ in modules]
            noun = "module" if len(results) == 1 else "modules"
            where = f"{len(modules)} of {len(results)} {noun} ({_examples(names)})"
            lines = tuple(f"{name}: {said}" for name, said in modules)
            cautions.append(ModuleCaution(kind, sentence.format(matrix=side.matrix, where=where), lines))
    return tuple(cautions)


def _ties(result: SideResult) -> str:
    """`first adapter at k = 3, 4; second adapter at k = 7`."""
    told = []
    for which, spectrum in (("first", result.facts.first), ("second", result.facts.second)):
        ties = spectrum.ties
        if ties:
            more = ", …" if len(ties) > _MOST_TIES else ""
            told.append(f"{which} adapter at k = {', '.join(map(str, ties[:_MOST_TIES]))}{more}")
    return "; ".join(told)


def _deficiency(result: SideResult) -> str:
    """`first adapter has rank 3 of 8`; empty where B is zero, which is told by itself."""
    if result.pair.untrained:
        return ""
    facts, pair = result.facts, result.pair
    spectra = ("first", facts.first, pair.first), ("second", facts.second, pair.second)
    return "; ".join(
        f"{which} adapter has rank {spectrum.numerical_rank} of {module.rank}"
        for which, spectrum, module in spectra
        if spectrum.numerical_rank < module.rank
    )


def _name(result: SideResult, count_from: int) -> str:
    """`Layer 3 q`."""
    path = result.pair.path
    place = heading_text(path, count_from)
    return f"{place} {path.projection}" if place else path.name


def _examples(names: Sequence[str]) -> str:
    more = f" and {len(names) - _EXAMPLES} more" if len(names) > _EXAMPLES else ""
    return ", ".join(names[:_EXAMPLES]) + more
