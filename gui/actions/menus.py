"""The menu bar and the keys, made from the table of actions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMainWindow, QMenu

from gui.actions.action import Action, Menu
from gui.actions.situation import Situation, is_enabled, text_now
from gui.actions.table import RECENT, offered

Bindings = Mapping[str, Callable[..., object]]
"""What each action does, by its id; a switch is told whether it is on."""


class Menus:
    """One QAction for each action of the table that this platform has, with its key, in the menus of a window."""

    def __init__(self, window: QMainWindow, bindings: Bindings) -> None:
        self._window = window
        self._actions = {action: self._bound(action, bindings[action.id]) for action in offered()}
        self._by_id = {action.id: made for action, made in self._actions.items()}
        self._menus: dict[Menu, QMenu] = {}
        self._last_sections: dict[Menu, str] = {}
        for action, made in self._actions.items():
            self._next_in(action.menu, action.section).addAction(made)
        for menu in self._menus:
            if menu.is_choice:
                self._make_exclusive(menu)
        self.recent.setToolTipsVisible(True)
        self.list_recent(())

    def __getitem__(self, id_: str) -> QAction:
        """The QAction of an id."""
        return self._by_id[id_]

    def show_situation(self, situation: Situation) -> None:
        """Enable what makes sense now, and call it what it is now."""
        for action, made in self._actions.items():
            made.setEnabled(is_enabled(action, situation))
            if action.page_texts:
                made.setText(text_now(action, situation))

    @property
    def recent(self) -> QMenu:
        """The menu of the pairs compared last."""
        return self._menus[RECENT]

    def list_recent(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Offer these pairs, each by its name and a tip, as far as there are keys for them."""
        self.recent.clear()
        slots = ((action, made) for action, made in self._actions.items() if action.menu is RECENT)
        for (action, made), (name, tip) in zip(slots, pairs, strict=False):
            made.setText(f"{action.text}  {name}")
            made.setToolTip(tip)
            self.recent.addAction(made)
        self.recent.setEnabled(bool(pairs))

    def _bound(self, action: Action, act: Callable[..., object]) -> QAction:
        made = QAction(action.text, self._window)
        made.setShortcut(action.keys)
        made.setToolTip(action.tip_with_key())
        made.setCheckable(action.is_checkable)
        if action.is_switch:
            made.toggled.connect(act)
        else:
            made.triggered.connect(lambda _checked=False: act())
        return made

    def _next_in(self, menu: Menu, section: str) -> QMenu:
        """A menu, to add an entry of this section to: a line stands where the entry before is of another one."""
        found = self._menu(menu, section)
        if self._last_sections.setdefault(menu, section) != section:
            found.addSeparator()
            self._last_sections[menu] = section
        return found

    def _menu(self, menu: Menu, section: str) -> QMenu:
        """A menu; it is made when its first entry is added, and stands there in the menu around it."""
        if menu not in self._menus:
            around = self._window.menuBar() if menu.within is None else self._next_in(menu.within, section)
            self._menus[menu] = around.addMenu(menu.title)
        return self._menus[menu]

    def _make_exclusive(self, menu: Menu) -> None:
        group = QActionGroup(self._window)
        for action, made in self._actions.items():
            if action.menu is menu:
                group.addAction(made)
