"""What modules are called in files."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Sequence

from engine.naming.module_path import ModulePath


def slugs_of(paths: Sequence[ModulePath]) -> list[str]:
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
