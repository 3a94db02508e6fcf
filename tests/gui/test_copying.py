"""Ctrl+C copies the page that is seen: a picture for a paper, or the findings as text, and says so."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from engine.figures.presets import Preset
from engine.measures.summary import Summary
from gui.state.notice import Severity
from gui.style.theme import DARK, choose_theme
from gui.window.main_window import MainWindow
from tests.adapters import llama_modules, write_peft_adapter
from tests.gui.conftest import DEMO, load


def _copied(window: MainWindow) -> QImage:
    window.copy_page()
    return QGuiApplication.clipboard().image()


def _said(window: MainWindow) -> str:
    (notice,) = [notice for notice in window.notices.notices if notice.key == "copied"]
    assert notice.severity is Severity.NEWS
    return notice.sentence


def _show_atlas(window: MainWindow, which: Summary | None) -> None:
    window.show_page(1)
    window.pane.widget_of("Atlas").show_as(which, 8)


PICTURES: dict[str, tuple[Callable[[MainWindow], None], str]] = {
    "grid": (lambda window: window.show_page(0), "Copied the grid"),
    "zoomed": (lambda window: window.figure.zoom("4_v"), "Copied the panel"),
    "preset": (lambda window: window.session.show_preset(Preset.FIG7), "Copied Figure 7"),
    "atlas": (lambda window: _show_atlas(window, None), "Copied the atlas"),
    "atlas of numbers": (lambda window: _show_atlas(window, Summary.MEAN), "Copied the atlas"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_on_white_whatever_the_theme(
    qtbot: QtBot, qapp: QApplication, window: MainWindow, name: str
) -> None:
    load(qtbot, window, DEMO)
    show, words = PICTURES[name]
    show(window)
    qtbot.wait(50)
    pictures = []
    for theme in ("light", "dark"):
        choose_theme(qapp, theme)
        qtbot.wait(50)
        before = window.pane.page_seen.grab().toImage()
        pictures.append(_copied(window))
        qtbot.wait(50)
        assert window.pane.page_seen.grab().toImage() == before, "the window is as it was"
    assert pictures[0] == pictures[1]
    picture = pictures[1]
    assert picture.pixelColor(1, 1) == picture.pixelColor(picture.width() - 2, 1) == QColor("white")
    colours = {picture.pixel(x, y) for x in range(0, picture.width(), 3) for y in range(0, picture.height(), 3)}
    assert not {QColor(getattr(DARK, ground)).rgb() for ground in ("background", "surface", "raised")} & colours
    width, height = (f"{size:,}".replace(",", "\u202f") for size in (picture.width(), picture.height()))
    assert _said(window) == f"{words} as a picture, {width} × {height} pixels."


def test_a_picture_is_twice_as_large_as_what_is_seen(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    picture = _copied(window)
    assert 1.8 * window.figure.width() < picture.width() <= 2 * window.figure.width()
    panel = window.figure.panels[0].area
    left = window.figure._geometry.title.left() - 16  # type: ignore[union-attr]
    top = window.figure._geometry.title.top() - 16  # type: ignore[union-attr]
    on_screen = window.figure.grab().toImage().pixelColor(panel.center().toPoint())
    there = picture.pixelColor(round(2 * (panel.center().x() - left)), round(2 * (panel.center().y() - top)))
    assert there == on_screen


def test_all_of_it_is_copied_where_it_scrolls(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    modules = llama_modules(24, ("q", "k", "v", "o"))
    load(qtbot, window, tuple(write_peft_adapter(tmp_path / str(seed), modules, 2, seed=seed) for seed in (0, 1)))
    window.resize(900, 560)
    window.selector.choose_all_layers()
    qtbot.wait(50)
    figure = window.figure
    assert figure.height() > window.pane.page_seen.height(), "it scrolls"
    assert _copied(window).height() >= 1.8 * figure.height()


def test_one_panel_is_copied_where_one_is_seen(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    every = _copied(window)
    window.figure.zoom("4_v")
    assert _copied(window) != every


def test_the_findings_are_copied_as_text(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    window.show_page(2)
    window.copy_page()
    assert len(QGuiApplication.clipboard().text().splitlines()) == 13
    assert _said(window) == "Copied 12 rows of the findings as text."
    window.pane.widget_of("Findings").selectRow(3)
    window.copy_page()
    assert len(QGuiApplication.clipboard().text().splitlines()) == 2
    assert _said(window) == "Copied 1 row of the findings as text."


def test_the_menu_says_what_is_copied(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    edit = next(action.menu() for action in window.menuBar().actions() if "Edit" in action.text())
    assert isinstance(edit, QMenu)
    copy = next(action for action in edit.actions() if action.shortcut() == QKeySequence.StandardKey.Copy)
    for position, wanted in enumerate(("Copy the grid", "Copy the atlas", "Copy the findings as text")):
        window.show_page(position)
        assert re.sub("&", "", copy.text()).startswith(wanted)


def test_by_key(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    for position in (0, 1, 2):
        window.show_page(position)
        QTest.keyClick(window, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
        assert ("text" in _said(window)) == (position == 2)
