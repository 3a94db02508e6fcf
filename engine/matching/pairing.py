"""Two of the sources that are compared: the modules that both have, and what cannot be compared, with the reason."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property

from engine.matching.matching import Key, Matching, match, same_shape
from engine.naming.module_path import ModulePath
from engine.side import Side
from engine.sources.source import Module, SkippedModule, Source
from engine.wording import count

ONLY_IN = {which: f"Only the {which} adapter has this module." for which in ("first", "second")}


@dataclass(frozen=True)
class ModulePair:
    """The same module of two adapters. `slug` names it in files: unique within its pairing, safe everywhere.

    `untrained` says in which of them B is all zero, so that ΔW is: "first", "second", "first and the second",
    or empty. `places` are those of the two among the sources that are compared.
    """

    first: Module
    second: Module
    slug: str
    untrained: str = ""
    places: tuple[int, int] = (0, 1)

    @cached_property
    def key(self) -> Key:
        """What tells it from every other pair of the sources that are compared."""
        return Key(self.slug, *self.places)

    @property
    def modules(self) -> tuple[Module, Module]:
        """Both modules."""
        return self.first, self.second

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
        return self._obstacles[side]

    @cached_property
    def _obstacles(self) -> dict[Side, str]:
        if self.first.has_B and self.second.has_B and _space(self.first) == _space(self.second):
            return _NO_OBSTACLES
        return {side: self._obstacle(side) for side in Side}

    def _obstacle(self, side: Side) -> str:
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


_NO_OBSTACLES = dict.fromkeys(Side, "")


def _space(module: Module) -> tuple[object, ...]:
    """What two modules must have in common to be compared on every side."""
    return module.d_in, module.d_out, module.row_order


@dataclass(frozen=True, eq=False)
class Pairing:
    """All modules that both adapters have, in natural order, and those that only one has or that are unusable."""

    matching: Matching
    places: tuple[int, int]
    pairs: tuple[ModulePair, ...]
    unpaired: tuple[SkippedModule, ...]

    @property
    def first(self) -> Source:
        """The first of the two adapters."""
        return self.matching.sources[self.places[0]]

    @property
    def second(self) -> Source:
        """The second of the two adapters."""
        return self.matching.sources[self.places[1]]

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
    """The modules of two adapters, matched as a set of two."""
    return pairing_of(match((first, second)), 0, 1)


def pairing_of(matching: Matching, first: int, second: int) -> Pairing:
    """Two of the sources of a matching, by their places."""
    one, other = matching.sources[first], matching.sources[second]
    matched = matching.between(first, second)
    pairs = tuple(
        ModulePair(module, partner, slug, _untrained(one, module, other, partner), (first, second))
        for slug, module, partner in matched
    )
    return Pairing(matching, (first, second), pairs, tuple(_unpaired(one, other, [each[1:] for each in matched])))


def _untrained(first: Source, one: Module, second: Source, other: Module) -> str:
    zero = (one.path.name in first.zero_update, other.path.name in second.zero_update)
    return " and the ".join(which for which, is_zero in zip(("first", "second"), zero, strict=True) if is_zero)


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
    if len(alike) == 1 and not same_shape(module, alike[0]):
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
