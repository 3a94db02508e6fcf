"""What an export finds in the folder that it goes to: files of an earlier export, and files of somebody else."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.atomic_file import write_failure
from engine.figure_style import FIGURE_FORMATS
from engine.saved_facts import saved_facts

_FACTS = ("comparison.json", "phi.npz", "figure.png")  # what tells of which comparison it is, the best first
_FIGURES = tuple(f"figure.{kind}" for kind in FIGURE_FORMATS)
_NAMES = ("comparison.json", "phi.csv", "findings.csv", "phi.npz", *_FIGURES)
_MATRIX = re.compile(r"[A-Za-z0-9._-]+\.csv$")
# How the files that tell nothing begin, or what is in them.
_STARTS = {
    "phi.csv": b"tower,layer,projection,module,i,j,phi,chance",
    "findings.csv": b"tower,layer,projection,module,phi_1_1,",
}
_MATRIX_START = b"i\\j,1"
_MAKER = b"PhiScope"


@dataclass(frozen=True)
class FormerExport:
    """Files in a folder that have names of an export's.

    `files` are those that this program wrote, `strangers` the others, `facts` what the former say of their
    comparison, None where none of them tells.
    """

    files: frozenset[str] = frozenset()
    strangers: frozenset[str] = frozenset()
    facts: Mapping[str, Any] | None = None

    def loss(self, coming: Collection[str], first: str, second: str, *, certain: bool = False) -> str:
        """What would be lost by writing the files `coming` of the adapters of these SHA-256: the start of a sentence.

        Empty where nothing is but an earlier export of the same two; where it is to be `certain`, it must say so.
        """
        if self.facts is not None and _pair(self.facts) != (first, second):
            names = " and ".join(str(_part(self.facts, which).get("name")) for which in ("first", "second"))
            return f"The folder holds an export of other adapters, {names}"
        strange = sorted(self.strangers & set(coming))
        if strange:
            return f"The folder holds {strange[0]}, which PhiScope did not write"
        untold = sorted(self.files & set(coming)) if certain and self.facts is None else []
        return f"The folder holds {untold[0]}, which does not say of which adapters it is" if untold else ""

    def stale(self, coming: Collection[str], facts: Mapping[str, Any]) -> frozenset[str]:
        """The files that must go as the files `coming` of another export come, which states `facts`.

        What says the same of the same comparison stays, such as the numbers where only a figure comes.
        """
        left = self.files - set(coming)
        if self.facts is None or _numbers(self.facts) != _numbers(facts):
            return left
        same_figure = self.facts.get("figure") == facts.get("figure") or not set(_FIGURES) & set(coming)
        return left & {*_FIGURES, "comparison.json"} if not same_figure else frozenset()


def former_export(folder: Path) -> FormerExport:
    """Look at a folder that an export goes to.

    Raises:
        ExportFailure: it cannot be read.
    """
    try:
        found = [name for name in _NAMES if (folder / name).is_file()]
        matrices = folder / "matrices"
        if matrices.is_dir():
            found += [f"matrices/{path.name}" for path in matrices.iterdir() if _MATRIX.match(path.name)]
        told = {name: facts for name in _FACTS if name in found and (facts := saved_facts(folder / name))}
        ours = frozenset(name for name in found if name in told or (name not in _FACTS and _is_ours(folder, name)))
    except OSError as error:
        raise write_failure(folder, error) from error
    return FormerExport(ours, frozenset(found) - ours, next(iter(told.values()), None))


def _is_ours(folder: Path, name: str) -> bool:
    with (folder / name).open("rb") as file:
        if name in _FIGURES:
            return _MAKER in file.read()
        start = _STARTS.get(name, _MATRIX_START)
        return file.read(len(start)) == start


def _pair(facts: Mapping[str, Any]) -> tuple[object, object]:
    return _part(facts, "first").get("sha256"), _part(facts, "second").get("sha256")


def _part(facts: Mapping[str, Any], which: str) -> Mapping[str, Any]:
    part = facts.get(which)
    return part if isinstance(part, dict) else {}


def _numbers(facts: Mapping[str, Any]) -> object:
    """What decides the numbers of an export, as it states it."""
    panels = facts.get("panels")
    slugs = [panel.get("slug") for panel in panels if isinstance(panel, dict)] if isinstance(panels, list) else panels
    return _pair(facts), facts.get("side"), slugs
