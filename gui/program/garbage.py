"""Cyclic garbage is collected in the GUI thread alone.

Python collects in whichever thread happens to allocate. In the compute thread that would destroy Qt objects of closed
dialogs and windows there, which locks Qt against the interpreter: each waits for what the other holds.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

_INTERVAL = 250  # milliseconds between two looks


class GuiThreadCollector(QObject):
    """Takes the collecting over from Python for as long as it lives, by Python's own thresholds."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        gc.disable()
        self._timer = QTimer(self)
        self._timer.setInterval(_INTERVAL)
        self._timer.timeout.connect(self._collect)
        self._timer.start()

    def _collect(self) -> None:
        counts, thresholds = gc.get_count(), gc.get_threshold()
        due = [generation for generation in range(3) if counts[generation] > thresholds[generation] > 0]
        if due:
            gc.collect(max(due))
