"""The paper's figures as choices of panels: which modules, how much of each, and how they are laid out.

Source: Hu et al., arXiv 2106.09685v2, Figures 3 (one layer, two ranks), 4 (two seeds and a random control), 6 (four
layers, two ranks) and 7 (four layers, two seeds).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from engine.checkpoints.storage_types import Float64Array
from engine.comparison.outcome import ModuleResult
from engine.errors import NothingComparable
from engine.figures.colour_range import largest_value
from engine.figures.layout import (
    PANELS_PER_ROW,
    LayerHeading,
    PanelLayout,
    PanelPlace,
    lay_out,
    with_control,
    with_own_axes,
)
from engine.matching.first_selection import first_selection
from engine.matching.pairing import ModulePair
from engine.measures.control import gaussian_control
from engine.naming.module_path import ModulePath
from engine.subspaces.subspace import SubspaceSimilarity


class Mask(Enum):
    """Which cells of a panel are hidden."""

    NONE = "none"
    BELOW = "below"  # shown where j ≥ i
    ABOVE = "above"  # shown where j ≤ i


@dataclass(frozen=True, eq=False)
class FigurePanel:
    """One panel of a figure: φ(i, j) for i ≤ rows and j ≤ columns, part of it hidden.

    `path` is None for a random control. Ticks are the i and j that are labelled; None leaves them to the figure.
    """

    path: ModulePath | None
    similarity: SubspaceSimilarity
    rows: int
    columns: int
    mask: Mask = Mask.NONE
    row_ticks: tuple[int, ...] | None = None
    column_ticks: tuple[int, ...] | None = None

    def shown(self, values: Float64Array) -> Float64Array:
        """The part of an array (r, r') that is shown, a view of it; hidden cells are still in it."""
        return values[: self.rows, : self.columns]

    def hidden(self) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
        """Which of the cells shown are hidden, (rows, columns)."""
        i, j = np.ogrid[1 : self.rows + 1, 1 : self.columns + 1]
        if self.mask is Mask.NONE:
            return np.zeros((self.rows, self.columns), dtype=bool)
        return j < i if self.mask is Mask.BELOW else j > i


@dataclass(frozen=True, eq=False)
class FigurePlan:
    """The panels of one figure and where they stand; `range` is one of φ for all, None for the usual choice.

    `caution` says where the paper's range had to be widened; empty where not.
    """

    panels: tuple[FigurePanel, ...]
    layout: PanelLayout
    range: tuple[float, float] | None = None
    caution: str = ""


class Preset(Enum):
    """A figure of the paper."""

    FIG3 = "fig3"
    FIG4 = "fig4"
    FIG6 = "fig6"
    FIG7 = "fig7"

    @property
    def title(self) -> str:
        """`Figure 7`."""
        return f"Figure {self.value[-1]}"

    @property
    def compares_ranks(self) -> bool:
        """Whether it shows two different ranks, and so has zooms and masks."""
        return self in (Preset.FIG3, Preset.FIG6)

    @property
    def is_one_layer(self) -> bool:
        """Whether it shows one layer, in the middle of the model."""
        return self in (Preset.FIG3, Preset.FIG4)


# The paper's own ticks, of 64 directions; other ranks take evenly spaced ones.
_TICKS_OF_64 = {
    Preset.FIG3: (None, (1, 6, 12, 18, 23, 29, 35, 40, 46, 52, 58)),
    Preset.FIG6: (None, (1, 6, 12, 18, 23, 29, 35, 40, 46, 52, 58)),
    Preset.FIG4: ((1, 8, 16, 24, 32, 40, 48, 56), (1, 5, 10, 15, 20, 25, 30, 34, 39, 44, 49, 54, 59)),
    Preset.FIG7: (None, None),
}
_RANGES = {Preset.FIG3: (0.0, 1.0), Preset.FIG4: (0.0, 0.5), Preset.FIG6: (0.0, 1.0), Preset.FIG7: (0.0, 0.8)}
_PAPER_LAYERS = {True: "layer 48 of 96", False: "layers 1, 32, 64 and 96 of 96"}


def preset_pairs(pairs: Sequence[ModulePair], preset: Preset) -> tuple[ModulePair, ...]:
    """The modules that a preset shows: its layers where the model has other depths, q and v or what stands in.

    Raises:
        NothingComparable: the preset shows two ranks, and the adapters have one.
    """
    chosen = first_selection([pair.path for pair in pairs], _middle if preset.is_one_layer else None)
    shown = tuple(pairs[index] for index in chosen)
    if preset.compares_ranks and all(pair.shape[0] == pair.shape[1] for pair in shown):
        rank = shown[0].shape[0] if shown else 0
        raise NothingComparable(
            f"{preset.title} of the paper compares two ranks, and both adapters have rank {rank} here; "
            "choose Figure 7 or 4."
        )
    return shown


def preset_layers(pairs: Sequence[ModulePair], preset: Preset, depth: int, count_from: int = 1) -> str:
    """Which layers stand for the paper's, in a sentence; they are counted from `count_from`."""
    labels = list(dict.fromkeys(pair.path.layer_name(count_from) for pair in pairs if pair.path.layer_label))
    listed = ", ".join(labels[:-1]) + (" and " if len(labels) > 1 else "") + labels[-1] if labels else "no layers"
    these = f"layer{'' if len(labels) == 1 else 's'} {listed} of {depth}"
    counted = "" if count_from == 1 else f", counted from {count_from}"
    return f"{preset.title} of the paper shows {_PAPER_LAYERS[preset.is_one_layer]}; this one {these}{counted}."


def _middle(count: int) -> list[int]:
    """The paper's layer 48 of 96."""
    return [max(0, round(count / 2) - 1)]


def plain_plan(
    results: Sequence[ModuleResult],
    layout: PanelLayout | None = None,
    *,
    control: bool = False,
    square: bool = False,
) -> FigurePlan:
    """Whole panels, or squares of the smaller rank, laid out as in Figure 7 unless told otherwise.

    For `control` a random panel stands behind them.
    """
    layout = layout or lay_out([result.pair.path for result in results])
    panels = [square_panel(result) if square else _whole(result) for result in results]
    if control:
        layout = with_control(layout)
        panels.append(control_panel(results[-1], square=square))
    return FigurePlan(tuple(panels), with_own_axes(layout, [(panel.rows, panel.columns) for panel in panels]))


def preset_plan(results: Sequence[ModuleResult], preset: Preset, per_row: int = PANELS_PER_ROW) -> FigurePlan:
    """The panels of a preset, from the results of the modules that `preset_pairs` chose.

    The paper puts four panels in a row; fewer than that break its rows where a page is too narrow.
    """
    row_ticks, column_ticks = _TICKS_OF_64[preset]
    if preset is Preset.FIG7:
        plain = plain_plan(results, lay_out([result.pair.path for result in results], per_row))
        return FigurePlan(plain.panels, plain.layout, *_widened(plain.panels, preset))
    if preset is Preset.FIG4:
        panels = [_whole(result, row_ticks, column_ticks) for result in results]
        panels.append(control_panel(results[-1], row_ticks, column_ticks))
        layout = _rows(_broken([panels], per_row))
        return FigurePlan(tuple(panels), layout, *_widened(panels, preset))
    rows = [_with_zooms(group, column_ticks) for group in _by_layer(results)]
    panels = [panel for row in rows for panel in row]
    return FigurePlan(tuple(panels), _rows(_broken(rows, per_row)), _RANGES[preset])


def _broken(rows: Sequence[Sequence[FigurePanel]], per_row: int) -> list[Sequence[FigurePanel]]:
    return [row[start : start + per_row] for row in rows for start in range(0, len(row), per_row)]


def square_panel(result: ModuleResult) -> FigurePanel:
    """φ(i, j) for i and j up to the smaller of the two ranks."""
    side = min(result.pair.shape)
    return FigurePanel(result.pair.path, result.similarity, side, side)


def _whole(
    result: ModuleResult, row_ticks: tuple[int, ...] | None = None, column_ticks: tuple[int, ...] | None = None
) -> FigurePanel:
    rows, columns = result.pair.shape
    return FigurePanel(
        result.pair.path, result.similarity, rows, columns,
        row_ticks=row_ticks if rows == 64 else None, column_ticks=column_ticks if columns == 64 else None,
    )  # fmt: skip


def control_panel(
    result: ModuleResult,
    row_ticks: tuple[int, ...] | None = None,
    column_ticks: tuple[int, ...] | None = None,
    *,
    square: bool = False,
) -> FigurePanel:
    """φ of two seeded Gaussian matrices of the shapes that a result compares (the paper's Figure 4, right)."""
    rows, columns = result.pair.shape
    similarity = gaussian_control(rows, columns, result.similarity.dimension)
    if square:
        rows = columns = min(rows, columns)
    return FigurePanel(
        None, similarity, rows, columns,
        row_ticks=row_ticks if rows == 64 else None, column_ticks=column_ticks if columns == 64 else None,
    )  # fmt: skip


def _by_layer(results: Sequence[ModuleResult]) -> list[list[ModuleResult]]:
    groups: dict[tuple[str, str], list[ModuleResult]] = {}
    for result in results:
        groups.setdefault((result.pair.path.tower, result.pair.path.layer_label), []).append(result)
    return list(groups.values())


def _with_zooms(results: Sequence[ModuleResult], ticks_of_64: tuple[int, ...] | None) -> list[FigurePanel]:
    """The long panels of a layer, where the larger index is at least the smaller, then the squares of the others.

    φ is the same fraction of the smaller subspace on both sides of the diagonal; the paper shows the triangle above
    it in the long panels and the one below it in the zooms.
    """
    long, zooms = [], []
    for result in results:
        rows, columns = result.pair.shape
        small = min(rows, columns)
        outside, inside = (Mask.BELOW, Mask.ABOVE) if rows <= columns else (Mask.ABOVE, Mask.BELOW)
        counted = tuple(range(1, small + 1)) if small <= 8 else None
        long.append(
            FigurePanel(
                result.pair.path, result.similarity, rows, columns, outside,
                row_ticks=ticks_of_64 if rows == 64 else counted if rows == small else None,
                column_ticks=ticks_of_64 if columns == 64 else counted if columns == small else None,
            )
        )  # fmt: skip
        zooms.append(FigurePanel(result.pair.path, result.similarity, small, small, inside, counted, counted))
    return long + zooms


def _rows(rows: Sequence[Sequence[FigurePanel]]) -> PanelLayout:
    """One row after the other, each headed by its layer; ticks stand where the panel beside or below differs."""
    places, headings, shapes, index = [], [], [], 0
    for row, panels in enumerate(rows):
        for column, panel in enumerate(panels):
            is_last = not any(column < len(other) for other in rows[row + 1 :])
            places.append(PanelPlace(index, row, column, is_leftmost=not column, is_lowest=is_last))
            shapes.append((panel.rows, panel.columns))
            index += 1
        path = next((panel.path for panel in panels if panel.path is not None), None)
        headings.append(LayerHeading(path, row, 0, len(panels) - 1))
    layout = PanelLayout(len(rows), max(len(panels) for panels in rows), tuple(places), tuple(headings))
    return with_own_axes(layout, shapes)


def _widened(panels: Sequence[FigurePanel], preset: Preset) -> tuple[tuple[float, float], str]:
    """The paper's range and nothing to say, or 0–1 and a caution where a panel exceeds it."""
    low, high = _RANGES[preset]
    largest = largest_value([panel.shown(panel.similarity.values) for panel in panels])
    if largest <= high:
        return (low, high), ""
    # As many figures as it takes to be seen to exceed the paper's.
    said = next(text for n in range(2, 17) if float(text := f"{largest:.{n}f}") > high)
    return (0.0, 1.0), (
        f"{preset.title} of the paper runs from {low:g} to {high:g}; φ reaches {said} here, so the colours run from "
        "0 to 1."
    )
