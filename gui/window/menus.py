"""The menu bar and the keys: every command of the window once."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu

from gui.state.memory import recent_pair_name
from gui.state.session_values import Which
from gui.style.theme import THEMES

if TYPE_CHECKING:
    from gui.window.main_window import MainWindow

_COPIES = {
    "Grid": "&Copy the grid as a picture",
    "Atlas": "&Copy the atlas as a picture",
    "Findings": "&Copy the findings as text",
}
Keys = QKeySequence | QKeySequence.StandardKey | str | None


class Menus:
    """Builds the menus of a window, and keeps what of them changes up to date."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._needs_figure: list[QAction] = []
        self._file()
        self._edit()
        self._view()
        self._help()

    def set_has_figure(self, has_figure: bool) -> None:
        """Enable what needs a figure."""
        for action in self._needs_figure:
            action.setEnabled(has_figure)

    def name_copied(self, page: str) -> None:
        """Say what the page shown is copied as."""
        self._copy.setText(_COPIES[page])

    def _file(self) -> None:
        window = self._window
        menu = window.menuBar().addMenu("&File")
        first, second = window.cards[Which.FIRST], window.cards[Which.SECOND]
        self._add(menu, "Open the &first adapter…", first.choose_file, QKeySequence.StandardKey.Open)
        self._add(menu, "Open the &second adapter…", second.choose_file, "Ctrl+Shift+O")
        self._add(menu, "Open the first adapter's f&older…", first.choose_folder, "Ctrl+L")
        self._add(menu, "Open the second adapter's fol&der…", second.choose_folder, "Ctrl+Shift+L")
        self._recent = menu.addMenu("&Recent pairs")
        self._recent.aboutToShow.connect(self.show_recent)
        self._add(menu, "Open the de&mo pair", window.open_demo, "Ctrl+D")
        self._add(menu, "Re&load from disk", window.returns.reload, "F5")
        menu.addSeparator()
        self._add(menu, "Open a &comparison…", window.files.open_comparison, "Ctrl+Shift+E")
        save = self._add(menu, "S&ave the comparison…", window.files.save_comparison, QKeySequence.StandardKey.Save)
        self._needs_figure.append(save)
        menu.addSeparator()
        self._needs_figure.append(self._add(menu, "&Export…", window.export, "Ctrl+E"))
        menu.addSeparator()
        self._add(menu, "&Quit", window.close, "Ctrl+Q")
        self.show_recent()

    def show_recent(self) -> None:
        """List the pairs used last, each with its key."""
        self._recent.clear()
        pairs = self._window.memory.pairs
        for position, pair in enumerate(pairs, 1):
            names = f"&{position}  {recent_pair_name(pair)}"
            action = self._add(self._recent, names, partial(self._window.open_pair, pair), f"Ctrl+{position}")
            action.setToolTip("\n".join(map(str, pair)))
        self._recent.setToolTipsVisible(True)
        self._recent.setEnabled(bool(pairs))

    def _edit(self) -> None:
        window = self._window
        menu = window.menuBar().addMenu("&Edit")
        self._copy = self._add(menu, _COPIES["Grid"], window.copy_page, QKeySequence.StandardKey.Copy)
        self._needs_figure.append(self._copy)
        self._add(menu, "&Paste adapters' paths", window.paste, QKeySequence.StandardKey.Paste)
        menu.addSeparator()
        self._add(menu, "&Swap the adapters", window.session.swap, "Ctrl+Shift+X")
        self._add(menu, "C&lear both places", window.clear, "Ctrl+Shift+W")
        self._add(menu, "&Back, or stop computing", window.back, "Esc")

    def _view(self) -> None:
        window = self._window
        menu = window.menuBar().addMenu("&View")
        for position, name in enumerate(("&Grid", "&Atlas", "&Findings")):
            show = partial(window.show_page, position)
            self._needs_figure.append(self._add(menu, name, show, f"Alt+{position + 1}"))
        self._needs_figure.append(self._add(menu, "&Inspector", window.toggle_inspector, "Ctrl+I"))
        menu.addSeparator()
        self._add(menu, "&Every layer", window.selector.choose_all_layers, "Ctrl+Shift+A")
        self._add(
            menu, "&Layers spread over the depth, as Figure 7", window.selector.choose_spread_layers, "Ctrl+Shift+S"
        )
        menu.addSeparator()
        menu.addActions(window.options.actions)
        menu.addSeparator()
        themes = menu.addMenu("&Theme")
        group = QActionGroup(window)
        for name in THEMES:
            action = self._add(themes, f"&{name.capitalize()}", partial(window.set_theme, name), None)
            action.setCheckable(True)
            action.setChecked(name == window.memory.theme)
            group.addAction(action)
        self._add(menu, "Full scree&n", window.toggle_full_screen, "F11")

    def _help(self) -> None:
        window = self._window
        menu = window.menuBar().addMenu("&Help")
        self._add(menu, "&About φ", window.help, "F1")
        self._add(menu, "Show the &log file", window.show_log, None)
        if sys.platform.startswith("linux"):
            menu.addSeparator()
            self._add(menu, "&Put PhiScope into the menu of applications", window.add_to_desktop, None)
            self._add(menu, "&Take PhiScope out of it again", window.remove_from_desktop, None)
            menu.addSeparator()
        self._add(menu, "A&bout PhiScope", window.about, None)

    def _add(self, menu: QMenu, text: str, act: Callable[[], object], keys: Keys) -> QAction:
        action = QAction(text, menu)
        if keys is not None:
            action.setShortcut(keys)
        action.triggered.connect(lambda _checked=False: act())
        menu.addAction(action)
        return action
