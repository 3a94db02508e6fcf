"""Where the modules of the atlas stand, in pixels: arithmetic only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF

from engine.naming.module_path import ModulePath
from engine.naming.projections import projection_key
from engine.wording import natural_key

SMALLEST, LARGEST = 22, 260  # sides of one module
_GAP = 2
_BAND_GAP = 26


@dataclass(frozen=True)
class AtlasPlace:
    """Row (a projection of a tower) and column (a layer) of one module, from 0."""

    row: int
    column: int


@dataclass(frozen=True)
class AtlasGeometry:
    """A mosaic of rows × columns, its columns broken into bands where the window is too narrow for all.

    `places` stand in the order of the paths given; `row_names` are (tower, projection), `column_names` layers.
    """

    places: tuple[AtlasPlace, ...]
    row_names: tuple[tuple[str, str], ...]
    column_names: tuple[str, ...]
    side: int
    per_band: int
    left: float
    top: float

    @property
    def bands(self) -> int:
        """How many bands the columns are broken into."""
        return -(-len(self.column_names) // self.per_band) if self.column_names else 0

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of everything."""
        width = self.left + min(self.per_band, len(self.column_names)) * self.side
        return width, self.top + self.bands * (len(self.row_names) * self.side + _BAND_GAP)

    def band_top(self, band: int) -> float:
        """Where a band's first row begins, below its layer numbers."""
        return self.top + band * (len(self.row_names) * self.side + _BAND_GAP)

    def area(self, place: AtlasPlace) -> QRectF:
        """The square of a module, the gap to its neighbours left out."""
        band, column = divmod(place.column, self.per_band)
        x = self.left + column * self.side
        y = self.band_top(band) + place.row * self.side
        return QRectF(x, y, self.side - _GAP, self.side - _GAP)

    def place_at(self, point: QPointF) -> AtlasPlace | None:
        """The place under a point; there may be no module in it."""
        column = int((point.x() - self.left) // self.side)
        height = len(self.row_names) * self.side + _BAND_GAP
        band = int((point.y() - self.top) // height)
        row = int((point.y() - self.band_top(band)) // self.side) if band >= 0 else -1
        column += band * self.per_band
        inside = 0 <= row < len(self.row_names) and band * self.per_band <= column < (band + 1) * self.per_band
        return AtlasPlace(row, column) if inside and column < len(self.column_names) else None


def atlas_geometry(
    paths: Sequence[ModulePath], width: float, height: float, left: float, top: float, count_from: int = 1
) -> AtlasGeometry:
    """Arrange modules (in natural order) in a mosaic at most `width` wide, `left` and `top` being for names.

    It is broken into as many bands as make its modules largest in `height`; it is higher where they would get
    smaller than can be told apart.
    """
    layers = list(dict.fromkeys(path.layer_name(count_from) for path in sorted(paths, key=_depth)))
    rows = sorted({(path.tower, path.projection) for path in paths}, key=_row_order)
    row_of = {row: index for index, row in enumerate(rows)}
    column_of = {label: index for index, label in enumerate(layers)}
    places = tuple(
        AtlasPlace(row_of[path.tower, path.projection], column_of[path.layer_name(count_from)]) for path in paths
    )
    room = max(SMALLEST, int(width - left))
    fewest = max(1, -(-len(layers) * SMALLEST // room))
    sides = {
        bands: _side(bands, len(layers), len(rows), room, height - top) for bands in range(fewest, len(layers) + 1)
    }
    bands = max(sides, key=lambda bands: (sides[bands], -bands), default=1)
    if sides.get(bands, 0) < SMALLEST:
        bands = fewest
    per_band = max(1, -(-len(layers) // bands))
    side = max(SMALLEST, min(LARGEST, room // per_band, sides.get(bands, LARGEST)))
    names = tuple(label or "—" for label in layers)
    return AtlasGeometry(places, tuple(rows), names, side, per_band, left, top)


def _side(bands: int, layers: int, rows: int, width: float, height: float) -> int:
    """How large a module can be with so many bands of rows."""
    by_height = (height / bands - _BAND_GAP) / rows
    return int(min(LARGEST, width // max(1, -(-layers // bands)), by_height))


def _row_order(row: tuple[str, str]) -> tuple[str, tuple[int, str]]:
    tower, projection = row
    return natural_key(tower), projection_key(projection)


def _depth(path: ModulePath) -> tuple[bool, int, str]:
    return path.layer is None, path.layer if path.layer is not None else 0, natural_key(path.block)
