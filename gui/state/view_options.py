"""Switches of the figure that the menu and the figure's header offer alike."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction

from gui.state.session import Session


class ViewOptions(QObject):
    """Checkable actions, bound to the session in both directions."""

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._control = self._action(
            "&Random Gaussian panel",
            "Ctrl+R",
            "Show two random Gaussian matrices of the same shape, as Figure 4 does",
        )
        self._control.toggled.connect(session.show_control)
        self._square = self._action(
            "&Zoom to the smaller rank", "Ctrl+J", "Show i and j up to the smaller rank, where the two ranks differ"
        )
        self._square.toggled.connect(session.zoom_to_square)
        self._numbers = self._action(
            "&Count layers from 0", "Ctrl+0", "Number the layers as the files do; the paper counts from 1"
        )
        self._numbers.toggled.connect(lambda on: session.count_layers_from(0 if on else 1))
        for signal in (session.selection_changed, session.pairing_changed, session.numbering_changed):
            signal.connect(self._show)
        self._show()

    @property
    def actions(self) -> tuple[QAction, ...]:
        """The switches, in the order of the menu."""
        return self._control, self._square, self._numbers

    def _action(self, text: str, keys: str, tip: str) -> QAction:
        action = QAction(text, self)
        action.setCheckable(True)
        action.setShortcut(keys)
        action.setToolTip(f"{tip} ({keys})")
        return action

    def _show(self) -> None:
        self._control.setChecked(self._session.control)
        self._square.setChecked(self._session.zooms_to_square)
        self._square.setEnabled(any(pair.shape[0] != pair.shape[1] for pair in self._session.comparable))
        self._numbers.setChecked(self._session.count_from == 0)
