"""What can be set about the figure and the places of the window, offscreen."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QSettings
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from engine.figures.presets import Preset
from engine.figures.style import FigureStyle
from engine.measures.control import gaussian_control
from engine.measures.phi import PHI
from engine.measures.view import View
from engine.side import Side
from gui.exporting.dialog import ExportDialog
from gui.figure.navigation import panel_of
from gui.figure.panel import Cell
from gui.state.memory import Memory, recent_name, recent_pair_name
from gui.state.session_values import Which
from gui.state.shown_comparison import shown_comparison
from gui.window.empty_state import EmptyState
from gui.window.main_window import MainWindow
from tests.adapters import llama_modules, write_peft_adapter
from tests.exporting import save_comparison
from tests.gui.conftest import DEMO, R8, load, wait_until_done


def test_the_random_panel_follows_the_others(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    control, _, _ = window.options.actions
    control.setChecked(True)
    qtbot.waitUntil(lambda: window.figure.panels[-1].facts is not None, timeout=20_000)
    assert len(window.figure.panels) == 9
    panel = window.figure.panels[-1]
    assert panel.pair is None
    expected = PHI.values(gaussian_control(64, 64, 384))
    np.testing.assert_array_equal(panel.image.image, expected)
    assert tuple(panel.image.levels) == window.figure.scale.levels
    areas = [panel.area for panel in window.figure.panels]
    assert not any(a.intersects(b) for n, a in enumerate(areas) for b in areas[:n])
    window.session.show_preset(Preset.FIG7)
    assert len(window.figure.panels) == 9, "it follows those of a figure of the paper, too"
    control.setChecked(False)
    window.session.show_preset(None)
    assert len(window.figure.panels) == 8


def test_the_smaller_rank_alone(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    _, square, _ = window.options.actions
    assert not square.isEnabled(), "both have one rank"
    load(qtbot, window, (R8[0], DEMO[1]))
    assert square.isEnabled()
    square.setChecked(True)
    for panel in window.figure.panels:
        assert panel.pair is not None
        result = window.session.result(panel.pair)
        assert result is not None
        np.testing.assert_array_equal(panel.image.image, result.phi[:8, :8])
        cell = panel.cell_at(panel.area.center())
        assert cell is not None
        assert (cell.i, cell.j) == (5, 5)
    square.setChecked(False)
    assert window.figure.panels[0].image.image.shape == (8, 64)


def test_layers_count_from_0_everywhere(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    before = [pair.slug for pair in window.session.shown]
    window.options.actions[2].setChecked(True)
    assert [pair.slug for pair in window.session.shown] == before
    assert window.selector._layers.chosen == ["0", "1", "3", "5"]
    window.selector._typed.setText("0, 2-3")
    window.selector._typed.returnPressed.emit()
    assert [pair.slug for pair in window.session.shown] == ["1_q", "1_v", "3_q", "3_v", "4_q", "4_v"]
    cell = window.figure.first_cell()
    window.read_out.show_cell(cell)
    assert "Layer 0" in window.read_out.text
    window.show_page(1)
    geometry = window.pane.widget_of("Atlas").mosaic.geometry_shown
    assert geometry is not None
    assert geometry.column_names == ("0", "1", "2", "3", "4", "5")
    window.show_page(2)
    assert {window.pane.widget_of("Findings")._model._rows[row][1] for row in range(12)} == set(range(6))


@pytest.mark.parametrize(("wanted", "layers"), [(2, ["1", "6"]), (3, ["1", "3", "6"]), (6, list("123456"))])
def test_layers_spread_over_the_depth(qtbot: QtBot, window: MainWindow, wanted: int, layers: list[str]) -> None:
    load(qtbot, window, DEMO)
    window.selector._how_many.setValue(wanted)
    assert window.selector._layers.chosen == layers


def test_sides_are_kept_within_their_budget(
    qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = 12 * (64 * 64 + 64 + 64) * 8
    monkeypatch.setattr("gui.state.results.MOST_KEPT", 2 * size)
    load(qtbot, window, DEMO)
    assert sum(result.nbytes for result in window.session.results) == size

    def kept() -> set[Side]:
        return {side for side in Side if len(window.session._results.on(side)) == 12}

    assert kept() == {Side.A, Side.B}
    for before, side in itertools.pairwise((Side.A, Side.DW_LEFT, Side.DW_RIGHT)):
        window.session.store.change(side=side)
        assert window.session.results == (), "computed again"
        wait_until_done(qtbot, window)
        assert kept() == {before, side}, "the two looked at last"
    window.session.store.change(side=Side.DW_LEFT)
    assert len(window.session.results) == 12


def test_recent_adapters_and_pairs_open_again(qtbot: QtBot, tmp_path: Path) -> None:
    memory = Memory(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))
    window = MainWindow(memory)
    qtbot.addWidget(window)
    load(qtbot, window, DEMO)
    window.clear()
    empty = window.findChild(EmptyState)
    assert isinstance(empty, EmptyState)
    names = "demo/r64_alpha8_seed0 and demo/r64_alpha8_seed1"
    (again,) = [found for found in empty.findChildren(QPushButton) if found.text() == names and not found.isHidden()]
    again.click()
    qtbot.waitUntil(lambda: len(window.session.results) == 12, timeout=20_000)
    card = window.cards[Which.FIRST]
    card._fill_menu()
    texts = [action.text() for action in card._menu.actions() if action.text()]
    assert texts == ["&1  demo/r64_alpha8_seed1", "Show in &folder", "&Copy path"], "its own place is not offered"
    card._menu.actions()[0].trigger()
    qtbot.waitUntil(lambda: _name(window, Which.FIRST) == "r64_alpha8_seed1", timeout=20_000)
    card.copy_path()
    assert QGuiApplication.clipboard().text() == str(DEMO[1])
    window.close()


def test_adapters_of_one_name_are_told_apart_wherever_they_are_named(qtbot: QtBot, tmp_path: Path) -> None:
    memory = Memory(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))
    window = MainWindow(memory)
    qtbot.addWidget(window)
    paths = tuple(
        write_peft_adapter(tmp_path / run / "out" / "final", llama_modules(2), 4, seed=seed, zero_B=seed == 2)
        for seed, run in enumerate(("run1", "run2"), 1)
    )
    names = "run1/out/final", "run2/out/final"
    window.session.places.open(Which.FIRST, paths[0])
    qtbot.waitUntil(lambda: window.cards[Which.FIRST]._name.text() == "final", timeout=20_000)
    load(qtbot, window, paths)
    qtbot.waitUntil(lambda: len(window.notices.notices) == 1, timeout=20_000)
    assert window.notices.notices[0].sentence.startswith("B is zero in every module of the second adapter")
    assert window.windowTitle().startswith(f"{names[0]} and {names[1]} ")
    shown = [window.cards[which]._name.text().replace("&#8203;", "") for which in Which]
    assert shown == list(names)
    assert names[0] in window.cards[Which.FIRST].accessibleDescription().replace("&#8203;", "")
    assert recent_pair_name(memory.pairs[0]) == f"{names[0]} and {names[1]}"
    window.session.places.clear(Which.SECOND)
    assert window.cards[Which.FIRST]._name.text() == "final"
    window.close()


def test_stock_names_say_nothing(tmp_path: Path) -> None:
    for name in ("adapter_model.safetensors", "adapter_model.safetensors.index.json", "lit_model.pth.lora"):
        assert recent_name(tmp_path / "my & run" / name) == f"{tmp_path.name}/my && run"
    assert recent_name(tmp_path / "my run" / "seed0.safetensors") == "my run/seed0.safetensors"


def _name(window: MainWindow, which: Which) -> str:
    adapter = window.session.places[which].adapter
    return adapter.name if adapter else ""


def test_a_comparison_comes_back_with_its_figure(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    load(qtbot, window, DEMO)
    window.session.store.change(side=Side.B)
    window.session.show_preset(Preset.FIG4)
    window.pane.scale.set_view(View.Z)
    qtbot.waitUntil(lambda: len(window.session.results) == 12, timeout=20_000)
    dialog = ExportDialog(window.session, window.figure.scale, window.memory, window)
    qtbot.addWidget(dialog)
    dialog._folder.setText(str(tmp_path))
    dialog.export()
    qtbot.waitUntil(lambda: "written" in dialog._status.text(), timeout=60_000)
    dialog.close()
    window.clear()
    window.session.store.change(side=Side.A)
    window.pane.scale.set_view(View.PHI)
    for adapter in DEMO:
        (tmp_path / adapter.name).symlink_to(adapter)
    window.session.places.open_paths([tmp_path / "figure.png"])
    qtbot.waitUntil(lambda: window.session.document.preset is Preset.FIG4, timeout=20_000)
    assert window.session.document.side is Side.B
    assert window.pane.scale.view is View.Z
    assert window.toolbar.sides.currentData() is Side.B
    assert window.pane._views.currentData() is View.Z


def test_looks_are_kept_for_the_next_time(qtbot: QtBot, tmp_path: Path) -> None:
    memory = Memory(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))
    first = MainWindow(memory)
    qtbot.addWidget(first)
    load(qtbot, first, DEMO)
    first.pane.scale.set_map("seaborn:mako")
    first.options.actions[2].setChecked(True)
    first.close()
    again = MainWindow(memory)
    qtbot.addWidget(again)
    assert again.session.document.count_from == 0
    assert again.options.actions[2].isChecked()
    assert again.pane.scale.name == "seaborn:mako"
    again.close()


def test_undefined_panels_say_so(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    paths = [
        write_peft_adapter(tmp_path / str(k), llama_modules(2), 4, seed=k, zero_B=k == 1) for k in (0, 1)
    ]  # fmt: skip
    window.session.store.change(side=Side.B)
    load(qtbot, window, (paths[0], paths[1]))
    assert {panel.defined for panel in window.figure.panels} == {(4, 0)}
    before = window.figure.grab().toImage()
    window.session.store.change(side=Side.A)
    qtbot.waitUntil(lambda: len(window.session.results) == 4, timeout=20_000)
    assert {panel.defined for panel in window.figure.panels} == {(4, 4)}
    title = window.figure._geometry.title.toRect()  # type: ignore[union-attr]
    corner = title.adjusted(title.width() * 3 // 4, 0, 0, 0)
    after = window.figure.grab().toImage()
    assert before.copy(corner) != after.copy(corner), "the explanation of undefined cells goes with them"


def test_selectors_follow_a_figure_of_the_paper_and_the_atlas(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    window.session.show_preset(Preset.FIG4)
    assert window.selector._layers.chosen == ["3"]
    window.session.show_preset(None)
    window.pane._go_to(next(pair for pair in window.session.comparable if pair.slug == "5_v").slug)
    assert window.selector._layers.chosen == ["3", "5"]
    window.selector._layers.choose([])
    assert window.selector._layers.chosen == []
    assert window.selector._projections.chosen == ["q", "v"], "what is chosen stays, though nothing is shown"


def test_a_caution_goes_with_its_pair(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    load(qtbot, window, DEMO)
    window.session.show_preset(Preset.FIG4)
    assert "layer 48 of 96" in window.notices.notices[-1].sentence
    window.session.places.open_paths([tmp_path / "nothing.json"])
    qtbot.waitUntil(lambda: len(window.notices.notices) == 3, timeout=20_000)
    load(qtbot, window, (DEMO[0], R8[1]))
    qtbot.waitUntil(lambda: len(window.notices.notices) == 1, timeout=20_000)
    assert "nothing.json" in window.notices.notices[0].sentence, "an error stays until it is dismissed"


@pytest.mark.parametrize("before", [DEMO, (R8[0], DEMO[1]), (DEMO[0], R8[1])])
def test_panels_come_back_whatever_is_open(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, before: tuple[Path, Path]
) -> None:
    load(qtbot, window, DEMO)
    window.session.select(["3_q", "3_v"])
    path = tmp_path / "saved.json"
    save_comparison(shown_comparison(window.session, None, everything=True), path, FigureStyle())
    for adapter in DEMO:
        window.memory.add_adapter(adapter)
        (tmp_path / adapter.name).symlink_to(adapter)
    load(qtbot, window, before)
    window.session.places.open_paths([path])
    qtbot.waitUntil(lambda: [pair.slug for pair in window.session.shown] == ["3_q", "3_v"], timeout=20_000)
    assert (_name(window, Which.FIRST), _name(window, Which.SECOND)) == ("r64_alpha8_seed0", "r64_alpha8_seed1")


def test_the_keyboard_reaches_every_panel_of_figure_3_and_no_hidden_cell(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, (R8[0], DEMO[1]))
    window.session.show_preset(Preset.FIG3)
    figure = window.figure
    figure._step_panel(0)
    visited = []
    for _ in range(4):
        panel, cell = panel_of(figure.panels, figure._cell, figure._cell_panel), figure._cell
        assert panel is not None
        assert cell is not None
        visited.append(figure.panels.index(panel))
        for down, right in ((1, 0), (0, 1), (1, 0), (0, -1), (-1, 0), (0, 1), (0, 1), (1, 0)):
            figure._step_cell(down, right)
            assert figure._cell is not None
            assert figure._cell.i <= panel.shape[0]
            assert figure._cell.j <= panel.shape[1]
            assert not panel.is_hidden(figure._cell.i, figure._cell.j)
        figure._step_panel(1)
    assert visited == [0, 1, 2, 3]


def test_counting_layers_otherwise_changes_nothing_else(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    window.toggle_inspector()
    window.show_page(1)
    window.pane.widget_of("Atlas")._k.setValue(1)
    cell = Cell(window.session.shown[3], 5, 9)
    inspector = window.pane.inspector
    assert inspector is not None
    inspector.show_cell(cell)
    window.options.actions[2].setChecked(True)
    assert window.pane.widget_of("Atlas")._k.value() == 1
    assert inspector.cell == cell
    assert "Layer 1" in inspector._title.text()
    window.session.show_preset(Preset.FIG4)
    assert window.notices.notices[-1].sentence.endswith("this one layer 2 of 6, counted from 0.")


def test_paths_are_kept_as_they_are_found_from_anywhere(
    qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(DEMO[0].parent)
    load(qtbot, window, (Path(DEMO[0].name), Path(DEMO[1].name)))
    assert window.session.pairing is not None
    assert window.session.pairing.first.path == DEMO[0]
