"""The selectors on the left, and what the window says where two adapters share nothing."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from engine.figures.presets import Preset
from gui.state.session_values import Which
from gui.window.main_window import MainWindow
from tests.adapters import llama_modules, write_peft_adapter
from tests.gui.conftest import DEMO, R8, load, wait_until_open


def test_typed_layers_that_are_not_there_are_named_and_the_rest_is_shown(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, R8)
    selector = window.selector
    selector._typed.setText("2, 9, 5-8")
    qtbot.keyClick(selector._typed, Qt.Key.Key_Return)
    assert [pair.path.layer_label for pair in window.session.shown] == ["2", "2", "5", "5", "6", "6"]
    assert selector._problem.isVisible()
    assert selector._problem.text() == "There are no layers 9, 7-8 to compare."
    assert not selector._typed.property("invalid"), "what is there is shown"
    window.session.store.change(count_from=0)
    assert selector._typed.text() == "1, 8, 4-7"
    assert selector._problem.text() == "There are no layers 8, 6-7 to compare."
    selector._layers.choose([0])
    assert not selector._problem.isVisible(), "it was said of another choice"
    selector._typed.setText("9")
    qtbot.keyClick(selector._typed, Qt.Key.Key_Return)
    assert selector._typed.property("invalid")
    assert selector._problem.text() == "There is no layer 9 to compare."
    assert [pair.path.layer_label for pair in window.session.shown] == ["1", "1"]


def test_what_is_left_out_is_listed_by_reason(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    """It was a row for every module."""
    adapters = [
        write_peft_adapter(tmp_path / name, [f"model.{name}.{n}.x" for n in range(300)], 2, seed=0, d_in=6, d_out=6)
        for name in ("ada", "bob")
    ]
    window.session.places.open_paths(adapters)
    qtbot.waitUntil(lambda: window.session.pairing is not None, timeout=20_000)
    said = "300 modules are only in ada (for example model.ada.0.x), 300 only in bob (for example model.bob.0.x)."
    assert said in [label.text() for label in window.findChildren(QLabel) if label.isVisible()]
    reasons = window.selector._reasons
    shown = [index.data(Qt.ItemDataRole.ToolTipRole) for index in map(reasons.model().index, (0, 1), (0, 0))]
    assert shown == ["300 modules are only in ada", "300 modules are only in bob"]
    first = reasons.topLevelItem(0)
    assert first is not None
    assert not first.isExpanded()
    qtbot.mouseClick(
        reasons.viewport(), Qt.MouseButton.LeftButton, pos=reasons.visualItemRect(first).center()
    )  # fmt: skip
    assert first.isExpanded()
    names = [reasons.model().index(row, 0, reasons.indexFromItem(first)) for row in (0, 2, 10)]
    assert [name.data(Qt.ItemDataRole.ToolTipRole) for name in names] == [f"model.ada.{n}.x" for n in (0, 2, 10)]
    assert not window.selector._typed.isVisible(), "there is nothing to choose"


def test_adapters_of_one_name_are_told_apart_in_title_and_cards(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    paths = tuple(
        write_peft_adapter(tmp_path / run / "final", llama_modules(2), 2, seed=seed, d_in=8, d_out=8)
        for seed, run in enumerate(("one", "two"))
    )
    window.session.places.open(Which.FIRST, paths[0])
    wait_until_open(qtbot, window)
    name = window.cards[Which.FIRST]._name
    assert plain(name.text()) == "final"
    load(qtbot, window, paths)
    qtbot.waitUntil(lambda: window.windowTitle() == "one/final and two/final – PhiScope")
    assert [plain(window.cards[which]._name.text()) for which in Which] == ["one/final", "two/final"]
    window.session.places.clear(Which.SECOND)
    assert plain(name.text()) == "final"


def plain(text: str) -> str:
    """A label's text without the places where it may break."""
    return text.replace("&#8203;", "")


def test_undo_in_the_field_goes_back_in_the_view_once_the_text_is_taken(qtbot: QtBot, window: MainWindow) -> None:
    """The text went back and the figure stayed, so that they contradicted each other."""
    load(qtbot, window, DEMO)
    before = window.session.document.selection
    typed = window.selector._typed
    window.activateWindow()
    typed.setFocus()
    QTest.keyClicks(typed, "3-5")
    QTest.keyClick(typed, Qt.Key.Key_Return)
    assert {pair.path.layer_label for pair in window.session.shown} == {"3", "4", "5"}
    assert typed.text() == "3-5"
    QTest.keyClick(typed, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert window.session.document.selection == before
    assert typed.text() == ""
    QTest.keyClicks(typed, "2")
    QTest.keyClick(typed, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert typed.text() == "", "what is being typed is undone in the text"
    assert window.session.document.selection == before


def test_a_choice_made_otherwise_forgets_the_text(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    for otherwise in (window.selector.choose_all_layers, lambda: window.session.show_preset(Preset.FIG7)):
        window.selector._typed.setText("3-5")
        window.selector._on_typed()
        assert window.selector._typed.text() == "3-5"
        otherwise()
        assert window.selector._typed.text() == ""
