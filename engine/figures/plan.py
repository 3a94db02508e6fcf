"""A figure before there are numbers: which panels it has, what of each is shown, and how they may stand.

One plan serves the screen and paper; each chooses among its layouts by its own measures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING

from engine.figures.layout import (
    PANELS_PER_ROW,
    LayerHeading,
    PanelGroups,
    PanelLayout,
    PanelPlace,
    with_control,
    with_own_axes,
)
from engine.matching.pairing import ModulePair
from engine.naming.module_path import ModulePath

if TYPE_CHECKING:  # NumPy stays out of the window's first paint
    from engine.checkpoints.storage_types import Float64Array

Ticks = tuple[int, ...] | None


class Mask(Enum):
    """Which cells of a panel are hidden."""

    NONE = "none"
    BELOW = "below"  # shown where j ≥ i
    ABOVE = "above"  # shown where j ≤ i


@dataclass(frozen=True)
class PanelSpec:
    """One panel: the cells i ≤ rows and j ≤ columns of a pair of modules, part of them hidden.

    A control shows two random Gaussian matrices of the pair's shape in its place. Ticks are the i and j that are
    labelled; None leaves them to the figure.
    """

    pair: ModulePair
    rows: int
    columns: int
    mask: Mask = Mask.NONE
    row_ticks: Ticks = None
    column_ticks: Ticks = None
    is_control: bool = False

    @property
    def path(self) -> ModulePath | None:
        """Where its module sits; None for a control."""
        return None if self.is_control else self.pair.path

    @property
    def shape(self) -> tuple[int, int]:
        """How many i and j it shows."""
        return self.rows, self.columns

    def shown(self, values: Float64Array) -> Float64Array:
        """The part of an array (r, r') that is shown, a view of it; hidden cells are still in it."""
        return values[: self.rows, : self.columns]

    def hides(self, i: int, j: int) -> bool:
        """Whether the cell at i and j, counted from 1, is hidden."""
        return (self.mask is Mask.BELOW and j < i) or (self.mask is Mask.ABOVE and j > i)


def whole_panel(pair: ModulePair, row_ticks: Ticks = None, column_ticks: Ticks = None) -> PanelSpec:
    """Every i and j of a pair; the paper's ticks where it has the paper's 64 directions."""
    rows, columns = pair.shape
    return PanelSpec(
        pair, rows, columns,
        row_ticks=row_ticks if rows == 64 else None, column_ticks=column_ticks if columns == 64 else None,
    )  # fmt: skip


def square_panel(pair: ModulePair) -> PanelSpec:
    """i and j up to the smaller of the two ranks."""
    side = min(pair.shape)
    return PanelSpec(pair, side, side)


@dataclass(frozen=True)
class FigurePlan:
    """The panels of one figure, in reading order; a control comes last.

    `row_lengths` says how many panels each row has; None groups them by layer. `paper` is what the figure of the
    paper is called that it stands for, and `paper_range` its range of φ.
    """

    panels: tuple[PanelSpec, ...]
    row_lengths: tuple[int, ...] | None = None
    paper: str = ""
    paper_range: tuple[float, float] | None = None

    @cached_property
    def _groups(self) -> PanelGroups:
        return PanelGroups([spec.pair.path for spec in self.panels if not spec.is_control])

    def layouts(self, shortest: int, longest: int, *, broken: bool = False) -> Iterator[PanelLayout]:
        """Layouts with rows of `longest` panels down to `shortest` (one layer at least), the longest rows first.

        Where a layer's own row may be `broken`, those with its panels in several rows follow.
        """
        if self.row_lengths is not None:
            for per_row in range(min(longest, PANELS_PER_ROW), min(shortest, PANELS_PER_ROW) - 1, -1):
                yield self._in_rows(per_row)
            return
        groups = self._groups
        for layers in sorted({groups.per_row(panels) for panels in range(shortest, longest + 1)}, reverse=True):
            yield self._completed(groups.lay_out(layers))
        if broken:
            for wrap in range(groups.width - 1, 0, -1):
                yield self._completed(groups.lay_out(1, wrap))

    def _completed(self, layout: PanelLayout) -> PanelLayout:
        """The layout with the control, and ticks where neighbours differ."""
        if any(spec.is_control for spec in self.panels):
            layout = with_control(layout)
        return with_own_axes(layout, [spec.shape for spec in self.panels])

    def _in_rows(self, per_row: int) -> PanelLayout:
        """One row after the other, no longer than that, each headed by its layer."""
        rows: list[Sequence[PanelSpec]] = []
        at = 0
        for length in self.row_lengths or ():
            whole = self.panels[at : at + length]
            rows += [whole[start : start + per_row] for start in range(0, length, per_row)]
            at += length
        places, headings, index = [], [], 0
        for row, panels in enumerate(rows):
            for column in range(len(panels)):
                is_last = not any(column < len(other) for other in rows[row + 1 :])
                places.append(PanelPlace(index, row, column, is_leftmost=not column, is_lowest=is_last))
                index += 1
            path = next((spec.path for spec in panels if spec.path is not None), None)
            headings.append(LayerHeading(path, row, 0, len(panels) - 1))
        columns = max((len(panels) for panels in rows), default=0)
        layout = PanelLayout(len(rows), columns, tuple(places), tuple(headings))
        return with_own_axes(layout, [spec.shape for spec in self.panels])


def plain_plan(
    pairs: Sequence[ModulePair], *, control_of: ModulePair | None = None, square: bool = False
) -> FigurePlan:
    """Whole panels, or squares of the smaller rank, layer by layer, and behind them the control of a pair."""
    made = square_panel if square else whole_panel
    panels = [made(pair) for pair in pairs]
    if control_of is not None:
        panels.append(control_panel(made(control_of)))
    return FigurePlan(tuple(panels))


def control_panel(spec: PanelSpec) -> PanelSpec:
    """The random panel that belongs to a panel (the paper's Figure 4, right)."""
    return PanelSpec(spec.pair, spec.rows, spec.columns, spec.mask, spec.row_ticks, spec.column_ticks, True)
