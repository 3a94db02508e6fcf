"""The colour map and the one range that every panel and the bar share."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from cmap import Colormap
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QColor, QImage

from engine.colour_range import (
    COLOUR_MAPS,
    DEFAULT_COLOUR_MAP,
    FIGURE_7_RANGE,
    UNDEFINED_COLOUR,
    RangeMode,
    chosen_range,
)
from engine.storage_types import Float64Array
from engine.subspace import SubspaceSimilarity
from engine.views import View, view_values

_STEPS = 256


class ColourScale(QObject):
    """Maps a view of φ to colours, with one pair of levels for all panels."""

    changed = Signal()
    mode_changed = Signal()
    view_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._name = DEFAULT_COLOUR_MAP
        self._levels = FIGURE_7_RANGE
        self._mode = RangeMode.AUTOMATIC
        self._view = View.PHI
        self._arrays: list[Float64Array] = []
        self._wanted: tuple[float, float] | None = None
        self._table = _lookup_table(self._name)

    @property
    def name(self) -> str:
        """The colour map's name, as cmap knows it."""
        return self._name

    @property
    def levels(self) -> tuple[float, float]:
        """The φ of the first and of the last colour."""
        return self._levels

    @property
    def mode(self) -> RangeMode:
        """How the levels are chosen."""
        return self._mode

    @property
    def view(self) -> View:
        """How φ is looked at."""
        return self._view

    @property
    def table(self) -> npt.NDArray[np.uint8]:
        """The colours, (256, 4) of red, green, blue, alpha."""
        return self._table

    @property
    def undefined(self) -> QColor:
        """What stands for undefined cells."""
        return QColor(UNDEFINED_COLOUR)

    def colour(self, value: float) -> QColor:
        """What stands for one value."""
        return self.image(np.full((1, 1), value)).pixelColor(0, 0)

    def image(self, values: Float64Array) -> QImage:
        """A picture of values (rows, columns), a pixel each, coloured as pyqtgraph colours the panels."""
        low, high = self.levels
        steps = len(self._table)
        with np.errstate(invalid="ignore"):
            index = np.nan_to_num((values - low) * (steps / (high - low))).clip(0, steps - 1).astype(np.intp)
        pixels = self._table[index]
        undefined = QColor(UNDEFINED_COLOUR)
        pixels[np.isnan(values)] = (undefined.red(), undefined.green(), undefined.blue(), 255)
        rows, columns = values.shape
        picture = QImage(pixels.tobytes(), columns, rows, 4 * columns, QImage.Format.Format_RGBA8888)
        return picture.copy()  # the bytes above are not kept

    def set_map(self, name: str) -> None:
        """Use another colour map; a name that is none is passed over, as settings of another version may hold one."""
        if name != self._name and name in COLOUR_MAPS:
            self._name, self._table = name, _lookup_table(name)
            self.changed.emit()

    def set_mode(self, mode: RangeMode) -> None:
        """Choose the levels in another way; typed ones start as what they are now."""
        self._mode = mode
        self._set_levels(self._chosen())
        self.mode_changed.emit()

    def set_typed(self, low: float, high: float) -> None:
        """Hold the levels at these, low < high."""
        self._mode = RangeMode.TYPED
        self._set_levels((low, high))
        self.mode_changed.emit()

    def set_view(self, view: View) -> None:
        """Look at φ in another way; a typed range, meant for the one before, is given up."""
        if view is not self._view:
            self._view = view
            if self._mode is RangeMode.TYPED:
                self._mode = RangeMode.AUTOMATIC
            self.view_changed.emit()
            self.mode_changed.emit()

    def values(self, similarity: SubspaceSimilarity) -> Float64Array:
        """What is coloured of a panel."""
        return view_values(similarity, self._view)

    def fit(self, shown: Iterable[SubspaceSimilarity], wanted: tuple[float, float] | None = None) -> None:
        """Choose the levels for the panels shown; `wanted` are those of φ in the preset that is shown."""
        self._arrays = [self.values(similarity) for similarity in shown]
        self._wanted = wanted
        self._set_levels(self._chosen())

    def _chosen(self) -> tuple[float, float]:
        typed = self._mode is RangeMode.TYPED
        if self._wanted is not None and self._mode is RangeMode.AUTOMATIC and self._view is View.PHI:
            return self._wanted
        return self._levels if typed else chosen_range(self._arrays, self._view, self._mode)

    def _set_levels(self, levels: tuple[float, float]) -> None:
        if levels != self._levels:
            self._levels = levels
            self.changed.emit()


def _lookup_table(name: str) -> npt.NDArray[np.uint8]:
    colours: npt.NDArray[np.uint8] = np.rint(Colormap(name).lut(_STEPS) * 255).astype(np.uint8)
    return colours


def colour_strip(name: str) -> QImage:
    """All colours of a map, from the lowest on, one pixel each."""
    return QImage(_lookup_table(name).tobytes(), _STEPS, 1, 4 * _STEPS, QImage.Format.Format_RGBA8888).copy()
