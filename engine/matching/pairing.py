"""Two adapters → the modules that both have, and what cannot be compared, with the reason."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from engine.naming.flat_names import flattened
from engine.naming.module_path import ModulePath
from engine.side import Side
from engine.sources.source import Module, SkippedModule, Source
from engine.wording import count

ONLY_IN = {which: f"Only the {which} adapter has this module." for which in ("first", "second")}


@dataclass(frozen=True)
class ModulePair:
    """The same module of two adapters. `slug` names it in files: unique within its pairing, safe everywhere.

    `untrained` says in which of them B is all zero, so that ΔW is: "first", "second", "first and the second",
    or empty.
    """

    first: Module
    second: Module
    slug: str
    untrained: str = ""

    @property
    def path(self) -> ModulePath:
        return self.first.path

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of its φ: the ranks of both."""
        return self.first.rank, self.second.rank

    def dimension(self, side: Side) -> int | None:
        """d, the dimension of the space that the side's vectors live in; None where B is missing."""
        return self.first.d_in if side.on_input else self.first.d_out

    def obstacle(self, side: Side) -> str:
        """Why this pair cannot be compared on this side, in one sentence; empty where it can."""
        for which, module in (("first", self.first), ("second", self.second)):
            if side.needs_B and not module.has_B:
                return f"The {which} adapter holds A and no B here, and side {side.value} needs B."
        if side.needs_A and self.first.d_in != self.second.d_in:
            return _different("input", self.first.d_in, self.second.d_in)
        if side.needs_B and self.first.d_out != self.second.d_out:
            return _different("output", self.first.d_out, self.second.d_out)
        if not side.on_input and self.first.row_order != self.second.row_order:
            order = self.first.row_order or self.second.row_order
            return f"The two formats order the rows of B differently here (one has {order})."
        return ""


@dataclass(frozen=True, eq=False)
class Pairing:
    """All modules that both adapters have, in natural order, and those that only one has or that are unusable."""

    first: Source
    second: Source
    pairs: tuple[ModulePair, ...]
    unpaired: tuple[SkippedModule, ...]

    def comparable(self, side: Side) -> tuple[ModulePair, ...]:
        """The pairs that can be compared on a side."""
        return tuple(pair for pair in self.pairs if not pair.obstacle(side))

    def undefined(self, side: Side) -> tuple[SkippedModule, ...]:
        """The pairs that can be compared on a side and have nothing to compare there, with the reason."""
        return tuple(
            SkippedModule(
                pair.path.name,
                f"B is zero in the {pair.untrained} adapter: untrained, so φ is undefined on side {side.value}.",
            )
            for pair in self.pairs
            if side.needs_B and pair.untrained and not pair.obstacle(side)
        )

    def skipped(self, side: Side) -> tuple[SkippedModule, ...]:
        """Everything left out on a side, each with its reason."""
        obstacles = (SkippedModule(pair.path.name, pair.obstacle(side)) for pair in self.pairs)
        return (*(skip for skip in obstacles if skip.reason), *self.unpaired)


def pair_adapters(first: Source, second: Source) -> Pairing:
    """Match the modules of two adapters: by name, by flattened name, then by their place in the model.

    Names that agree make a pair whatever their shapes; the weaker signs must be unique on both sides, and the
    shapes must agree.
    """
    partner_of = _matched(first.modules, second.modules)
    matched = [(module, partner_of[id(module)]) for module in first.modules if id(module) in partner_of]
    slugs = _slugs([module.path for module, _ in matched])
    pairs = tuple(
        ModulePair(one, other, slug, _untrained(first, one, second, other))
        for (one, other), slug in zip(matched, slugs, strict=True)
    )
    return Pairing(first, second, pairs, tuple(_unpaired(first, second, matched)))


def _untrained(first: Source, one: Module, second: Source, other: Module) -> str:
    zero = (one.path.name in first.zero_update, other.path.name in second.zero_update)
    return " and the ".join(which for which, is_zero in zip(("first", "second"), zero, strict=True) if is_zero)


_Key = Callable[[ModulePath], Hashable]


def _name(path: ModulePath) -> Hashable:
    return path.name


def _flat_name_in_pipeline(path: ModulePath) -> Hashable:
    return flattened(path.name)


def _flat_name(path: ModulePath) -> Hashable:
    return flattened(path.name)[1]


def _place_in_home(path: ModulePath) -> Hashable:
    return (path.home, path.layer_label, path.projection) if path.layer_label else None


def _place(path: ModulePath) -> Hashable:
    return (path.tower, path.layer_label, path.projection) if path.layer_label else None


_SIGNS: tuple[_Key, ...] = (_name, _flat_name_in_pipeline, _flat_name, _place_in_home, _place)


def _matched(first: Sequence[Module], second: Sequence[Module]) -> dict[int, Module]:
    """id of a module of the first → its partner, sign by sign, among what the signs before left over."""
    partner_of: dict[int, Module] = {}
    remaining, others = list(first), list(second)
    for sign in _SIGNS:
        if not remaining or not others:
            break
        ours, theirs = _unique(remaining, sign), _unique(others, sign)
        taken = set()
        for key, module in ours.items():
            other = theirs.get(key)
            if other is not None and (sign is _name or _same_shape(module, other)):
                partner_of[id(module)] = other
                taken.add(id(other))
        remaining = [module for module in remaining if id(module) not in partner_of]
        others = [module for module in others if id(module) not in taken]
    return partner_of


def _unique(modules: Sequence[Module], sign: _Key) -> dict[Hashable, Module]:
    """Sign → the one module that has it; those without this sign, or that share theirs, stay out."""
    keys = [sign(module.path) for module in modules]
    count = Counter(keys)
    return {key: m for key, m in zip(keys, modules, strict=True) if key is not None and count[key] == 1}


def _same_shape(first: Module, second: Module) -> bool:
    return first.d_in == second.d_in and (None in (first.d_out, second.d_out) or first.d_out == second.d_out)


def _unpaired(first: Source, second: Source, matched: Sequence[tuple[Module, Module]]) -> list[SkippedModule]:
    unusable = [
        SkippedModule(skip.module, f"In the {which} adapter: {skip.reason}")
        for which, adapter in (("first", first), ("second", second))
        for skip in adapter.unusable
    ]
    known = {skip.module for skip in unusable}
    paired = {id(module) for pair in matched for module in pair}
    alone = []
    for which, other_one, adapter, other in (("first", "second", first, second), ("second", "first", second, first)):
        neighbours = _by_layer(other.modules)
        alone += [
            SkippedModule(module.path.name, _why_alone(module, neighbours, which, other_one))
            for module in adapter.modules
            if id(module) not in paired and module.path.name not in known
        ]
    return [*unusable, *alone]


def _by_layer(modules: Sequence[Module]) -> dict[Hashable, list[Module]]:
    """(tower, layer) → modules, with the tower both spelt out and as shown."""
    found: dict[Hashable, list[Module]] = {}
    for module in modules:
        for tower in {module.path.home, module.path.tower}:
            found.setdefault((tower, module.path.layer_label), []).append(module)
    return found


_FUSED = {
    "qkv": ("q", "k", "v"),
    "kv": ("k", "v"),
    "gate_up": ("gate", "up"),
    "add_qkv": ("add_q", "add_k", "add_v"),
}


def _why_alone(module: Module, neighbours: dict[Hashable, list[Module]], which: str, other: str) -> str:
    """Why a module has no partner: fused on one side, not told apart by its name, of another shape, or absent."""
    path = module.path
    near = neighbours.get((path.home, path.layer_label)) or neighbours.get((path.tower, path.layer_label)) or []
    near = near if path.layer_label else []
    projections = [candidate.path.projection for candidate in near]
    parts = [part for part in _FUSED.get(path.projection, ()) if part in projections]
    if parts:
        return f"Fused in the {which} adapter ({path.projection}), split in the {other} ({', '.join(parts)})."
    fused = [name for name, names in _FUSED.items() if path.projection in names and name in projections]
    if fused:
        return f"Split in the {which} adapter ({path.projection}), fused in the {other} ({fused[0]})."
    alike = [candidate for candidate in near if candidate.path.projection == path.projection]
    if len(alike) == 1 and not _same_shape(module, alike[0]):
        return (
            f"The {other} adapter's module in this place is of other dimensions "
            f"({_dimensions(alike[0])}, here {_dimensions(module)})."
        )
    if alike:
        names_do = "its name does" if len(alike) == 1 else "their names do"
        there = count(len(alike), "module")
        return f"The {other} adapter has {there} in this place; {names_do} not tell which is this one."
    return ONLY_IN[which]


def _dimensions(module: Module) -> str:
    return f"{module.d_in} → {'?' if module.d_out is None else module.d_out}"


def _different(what: str, first: int | None, second: int | None) -> str:
    return f"The {what} dimensions differ: {first} in the first adapter, {second} in the second."


def _slugs(paths: Sequence[ModulePath]) -> list[str]:
    """`<layer>_<projection>`; where that is not unique the tower, then the whole name, tells modules apart."""
    spellings: tuple[Callable[[ModulePath], str], ...] = (
        lambda path: _safe("_".join(filter(None, (path.layer_label, path.projection)))),
        lambda path: _safe("_".join(filter(None, (path.tower, path.layer_label, path.projection)))),
        lambda path: _safe(path.name),
    )
    slugs = [spellings[0](path) for path in paths]
    for spelling in spellings[1:]:
        # Windows and macOS fold case, so names that differ in case only are one file there.
        count = Counter(slug.casefold() for slug in slugs)
        slugs = [spelling(p) if count[slug.casefold()] > 1 else slug for p, slug in zip(paths, slugs, strict=True)]
    taken = {_NPZ_METADATA}
    for position, slug in enumerate(slugs):
        numbered = (f"{slug}_{number}" if number > 1 else slug for number in itertools.count(1))
        slugs[position] = next(name for name in numbered if name.casefold() not in taken)
        taken.add(slugs[position].casefold())
    return slugs


_NPZ_METADATA = "meta_json"  # the name of something else in phi.npz
_RESERVED = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"com{n}" for n in range(1, 10)),
    *(f"lpt{n}" for n in range(1, 10)),
}


def _safe(text: str) -> str:
    cleaned = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip(".-")[:120].rstrip(".-") or "module"
    return f"{cleaned}_" if cleaned.split(".")[0].casefold() in _RESERVED else cleaned
