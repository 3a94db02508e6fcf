"""What an export finds in the folder that it goes to: files of an earlier export, and files of somebody else."""

from __future__ import annotations

import filecmp
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.atomic_file import write_failure
from engine.document.export_plan import FIGURE_NAMES, FILE_NAMES, is_matrix_name
from engine.document.saved_facts import saved_facts
from engine.wording import natural

_FACTS = ("comparison.json", "phi.npz", "figure.png")  # what tells of which comparison it is, the best first
# How the files that tell nothing begin.
_STARTS = {
    "phi.csv": b"tower,layer,projection,module,i,j,phi,chance",
    "findings.csv": b"tower,layer,projection,module,phi_1_1,",
}
_MATRIX_START = b"i\\j,1"
_NUMBERS = "phi.csv"
_NAMED = 3
# In the metadata of a PDF or an SVG, where a quotation mark may be written as &quot;.
_MAKER, _CHECKSUM = b"PhiScope", re.compile(rb"sha256[^0-9a-f]{1,20}([0-9a-f]{64})")


@dataclass(frozen=True)
class FormerExport:
    """Files of `folder` that have names of an export's.

    `files` are those that this program wrote, `strangers` the others, `facts` what the former say of their
    comparison, None where none of them tells.
    """

    folder: Path
    files: frozenset[str] = frozenset()
    strangers: frozenset[str] = frozenset()
    facts: Mapping[str, Any] | None = None

    def others(self, coming: Collection[str], first: str, second: str) -> str:
        """What the files `coming` of the adapters of these SHA-256 would be written over: the start of a sentence.

        Empty where that is nothing but files of this program, and none of them tells of other adapters.
        """
        if self.facts is not None and _pair(self.facts) != (first, second):
            names = " and ".join(str(_part(self.facts, which).get("name")) for which in ("first", "second"))
            return f"The folder holds an export of other adapters, {names}"
        strange = sorted(self.strangers & set(coming))
        return f"The folder holds {strange[0]}, which PhiScope did not write" if strange else ""

    def loss(
        self,
        coming: Collection[str],
        facts: Mapping[str, Any],
        staged: Path | None = None,
        *,
        strictly: bool = False,
    ) -> str:
        """What would be lost by the export that states `facts` and consists of the files `coming`, as above.

        Unless it is meant `strictly`, matrices of modules that are not in it any more and figures of other numbers
        are no loss, where the numbers are written anew. `staged` is the folder where the files are
        ready, if they are: one that comes with the same bytes is none either.
        """
        others = self.others(coming, *map(str, _pair(facts)))
        if others:
            return others
        for name in sorted(self.files & set(coming)) if self.facts is None else ():
            is_same = staged is not None and filecmp.cmp(staged / name, self.folder / name, shallow=False)
            if not is_same and not self._tells(name, facts):
                return f"The folder holds {name}, which does not say of which adapters it is"
        if strictly and self.facts is not None and self.facts.get("side") != facts.get("side"):
            return f"The folder holds an export of these adapters on side {self.facts.get('side')}"
        left = natural(self.stale(coming, facts) - (frozenset() if strictly else self._dropped(coming)))
        if not left:
            return ""
        names = " and ".join(left) if len(left) <= _NAMED else f"{left[0]} and {len(left) - 1} more files"
        return f"The folder holds {names} of an earlier export, which would go and not be written anew"

    def stale(self, coming: Collection[str], facts: Mapping[str, Any]) -> frozenset[str]:
        """The files that must go as the files `coming` of another export come, which states `facts`.

        What says the same of the same comparison stays, such as the numbers where only a figure comes.
        """
        left = self.files - set(coming)
        if self.facts is None or _numbers(self.facts) != _numbers(facts):
            return left
        same_figure = self.facts.get("figure") == facts.get("figure") or not set(FIGURE_NAMES) & set(coming)
        return left & {*FIGURE_NAMES, "comparison.json"} if not same_figure else frozenset()

    def _dropped(self, coming: Collection[str]) -> frozenset[str]:
        """What goes without a question as other numbers come."""
        if _NUMBERS not in coming:
            return frozenset()
        return (_matrices(self.facts) or frozenset()) | {*FIGURE_NAMES}

    def _tells(self, name: str, facts: Mapping[str, Any]) -> bool:
        """Whether a figure names both adapters of `facts`."""
        return name in FIGURE_NAMES and _adapters_in((self.folder / name).read_bytes()) == _pair(facts)


def former_export(folder: Path) -> FormerExport:
    """Look at a folder that an export goes to.

    Raises:
        ExportFailure: it cannot be read.
    """
    try:
        found = [name for name in FILE_NAMES if (folder / name).is_file()]
        matrices = folder / "matrices"
        if matrices.is_dir():
            names = (f"matrices/{path.name}" for path in matrices.iterdir())
            found += [name for name in names if is_matrix_name(name)]
        told = {name: facts for name in _FACTS if name in found and (facts := saved_facts(folder / name))}
        facts = next(iter(told.values()), None)
        ours = frozenset(name for name in found if name in told or (name not in _FACTS and _is_ours(folder, name)))
    except OSError as error:
        raise write_failure(folder, error) from error
    matrices_of = _matrices(facts)
    if matrices_of is not None:  # another is a copy that somebody keeps
        ours = frozenset(name for name in ours if not is_matrix_name(name) or name in matrices_of)
    return FormerExport(folder, ours, frozenset(found) - ours, facts)


def _is_ours(folder: Path, name: str) -> bool:
    with (folder / name).open("rb") as file:
        if name in FIGURE_NAMES:
            return len(_adapters_in(file.read())) == 2
        start = _STARTS.get(name, _MATRIX_START)
        return file.read(len(start)) == start


def _adapters_in(figure: bytes) -> tuple[object, ...]:
    """The SHA-256 of both adapters in the metadata of a figure's file; nothing where it is not of this program."""
    plain = figure.replace(b"\0", b"")  # a PDF has them in UTF-16
    return tuple(found.decode() for found in _CHECKSUM.findall(plain)) if _MAKER in plain else ()


def _matrices(facts: Mapping[str, Any] | None) -> frozenset[str] | None:
    """The matrices of an export that tells of all its panels; None of one that tells of its figure alone."""
    panels = facts.get("panels") if facts is not None else None
    if not isinstance(panels, list):
        return None
    return frozenset(f"matrices/{panel.get('slug')}.csv" for panel in panels if isinstance(panel, dict))


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
