"""Which panel stands where, as in Figure 7: a layer's projections side by side, in rows of four panels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from engine.module_path import PROJECTION_ORDER, ModulePath
from engine.wording import natural_key

PANELS_PER_ROW = 4
# What the paper adapts and shows; where a model has none of them its first projections stand in.
_PREFERRED = ("q", "v")
_FIRST_SHOWN_LAYERS = 4


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
        return tuple(filter(None, (self.path.tower, _layer_text(self.path, count_from))))


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


def heading_text(path: ModulePath, count_from: int = 1) -> str:
    """`Layer 1`, `decoder · Layer 1`, `down.1.0`, empty where the module sits in no layer."""
    return " · ".join(filter(None, (path.tower, _layer_text(path, count_from))))


def _layer_text(path: ModulePath, count_from: int) -> str:
    return f"Layer {path.layer_name(count_from)}" if path.layer is not None else path.block


def projection_key(projection: str) -> tuple[int, str]:
    """Order of projections as papers list them: q, k, v, o, then the MLP, then the rest by name, naturally."""
    known = projection in PROJECTION_ORDER
    return (PROJECTION_ORDER.index(projection) if known else len(PROJECTION_ORDER), natural_key(projection))


def spread(count: int, wanted: int = _FIRST_SHOWN_LAYERS) -> list[int]:
    """Indices of `wanted` items spread over `count` like the paper's layers: first, 1/3, 2/3, last.

    The paper's 1, 32, 64, 96 of 96 are 1 and n·k/(wanted − 1), rounded.
    """
    if count <= wanted:
        return list(range(count))
    return [max(0, round(count * k / (wanted - 1)) - 1) for k in range(wanted)]


def first_selection(
    paths: Sequence[ModulePath], choose_layers: Callable[[int], list[int]] | None = None
) -> list[int]:
    """Which panels to show first: layers of the depth × the two projections that the paper shows.

    `choose_layers` gives the positions of the layers among a number of them; by default four, spread.
    """
    inside = [index for index, path in enumerate(paths) if path.layer_label]
    pool = inside or list(range(len(paths)))
    tower = _main_tower([paths[index] for index in pool])
    pool = [index for index in pool if paths[index].tower == tower]
    names = {paths[index].projection for index in pool}
    projections = [name for name in _PREFERRED if name in names]
    if len(projections) < len(_PREFERRED):
        others = sorted(names - set(projections), key=projection_key)
        projections += others[: len(_PREFERRED) - len(projections)]
    pool = [index for index in pool if paths[index].projection in projections]
    by_depth = sorted(pool, key=lambda index: paths[index].sort_key)
    layers = list(dict.fromkeys(paths[index].layer_label for index in by_depth))
    shown = {layers[position] for position in (choose_layers or spread)(len(layers))} if layers else set()
    return [index for index in pool if paths[index].layer_label in shown]


def _main_tower(paths: Sequence[ModulePath]) -> str:
    """The tower with the most layers; the first of them in natural order."""
    depth: dict[str, set[str]] = {}
    for path in paths:
        depth.setdefault(path.tower, set()).add(path.layer_label)
    return max(depth, key=lambda tower: len(depth[tower]), default="")
