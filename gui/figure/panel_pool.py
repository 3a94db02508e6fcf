"""Panels of the figure, made before they are needed: many of them at once would hold the window up."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, QTimer

from gui.figure.panel import HeatmapPanel

_FIRST_PANELS = 8  # made before they are needed
_MOST_SPARE_PANELS = 200
_SPARE_STEP, _SPARE_PAUSE = 4, 20  # panels made at once, and the milliseconds until the next ones


class PanelPool(QObject):
    """The panels of one scene; a figure uses the first of them."""

    def __init__(self, scene: Any, parent: QObject) -> None:
        super().__init__(parent)
        self._scene = scene
        self.panels: list[HeatmapPanel] = []
        self._wanted = 0
        self._timer = QTimer(self)
        self._timer.setInterval(_SPARE_PAUSE)
        self._timer.timeout.connect(self._make_some)
        self.have(_FIRST_PANELS)

    def have(self, count: int) -> None:
        """Make panels until there are so many."""
        while len(self.panels) < count:
            self.panels.append(HeatmapPanel(self._scene))

    def prepare(self, count: int) -> None:
        """Have so many panels ready by and by, so that showing them takes no longer than a blink."""
        self._wanted = min(count, _MOST_SPARE_PANELS)
        self._timer.start()

    def _make_some(self) -> None:
        self.have(min(self._wanted, len(self.panels) + _SPARE_STEP))
        if len(self.panels) >= self._wanted:
            self._timer.stop()
