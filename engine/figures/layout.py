"""Which panel stands where, as in Figure 7: a layer's projections side by side, in rows of four panels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from engine.naming.headings import layer_text
from engine.naming.module_path import ModulePath
from engine.naming.projections import projection_key

PANELS_PER_ROW = 4


@dataclass(frozen=True)
class PanelPlace:
    """Row and column of one panel (from 0), by its index in the list it was laid out from.

    `is_leftmost` says that it is the first panel of its layer in its row, where i and its ticks belong;
    `is_lowest` that no panel stands below it in its column, where j and its ticks belong.
    """

    index: int
    row: int
    column: int
    is_leftmost: bool
    is_lowest: bool


@dataclass(frozen=True)
class LayerHeading:
    """`Layer n`, once per layer and row, at the left of the panels in columns `first` to `last`.

    `path` is that of one of the panels; None heads a row that belongs to no layer.
    """

    path: ModulePath | None
    row: int
    first: int
    last: int

    def lines(self, count_from: int = 1) -> tuple[str, ...]:
        """What is written, with layers counted from this number: the tower, if there are several, and the layer."""
        if self.path is None:
            return ()
        return tuple(filter(None, (self.path.tower, layer_text(self.path, count_from))))


@dataclass(frozen=True)
class PanelLayout:
    """A grid of panels, `rows` × `columns`, some places of which may stay empty."""

    rows: int
    columns: int
    places: tuple[PanelPlace, ...]
    headings: tuple[LayerHeading, ...]

    @cached_property
    def heading_lines(self) -> int:
        """How many lines the longest heading has."""
        return max((len(heading.lines()) for heading in self.headings), default=0)


class PanelGroups:
    """Panels grouped by layer: what every layout of them shares, whatever the length of its rows."""

    def __init__(self, paths: Sequence[ModulePath]) -> None:
        self._paths = paths
        self._groups: dict[tuple[str, str], list[int]] = {}
        for index in sorted(range(len(paths)), key=lambda i: paths[i].sort_key):
            self._groups.setdefault((paths[index].tower, paths[index].layer_label), []).append(index)
        self._columns_of = _column_of_projection(paths, self._groups)
        self.width = max((max(columns) + 1 for columns in self._columns_of.values()), default=1)

    def per_row(self, panels: int) -> int:
        """How many layers stand side by side in rows of `panels` panels; one at least."""
        return max(1, min(panels // self.width, len(self._groups)))

    def lay_out(self, per_row: int, wrap: int | None = None) -> PanelLayout:
        """The layout with this many layers to a row; with `wrap`, rows of one layer break after so many panels."""
        wrap = min(wrap or self.width, self.width)
        rows_of_one = -(-self.width // wrap)
        spots: list[tuple[int, int, int]] = []  # row, column, index
        headings: dict[tuple[int, int], LayerHeading] = {}
        leftmost: dict[tuple[int, int], int] = {}  # row and first column of a layer → its first column with a panel
        for position, (key, members) in enumerate(self._groups.items()):
            first = (position % per_row) * wrap
            for index, column in zip(members, self._columns_of[key], strict=True):
                row, place = position // per_row * rows_of_one + column // wrap, first + column % wrap
                spots.append((row, place, index))
                leftmost[row, first] = min(place, leftmost.get((row, first), place))
                headings[row, first] = LayerHeading(self._paths[members[0]], row, first, first + wrap - 1)
        lowest = {column: row for row, column, _ in sorted(spots)}
        places = tuple(
            PanelPlace(index, row, column, leftmost[row, column // wrap * wrap] == column, lowest[column] == row)
            for row, column, index in sorted(spots)
        )
        return PanelLayout(
            rows=-(-len(self._groups) // per_row) * rows_of_one,
            columns=max((heading.last + 1 for heading in headings.values()), default=0),
            places=places,
            headings=tuple(headings[key] for key in sorted(headings)),
        )


def with_control(layout: PanelLayout) -> PanelLayout:
    """The layout with one more panel, of no layer, behind the last one; its index is the number of the others."""
    row = layout.rows - 1
    column = max((place.column for place in layout.places if place.row == row), default=-1) + 1
    if column >= layout.columns:
        row, column = row + 1, 0
    place = PanelPlace(len(layout.places), row, column, is_leftmost=True, is_lowest=True)
    return replace(layout, rows=max(layout.rows, row + 1), places=(*layout.places, place))


def with_own_axes(layout: PanelLayout, shapes: Sequence[tuple[int, int]]) -> PanelLayout:
    """The layout with ticks also where a panel's neighbour has another rank; `shapes` (rows, columns) are by index.

    A panel numbers its i where the one to its left has other rows, its j where the one below has other columns.
    """
    if len(set(shapes)) < 2:
        return layout
    at = {(place.row, place.column): shapes[place.index] for place in layout.places}
    below: dict[int, tuple[int, int]] = {}  # column → shape of the panel that was passed last, from below
    places = []
    for place in sorted(layout.places, key=lambda place: -place.row):
        rows, columns = shapes[place.index]
        left = at.get((place.row, place.column - 1))
        places.append(
            replace(
                place,
                is_leftmost=place.is_leftmost or (left is not None and left[0] != rows),
                is_lowest=place.is_lowest or below.get(place.column, (0, columns))[1] != columns,
            )
        )
        below[place.column] = rows, columns
    order = {place.index: place for place in places}
    return replace(layout, places=tuple(order[place.index] for place in layout.places))


def lay_out(paths: Sequence[ModulePath], per_row: int = PANELS_PER_ROW) -> PanelLayout:
    """Lay out panels layer by layer; a projection that a layer lacks leaves its place empty.

    Two projections per layer stand two layers to a row, as in Figure 7; more than `per_row` fill a row per layer.
    """
    groups = PanelGroups(paths)
    return groups.lay_out(groups.per_row(per_row))


def _column_of_projection(
    paths: Sequence[ModulePath], groups: dict[tuple[str, str], list[int]]
) -> dict[tuple[str, str], list[int]]:
    """Column of each member within its group: shared between layers that have different projections."""
    names = sorted({path.projection for path in paths}, key=projection_key)
    repeated = any(len({paths[i].projection for i in members}) < len(members) for members in groups.values())
    if repeated:  # several modules of one name in a layer: just side by side
        return {key: list(range(len(members))) for key, members in groups.items()}
    return {key: [names.index(paths[i].projection) for i in members] for key, members in groups.items()}
