"""The table of actions, and what is made from it: menus, keys, tips, and the list of keys in Help."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMainWindow, QMenu, QPushButton, QTextBrowser
from pytestqt.qtbot import QtBot

from gui.actions import menus
from gui.actions.action import Action, Menu, Needs
from gui.actions.menus import Menus
from gui.actions.situation import Situation, is_enabled, text_now
from gui.actions.table import ACTIONS, EDIT, FILE, HELP, RECENT, THEME, VIEW, action_of, offered, tip_of
from gui.state.memory import MOST_RECENT, Memory
from gui.state.session_values import Which
from gui.style.theme import THEMES
from gui.window.help import HelpWindow
from gui.window.main_window import MainWindow
from gui.window.page_table import PAGES
from tests.gui.conftest import DEMO, R8, load

PLATFORMS = ("linux", "win32", "darwin")
NEED_A_FIGURE = {
    "file.save_comparison", "file.export", "edit.copy", "view.grid", "view.atlas", "view.findings", "view.inspector",
}  # fmt: skip
NEED_UNEQUAL_RANKS = {"view.smaller_rank"}


def _plain(text: str) -> str:
    return text.replace("&", "")


# --- the table ---


def test_every_action_has_an_id_of_its_own_named_for_its_menu() -> None:
    assert len({action.id for action in ACTIONS}) == len(ACTIONS)
    for action in ACTIONS:
        bar_menu = action.menu.within or action.menu
        assert re.fullmatch(rf"{_plain(bar_menu.title).lower()}\.[a-z0-9_]+", action.id)


def test_a_wrong_id_is_answered_with_the_one_meant() -> None:
    assert action_of("file.export").text == "&Export…"
    with pytest.raises(KeyError, match=r"'file\.exprot'\. Did you mean 'file\.export'\?"):
        action_of("file.exprot")
    with pytest.raises(KeyError) as caught:
        tip_of("?")
    assert "mean" not in str(caught.value)


def test_no_two_actions_share_a_key(qapp: QApplication) -> None:
    keys = [action.key for action in ACTIONS if action.keys]
    assert all(keys)
    assert len(set(keys)) == len(keys)


def _entries(menu: Menu, platform: str) -> list[str]:
    """What a menu holds, by the table: the menus within it stand where the first of their actions does."""
    texts: list[str] = []
    for action in offered(platform):
        if action.menu is menu:
            texts.append(action.text)
        elif action.menu.within is menu and action.menu.title not in texts:
            texts.append(action.menu.title)
    return texts


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("menu", [FILE, EDIT, VIEW, HELP, RECENT, THEME], ids=lambda menu: _plain(menu.title))
def test_every_entry_has_a_letter_of_its_own_in_its_menu(menu: Menu, platform: str) -> None:
    letters = [re.findall(r"&(\w)", text) for text in _entries(menu, platform)]
    assert letters
    assert all(len(found) == 1 for found in letters)
    assert len({found[0].lower() for found in letters}) == len(letters)


def test_entries_of_a_page_keep_their_letter() -> None:
    for action in ACTIONS:
        letter = re.findall(r"&(\w)", action.text)
        assert all(re.findall(r"&(\w)", text) == letter for _page, text in action.page_texts)


def test_tips_are_told_without_a_full_stop_and_with_the_key(qapp: QApplication) -> None:
    assert all(re.fullmatch(r"[A-Z].{4,}[^.]", action.tip) for action in ACTIONS)
    assert tip_of("file.export") == "Write the figure and its numbers (Ctrl+E)"
    assert tip_of("edit.back", "Stop computing") == "Stop computing (Esc)"
    assert tip_of("help.about") == "Versions, device and licences"


def test_the_table_names_what_other_parts_have() -> None:
    ids = [action.id for action in ACTIONS]
    names = [page.name for page in PAGES]
    assert [page.action for page in PAGES] == [id_ for id_ in ids if id_[5:].capitalize() in names]
    assert [_plain(action_of(page.action).text) for page in PAGES] == names
    assert all(page in names for action in ACTIONS for page, _text in action.page_texts)
    assert [id_ for id_ in ids if id_.startswith("view.theme_")] == [f"view.theme_{name}" for name in THEMES]
    assert sum(action.menu is RECENT for action in ACTIONS) == MOST_RECENT


# --- menus and keys ---


def _made(menu: QMenu) -> Iterator[str]:
    for entry in menu.actions():
        inner = entry.menu()
        yield "-" if entry.isSeparator() else inner.title() if isinstance(inner, QMenu) else entry.text()


def _bar(window: QMainWindow) -> dict[str, QMenu]:
    found = (entry.menu() for entry in window.menuBar().actions())
    return {menu.title(): menu for menu in found if isinstance(menu, QMenu)}


@pytest.fixture
def bare_window(qtbot: QtBot) -> QMainWindow:
    """A window without anything in it."""
    window = QMainWindow()
    qtbot.addWidget(window)
    return window


def _nothing(*_: object) -> None:
    """What an action does that is only looked at."""


NOTHING = {action.id: _nothing for action in ACTIONS}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_menus_are_those_of_the_table(
    bare_window: QMainWindow, monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    monkeypatch.setattr(menus, "offered", lambda: offered(platform))
    made = Menus(bare_window, NOTHING)
    bar = _bar(bare_window)
    assert list(bar) == [menu.title for menu in (FILE, EDIT, VIEW, HELP)]
    for menu in (FILE, EDIT, VIEW, HELP):
        assert [text for text in _made(bar[menu.title]) if text != "-"] == _entries(menu, platform)
    (themes,) = [entry.menu() for entry in bar["&View"].actions() if entry.text() == THEME.title]
    assert isinstance(themes, QMenu)
    assert list(_made(themes)) == ["&System", "&Light", "&Dark"]
    for action in offered(platform):
        entry = made[action.id]
        assert entry.shortcut().toString() == action.key
        assert entry.toolTip() == action.tip_with_key()
        assert entry.isCheckable() == (action.is_switch or action.menu is THEME)


@pytest.mark.parametrize(("platform", "help_lines"), [("linux", [2, 5]), ("win32", [])])
def test_lines_stand_between_sections(
    bare_window: QMainWindow, monkeypatch: pytest.MonkeyPatch, platform: str, help_lines: list[int]
) -> None:
    monkeypatch.setattr(menus, "offered", lambda: offered(platform))
    Menus(bare_window, NOTHING)
    made = {title: list(_made(menu)) for title, menu in _bar(bare_window).items()}
    lines = {title: [place for place, text in enumerate(texts) if text == "-"] for title, texts in made.items()}
    assert lines == {"&File": [7, 10, 12], "&Edit": [2, 5], "&View": [4, 7, 11], "&Help": help_lines}


def test_every_action_is_bound_and_nothing_else(window: MainWindow, bare_window: QMainWindow) -> None:
    bindings = window._bindings()
    assert set(bindings) == {action.id for action in ACTIONS}
    assert all(map(callable, bindings.values()))
    with pytest.raises(KeyError, match=r"file\.export"):
        Menus(bare_window, {id_: act for id_, act in bindings.items() if id_ != "file.export"})


def test_an_entry_does_what_it_is_bound_to(bare_window: QMainWindow) -> None:
    done: list[object] = []

    def bound(action: Action) -> Callable[..., object]:
        return lambda *state: done.append((action.id, *state))

    made = Menus(bare_window, {action.id: bound(action) for action in ACTIONS})
    for action in offered():
        made[action.id].trigger()
    assert done == [(action.id, True) if action.is_switch else (action.id,) for action in offered()]
    assert [name for name in THEMES if made[f"view.theme_{name}"].isChecked()] == [THEMES[-1]]


def test_recent_pairs_are_listed_and_open(qtbot: QtBot, tmp_path: Path) -> None:
    memory = Memory(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))
    for pair in (R8, DEMO):
        memory.add_pair(*pair)
    window = MainWindow(memory)
    qtbot.addWidget(window)
    recent = window.menus.recent
    assert recent.isEnabled()
    assert [text[:2] for text in _made(recent)] == ["&1", "&2"]
    entry = recent.actions()[1]
    assert (entry.shortcut().toString(), entry.toolTip()) == ("Ctrl+2", "\n".join(map(str, R8)))
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    QTest.keySequence(window, "Ctrl+2")
    opening = [window.session.places[which].opening for which in Which]
    assert [request.path for request in opening if request] == list(R8)
    window.close()


def test_without_recent_pairs_their_menu_cannot_be_opened(window: MainWindow) -> None:
    assert not window.menus.recent.isEnabled()
    assert not list(_made(window.menus.recent))


# --- what can be asked for ---


@pytest.mark.parametrize(("has_figure", "ranks_differ"), list(product((False, True), repeat=2)))
def test_what_is_enabled_follows_from_what_there_is(has_figure: bool, ranks_differ: bool) -> None:
    situation = Situation(has_figure, ranks_differ, "Grid", can_undo=has_figure, can_redo=ranks_differ)
    missing = {
        Needs.FIGURE: not has_figure, Needs.UNEQUAL_RANKS: not ranks_differ,
        Needs.EARLIER: not has_figure, Needs.LATER: not ranks_differ,
    }  # fmt: skip
    disabled = {action.id for action in ACTIONS if not is_enabled(action, situation)}
    assert disabled == {action.id for action in ACTIONS if missing.get(action.needs)}
    assert {action.id for action in ACTIONS if action.needs is Needs.FIGURE} == NEED_A_FIGURE
    assert {action.id for action in ACTIONS if action.needs is Needs.UNEQUAL_RANKS} == NEED_UNEQUAL_RANKS


def test_what_copying_copies_follows_the_page() -> None:
    copy = action_of("edit.copy")
    texts = [text_now(copy, Situation(True, False, page)) for page in ("", *(page.name for page in PAGES))]
    assert [_plain(text).removeprefix("Copy the ") for text in texts] == [
        "grid as a picture", "grid as a picture", "atlas as a picture", "findings as text",
    ]  # fmt: skip


def _disabled(window: MainWindow) -> set[str]:
    return {action.id for action in offered() if not window.menus[action.id].isEnabled()}


def _button(window: MainWindow, text: str) -> QPushButton:
    (button,) = [button for button in window.toolbar.findChildren(QPushButton) if button.text() == text]
    return button


def test_menus_and_buttons_follow_what_is_open(qtbot: QtBot, window: MainWindow) -> None:
    export = _button(window, "Export…")
    assert _disabled(window) == NEED_A_FIGURE | NEED_UNEQUAL_RANKS | {"edit.undo", "edit.redo"}
    assert not export.isEnabled()
    load(qtbot, window, DEMO)
    assert _disabled(window) == NEED_UNEQUAL_RANKS | {"edit.undo", "edit.redo"}
    assert export.isEnabled()
    load(qtbot, window, (R8[0], DEMO[1]))
    assert _disabled(window) == {"edit.redo"}
    window.session.select(())
    assert _disabled(window) == NEED_A_FIGURE | {"edit.redo"}
    window.session.store.undo()
    assert _disabled(window) == set()
    window.clear()
    assert _disabled(window) == NEED_A_FIGURE | NEED_UNEQUAL_RANKS | {"edit.redo"}
    assert not export.isEnabled()


def test_a_button_of_the_toolbar_does_what_its_action_does(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    _button(window, "Swap").click()
    first = window.session.places[Which.FIRST].adapter
    assert first is not None
    assert first.path == DEMO[1]


def test_switches_follow_the_session_and_change_it(window: MainWindow) -> None:
    switches = [window.menus[action.id] for action in ACTIONS if action.is_switch]
    assert window.options.actions == tuple(switches)
    window.session.store.change(control=True)
    window.session.store.change(square=True)
    window.session.store.change(count_from=0)
    assert all(map(QAction.isChecked, switches))
    for switch in switches:
        switch.setChecked(False)
    session = window.session
    assert (session.document.control, session.document.square, session.document.count_from) == (False, False, 1)


# --- Help ---


def test_help_lists_every_key(window: MainWindow) -> None:
    browser = HelpWindow(window).findChild(QTextBrowser)
    assert isinstance(browser, QTextBrowser)
    lines = browser.toPlainText().splitlines()
    for action in offered():
        if action.key and action.menu is not RECENT:
            place = lines.index(action.key)
            assert lines[place : place + 3] == [action.key, _plain(action.text), action.tip]
    assert lines.count("Ctrl+1 … Ctrl+9") == 1
    titles = [_plain(menu.title) for menu in (FILE, EDIT, VIEW, HELP)]
    assert [line for line in lines[lines.index("Keys") :] if line in titles] == titles
