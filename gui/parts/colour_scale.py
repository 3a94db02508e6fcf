"""The colour map and the one range that every panel and the bar share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QColor, QImage

from engine.checkpoints.storage_types import Float64Array
from engine.document.document import Document, Scale
from engine.figures.colour_maps import (
    FIGURE_7_RANGE,
    UNDEFINED_COLOUR,
    RangeMode,
    range_modes,
)
from engine.figures.colour_range import chosen_range, colour_table
from engine.measures.view import View
from engine.measures.views import view_values
from engine.subspaces.facts import SideFacts
from gui.state.store import Store


class Colouring:
    """The colours of a map over one pair of levels. It never changes.

    What is not a view of φ, such as a number of the atlas with a range of its own, makes its own one.
    """

    def __init__(self, name: str, levels: tuple[float, float]) -> None:
        self.name, self.levels = name, levels
        self.table: npt.NDArray[np.uint8] = np.rint(colour_table(name, levels) * 255).astype(np.uint8)

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
        steps = len(self.table)
        with np.errstate(invalid="ignore"):
            index = np.nan_to_num((values - low) * (steps / (high - low))).clip(0, steps - 1).astype(np.intp)
        pixels = self.table[index]
        undefined = self.undefined
        pixels[np.isnan(values)] = (undefined.red(), undefined.green(), undefined.blue(), 255)
        return _picture(pixels)

    def strip(self) -> QImage:
        """All colours, from the lowest on, one pixel each."""
        return _picture(self.table[np.newaxis])


class ColourScale(QObject):
    """Maps a view of φ to colours, with one pair of levels for all panels.

    Which view, which maps and which range it is stands in the document of a store; views with a middle and views
    without one each have a map of their own there.
    """

    changed = Signal()
    mode_changed = Signal()
    view_changed = Signal()

    def __init__(self, store: Store, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._arrays: Sequence[Float64Array] = []
        self._wanted: tuple[float, float] | None = None
        self._colouring = Colouring(self.name, FIGURE_7_RANGE)
        store.changed.connect(self._on_document)

    @property
    def name(self) -> str:
        """The name of the view's colour map, as cmap knows it."""
        return self._scale.map_of(self.view)

    @property
    def sequential(self) -> str:
        """The map chosen for values without a middle."""
        return self._scale.sequential

    @property
    def colouring(self) -> Colouring:
        """The colours as they are now."""
        return self._colouring

    @property
    def levels(self) -> tuple[float, float]:
        """The values of the first and of the last colour."""
        return self._colouring.levels

    @property
    def mode(self) -> RangeMode:
        """How the levels are chosen."""
        return self._scale.mode

    @property
    def view(self) -> View:
        """How φ is looked at."""
        return self._store.document.view

    @property
    def table(self) -> npt.NDArray[np.uint8]:
        """The colours, (256, 4) of red, green, blue, alpha."""
        return self._colouring.table

    @property
    def undefined(self) -> QColor:
        """What stands for undefined cells."""
        return self._colouring.undefined

    def colour(self, value: float) -> QColor:
        """What stands for one value."""
        return self._colouring.colour(value)

    def set_map(self, name: str) -> None:
        """Use another map for views of its kind; a name that is none is passed over, as settings may hold one."""
        self._store.change(scale=self._scale.with_map(name))

    def set_mode(self, mode: RangeMode) -> None:
        """Choose the levels in another way; typed ones start as what they are now. z has no bounds to be shown in."""
        typed = self.levels if mode is RangeMode.TYPED else None
        known = mode if mode in range_modes(self.view) else RangeMode.AUTOMATIC
        self._store.change(scale=replace(self._scale, mode=known, typed=typed))

    def set_typed(self, low: float, high: float) -> None:
        """Hold the levels at these, low < high."""
        self._store.change(scale=replace(self._scale, mode=RangeMode.TYPED, typed=(low, high)))

    def set_view(self, view: View) -> None:
        """Look at φ in another way; a range that was meant for the one before is given up."""
        self._store.change(view=view, scale=self._scale.suited_to(view))

    def values(self, facts: SideFacts) -> Float64Array:
        """What is coloured of a panel."""
        return view_values(facts, self.view)

    def fit(self, shown: Sequence[Float64Array], wanted: tuple[float, float] | None = None) -> None:
        """Choose the levels for these values of the view; `wanted` are those of φ in the preset that is shown."""
        self._arrays = shown
        self._wanted = wanted
        self._recolour(self._chosen())

    @property
    def is_papers(self) -> bool:
        """Whether the range is that of the preset shown, or what it had to be widened to."""
        return self._wanted is not None and self.mode is RangeMode.AUTOMATIC and self.view is View.PHI

    @property
    def _scale(self) -> Scale:
        return self._store.document.scale

    def _on_document(self, before: Document, after: Document) -> None:
        if after.view is not before.view:
            self.view_changed.emit()  # whoever shows values fits the range to the new ones
            self.mode_changed.emit()
        elif after.scale != before.scale:
            ranges = [(scale.mode, scale.typed) for scale in (before.scale, after.scale)]
            self._recolour(self._chosen() if ranges[0] != ranges[1] else self.levels)
            if ranges[0] != ranges[1]:
                self.mode_changed.emit()

    def _chosen(self) -> tuple[float, float]:
        if self._scale.typed is not None:
            return self._scale.typed
        if self._wanted is not None and self.is_papers:
            return self._wanted
        return chosen_range(self._arrays, self.view, self.mode)

    def _recolour(self, levels: tuple[float, float]) -> None:
        if (self.name, levels) != (self._colouring.name, self.levels):
            self._colouring = Colouring(self.name, levels)
            self.changed.emit()


def _picture(pixels: npt.NDArray[np.uint8]) -> QImage:
    rows, columns = pixels.shape[:2]
    picture = QImage(pixels.tobytes(), columns, rows, 4 * columns, QImage.Format.Format_RGBA8888)
    return picture.copy()  # the bytes above are not kept


def colour_strip(name: str) -> QImage:
    """All colours of a map, from the lowest on, one pixel each."""
    return Colouring(name, (-1.0, 1.0)).strip()
