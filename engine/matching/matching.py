"""Sources of one model → which of their modules are the same one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from engine.matching.slugs import slugs_of
from engine.naming.flat_names import flattened
from engine.naming.module_path import ModulePath
from engine.sources.source import Module, Source

_Row = list[Module | None]  # by the places of the sources


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
    shapes must agree. Each source is held against what those before it have, by the names of them all.
    """
    rows: list[_Row] = []
    for place, source in enumerate(sources):
        row_of = _matched(rows, source.modules)
        for row in rows:
            row.append(None)
        for module in source.modules:
            if id(module) in row_of:
                row_of[id(module)][place] = module
            else:
                rows.append([*[None] * place, module])
    shared = [row for row in rows if len(_members(row)) > 1]
    slugs = slugs_of([_members(row)[0].path for row in shared])
    return Matching(tuple(sources), tuple(Matched(slug, tuple(row)) for slug, row in zip(slugs, shared, strict=True)))


def _members(row: _Row) -> list[Module]:
    return [module for module in row if module is not None]


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


def _matched(rows: Sequence[_Row], modules: Sequence[Module]) -> dict[int, _Row]:
    """id of a module → the row that it belongs to, sign by sign, among what the signs before left over."""
    row_of: dict[int, _Row] = {}
    open_rows, remaining = list(rows), list(modules)
    for sign in _SIGNS:
        if not open_rows or not remaining:
            break
        ours, theirs = _unique_rows(open_rows, sign), _unique(remaining, sign)
        taken = set()
        for key, (row, member) in ours.items():
            module = theirs.get(key)
            if module is not None and id(row) not in taken and (sign is _name or same_shape(member, module)):
                row_of[id(module)] = row
                taken.add(id(row))
        open_rows = [row for row in open_rows if id(row) not in taken]
        remaining = [module for module in remaining if id(module) not in row_of]
    return row_of


def _unique_rows(rows: Sequence[_Row], sign: _Sign) -> dict[Hashable, tuple[_Row, Module]]:
    """Sign → the one row that has a member with it, and that member."""
    found: dict[Hashable, list[tuple[_Row, Module]]] = {}
    for row in rows:
        for key, member in {sign(member.path): member for member in _members(row)}.items():
            if key is not None:
                found.setdefault(key, []).append((row, member))
    return {key: having[0] for key, having in found.items() if len(having) == 1}


def _unique(modules: Sequence[Module], sign: _Sign) -> dict[Hashable, Module]:
    """Sign → the one module that has it; those without this sign, or that share theirs, stay out."""
    keys = [sign(module.path) for module in modules]
    count = Counter(keys)
    return {key: m for key, m in zip(keys, modules, strict=True) if key is not None and count[key] == 1}


def same_shape(first: Module, second: Module) -> bool:
    return first.d_in == second.d_in and (None in (first.d_out, second.d_out) or first.d_out == second.d_out)
