"""Switches of the figure that the menu and the figure's header offer alike."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction

from gui.actions.menus import Menus
from gui.state.session import Session


class ViewOptions(QObject):
    """Keeps the switches as the session is, whatever changed it."""

    def __init__(self, session: Session, menus: Menus, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._control, self._square = menus["view.random_panel"], menus["view.smaller_rank"]
        self._numbers = menus["view.count_from_0"]
        for signal in (session.selection_changed, session.pairing_changed, session.numbering_changed):
            signal.connect(self._show)
        self._show()

    @property
    def actions(self) -> tuple[QAction, ...]:
        """The switches, in the order of the menu."""
        return self._control, self._square, self._numbers

    def _show(self) -> None:
        self._control.setChecked(self._session.document.control)
        self._square.setChecked(self._session.document.square)
        self._numbers.setChecked(self._session.document.count_from == 0)
