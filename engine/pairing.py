"""Two adapters → the modules that both have, and what cannot be compared, with the reason."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.adapter import Adapter, LoraModule, SkippedModule
from engine.module_path import ModulePath
from engine.side import Side


@dataclass(frozen=True)
class ModulePair:
    """The same module of two adapters. `slug` names it in files: unique within its pairing, safe everywhere."""

    first: LoraModule
    second: LoraModule
    slug: str

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
            if side.needs_B and module.B is None:
                return f"The {which} adapter holds A and no B here, and side {side.value} needs B."
        if side.needs_A and self.first.d_in != self.second.d_in:
            return _different("input", self.first.d_in, self.second.d_in)
        if side.needs_B and self.first.d_out != self.second.d_out:
            return _different("output", self.first.d_out, self.second.d_out)
        return ""


@dataclass(frozen=True, eq=False)
class Pairing:
    """All modules that both adapters have, in natural order, and those that only one has or that are unusable."""

    first: Adapter
    second: Adapter
    pairs: tuple[ModulePair, ...]
    unpaired: tuple[SkippedModule, ...]

    def comparable(self, side: Side) -> tuple[ModulePair, ...]:
        """The pairs that can be compared on a side."""
        return tuple(pair for pair in self.pairs if not pair.obstacle(side))

    def skipped(self, side: Side) -> tuple[SkippedModule, ...]:
        """Everything left out on a side, each with its reason."""
        obstacles = (SkippedModule(pair.path.name, pair.obstacle(side)) for pair in self.pairs)
        return (*(skip for skip in obstacles if skip.reason), *self.unpaired)


def pair_adapters(first: Adapter, second: Adapter) -> Pairing:
    """Match the modules of two adapters by name."""
    partners = {module.path.name: module for module in second.modules}
    matched = [(module, partners[module.path.name]) for module in first.modules if module.path.name in partners]
    slugs = _slugs([module.path for module, _ in matched])
    pairs = tuple(ModulePair(one, other, slug) for (one, other), slug in zip(matched, slugs, strict=True))
    return Pairing(first, second, pairs, tuple(_unpaired(first, second)))


def _unpaired(first: Adapter, second: Adapter) -> list[SkippedModule]:
    unusable = [
        SkippedModule(skip.module, f"In the {which} adapter: {skip.reason}")
        for which, adapter in (("first", first), ("second", second))
        for skip in adapter.unusable
    ]
    known = {skip.module for skip in unusable}
    names = [{module.path.name for module in adapter.modules} for adapter in (first, second)]
    alone = [
        SkippedModule(module.path.name, f"Only the {which} adapter has this module.")
        for which, adapter, others in (("first", first, names[1]), ("second", second, names[0]))
        for module in adapter.modules
        if module.path.name not in others and module.path.name not in known
    ]
    return [*unusable, *alone]


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
    seen: Counter[str] = Counter()
    for position, slug in enumerate(slugs):
        seen[slug.casefold()] += 1
        if seen[slug.casefold()] > 1:
            slugs[position] = f"{slug}_{seen[slug.casefold()]}"
    return slugs


_RESERVED = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"com{n}" for n in range(1, 10)),
    *(f"lpt{n}" for n in range(1, 10)),
}


def _safe(text: str) -> str:
    cleaned = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip(".-")[:120] or "module"
    return f"{cleaned}_" if cleaned.split(".")[0].casefold() in _RESERVED else cleaned
