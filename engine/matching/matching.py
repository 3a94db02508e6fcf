"""Sources of one model → which of their modules are the same one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from engine.matching.slugs import slugs_of
from engine.naming.flat_names import flattened
from engine.naming.module_path import ModulePath
from engine.sources.source import Module, Source


@dataclass(frozen=True, slots=True)
class Key:
    """A module of two sources, by their places among those that are compared."""

    slug: str
    first: int
    second: int


@dataclass(frozen=True, eq=False)
class Matched:
    """One module of the model: in each source its module, or None. `slug` names it in files."""

    slug: str
    members: tuple[Module | None, ...]


@dataclass(frozen=True, eq=False)
class Matching:
    """Sources, and the modules that at least two of them have; slugs are unique, and safe everywhere."""

    sources: tuple[Source, ...]
    matched: tuple[Matched, ...]

    def between(self, first: int, second: int) -> list[tuple[str, Module, Module]]:
        """Slug and modules of what two sources both have, in the first one's order."""
        both = [(each.slug, each.members[first], each.members[second]) for each in self.matched]
        pairs = [(slug, one, other) for slug, one, other in both if one is not None and other is not None]
        order = {id(module): place for place, module in enumerate(self.sources[first].modules)}
        return sorted(pairs, key=lambda pair: order[id(pair[1])])


def match(sources: Sequence[Source]) -> Matching:
    """Match the modules of sources: by name, by flattened name, then by their place in the model.

    Names that agree make a pair whatever their shapes; the weaker signs must be unique on both sides, and the
    shapes must agree. Each source is held against what those before it have.
    """
    rows: list[list[Module | None]] = []
    for place, source in enumerate(sources):
        known = {id(module): row for row in rows if (module := _first(row)) is not None}
        partners = _matched([module for row in rows if (module := _first(row)) is not None], source.modules)
        row_of = {id(partner): known[anchor] for anchor, partner in partners.items()}
        for row in rows:
            row.append(None)
        for module in source.modules:
            if id(module) in row_of:
                row_of[id(module)][place] = module
            else:
                rows.append([*[None] * place, module])
    shared = [row for row in rows if sum(module is not None for module in row) > 1]
    slugs = slugs_of([module.path for row in shared if (module := _first(row)) is not None])
    return Matching(tuple(sources), tuple(Matched(slug, tuple(row)) for slug, row in zip(slugs, shared, strict=True)))


def _first(row: Sequence[Module | None]) -> Module | None:
    return next((module for module in row if module is not None), None)


_Sign = Callable[[ModulePath], Hashable]


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


_SIGNS: tuple[_Sign, ...] = (_name, _flat_name_in_pipeline, _flat_name, _place_in_home, _place)


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
            if other is not None and (sign is _name or same_shape(module, other)):
                partner_of[id(module)] = other
                taken.add(id(other))
        remaining = [module for module in remaining if id(module) not in partner_of]
        others = [module for module in others if id(module) not in taken]
    return partner_of


def _unique(modules: Sequence[Module], sign: _Sign) -> dict[Hashable, Module]:
    """Sign → the one module that has it; those without this sign, or that share theirs, stay out."""
    keys = [sign(module.path) for module in modules]
    count = Counter(keys)
    return {key: m for key, m in zip(keys, modules, strict=True) if key is not None and count[key] == 1}


def same_shape(first: Module, second: Module) -> bool:
    return first.d_in == second.d_in and (None in (first.d_out, second.d_out) or first.d_out == second.d_out)
