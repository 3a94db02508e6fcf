"""Every control named, reached and seen without a mouse, in every state of the window."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QSettings, Qt
from PySide6.QtGui import QAccessible, QAction, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QDialog,
    QMenu,
    QPushButton,
    QTextBrowser,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from engine.measures.view import View
from gui.exporting.dialog import ExportDialog
from gui.figure.grid import FigureView
from gui.numbers.tables import MatrixDialog
from gui.state.memory import Memory
from gui.state.notice import Notice, Offer
from gui.state.session_values import Which
from gui.style.theme import DARK, LIGHT, Colours
from gui.window.help import AboutDialog, HelpWindow
from gui.window.main_window import MainWindow
from tests.adapters import llama_modules, write_peft_adapter
from tests.gui.conftest import DEMO, R8, load, wait_until_done, wait_until_open

Window = Callable[[QtBot, MainWindow], QWidget]


def _empty(_qtbot: QtBot, window: MainWindow) -> QWidget:
    return window


def _one_adapter(qtbot: QtBot, window: MainWindow) -> QWidget:
    window.session.places.open(Which.FIRST, DEMO[0])
    wait_until_open(qtbot, window)
    return window


def _refused(qtbot: QtBot, window: MainWindow) -> QWidget:
    window.session.places.open(Which.FIRST, R8[0].parent)  # a folder of several: a choice, and a reason
    wait_until_open(qtbot, window)
    window.notices.add(Notice.error("Something to be dismissed."))
    return window


def _noticed(opened: bool) -> Window:
    def show(qtbot: QtBot, window: MainWindow) -> QWidget:
        load(qtbot, window, DEMO)
        offer = Offer("Reload", "Read the file again (F5)", window.session.places.swap)
        window.notices.add(Notice.caution("A file has changed.", offer=offer))
        window.notices.add(Notice.caution("Singular values are nearly equal.", "layer 1\nlayer 2"))
        window.notices.add(Notice.error("Something went wrong.", "Traceback"))
        window.notices.add(Notice.news("Something was done."))
        window.notice_strip.show_list(opened)
        return window

    return show


def _cancelled(qtbot: QtBot, window: MainWindow) -> QWidget:
    window.session.places.open_paths(DEMO)
    qtbot.waitUntil(lambda: window.session.tasks.progress.running, timeout=20_000)
    window.session.tasks.cancel()
    return window


def _page(position: int) -> Window:
    def show(qtbot: QtBot, window: MainWindow) -> QWidget:
        load(qtbot, window, DEMO)
        window.toggle_inspector()
        window.show_page(position)
        return window

    return show


def _zoomed(qtbot: QtBot, window: MainWindow) -> QWidget:
    load(qtbot, window, DEMO)
    window.figure.zoom("1_v")
    return window


def _export(qtbot: QtBot, window: MainWindow) -> QWidget:
    load(qtbot, window, DEMO)
    dialog = ExportDialog(window.session, window.figure.scale, window.memory, window)
    qtbot.addWidget(dialog)
    qtbot.waitUntil(lambda: not dialog.preview.picture.isNull(), timeout=60_000)
    return dialog


def _help(_qtbot: QtBot, window: MainWindow) -> QWidget:
    return HelpWindow(window)


def _about(_qtbot: QtBot, window: MainWindow) -> QWidget:
    return AboutDialog("CPU", window)


def _matrix(qtbot: QtBot, window: MainWindow) -> QWidget:
    load(qtbot, window, R8)
    return MatrixDialog(window.session.results[0], View.PHI, 1, window)


STATES: dict[str, Window] = {
    "empty": _empty, "one adapter": _one_adapter, "refused": _refused, "cancelled": _cancelled,
    "grid": _page(0), "atlas": _page(1), "findings": _page(2), "zoomed": _zoomed,
    "notices": _noticed(False), "all notices": _noticed(True),
    "export": _export, "help": _help, "about": _about, "matrix": _matrix,
}  # fmt: skip


@pytest.fixture(params=STATES)
def shown(request: pytest.FixtureRequest, qtbot: QtBot, window: MainWindow) -> Iterator[QWidget]:
    """The window, or one of its dialogs, in each state."""
    top = STATES[request.param](qtbot, window)
    top.show()
    top.activateWindow()
    qtbot.waitUntil(top.isActiveWindow)
    yield top
    if isinstance(top, QDialog):
        top.close()


def controls(top: QWidget) -> list[QWidget]:
    """What a user can press, type into or move the focus to, without the parts that Qt's own controls are made of."""

    def is_part(widget: QWidget) -> bool:
        return any(w is not None and w.objectName().startswith("qt_") for w in (widget, widget.parentWidget()))

    return [
        widget
        for widget in top.findChildren(QWidget)
        if widget.isVisible() and widget.window() is top and widget.focusProxy() is None and not is_part(widget)
        and (widget.focusPolicy() & Qt.FocusPolicy.TabFocus or isinstance(widget, QAbstractButton))
    ]  # fmt: skip


def spoken_name(widget: QWidget) -> str:
    """What a screen reader says that a control is; a combo box on Linux is named by its label alone."""
    interface = QAccessible.queryAccessibleInterface(widget)
    assert interface is not None, widget
    labels = [
        other.text(QAccessible.Text.Name)
        for other, relation in interface.relations()
        if relation is QAccessible.RelationFlag.Label
    ]
    if isinstance(widget, QComboBox):
        return " ".join(labels)
    return interface.text(QAccessible.Text.Name) or " ".join(labels)


def test_every_control_has_a_name(shown: QWidget) -> None:
    found = controls(shown)
    assert found
    nameless = [widget for widget in found if not re.search(r"\w", spoken_name(widget))]
    assert not nameless


def test_no_two_buttons_are_called_the_same(shown: QWidget) -> None:
    names = Counter(spoken_name(widget) for widget in controls(shown) if isinstance(widget, QAbstractButton))
    assert not [name for name, times in names.items() if times > 1]


def test_every_button_has_a_tip(shown: QWidget) -> None:
    buttons = [widget for widget in controls(shown) if isinstance(widget, (QPushButton, QToolButton))]
    assert not [spoken_name(button) for button in buttons if not button.toolTip()]


def _reached_by_tab(top: QWidget, key: Qt.Key) -> list[QWidget]:
    """What gets the focus as Tab is pressed again and again, until it comes round."""
    reached: list[QWidget] = []
    for _ in range(200):
        focus = QApplication.focusWidget()
        QTest.keyClick(focus or top, key)
        focus = QApplication.focusWidget()
        assert focus is not None
        if reached and focus is reached[0]:
            return reached
        assert focus not in reached, f"Tab goes in a circle that leaves others out: {spoken_name(focus)}"
        reached.append(focus)
        if isinstance(focus, QTextBrowser):  # its links are stops of their own
            return reached
    raise AssertionError("Tab does not come round")


def _by_arrows(widget: QWidget) -> list[QWidget]:
    """The buttons of which one is on at a time: Tab reaches the one that is on, arrows the others."""
    group = widget.group() if isinstance(widget, QAbstractButton) else None
    return list(group.buttons()) if group is not None and group.exclusive() else []


def test_tab_reaches_every_control_and_comes_round(shown: QWidget) -> None:
    wanted = [widget for widget in controls(shown) if widget.isEnabled()]
    forwards, backwards = (_reached_by_tab(shown, key) for key in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab))
    for reached in (forwards, backwards):
        with_groups = {*reached, *(other for widget in reached for other in _by_arrows(widget))}
        assert not [spoken_name(widget) for widget in wanted if widget not in with_groups]


def _pixels(top: QWidget, area_of: QWidget) -> QImage:
    around = area_of.rect().translated(area_of.mapTo(top, QPoint(0, 0))).adjusted(-3, -3, 3, 3)
    return top.grab(around.intersected(top.rect())).toImage()


def test_what_has_the_focus_shows_it(shown: QWidget, qtbot: QtBot) -> None:
    if isinstance(shown, HelpWindow):
        pytest.skip("a page alone in its window")
    unseen = []
    for widget in _reached_by_tab(shown, Qt.Key.Key_Tab):
        if isinstance(widget, FigureView) and widget.first_cell() is None:
            continue  # while nothing is known there is no cell to show it with
        widget.setFocus(Qt.FocusReason.TabFocusReason)
        focused = _pixels(shown, widget)
        QTest.keyClick(widget, Qt.Key.Key_Tab)
        if _pixels(shown, widget) == focused:
            unseen.append(spoken_name(widget))
    assert not unseen


# --- menus and keys ---


def _actions(menu: QMenu) -> Iterator[QAction]:
    for action in menu.actions():
        inner = action.menu()
        if isinstance(inner, QMenu):
            yield from _actions(inner)
        elif not action.isSeparator():
            yield action


def _menus(window: MainWindow) -> list[QMenu]:
    menus = (action.menu() for action in window.menuBar().actions())
    return [menu for menu in menus if isinstance(menu, QMenu)]


def _keys(window: MainWindow) -> list[str]:
    actions = [action for menu in _menus(window) for action in _actions(menu)]
    return [action.shortcut().toString() for action in actions if not action.shortcut().isEmpty()]


def test_no_two_actions_have_the_same_key(window: MainWindow) -> None:
    keys = Counter(_keys(window))
    assert len(keys) > 15
    assert not [key for key, times in keys.items() if times > 1]


def test_menus_open_by_letters_of_their_own(window: MainWindow) -> None:
    letters = [re.findall(r"&(\w)", menu.title()) for menu in _menus(window)]
    assert all(len(found) == 1 for found in letters)
    assert len({found[0].lower() for found in letters}) == len(letters)
    assert not {f"Alt+{found[0]}" for found in letters} & set(_keys(window))


def _all_menus(window: MainWindow) -> list[QMenu]:
    """The menu bar's, those inside them, and those of buttons."""
    menus = _menus(window)
    for menu in menus:
        menus += [inner for action in menu.actions() if isinstance(inner := action.menu(), QMenu)]
    for card in window.cards.values():
        card._fill_menu()
        menus.append(card._menu)
    return [*menus, *(menu for menu in window.pane.findChildren(QMenu) if menu.actions())]


def test_every_entry_has_a_letter_of_its_own(qtbot: QtBot, tmp_path: Path) -> None:
    memory = Memory(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))
    window = MainWindow(memory)
    qtbot.addWidget(window)
    for pair in (DEMO, R8):
        load(qtbot, window, pair)
    menus = _all_menus(window)
    assert len(menus) >= 9
    for menu in menus:
        entries = [action.text() for action in menu.actions() if not action.isSeparator()]
        letters = [re.findall(r"(?<!&)&(\w)", text) for text in entries]
        assert all(len(found) == 1 for found in letters), entries
        assert len({found[0].lower() for found in letters}) == len(entries), entries
    window.close()


def test_every_action_says_what_it_does(window: MainWindow) -> None:
    assert all(re.search(r"\w{3}", action.text()) for menu in _menus(window) for action in _actions(menu))


def test_tips_tell_keys_that_are_there(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    buttons = window.findChildren(QAbstractButton)
    told = {
        key for button in buttons for key in re.findall(r"\(((?:Ctrl|Alt|Shift|Esc|F\d)[\w+]*)\)", button.toolTip())
    }
    wanted = {
        "Ctrl+O", "Ctrl+Shift+O", "Ctrl+L", "Ctrl+Shift+L", "Ctrl+Shift+X", "Ctrl+E", "Ctrl+I", "Ctrl+D",
        "Ctrl+Shift+A", "Ctrl+Shift+S", "Alt+1", "Alt+2", "Alt+3", "Esc",
    }  # fmt: skip
    assert wanted <= told
    assert told <= set(_keys(window))


# --- the atlas ---


def test_the_atlas_by_keyboard(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    window.show_page(1)
    atlas, mosaic = window.pane.widget_of("Atlas"), window.pane.widget_of("Atlas").mosaic
    bare = mosaic.grab().toImage()
    mosaic.setFocus(Qt.FocusReason.TabFocusReason)
    steps = {
        None: "1_q", Qt.Key.Key_Right: "2_q", Qt.Key.Key_Down: "2_v", Qt.Key.Key_End: "6_v", Qt.Key.Key_Up: "6_q",
        Qt.Key.Key_Home: "1_q", Qt.Key.Key_Left: "1_q",
    }  # fmt: skip
    for key, slug in steps.items():
        if key is not None:
            qtbot.keyClick(mosaic, key)
        assert mosaic.pointed_at is not None
        assert mosaic.pointed_at.slug == slug
        assert mosaic.grab().toImage() != bare, "the ring shows"
        said = f"Layer {slug[0]}"
        assert said in atlas._said.text()
        assert said in mosaic.accessibleDescription()
    qtbot.keyClick(mosaic, Qt.Key.Key_Return)
    assert window.pane.page == "Grid"
    assert [panel.pair.slug for panel in window.figure.panels if panel.pair] == ["1_q"]


def test_what_the_atlas_pointed_at_is_not_read_out_in_the_grid(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    window.show_page(1)
    window.pane.widget_of("Atlas").mosaic.setFocus(Qt.FocusReason.TabFocusReason)
    assert "φ = " in window.read_out.text
    window.show_page(0)
    assert "φ = " not in window.read_out.text


def test_the_atlas_scrolls_to_the_module_of_the_keyboard(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    names = llama_modules(40, ("q", "k", "v", "o", "gate", "up", "down"))
    paths = tuple(write_peft_adapter(tmp_path / str(seed), names, 2, seed=seed) for seed in (0, 1))
    load(qtbot, window, paths)
    window.resize(900, 560)
    window.show_page(1)
    mosaic = window.pane.widget_of("Atlas").mosaic
    geometry = mosaic.geometry_shown
    assert geometry is not None
    assert geometry.bands > 1
    mosaic.setFocus(Qt.FocusReason.TabFocusReason)
    visited = [mosaic.pointed_at]
    for _ in range(7 * geometry.bands - 1):
        qtbot.keyClick(mosaic, Qt.Key.Key_Down)
        visited.append(mosaic.pointed_at)
    slugs = [pair.slug for pair in visited if pair is not None]
    assert len(set(slugs)) == 7 * geometry.bands, "down every row of every band"
    last = next(p for p, pair in zip(geometry.places, window.session.comparable, strict=True) if pair == visited[-1])
    assert mosaic.visibleRegion().boundingRect().contains(geometry.area(last).toAlignedRect())


def test_what_is_said_of_a_module_is_of_the_pair_shown(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    load(qtbot, window, DEMO)
    window.show_page(1)
    atlas = window.pane.widget_of("Atlas")
    atlas.mosaic.setFocus(Qt.FocusReason.TabFocusReason)
    assert "mean" in atlas._said.text()
    window.session.places.swap()
    assert "waiting" in atlas._said.text()
    wait_until_done(qtbot, window)
    qtbot.waitUntil(lambda: "mean" in atlas._said.text())
    others = tuple(write_peft_adapter(tmp_path / str(seed), llama_modules(2), 2, seed=seed) for seed in (0, 1))
    load(qtbot, window, others)
    assert atlas.mosaic.pointed_at is None
    assert atlas._said.text() == ""


def test_numbers_of_the_pair_before_are_put_away(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, R8)
    window.pane._show_numbers(window.session.results[0])
    assert [dialog for dialog in window.findChildren(MatrixDialog) if dialog.isVisible()]
    window.session.places.swap()
    assert not [dialog for dialog in window.findChildren(MatrixDialog) if dialog.isVisible()]


# --- colours ---


def _luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """WCAG's contrast ratio of two colours."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


TEXT_ON = {
    "text": ("background", "surface", "raised", "tint", "line"),
    "muted": ("background", "surface", "raised", "tint"),
    "warning": ("background", "surface", "tint"),
    "error": ("background", "surface", "raised", "tint"),
    "link": ("background", "surface"),
    "on_accent": ("accent",),
}
SHAPES_ON = {"accent": ("background", "surface"), "ok": ("surface",), "warning": ("surface",), "text": ("raised",)}


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("pairs", "least"), [(TEXT_ON, 4.5), (SHAPES_ON, 3.0)], ids=["text", "shapes"])
def test_colours_can_be_told_apart(colours: Colours, pairs: dict[str, tuple[str, ...]], least: float) -> None:
    ratios = {
        f"{name} on {ground}": contrast(getattr(colours, name), getattr(colours, ground))
        for name, grounds in pairs.items()
        for ground in grounds
    }
    assert not {pair: ratio for pair, ratio in ratios.items() if ratio < least}


def test_what_is_chosen_shows_without_colours(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    layers = window.selector._layers
    layers.clearFocus()
    grey = window.grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8)
    origin = layers.viewport().mapTo(window, QPoint(0, 0))
    chosen, other = (layers.visualItemRect(layers.item(row)).translated(origin) for row in (0, 2))
    assert layers.item(0).isSelected()
    assert not layers.item(2).isSelected()

    def darkest_at_the_edge(area_top: int, area_left: int) -> int:
        return min(grey.pixelColor(area_left + dx, area_top + dy).value() for dx in range(10) for dy in range(4))

    edge, none = (darkest_at_the_edge(area.top(), area.left()) for area in (chosen, other))
    assert none - edge > 60, "a frame, and not a tint alone"
