"""The window under any sequence of what a person can do to it: nothing it shows may contradict anything else.

PHISCOPE_EXAMPLES=200 makes it look for longer, in other places each time.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, Qt, QtMsgType, qInstallMessageHandler
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from engine.comparison.outcome import SideResult
from engine.figures.colour_maps import COLOUR_MAPS, RangeMode
from engine.figures.plan import Mask
from engine.figures.presets import Preset
from engine.measures.summary import Summary
from engine.measures.view import View
from gui.exporting.dialog import ExportDialog
from gui.figure.panel import Cell
from gui.state.notice import Scope
from gui.state.session_values import Which
from gui.style.texts import number
from gui.style.theme import choose_theme
from gui.window.main_window import MainWindow
from tests.adapters import llama_modules, write_peft_adapter
from tests.broken_files import PARTLY_USABLE, REFUSED

_LONG = int(os.environ.get("PHISCOPE_EXAMPLES", "0"))
_PATIENCE = 20.0
_MODULES = llama_modules(5)
VANISHING = "vanishing"
_ALONE = ["six", "three", "few modules", "untrained", "another model", "many", "broken", "absent", VANISHING]


def write_adapters(folder: Path) -> dict[str, Path]:
    """Adapters that fit each other more or less, some of them broken."""
    made = {
        "six": write_peft_adapter(folder / "six", _MODULES, 6, seed=1, d_in=32, d_out=28),
        "another six": write_peft_adapter(folder / "another six", _MODULES, 6, seed=2, d_in=32, d_out=28),
        "three": write_peft_adapter(folder / "three", _MODULES, 3, seed=3, d_in=32, d_out=28),
        "few modules": write_peft_adapter(
            folder / "few", [*_MODULES[:3], "model.layers.9.mlp.up_proj"], 6, seed=4, d_in=32, d_out=28
        ),
        "untrained": write_peft_adapter(folder / "untrained", _MODULES, 6, seed=5, d_in=32, d_out=28, zero_B=True),
        "another model": write_peft_adapter(folder / "other", _MODULES, 4, seed=6, d_in=20, d_out=20),
        "many": write_peft_adapter(folder / "many", llama_modules(24), 24, seed=7, d_in=400, d_out=8),
        "many more": write_peft_adapter(folder / "more", llama_modules(24), 24, seed=8, d_in=400, d_out=8),
        "partly usable": PARTLY_USABLE["nan_in_A"](folder / "nan"),
        "broken": REFUSED["text"](folder / "broken"),
        "absent": folder / "absent",
    }
    assert all(path.exists() for name, path in made.items() if name != "absent")
    return made


class WindowMachine(RuleBasedStateMachine):
    """Drives one window; every invariant is looked at after each step.

    A rule that cannot be followed now does nothing: what can be depends on how far the compute thread is, and
    Hypothesis wants the same choices each time.
    """

    folder: Path
    adapters: dict[str, Path]

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[str] = []
        self._hooks = sys.excepthook, sys.unraisablehook
        sys.excepthook = lambda kind, error, _trace: self.errors.append(f"{kind.__name__}: {error}")
        sys.unraisablehook = lambda what: self.errors.append(f"unraisable: {what.exc_value} in {what.object}")
        self._handler = qInstallMessageHandler(self._on_message)
        self._restore_vanished()
        self.window = MainWindow()
        self.window.resize(1100, 700)
        self.window.show()
        self.session = self.window.session

    def _on_message(self, kind: QtMsgType, _where: object, text: str) -> None:
        if kind in (QtMsgType.QtCriticalMsg, QtMsgType.QtFatalMsg) or "QThread" in text or "QObject" in text:
            self.errors.append(text)

    def _restore_vanished(self) -> None:
        shutil.copytree(self.adapters["six"], self.folder / VANISHING, dirs_exist_ok=True)

    def _path(self, name: str) -> Path:
        return self.folder / VANISHING if name == VANISHING else self.adapters[name]

    def _turn(self, milliseconds: int = 0) -> None:
        until = time.monotonic() + milliseconds / 1000
        QApplication.processEvents()
        while time.monotonic() < until:
            QApplication.processEvents()
            time.sleep(0.001)

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        until = time.monotonic() + _PATIENCE
        while not condition():
            assert time.monotonic() < until, f"waited in vain for {what}"
            self._turn(2)

    def _opened(self) -> bool:
        return all(self.session.places[which].opening is None for which in Which)

    def _at_rest(self) -> bool:
        progress = self.session.tasks.progress
        return self._opened() and (progress.cancelled or progress.done == progress.total) and not progress.running

    # --- adapters ---

    @rule(name=st.sampled_from(["six", "another six", "three", "many", VANISHING, "partly usable"]),
          other=st.sampled_from(["another six", "three", "few modules", "many more", "untrained", "six"]),
          pause=st.integers(0, 60))  # fmt: skip
    def drop_two(self, name: str, other: str, pause: int) -> None:
        self.session.places.open_paths([self._path(name), self._path(other)])
        self._turn(pause)

    @rule(which=st.sampled_from(Which), name=st.sampled_from(_ALONE), pause=st.integers(0, 40))
    def open_one(self, which: Which, name: str, pause: int) -> None:
        self.session.places.open_paths([self._path(name)], which)
        self._turn(pause)

    @rule(pause=st.integers(0, 30))
    def swap(self, pause: int) -> None:
        self.session.places.swap()
        self._turn(pause)

    @rule(which=st.sampled_from(Which))
    def clear(self, which: Which) -> None:
        self.session.places.clear(which)

    @rule()
    def unplug(self) -> None:
        shutil.rmtree(self.folder / VANISHING, ignore_errors=True)

    @rule()
    def plug_in(self) -> None:
        self._restore_vanished()

    @rule(pause=st.integers(0, 40))
    def undo(self, pause: int) -> None:
        self.window.menus["edit.undo"].trigger()
        self._turn(pause)

    @rule(pause=st.integers(0, 40))
    def redo(self, pause: int) -> None:
        self.window.menus["edit.redo"].trigger()
        self._turn(pause)

    @rule()
    def undo_returns_exactly(self) -> None:
        """There and back, where the files are still there."""
        self.run()
        store, document = self.session.store, self.session.document
        sources = {Path(path) for each in (document, *store._before[-1:]) for path in each.sources if path}
        if store.can_undo and all(path.exists() for path in sources):
            before = store._before[-1].with_(page=document.page)
            self.session.store.undo()
            self.run()
            assert self.session.document == before
            self.session.store.redo()
            self.run()
            assert self.session.document == document

    # --- computing ---

    @rule()
    def run(self) -> None:
        self._wait(self._at_rest, f"the end of a run: {self.session.tasks.progress}")
        if not self.session.tasks.progress.cancelled:
            assert all(self.session.outcome(pair) is not None for pair in self.session.comparable)

    @rule(pause=st.integers(0, 80))
    def wait_a_little(self, pause: int) -> None:
        self._turn(pause)

    @rule()
    def cancel(self) -> None:
        self.window.back()

    @rule()
    def resume(self) -> None:
        self.session.resume()

    @rule(position=st.integers(0, 3), pause=st.integers(0, 30))
    def choose_side(self, position: int, pause: int) -> None:
        self.window.toolbar.sides.setCurrentIndex(position)
        self._turn(pause)

    # --- what is shown ---

    @rule(which=st.integers(0, 3))
    def choose_layers(self, which: int) -> None:
        selector = self.window.selector
        acts: tuple[Callable[[], object], ...] = (
            selector.choose_all_layers, selector.choose_spread_layers, lambda: self.session.select(()),
            lambda: self.session.select(pair.slug for pair in self.session.comparable[::3]),
        )  # fmt: skip
        acts[which]()

    @rule(position=st.integers(0, 2))
    def show_page(self, position: int) -> None:
        if not self.session.shown:
            return
        self.window.show_page(position)

    @rule(which=st.sampled_from([None, *Summary]), k=st.integers(1, 30))
    def show_atlas_as(self, which: Summary | None, k: int) -> None:
        if not self.session.shown:
            return
        self.window.show_page(1)
        self.window.pane.widget_of("Atlas").show_as(which, k)

    @rule()
    def toggle_inspector(self) -> None:
        if not self.session.shown:
            return
        self.window.toggle_inspector()

    @rule(number_=st.integers(0, 100))
    def zoom(self, number_: int) -> None:
        if not self.session.shown:
            return
        self.window.figure.zoom(self.session.shown[number_ % len(self.session.shown)].slug)

    @rule(preset=st.sampled_from([None, *Preset]))
    def show_preset(self, preset: Preset | None) -> None:
        if self.session.pairing is None:
            return
        self.session.show_preset(preset)

    @rule(position=st.integers(0, 2))
    def switch_an_option(self, position: int) -> None:
        action = self.window.options.actions[position]
        if action.isEnabled():
            action.trigger()

    @rule(view=st.sampled_from(View), mode=st.sampled_from(RangeMode), name=st.sampled_from(COLOUR_MAPS))
    def change_scale(self, view: View, mode: RangeMode, name: str) -> None:
        if self.window.centre._pane is None:
            return
        scale = self.window.pane.scale
        scale.set_view(view)
        scale.set_mode(mode)
        scale.set_map(name)

    @rule(low=st.floats(0, 0.4), span=st.floats(0.05, 0.6))
    def type_range(self, low: float, span: float) -> None:
        if self.window.centre._pane is None:
            return
        self.window.pane.scale.set_typed(low, low + span)

    @rule(theme=st.sampled_from(["light", "dark"]))
    def change_theme(self, theme: str) -> None:
        self.window.set_theme(theme)

    @rule(width=st.integers(900, 1500), height=st.integers(560, 900))
    def resize(self, width: int, height: int) -> None:
        self.window.resize(width, height)

    # --- notices ---

    @rule(opened=st.booleans())
    def open_the_notices(self, opened: bool) -> None:
        if self.window.notices.notices:
            self.window.notice_strip.show_list(opened)

    @rule(position=st.integers(0, 5))
    def close_a_notice(self, position: int) -> None:
        before = self.window.notices.in_reading_order
        if before:
            closed = before[position % len(before)]
            self.window.notices.close(closed)
            assert self.window.notices.in_reading_order == tuple(notice for notice in before if notice is not closed)

    @rule(ticks=st.integers(1, 60))
    def let_time_pass(self, ticks: int) -> None:
        for _ in range(ticks):
            self.window.notices._on_tick()

    @rule()
    def copy_the_page(self) -> None:
        if not self.session.shown:
            return
        self.window.copy_page()
        assert self.window.notices.notices[-1].sentence.startswith("Copied ")
        clipboard = QApplication.clipboard()
        if self.window.pane.page == "Findings":
            assert len(clipboard.text().splitlines()) >= 1
        else:
            picture = clipboard.image()
            assert picture.pixelColor(1, 1).name() == picture.pixelColor(picture.width() - 2, 1).name() == "#ffffff"

    # --- mouse and keyboard ---

    @rule(x=st.floats(0, 1), y=st.floats(0, 1), click=st.booleans())
    def point_at(self, x: float, y: float, click: bool) -> None:
        if not self.session.shown:
            return
        target = self._page_target()
        at = QPointF(x * target.width(), y * target.height())
        none = Qt.MouseButton.NoButton
        place = QPointF(target.mapToGlobal(at.toPoint()))
        event = QMouseEvent(QEvent.Type.MouseMove, at, place, none, none, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(target, event)
        if click:
            QTest.mouseClick(target, Qt.MouseButton.LeftButton, pos=QPoint(int(at.x()), int(at.y())))

    @rule(keys=st.lists(st.sampled_from([
        Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End,
        Qt.Key.Key_PageUp, Qt.Key.Key_PageDown, Qt.Key.Key_Return, Qt.Key.Key_Tab, Qt.Key.Key_Space,
    ]), min_size=1, max_size=6))  # fmt: skip
    def press_keys(self, keys: list[Qt.Key]) -> None:
        if not self.session.shown:
            return
        target = self._page_target()
        target.setFocus(Qt.FocusReason.TabFocusReason)
        for key in keys:
            QTest.keyClick(target, key)

    def _page_target(self) -> QWidget:
        pane = self.window.pane
        if pane.page == "Atlas":
            mosaic: QWidget = pane.widget_of("Atlas").mosaic
            return mosaic
        viewport: QWidget = pane.figure.viewport() if pane.page == "Grid" else pane.widget_of("Findings").viewport()
        return viewport

    # --- export ---

    @rule(everything=st.booleans())
    def export(self, everything: bool) -> None:
        if not self.window._shown_are_known():
            return
        out = self.folder / "out"
        shutil.rmtree(out, ignore_errors=True)
        dialog = ExportDialog(self.session, self.window.pane.scale, self.window.memory, self.window)
        for box in dialog._figures.values():
            box.setChecked(False)
        dialog.options.preset_box.setCurrentIndex(0)
        dialog._all_modules.setChecked(everything)
        dialog._folder.setText(str(out))
        shown = {pair.slug for pair in self.session.shown}
        results = [result for result in self.session.results if everything or result.pair.slug in shown]
        pairing, side = self.session.pairing, self.session.document.side
        assert pairing is not None
        dialog.export()
        self._wait(lambda: "Writing" not in dialog._status.text(), "an export")
        said = dialog._status.text()
        dialog.close()
        dialog.deleteLater()
        gone = not (self.folder / VANISHING).exists()
        assert "written" in said or (gone and "gone" in said), said
        if "written" in said:
            self._check_files(out, results, {"side": side.value, "first": pairing.first.name})

    def _check_files(self, out: Path, results: list[SideResult], facts: dict[str, str]) -> None:
        stated = json.loads((out / "comparison.json").read_text(encoding="utf-8"))
        assert stated["side"] == facts["side"]
        assert stated["first"]["name"] == facts["first"]
        assert [panel["slug"] for panel in stated["panels"]] == [result.pair.slug for result in results]
        with (out / "phi.csv").open(encoding="utf-8", newline="") as file:
            written = [row["phi"] for row in csv.DictReader(file)]
        phi = np.concatenate([result.phi.ravel() for result in results])
        np.testing.assert_array_equal([float(text) if text else np.nan for text in written], phi)
        with np.load(out / "phi.npz") as arrays:
            for result in results:
                np.testing.assert_array_equal(arrays[result.pair.slug], result.phi)

    # --- what always holds ---

    @invariant()
    def nothing_unexpected(self) -> None:
        self._turn()
        assert not self.errors
        failures = [*self.window.notices.notices, *(self.session.places[which].failure for which in Which)]
        said = [failure.sentence for failure in failures if failure is not None]
        assert not [text for text in said if "unexpected" in text or "Traceback" in text or "\n" in text]

    @invariant()
    def the_pair_is_what_is_in_the_places(self) -> None:
        pairing = self.session.pairing
        adapters = [self.session.places[which].adapter for which in Which]
        if pairing is None:
            assert None in adapters
            assert not self.session.results
            assert not self.session.shown
        else:
            assert pairing.first is adapters[0]
            assert pairing.second is adapters[1]

    @invariant()
    def every_result_is_of_the_pair(self) -> None:
        comparable = {id(pair) for pair in self.session.comparable}
        for result in self.session.results:
            assert id(result.pair) in comparable
            assert result.phi.shape == result.pair.shape

    @invariant()
    def progress_counts_what_is_known(self) -> None:
        progress, pairs = self.session.tasks.progress, self.session.comparable
        known = sum(self.session.outcome(pair) is not None for pair in pairs)
        assert 0 <= progress.done <= progress.total
        assert progress.done == known
        assert progress.total == len(pairs)
        if progress.running:
            assert self.session.pairing is not None

    @invariant()
    def panels_show_the_selection(self) -> None:
        window, shown = self.window, self.session.shown
        if not shown:
            assert window.centre._pages.currentIndex() == 0
            return
        figure = window.figure
        assert window.centre._pages.currentWidget() is window.pane
        if not figure.zoomed and self.session.document.preset is None:
            assert [id(panel.pair) for panel in figure.panels if panel.pair] == [id(pair) for pair in shown]
        for panel in figure.panels:
            if panel.pair is not None:
                assert any(panel.pair is pair for pair in shown)
                result = self.session.result(panel.pair)
                assert panel.facts is (result.facts if result is not None else None)
            assert panel.image.isVisible() == (panel.facts is not None)

    @invariant()
    def every_panel_has_the_levels_of_the_bar(self) -> None:
        if not self.session.shown:
            return
        figure = self.window.figure
        levels = figure.scale.levels
        assert levels[0] < levels[1]
        assert tuple(figure.bar_image.getLevels()) == levels
        for panel in figure.panels:
            similarity = panel.facts
            if similarity is None:
                continue
            assert tuple(panel.image.getLevels()) == levels
            assert panel.image.lut is figure.scale.table
            if panel.spec is not None and panel.spec.mask is Mask.NONE and panel.spec.shape == similarity.shape:
                np.testing.assert_array_equal(panel.image.image, figure.scale.values(similarity))

    @invariant()
    def what_is_read_out_is_stored(self) -> None:
        pane = self.window.centre._pane
        if pane is None or not self.session.shown:
            return
        inspector, read_out = pane.inspector, pane.read_out
        if inspector is not None and (phi := self._phi(inspector.cell)) is not None:
            said = inspector.facts["φ"].removeprefix("<b>").removesuffix("</b>")
            assert said == ("undefined" if np.isnan(phi) else number(phi))
        if (phi := self._phi(read_out._cell)) is not None:
            assert ("undefined" if np.isnan(phi) else f"φ = {phi:.4f}") in read_out.text
        if pane.page == "Findings" and not pane.widget_of("Findings").is_due:
            assert pane.widget_of("Findings").model().rowCount() == len(self.session.results)

    @invariant()
    def all_notices_can_be_read_and_most_of_the_page_too(self) -> None:
        strip, notices = self.window.notice_strip, self.window.notices.in_reading_order
        assert strip.isVisible() == bool(notices)
        if not notices:
            return
        severities = [notice.severity for notice in notices]
        assert severities == sorted(severities)
        shown = [row.notice for row in strip._shown()]
        assert shown == list(notices) if strip.is_open else shown[0] is notices[0]
        page = self.window.pane.page_seen if self.session.shown else self.window.centre.empty
        place = QRect(strip.mapTo(self.window, QPoint(0, 0)), strip.size())
        assert QRect(page.mapTo(self.window, QPoint(0, 0)), page.size()).contains(place)
        assert place.height() <= max(page.height() / 3, 80)

    @invariant()
    def notices_speak_of_what_is_there(self) -> None:
        for notice in self.window.notices.notices:
            if notice.scope is Scope.PAIR:  # also of one adapter alone, whose file has changed
                assert any(self.session.places[which].adapter for which in Which)
            if notice.scope is Scope.SIDE:
                assert self.session.pairing is not None
            if "of the paper shows" in notice.sentence:
                assert self.session.document.preset is not None
                assert self.session.document.preset.title in notice.sentence

    def _phi(self, cell: Cell | None) -> float | None:
        """What is known of a cell, by the name of its module."""
        for result in self.session.results:
            if cell is not None and result.pair.slug == cell.pair.slug:
                return float(result.phi[cell.i - 1, cell.j - 1])
        return None

    def teardown(self) -> None:
        started = time.monotonic()
        self.window.close()
        assert time.monotonic() - started < _PATIENCE / 2
        assert self.window.compute._thread.isFinished(), "the compute thread outlives its window"
        self._turn(30)
        self.window.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        self._turn(5)
        qInstallMessageHandler(self._handler)
        sys.excepthook, sys.unraisablehook = self._hooks
        assert not self.errors


def test_any_sequence_of_gestures(qapp: QApplication, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    choose_theme(qapp, "light")
    adapters = write_adapters(tmp_path)
    attributes: dict[str, Any] = {"folder": tmp_path, "adapters": adapters}
    machine = type("Machine", (WindowMachine,), attributes)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=_LONG or 40, stateful_step_count=40 if _LONG else 30, deadline=None, database=None,
            derandomize=not _LONG,
            phases=[Phase.generate],  # shrinking means little where time decides
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
