"""The window's logic, offscreen."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QImage
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from engine.comparison.outcome import PairOutcome
from engine.measures.phi import PHI
from engine.side import Side
from engine.subspaces.facts import PairFacts
from gui.state.notice import Severity
from gui.state.session_values import Which
from gui.state.worker import OutcomeBatch
from gui.window.main_window import MainWindow
from main import main
from tests.adapters import llama_modules, peft_config, peft_tensors, write_tensors
from tests.conftest import DATA
from tests.gui.conftest import DEMO, R8, load, wait_until_done, wait_until_open


def test_the_figure_appears_by_itself(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    shown = window.session.shown
    assert [pair.slug for pair in shown] == ["1_q", "1_v", "2_q", "2_v", "4_q", "4_v", "6_q", "6_v"]
    assert all(panel.facts is not None for panel in window.figure.panels)
    assert len(window.session.results) == 12, "the rest of the model is computed behind it"


def test_every_panel_has_the_levels_of_the_bar(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    bar = tuple(window.figure.bar_image.getLevels())
    assert bar == window.figure.scale.levels == (0.0, 0.8)
    assert all(tuple(panel.image.getLevels()) == bar for panel in window.figure.panels)
    load(qtbot, window, (DEMO[0], DEMO[0]))  # φ(1, 1) = 1: the range widens, for all at once
    bar = tuple(window.figure.bar_image.getLevels())
    assert bar == (0.0, 1.0)
    assert all(tuple(panel.image.getLevels()) == bar for panel in window.figure.panels)


def test_pixels_are_the_colours_of_phi(qtbot: QtBot, window: MainWindow) -> None:
    """Sampled from what is painted: catches a transposition, a wrong range, a wrong map."""
    load(qtbot, window, (R8[0], DEMO[1]))
    figure = window.figure
    image = figure.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    low, high = figure.scale.levels
    for panel in figure.panels:
        assert panel.facts is not None
        values = PHI.values(panel.facts)
        rows, columns = values.shape
        assert (rows, columns) == (8, 64)
        for i in (1, 3, 8):
            for j in (1, 20, 64):
                x = panel.area.left() + (j - 0.5) / columns * panel.area.width()
                y = panel.area.top() + (i - 0.5) / rows * panel.area.height()
                colour = image.pixelColor(int(x), int(y))
                step = min(255, int((values[i - 1, j - 1] - low) / (high - low) * 256))
                expected = figure.scale.table[max(0, step - 1) : step + 2, :3].astype(int)
                difference = np.abs(expected - np.array([colour.red(), colour.green(), colour.blue()])).max(axis=1)
                assert difference.min() <= 2, f"{panel.pair}, i={i}, j={j}"


def test_hover_reads_out_the_cell(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    panel = window.figure.panels[2]
    assert panel.facts is not None
    x = panel.area.left() + 4.5 / 64 * panel.area.width()
    y = panel.area.top() + 1.5 / 64 * panel.area.height()
    qtbot.mouseMove(window.figure.viewport(), QPoint(int(x), int(y)))
    text = window.read_out.text
    assert "Layer 2" in text
    assert "<sub>q</sub>" in text
    assert "<i>i</i> = 2" in text
    assert "<i>j</i> = 5" in text
    assert f"φ = {PHI.values(panel.facts)[1, 4]:.4f}" in text


def test_changing_the_selection_computes_nothing_that_is_known(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    before = window.session.results
    window.selector.choose_all_layers()
    assert len(window.session.shown) == 12
    assert all(panel.facts is not None for panel in window.figure.panels)
    assert not window.session.tasks.progress.running
    assert all(one is other for one, other in zip(before, window.session.results, strict=True))


def test_a_bad_file_says_so_on_its_card_and_the_adapter_stays(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    load(qtbot, window, DEMO)
    bad = tmp_path / "cut.safetensors"
    bad.write_bytes((DEMO[0] / "adapter_model.safetensors").read_bytes()[:50_000])
    window.session.places.open(Which.FIRST, bad)
    qtbot.waitUntil(lambda: window.session.places[Which.FIRST].failure is not None)
    place = window.session.places[Which.FIRST]
    assert place.failure is not None
    assert "cut off" in place.failure.sentence
    assert "Traceback" not in place.failure.sentence
    assert place.adapter is not None
    assert place.adapter.name == "r64_alpha8_seed0"
    assert len(window.session.results) == 12, "what was shown stays"


def test_a_path_that_no_system_takes_is_answered(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    """The card said "Opening …" for ever."""
    window.session.places.open(Which.FIRST, tmp_path / ("x" * 5000))
    wait_until_open(qtbot, window)
    said = window.cards[Which.FIRST]._failure
    assert said.isVisible()
    assert "The path is longer than the system allows." in said.text()
    assert len(said.text()) < 200


def test_a_late_answer_of_the_pair_before_is_dropped(qtbot: QtBot, window: MainWindow) -> None:
    runs: list[int] = []
    window.session.tasks.outcomes_arrived.connect(lambda request, _outcomes: runs.append(request.id))
    load(qtbot, window, DEMO)
    known = window.session.results[0]
    stale = PairOutcome(known.pair, PairFacts(dict.fromkeys(Side, known.facts.overlap)), {})
    run = runs[-1]
    window.session.places.open_paths(R8)
    qtbot.waitUntil(
        lambda: window.session.pairing is not None and window.session.pairing.first.name == "r8_seed0", timeout=20_000
    )
    window.session.tasks._on_outcomes(OutcomeBatch(run, (stale,), finished=True))
    wait_until_done(qtbot, window)
    assert all(result.phi.shape == (8, 8) for result in window.session.results)


def test_swapping_during_a_run_shows_only_the_new_pair(qtbot: QtBot, window: MainWindow) -> None:
    for round_number in range(6):
        window.session.places.open_paths((R8[0], DEMO[1]) if round_number % 2 else DEMO)
        qtbot.wait(15 * round_number)
        window.session.places.swap()
    wait_until_open(qtbot, window)
    wait_until_done(qtbot, window)
    pairing = window.session.pairing
    assert pairing is not None
    for result in window.session.results:
        assert result.pair in pairing.pairs
        assert result.phi.shape == result.pair.shape


def test_cancel_answers_at_once_and_going_on_completes(qtbot: QtBot, window: MainWindow) -> None:
    window.session.places.open_paths(DEMO)
    qtbot.waitUntil(lambda: window.session.tasks.progress.running, timeout=20_000)
    window.session.tasks.cancel()
    assert not window.session.tasks.progress.running
    qtbot.wait(100)
    known = window.session.tasks.progress.done
    assert known == len(window.session.results)
    window.session.resume()
    wait_until_done(qtbot, window)
    assert len(window.session.results) == 12


def test_sides_are_computed_on_demand_and_kept(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, R8)
    on_a = window.session.results
    window.session.store.change(side=Side.B)
    wait_until_done(qtbot, window)
    on_b = window.session.results
    assert not np.allclose(on_a[0].phi, on_b[0].phi)
    window.session.store.change(side=Side.A)
    assert all(one is other for one, other in zip(on_a, window.session.results, strict=True))


@pytest.mark.parametrize(("x", "which"), [(0.25, Which.FIRST), (0.75, Which.SECOND)])
def test_a_drop_lands_in_the_half_it_is_over(qtbot: QtBot, window: MainWindow, x: float, which: Which) -> None:
    overlay = window.centre.overlay
    overlay.begin([R8[0]])
    assert overlay.isVisible()
    _drop(overlay, QPointF(overlay.width() * x, 50), [R8[0]])
    assert not overlay.isVisible()
    qtbot.waitUntil(lambda: window.session.places[which].adapter is not None)
    other = Which.SECOND if which is Which.FIRST else Which.FIRST
    assert window.session.places[other].adapter is None


def test_two_files_dropped_at_once_fill_both_places(qtbot: QtBot, window: MainWindow) -> None:
    _drop(window, QPointF(600, 400), list(R8))
    wait_until_open(qtbot, window)
    wait_until_done(qtbot, window)
    adapters = [window.session.places[which].adapter for which in Which]
    assert [adapter.name for adapter in adapters if adapter] == ["r8_seed0", "r8_seed1"]


def test_typed_layers(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, R8)
    typed = window.selector._typed
    typed.setText("2, 4-5")
    qtbot.keyClick(typed, Qt.Key.Key_Return)
    assert [pair.path.layer_label for pair in window.session.shown] == ["2", "2", "4", "4", "5", "5"]
    typed.setText("5-2")
    qtbot.keyClick(typed, Qt.Key.Key_Return)
    assert typed.property("invalid")
    assert len(window.session.shown) == 6, "a wrong range changes nothing"
    problem = window.selector._problem
    assert problem.isVisible()
    assert problem.text() == "'5-2' is no range of layers; layers count from 1."
    qtbot.keyClick(typed, Qt.Key.Key_Backspace)
    assert not typed.property("invalid"), "typing on is a new try"
    assert not problem.isVisible()


def test_the_pixels_of_the_figure_follow_the_theme(qtbot: QtBot, window: MainWindow, qapp: QApplication) -> None:
    load(qtbot, window, R8)
    light = window.grab().toImage().pixelColor(700, 100).lightness()
    window.set_theme("dark")
    qtbot.wait(50)
    assert window.grab().toImage().pixelColor(700, 100).lightness() < 60 < light


def test_a_folder_of_several_adapters_offers_a_choice(qtbot: QtBot, window: MainWindow) -> None:
    window.session.places.open(Which.FIRST, DATA / "minilm")
    qtbot.waitUntil(lambda: bool(window.session.places[Which.FIRST].choices))
    choices = window.cards[Which.FIRST]._choices
    assert choices.isVisible()
    assert [choices.itemText(row) for row in range(1, choices.count())] == ["r8_seed0", "r8_seed1"]
    choices.setCurrentIndex(2)
    choices.activated.emit(2)
    wait_until_open(qtbot, window)
    adapter = window.session.places[Which.FIRST].adapter
    assert adapter is not None
    assert adapter.name == "r8_seed1"
    assert not choices.isVisible()


def test_adapters_that_share_nothing_say_why(qtbot: QtBot, window: MainWindow) -> None:
    window.session.places.open_paths([R8[0], DATA / "formats" / "peft_llama_all_linear" / "a"])
    qtbot.waitUntil(lambda: window.session.pairing is not None, timeout=20_000)
    assert window.session.shown == ()
    assert "of other dimensions" in window.session.skipped[0].reason


def _drop(target: object, where: QPointF, paths: list[Path]) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    event = QDropEvent(
        where, Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    target.dropEvent(event)  # type: ignore[attr-defined]


def test_a_common_start_is_told_once(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    modules = llama_modules(2)
    paths = []
    for seed in (0, 1):
        tensors = peft_tensors(modules, 4, seed=5, d_in=80, d_out=60)  # A of one seed
        others = peft_tensors(modules, 4, seed=seed, d_in=80, d_out=60)
        tensors |= {name: tensor for name, tensor in others.items() if "lora_B" in name}
        paths.append(write_tensors(tmp_path / str(seed), tensors, peft_config(modules, 4)))
    load(qtbot, window, tuple(paths))
    qtbot.waitUntil(lambda: len(window.notices.notices) == 1)
    assert window.notices.notices[0].severity is Severity.CAUTION
    assert "started from" in window.notices.notices[0].sentence
    window.session.store.change(side=Side.B)
    wait_until_done(qtbot, window)
    window.session.store.change(side=Side.A)
    qtbot.wait(100)
    assert len(window.notices.notices) == 1


def test_an_exported_figure_brings_its_comparison_back(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ["export", *map(str, R8), "--out", str(out), "--side", "B", "--layers", "2,5", "--figure", "png"]
    assert main(arguments) == 0
    window.memory.add_pair(*R8)  # nothing is remembered here: the adapters are named by the places looked at
    for name in ("figure.png", "comparison.json"):
        window.clear()
        shutil.copy(out / name, tmp_path / name)
        for adapter in R8:
            if not (tmp_path / adapter.name).exists():
                shutil.copytree(adapter, tmp_path / adapter.name)
        window.session.places.open_paths([tmp_path / name])
        qtbot.waitUntil(lambda: window.session.pairing is not None, timeout=20_000)
        wait_until_done(qtbot, window)
        assert window.session.document.side is Side.B
        assert [pair.slug for pair in window.session.shown] == ["2_q", "2_v", "5_q", "5_v"]
        assert window.session.pairing is not None
        assert window.session.pairing.first.name == "r8_seed0"


def test_a_picture_of_something_else_says_so(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    picture = tmp_path / "cat.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\nnot ours")
    window.session.places.open_paths([picture])
    qtbot.waitUntil(lambda: len(window.notices.notices) == 1)
    assert "that PhiScope wrote" in window.notices.notices[0].sentence


def test_a_run_whose_file_has_gone_can_go_on_once_it_is_back(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    copy = shutil.copytree(R8[0], tmp_path / "copy")
    window.session.places.open(Which.FIRST, copy)
    wait_until_open(qtbot, window)
    copy.rename(tmp_path / "away")
    window.session.places.open(Which.SECOND, R8[1])
    qtbot.waitUntil(lambda: bool(window.session.places[Which.FIRST].change), timeout=20_000)
    assert any("has gone since it was opened" in notice.sentence for notice in window.notices.notices)
    button = next(button for button in window.findChildren(QPushButton) if button.text() == "Go on")
    assert button.isVisible()
    (tmp_path / "away").rename(copy)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    wait_until_done(qtbot, window)
    assert len(window.session.results) == len(window.session.comparable) == 12
