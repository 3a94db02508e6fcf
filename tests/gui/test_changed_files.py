"""Files that change on disk under the window's hands: noticed, offered to be reloaded, and never mixed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from engine.document.export_plan import ExportPlan
from engine.errors import FileChanged
from engine.side import Side
from gui.state.notice import Severity
from gui.state.session_values import Which
from gui.state.shown_comparison import shown_comparison
from gui.window.main_window import MainWindow
from tests.adapters import llama_modules, write_peft_adapter
from tests.exporting import export_comparison
from tests.gui.conftest import load, wait_until_done, wait_until_open

MODULES = llama_modules(6)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    first, second = (write_peft_adapter(tmp_path / name, MODULES, 4, seed=k) for k, name in enumerate(("a", "b")))
    return first, second


def _overwrite(folder: Path, seed: int) -> None:
    write_peft_adapter(folder, MODULES, 4, seed=seed)


def _wait_until_told(qtbot: QtBot, window: MainWindow, which: Which) -> None:
    qtbot.waitUntil(lambda: bool(window.session.places[which].change), timeout=10_000)


def _forget(window: MainWindow, side: Side) -> None:
    """As if there had been no room for a side."""
    window.session._results.on(side).clear()


def _reload_button(window: MainWindow, which: Which) -> QPushButton:
    name = f"{which.word} adapter: reload from disk"
    return next(b for b in window.cards[which].findChildren(QPushButton) if b.accessibleName() == name)


def test_a_change_is_noticed_and_offered(qtbot: QtBot, window: MainWindow, pair: tuple[Path, Path]) -> None:
    load(qtbot, window, pair)
    _overwrite(pair[1], 7)
    _wait_until_told(qtbot, window, Which.SECOND)
    assert not window.session.places[Which.FIRST].change
    assert _reload_button(window, Which.SECOND).isVisible()
    assert not _reload_button(window, Which.FIRST).isVisible()
    caution = next(notice for notice in window.notices.notices if notice.key == "changed on disk: Second")
    assert caution.severity is Severity.CAUTION
    assert caution.offer is not None
    assert caution.sentence.startswith("b: The file has changed since it was opened; open it again.")


def test_no_more_of_a_changed_file_is_computed(qtbot: QtBot, window: MainWindow, pair: tuple[Path, Path]) -> None:
    load(qtbot, window, pair)
    on_A = {result.pair.slug: result.phi for result in window.session.results}
    _overwrite(pair[1], 7)
    _forget(window, Side.B)
    window.session.store.change(side=Side.B)
    qtbot.waitUntil(lambda: not window.session.tasks.progress.running, timeout=10_000)
    assert not window.session.results, "A from the old file and B from the new one"
    assert any("has changed since it was opened" in notice.sentence for notice in window.notices.notices)
    _wait_until_told(qtbot, window, Which.SECOND)
    window.session.store.change(side=Side.A)
    assert all((result.phi == on_A[result.pair.slug]).all() for result in window.session.results)


def test_an_export_of_what_has_changed_is_refused(
    qtbot: QtBot, window: MainWindow, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    load(qtbot, window, pair)
    _overwrite(pair[1], 7)
    with pytest.raises(FileChanged):
        export_comparison(shown_comparison(window.session, None, everything=True), tmp_path / "out", ExportPlan(()))


def test_reloading_keeps_what_is_shown_and_takes_the_new_bytes(
    qtbot: QtBot, window: MainWindow, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    load(qtbot, window, pair)
    window.session.store.change(side=Side.B)
    window.session.select(["2_q", "5_v"])
    wait_until_done(qtbot, window)
    before = window.session.results[0].phi
    _overwrite(pair[1], 7)
    _wait_until_told(qtbot, window, Which.SECOND)
    QTest.keyClick(window, Qt.Key.Key_F5)
    wait_until_open(qtbot, window)
    wait_until_done(qtbot, window)
    assert window.session.document.side is Side.B
    assert [shown.slug for shown in window.session.shown] == ["2_q", "5_v"]
    assert (window.session.results[0].phi != before).any()
    assert not window.session.places[Which.SECOND].change
    assert not any("changed on disk" in notice.key for notice in window.notices.notices)
    comparison = shown_comparison(window.session, None, everything=True)
    facts = export_comparison(comparison, tmp_path / "out", ExportPlan(()))
    assert json.loads((tmp_path / "out" / "comparison.json").read_text(encoding="utf-8"))["second"] == facts["second"]


def test_a_file_that_goes_and_comes_back_is_the_same(
    qtbot: QtBot, window: MainWindow, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    load(qtbot, window, pair)
    place = window.session.places[Which.FIRST]
    assert place.adapter is not None
    place.adapter.file.files.sha256()
    shutil.copytree(pair[0], tmp_path / "kept")
    shutil.rmtree(pair[0])
    _wait_until_told(qtbot, window, Which.FIRST)
    shutil.copytree(tmp_path / "kept", pair[0])
    window.session.places.check_files()
    qtbot.waitUntil(lambda: not window.session.places[Which.FIRST].change, timeout=10_000)
    assert any(notice.sentence == "a is on disk again as it was opened." for notice in window.notices.notices)


def test_another_adapter_beside_a_changed_one_hides_nothing(
    qtbot: QtBot, window: MainWindow, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    load(qtbot, window, pair)
    _overwrite(pair[1], 7)
    _wait_until_told(qtbot, window, Which.SECOND)
    third = write_peft_adapter(tmp_path / "c", MODULES, 4, seed=3)
    window.session.places.open(Which.FIRST, third)
    wait_until_open(qtbot, window)
    qtbot.waitUntil(lambda: window.session.tasks.progress.cancelled, timeout=10_000)
    assert window.session.places[Which.SECOND].change
    assert any(notice.key == "changed on disk: Second" for notice in window.notices.notices)
    assert not window.session.results


def test_what_waited_for_an_adapter_is_computed_when_that_cannot_be_opened(
    qtbot: QtBot, window: MainWindow, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    load(qtbot, window, pair)
    window.session.places.open(Which.FIRST, tmp_path / "nothing")
    window.session.store.change(side=Side.DW_LEFT)
    qtbot.waitUntil(lambda: len(window.session.results) == len(MODULES), timeout=10_000)
    assert window.session.document.side is Side.DW_LEFT


def test_reloading_what_cannot_be_read_leaves_the_figure(
    qtbot: QtBot, window: MainWindow, pair: tuple[Path, Path]
) -> None:
    load(qtbot, window, pair)
    weights = pair[1] / "adapter_model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(b"")
    _wait_until_told(qtbot, window, Which.SECOND)
    QTest.keyClick(window, Qt.Key.Key_F5)
    qtbot.waitUntil(lambda: window.session.places[Which.SECOND].failure is not None, timeout=10_000)
    assert len(window.session.results) == len(MODULES), "the adapter that was there stays, and its figure with it"
    weights.write_bytes(content)
    window.session.places.check_files()
    qtbot.waitUntil(lambda: not window.session.places[Which.SECOND].change, timeout=10_000)
    assert len(window.session.results) == len(MODULES)


def test_what_stopped_goes_on_when_the_file_is_back(
    qtbot: QtBot, window: MainWindow, pair: tuple[Path, Path]
) -> None:
    load(qtbot, window, pair)
    weights = pair[1] / "adapter_model.safetensors"
    content = weights.read_bytes()
    place = window.session.places[Which.SECOND]
    assert place.adapter is not None
    place.adapter.file.files.sha256()
    _overwrite(pair[1], 7)
    _forget(window, Side.B)
    window.session.store.change(side=Side.B)
    _wait_until_told(qtbot, window, Which.SECOND)
    assert any(notice.severity is Severity.ERROR for notice in window.notices.notices)
    weights.write_bytes(content)
    window.session.places.check_files()
    qtbot.waitUntil(lambda: len(window.session.results) == len(MODULES), timeout=10_000)
    assert not any(notice.severity is Severity.ERROR for notice in window.notices.notices), "it is over"
