"""What is exported: a comparison with its results, and which files are made of it. Values only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from engine.comparison.outcome import SideResult
from engine.figures.presets import Preset
from engine.figures.style import FIGURE_FORMATS, FigureStyle
from engine.matching.first_selection import first_selection
from engine.side import Side
from engine.sources.source import SkippedModule, Source
from engine.subspaces.devices import Device

DATA_KINDS = ("csv", "npz", "json")
FIGURE_NAMES = tuple(f"figure.{kind}" for kind in FIGURE_FORMATS)
# What an export may consist of, besides a matrix for each module.
FILE_NAMES = ("comparison.json", "phi.csv", "findings.csv", "phi.npz", *FIGURE_NAMES)
_MATRIX = re.compile(r"matrices/[A-Za-z0-9._-]+\.csv")
# What file systems forbid, or a shell would have quoted.
_UNSAFE = re.compile(r"[^\w.+=@]+")
# More panels than this make no figure that a page could hold: four layers are drawn then.
_LARGEST_FIGURE = 24


@dataclass(frozen=True, eq=False)
class Comparison:
    """Everything that a set of exported files states: what was compared, how, and what came of it.

    `figure_slugs` are the results that the figure shows, None for all; `preset` draws them as the paper does.
    """

    first: Source
    second: Source
    side: Side
    device: Device
    results: Sequence[SideResult]
    skipped: tuple[SkippedModule, ...]
    figure_slugs: frozenset[str] | None = None
    cautions: tuple[str, ...] = ()
    preset: Preset | None = None

    @property
    def slugs(self) -> list[str]:
        """What the results are called in files."""
        return [result.pair.slug for result in self.results]

    @property
    def figure_results(self) -> list[SideResult]:
        """The results that the figure shows: those chosen, or all."""
        return [r for r in self.results if self.figure_slugs is None or r.pair.slug in self.figure_slugs]


@dataclass(frozen=True)
class ExportPlan:
    """What to write into a folder: figure formats (of FIGURE_FORMATS), style, and data (of DATA_KINDS)."""

    figures: tuple[str, ...] = ("png",)
    style: FigureStyle = field(default_factory=FigureStyle)
    data: tuple[str, ...] = DATA_KINDS


def folder_name(first: Source, second: Source) -> str:
    """What the folder of a pair's exports is called by default: `<first>-<second>`, in characters safe everywhere."""
    return "-".join(_UNSAFE.sub("-", adapter.name).strip("-.")[:60] or "adapter" for adapter in (first, second))


def is_matrix_name(name: str) -> bool:
    """Whether the matrix of a module may be called that, such as `matrices/1_q.csv`."""
    return _MATRIX.fullmatch(name) is not None


def file_names(slugs: Iterable[str], plan: ExportPlan) -> list[str]:
    """The names of the files that an export of modules with these slugs consists of."""
    names = []
    if "csv" in plan.data:
        names += ["phi.csv", "findings.csv", *(f"matrices/{slug}.csv" for slug in slugs)]
    names += [name for kind, name in (("npz", "phi.npz"), ("json", "comparison.json")) if kind in plan.data]
    return [*names, *(f"figure.{kind}" for kind in plan.figures)]


def default_figure(results: Sequence[SideResult], *, is_selection: bool) -> frozenset[str] | None:
    """Which results a figure shows where nobody says: all that were selected, or four layers of a whole model."""
    if is_selection or len(results) <= _LARGEST_FIGURE:
        return None
    chosen = first_selection([result.pair.path for result in results])
    return frozenset(results[index].pair.slug for index in chosen)
