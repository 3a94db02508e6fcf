"""The colour map and the one range that every panel and the bar share."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from cmap import Colormap
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QColor

from engine.colour_range import DEFAULT_COLOUR_MAP, FIGURE_7_RANGE, UNDEFINED_COLOUR, shared_range
from engine.storage_types import Float64Array

_STEPS = 256


class ColourScale(QObject):
    """Maps φ to colours. Its levels start as Figure 7's 0–0.8 and widen to 0–1 where a panel exceeds that."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._name = DEFAULT_COLOUR_MAP
        self._levels = FIGURE_7_RANGE
        self._fixed: tuple[float, float] | None = None
        self._table = _lookup_table(self._name)

    @property
    def name(self) -> str:
        """The colour map's name, as cmap knows it."""
        return self._name

    @property
    def levels(self) -> tuple[float, float]:
        """The φ of the first and of the last colour."""
        return self._fixed or self._levels

    @property
    def fixed(self) -> tuple[float, float] | None:
        """The range a user has set; None while it follows the panels."""
        return self._fixed

    @property
    def table(self) -> npt.NDArray[np.uint8]:
        """The colours, (256, 4) of red, green, blue, alpha."""
        return self._table

    @property
    def undefined(self) -> QColor:
        """What stands for undefined cells."""
        return QColor(UNDEFINED_COLOUR)

    def set_map(self, name: str) -> None:
        """Use another colour map."""
        if name != self._name:
            self._name, self._table = name, _lookup_table(name)
            self.changed.emit()

    def set_fixed(self, levels: tuple[float, float] | None) -> None:
        """Hold the range at `levels`, or let it follow the panels."""
        if levels != self._fixed:
            self._fixed = levels
            self.changed.emit()

    def fit(self, arrays: Iterable[Float64Array]) -> None:
        """Choose the range for the panels shown."""
        levels = shared_range(list(arrays))
        if levels != self._levels:
            self._levels = levels
            self.changed.emit()


def _lookup_table(name: str) -> npt.NDArray[np.uint8]:
    colours: npt.NDArray[np.uint8] = np.rint(Colormap(name).lut(_STEPS) * 255).astype(np.uint8)
    return colours
