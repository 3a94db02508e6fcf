"""Undo and redo: every change of what is shown is one step, and comes back exactly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from engine.document.document import Document
from engine.figures.colour_maps import RangeMode
from engine.figures.presets import Preset
from engine.measures.view import View
from engine.side import Side
from gui.state.session_values import Which
from gui.state.store import Store
from gui.window.main_window import MainWindow
from tests.gui.conftest import DEMO, R8, load, wait_until_done, wait_until_open

CHANGES: dict[str, Callable[[MainWindow], object]] = {
    "side": lambda window: window.session.store.change(side=Side.DW_LEFT),
    "selection": lambda window: window.selector.choose_all_layers(),
    "preset": lambda window: window.session.show_preset(Preset.FIG4),
    "control": lambda window: window.session.store.change(control=True),
    "layer numbers": lambda window: window.session.store.change(count_from=0),
    "view": lambda window: window.pane.scale.set_view(View.Z),
    "map": lambda window: window.pane.scale.set_map("magma"),
    "range": lambda window: window.pane.scale.set_mode(RangeMode.UNIT),
    "typed range": lambda window: window.pane.scale.set_typed(0.1, 0.3),
    "swap": lambda window: window.session.places.swap(),
    "clear": lambda window: window.session.places.clear(Which.SECOND),
}


def _at_rest(qtbot: QtBot, window: MainWindow) -> Document:
    wait_until_open(qtbot, window)
    if window.session.pairing is not None:
        wait_until_done(qtbot, window)
    return window.session.document


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_a_step_back_and_forth(qtbot: QtBot, window: MainWindow, name: str) -> None:
    load(qtbot, window, DEMO)
    before = window.session.document
    assert not window.session.store.can_undo, "nobody goes back to an empty window"
    CHANGES[name](window)
    after = _at_rest(qtbot, window)
    assert after != before
    window.session.store.undo()
    assert _at_rest(qtbot, window) == before
    assert not window.session.store.can_undo
    assert (
        tuple(str(place.path) for which in Which if (place := window.session.places[which].adapter)) == before.sources
    )
    scale = window.pane.scale
    assert (scale.view, scale.mode, scale.name) == (before.view, before.scale.mode, before.scale.map_of(before.view))
    assert window.toolbar.sides.currentData() is before.side
    window.session.store.redo()
    assert _at_rest(qtbot, window) == after
    assert not window.session.store.can_redo


def test_another_pair_is_a_step(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    window.session.select(["3_q"])
    load(qtbot, window, R8)
    assert window.session.document.selection != ("3_q",)
    window.session.store.undo()
    document = _at_rest(qtbot, window)
    assert document.sources == tuple(map(str, DEMO))
    assert [pair.slug for pair in window.session.shown] == ["3_q"]
    assert all(panel.facts is not None for panel in window.figure.panels)
    window.session.store.redo()
    assert _at_rest(qtbot, window).sources == tuple(map(str, R8))
    assert len(window.session.results) == 12


def test_going_back_past_what_has_gone_keeps_what_is_there(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    first = tmp_path / "first"
    first.mkdir()
    for file in R8[0].iterdir():
        (first / file.name).write_bytes(file.read_bytes())
    load(qtbot, window, R8)
    window.session.select(["3_q"])
    load(qtbot, window, (first, R8[1]))
    load(qtbot, window, DEMO)
    window.session.select(["2_v"])
    window.session.store.change(side=Side.B)
    window.session.store.undo()
    shown = _at_rest(qtbot, window)
    for file in first.iterdir():
        file.unlink()
    while window.session.document.sources == shown.sources:
        shown = window.session.document
        window.session.store.undo()
    qtbot.waitUntil(lambda: window.session.document == shown, timeout=20_000)
    assert _at_rest(qtbot, window) == shown
    assert window.session.store.can_redo, "what was gone back from is still there"
    window.session.store.undo()
    document = _at_rest(qtbot, window)
    assert (document.sources, document.selection) == (tuple(map(str, R8)), ("3_q",)), "and what was before, too"


def test_the_page_is_no_step_and_stays(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    window.session.store.change(side=Side.B)
    window.show_page(1)
    window.session.store.undo()
    assert (window.pane.page, window.session.document.side) == ("Atlas", Side.A)


def test_a_new_step_forgets_those_gone_back_from() -> None:
    store = Store()
    for side in (Side.B, Side.DW_LEFT):
        store.change(side=side)
    store.undo()
    store.change(view=View.Z)
    assert not store.can_redo
    store.undo()
    assert (store.document.side, store.document.view) == (Side.B, View.PHI)
    store.change(side=Side.B)
    assert store.can_redo, "what changes nothing is no step"
