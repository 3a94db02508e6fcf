"""Every part of the window names what is coloured, and colours it by one scale."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cmap import Colormap
from PySide6.QtCore import QEvent, QPointF, QSettings, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QApplication, QToolTip
from pytestqt.qtbot import QtBot

from engine.comparison.outcome import SideFailure
from engine.errors import EngineError
from engine.figures.colour_maps import COLOUR_MAPS, DIVERGING_MAPS, RangeMode
from engine.figures.presets import Preset
from engine.measures.control import gaussian_control
from engine.measures.phi import PHI
from engine.measures.summary import Summary
from engine.measures.view import View
from engine.measures.views import view_values
from engine.side import Side
from gui.exporting.dialog import ExportDialog
from gui.figure.panel import Cell
from gui.numbers.tables import MatrixDialog
from gui.parts.colour_scale import ColourScale
from gui.state.memory import Memory
from gui.state.store import Store
from gui.style.texts import number
from gui.window.main_window import MainWindow
from tests.adapters import llama_modules, peft_config, peft_tensors, write_peft_adapter, write_tensors
from tests.gui.conftest import DEMO, load

NAMES = {View.PHI: "φ", View.ABOVE_CHANCE: "φ − chance", View.Z: "z"}


def random_pair(folder: Path, ranks: tuple[int, int], modules: list[str] | None = None) -> tuple[Path, Path]:
    """Two adapters that share nothing: φ lies on both sides of chance."""
    names = modules or llama_modules(2)
    first, second = (
        write_peft_adapter(folder / f"random{k}", names, rank, seed=k, d_in=96) for k, rank in enumerate(ranks)
    )
    return first, second


@pytest.mark.parametrize("view", list(View))
def test_the_pixels_of_a_panel_are_the_map_of_its_values(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, view: View
) -> None:
    load(qtbot, window, random_pair(tmp_path, (3, 6)))
    scale = window.pane.scale
    scale.set_view(view)
    low, high = scale.levels
    assert (low == -high) == view.is_centred
    colours = Colormap("seaborn:icefire" if view.is_centred else "seaborn:rocket")
    image, seen = window.figure.grab().toImage(), []
    for panel in window.figure.panels:
        assert panel.facts is not None
        values = view_values(panel.facts, view)
        for i, j in np.ndindex(3, 6):
            x = panel.area.left() + (j + 0.5) / 6 * panel.area.width()
            y = panel.area.top() + (i + 0.5) / 3 * panel.area.height()
            shown = image.pixelColor(int(x), int(y))
            wanted = np.array(colours((values[i, j] - low) / (high - low)).rgba8[:3])
            assert np.abs(np.array([shown.red(), shown.green(), shown.blue()]) - wanted).max() <= 6, (view, i, j)
            seen.append(values[i, j])
    if view.is_centred:
        assert min(seen) < 0 < max(seen)


@pytest.mark.parametrize("view", list(View))
def test_everything_names_what_is_coloured(qtbot: QtBot, window: MainWindow, view: View) -> None:
    load(qtbot, window, DEMO)
    window.toggle_inspector()
    window.pane.scale.set_view(view)
    name, cell = NAMES[view], Cell(window.session.shown[3], 5, 9)
    result = window.session.result(cell.pair)
    assert result is not None
    value = number(view_values(result.facts, view)[4, 8], view.digits)
    assert f"to read {name}<" in window.read_out.text
    window.figure._set_cell(cell)
    text = window.read_out.text
    assert f"<b>{name} = {value}</b>" in text
    after = text.partition(f"{name} = {value}</b>")[2]
    assert "chance " in after
    assert "angle " in after
    assert ("φ = " in after) == (view is not View.PHI)
    inspector = window.pane.inspector
    assert inspector is not None
    assert list(inspector.facts)[1] == name
    assert inspector.facts[name] == f"<b>{value}</b>"
    assert set(inspector.facts) == {"i, j", "chance", "angle", *NAMES.values()}
    assert inspector._profile_heading.text() == f"Profile of {name}"
    inspector._show_plots()
    np.testing.assert_array_equal(inspector._profile._lines_shown[0][1], np.diagonal(view_values(result.facts, view)))
    dialog = MatrixDialog(result, view, 1, window)
    qtbot.addWidget(dialog)
    assert dialog.windowTitle().startswith(f"{name} of Layer")
    assert dialog.table.accessibleName().startswith(f"{name} by i")
    shown = float(dialog.table._model.exact(dialog.table.model().index(4, 8)))
    assert shown == view_values(result.facts, view)[4, 8]
    window.show_page(1)
    atlas = window.pane.widget_of("Atlas")
    assert atlas._bar.accessibleDescription().startswith(f"{name} from ")
    atlas.show_as(Summary.MEAN, 1)
    assert atlas._bar.accessibleDescription().startswith(f"mean {name} from ")
    assert window.figure.accessibleName().endswith(view.words)


def test_the_title_and_the_bar_of_the_figure_change_with_the_view(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    painted: dict[str, Any] = {}
    original = window.figure._painter.paint
    window.figure._painter.paint = lambda *given: painted.update(words=given[4]) or original(*given)  # type: ignore
    for view, title in ((View.Z, "<i>z</i>(<i>A</i>"), (View.ABOVE_CHANCE, "<i>φ</i>(<i>A</i>")):
        window.pane.scale.set_view(view)
        window.figure.grab()
        assert painted["words"].title.startswith(title)
        assert painted["words"].title.endswith(" − chance") == (view is View.ABOVE_CHANCE)
        assert painted["words"].bar == (f"{NAMES[view]}, right-singular vectors of A", f"{NAMES[view]} on A")


def _maps(scale: ColourScale) -> tuple[str, str]:
    """The maps of views without a middle and of those with one."""
    return scale._store.document.scale.sequential, scale._store.document.scale.diverging


def test_each_kind_of_view_keeps_its_map(qtbot: QtBot) -> None:
    scale = ColourScale(Store())
    scale.set_map("seaborn:mako")
    scale.set_view(View.Z)
    assert scale.name == DIVERGING_MAPS[0]
    scale.set_map("cmocean:balance")
    scale.set_view(View.ABOVE_CHANCE)
    assert scale.name == "cmocean:balance"
    scale.set_view(View.PHI)
    assert scale.name == "seaborn:mako"
    scale.set_map("no map")
    assert _maps(scale) == ("seaborn:mako", "cmocean:balance")


def test_both_maps_are_kept_for_the_next_time(qtbot: QtBot, tmp_path: Path) -> None:
    memory = Memory(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))
    memory._set("window/colours", "magma")  # as an earlier version wrote it
    for expected in (("magma", DIVERGING_MAPS[0]), ("magma", "crameri:vik")):
        window = MainWindow(memory)
        qtbot.addWidget(window)
        load(qtbot, window, DEMO)
        assert _maps(window.pane.scale) == expected
        window.pane.scale.set_map("crameri:vik")
        window.close()


def test_the_controls_offer_what_the_view_can_be_shown_with(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    controls, scale = window.pane._scale_controls, window.pane.scale

    def offered() -> tuple[list[str], list[str]]:
        maps = [controls._maps.itemData(k) for k in range(controls._maps.count())]
        return [controls._ranges.itemText(k) for k in range(controls._ranges.count())], maps

    assert offered() == (["Auto", "0 to 1", "Fit", "Typed"], list(COLOUR_MAPS))
    scale.set_view(View.ABOVE_CHANCE)
    assert offered() == (["Auto", "−1 to 1", "Fit", "Typed"], list(DIVERGING_MAPS))
    scale.set_mode(RangeMode.UNIT)
    assert scale.levels == (-1.0, 1.0)
    scale.set_view(View.Z)
    assert offered() == (["Auto", "Fit", "Typed"], list(DIVERGING_MAPS))
    assert scale.mode is RangeMode.AUTOMATIC, "z has no bounds to be shown in"
    assert controls._ranges.currentText() == "Auto"
    assert controls._maps.currentData() == scale.name


# --- typed ranges ---


def type_into(qtbot: QtBot, window: MainWindow, low: str, high: str) -> None:
    window.pane.scale.set_mode(RangeMode.TYPED)
    for field, text in zip(window.pane._scale_controls.typed.fields, (low, high), strict=True):
        field.setFocus()
        field.selectAll()
        qtbot.keyClicks(field, text)
    qtbot.keyClick(window.pane._scale_controls.typed.fields[1], Qt.Key.Key_Return)


@pytest.mark.parametrize(("low", "high"), [(-12345.678, 2e6), (0.123456, 0.1234567), (2.0, 5.0)])
def test_a_typed_range_has_the_freedom_of_the_command_line(
    qtbot: QtBot, window: MainWindow, low: float, high: float
) -> None:
    load(qtbot, window, DEMO)
    window.activateWindow()
    type_into(qtbot, window, repr(low), repr(high))
    assert window.pane._scale_controls.typed.wrong == ""
    assert window.pane.scale.levels == (low, high)
    window.figure.grab()


@pytest.mark.parametrize(
    ("low", "high", "wrong"),
    [
        ("0.9", "0.1", "The lowest value, 0.9, is not below the highest, 0.1."),
        ("a", "1", "'a' is no number such as 0.8."),
    ],
)
def test_a_wrong_range_is_said_and_stays_as_it_was_typed(
    qtbot: QtBot, window: MainWindow, low: str, high: str, wrong: str
) -> None:
    load(qtbot, window, DEMO)
    type_into(qtbot, window, low, high)
    typed = window.pane._scale_controls.typed
    assert typed.wrong == wrong
    assert typed._said.isVisible()
    assert [field.text() for field in typed.fields] == [low, high]
    assert typed.fields[0].accessibleDescription() == wrong
    assert window.pane.scale.levels == (0.0, 0.8), "what was shown stays"
    qtbot.keyClicks(typed.fields[1], "5")
    assert typed.wrong == ""
    assert not typed._said.isVisible()


def test_levels_that_were_chosen_are_not_rounded_by_looking_at_them(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    scale = window.pane.scale
    scale.set_mode(RangeMode.FIT)
    levels = scale.levels
    scale.set_mode(RangeMode.TYPED)
    typed = window.pane._scale_controls.typed
    typed._take()
    assert scale.levels == levels
    typed.fields[1].setFocus()
    typed.fields[1].selectAll()
    qtbot.keyClicks(typed.fields[1], "0.9")
    qtbot.keyClick(typed.fields[1], Qt.Key.Key_Return)
    assert scale.levels == (levels[0], 0.9)


# --- figures ---


def test_a_range_that_is_not_the_papers_is_said(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, (DEMO[0], DEMO[0]))

    def said() -> list[str]:
        return [notice.sentence for notice in window.notices.notices if "colours run" in notice.sentence]

    window.session.show_preset(Preset.FIG7)
    assert said() == [
        "Figure 7 of the paper runs from 0 to 0.8; φ reaches 1.00 here, so the colours run from 0 to 1."
    ]
    assert window.pane.scale.levels == (0.0, 1.0)
    window.pane.scale.set_view(View.Z)
    assert said() == [], "the colours are not those of φ"
    window.pane.scale.set_view(View.PHI)
    assert len(said()) == 1
    window.session.show_preset(None)
    assert said() == []
    load(qtbot, window, DEMO)
    window.session.show_preset(Preset.FIG7)
    assert said() == []


def test_long_names_are_cut_in_the_middle_and_said_in_full(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    names = [f"model.layers.{layer}.a_projection_with_a_rather_long_name_{k}" for layer in range(8) for k in range(3)]
    load(qtbot, window, random_pair(tmp_path, (2, 2), names))
    window.session.select([pair.slug for pair in window.session.comparable])
    figure, painter = window.figure, window.figure._painter
    rows: dict[float, list[tuple[float, float]]] = {}
    for panel in figure.panels:
        html, area = painter.panel_name(panel), painter._title_area(panel.area)
        assert "…" in html
        assert html.endswith(f"{panel.path.projection[-1]}</sub>"), "what tells it from the others stays"  # type: ignore
        half = painter._rich.width(html, painter._label) / 2
        rows.setdefault(area.top(), []).append((area.center().x() - half, area.center().x() + half))
    for spans in rows.values():
        spans.sort()
        assert all(right < left for (_, right), (left, _) in itertools.pairwise(spans))
    panel = figure.panels[0]
    place = figure.mapFromScene(painter._title_area(panel.area).center())
    event = QHelpEvent(QEvent.Type.ToolTip, place, figure.viewport().mapToGlobal(place))
    QApplication.sendEvent(figure.viewport(), event)
    assert "a_projection_with_a_rather_long_name_0" in QToolTip.text()
    figure.zoom(panel.pair.slug)  # type: ignore[union-attr]
    assert "…" not in painter.panel_name(figure.panels[0])
    assert painter.name_cut_at(figure.panels, QPointF(figure.panels[0].area.center())) == ""


def test_the_random_panel_has_the_shape_of_the_last_module_known(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    """Ranks differ: while results come in, and where the last module fails, it is that of the exported figure."""
    ranks = {module: 2 + position for position, module in enumerate(llama_modules(2))}
    paths = []
    for seed in (0, 1):
        tensors: dict[str, Any] = {}
        for module, rank in ranks.items():
            tensors |= peft_tensors([module], rank, seed=seed, d_in=96)
        config = peft_config(list(ranks), 2, rank_pattern=ranks)
        paths.append(write_tensors(tmp_path / str(seed), tensors, config))
    load(qtbot, window, (paths[0], paths[1]))
    window.options.actions[0].setChecked(True)
    qtbot.waitUntil(lambda: len(window.figure.panels) == 5, timeout=20_000)
    session, shown = window.session, window.session.shown

    def shape() -> tuple[int, ...]:
        return tuple(window.figure.panels[-1].shape)

    assert shape() == shown[-1].shape == (5, 5)
    known = session._results.on(Side.A)
    last = known.pop(shown[-1].key)
    session.outcomes_changed.emit((shown[-1].slug,))
    assert shape() == shown[-1].shape, "it does not wait for the module that it stands for"
    known[shown[-1].key] = SideFailure(shown[-1], EngineError("It cannot be compared."))
    session.outcomes_changed.emit((shown[-1].slug,))
    assert shape() == shown[2].shape
    known[shown[-1].key] = last
    session.outcomes_changed.emit((shown[-1].slug,))
    assert shape() == shown[-1].shape
    known[shown[-1].key] = SideFailure(shown[-1], EngineError("It cannot be compared."))
    session.outcomes_changed.emit((shown[-1].slug,))
    qtbot.waitUntil(lambda: window.figure.panels[-1].facts is not None, timeout=20_000)
    expected = PHI.values(gaussian_control(4, 4, 96))
    np.testing.assert_array_equal(window.figure.panels[-1].image.image, expected)


def test_the_dialog_says_how_large_the_figure_becomes(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    dialog = ExportDialog(window.session, window.figure.scale, window.memory, window)
    qtbot.addWidget(dialog)
    qtbot.waitUntil(lambda: dialog._size.text().startswith("8 panels, "), timeout=60_000)
    assert "page" not in dialog._size.text()
    assert dialog._size.property("role") == "muted"
    dialog.close()
    window.session.select([pair.slug for pair in window.session.comparable])
    dialog = ExportDialog(window.session, window.figure.scale, window.memory, window)
    qtbot.addWidget(dialog)
    dialog.options.venue_box.setCurrentText("ACL, one column (3.03 in)")
    dialog.options.switches["square"].setChecked(True)
    qtbot.waitUntil(lambda: dialog._size.text().startswith("12 panels, 3.0 × "), timeout=60_000)
    dialog.close()


def test_the_dialog_says_that_a_range_is_not_the_papers(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, (DEMO[0], DEMO[0]))
    dialog = ExportDialog(window.session, window.figure.scale, window.memory, window)
    qtbot.addWidget(dialog)
    dialog.options.preset_box.setCurrentText("Figure 7 of the paper")
    qtbot.waitUntil(lambda: "so the colours run from 0 to 1" in dialog._size.text(), timeout=60_000)
    assert dialog._size.property("role") == "warning"
    dialog.close()


def test_a_view_comes_back_with_its_colours(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    load(qtbot, window, DEMO)
    window.pane.scale.set_view(View.Z)
    window.pane.scale.set_map("crameri:vik")
    dialog = ExportDialog(window.session, window.figure.scale, window.memory, window)
    qtbot.addWidget(dialog)
    dialog._folder.setText(str(tmp_path / "out"))
    dialog.export()
    qtbot.waitUntil(lambda: "written" in dialog._status.text(), timeout=60_000)
    dialog.close()
    stated = json.loads((tmp_path / "out" / "comparison.json").read_bytes())
    assert stated["figure"]["colours"] == "crameri:vik"
    assert "--colours crameri:vik" in stated["command"]
    for adapter in DEMO:
        window.memory.add_adapter(adapter)
        (tmp_path / "out" / adapter.name).symlink_to(adapter)
    window.pane.scale.set_map("cmocean:balance")
    window.pane.scale.set_view(View.PHI)
    window.session.places.open_paths([tmp_path / "out" / "comparison.json"])
    qtbot.waitUntil(lambda: window.pane.scale.view is View.Z, timeout=20_000)
    assert window.pane.scale.name == "crameri:vik"
    # An export of an earlier version: z in a map without a middle, which nobody had chosen for it.
    stated["figure"]["colours"] = "seaborn:rocket"
    (tmp_path / "out" / "older.json").write_text(json.dumps(stated))
    window.pane.scale.set_view(View.PHI)
    window.session.places.open_paths([tmp_path / "out" / "older.json"])
    qtbot.waitUntil(lambda: window.pane.scale.view is View.Z, timeout=20_000)
    assert window.pane.scale.name == "crameri:vik"
