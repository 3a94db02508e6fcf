"""The sentence above the figure: what it says as modules become known, and that it moves nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication, QTextDocumentFragment
from pytestqt.qtbot import QtBot

from engine import work
from engine.comparison.outcome import PairOutcome, Request
from engine.comparison.sentence import shared_sentence
from engine.side import Side
from gui.parts.sentence_line import SentenceLine
from gui.window.main_window import MainWindow
from tests.adapters import llama_modules, write_peft_adapter
from tests.gui.conftest import DEMO, R8, load, wait_until_done


def _line(window: MainWindow) -> SentenceLine:
    return window.pane.sentence


def _wait_for_sentence(qtbot: QtBot, window: MainWindow) -> str:
    """Wait until it speaks of all that is known; the sentence."""
    session = window.session
    wanted = shared_sentence(session.results, session.document.side, count_from=session.document.count_from)
    qtbot.waitUntil(lambda: _line(window).text == wanted, timeout=10_000)
    return wanted


def test_it_says_what_the_engine_says_and_follows_pair_side_and_numbering(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    on_A = _wait_for_sentence(qtbot, window)
    assert on_A.startswith("Directions shared beyond chance on A, median (range) over 6 layers: q ")

    window.session.store.change(side=Side.B)
    assert _line(window).text == ""  # the numbers of another side would be false
    wait_until_done(qtbot, window)
    assert " on B, " in _wait_for_sentence(qtbot, window)

    window.session.store.change(count_from=0)
    assert _wait_for_sentence(qtbot, window).endswith(" Layers are counted from 0.")

    window.session.store.change(side=Side.A)
    window.session.store.change(count_from=1)
    assert _wait_for_sentence(qtbot, window) == on_A
    load(qtbot, window, R8)
    assert " of 8 (" in _wait_for_sentence(qtbot, window)


def test_a_run_that_was_stopped_leaves_what_it_speaks_of(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modules = llama_modules(60)
    paths = [
        write_peft_adapter(tmp_path / name, modules, 4, seed=seed, d_in=64, d_out=64)
        for seed, name in enumerate(("one", "two"))
    ]
    as_it_is = work.outcomes

    def slow(request: Request, cancelled: Callable[[], bool]) -> Iterator[PairOutcome]:
        for outcome in as_it_is(request, cancelled):
            yield outcome
            time.sleep(0.01)

    monkeypatch.setattr(work, "outcomes", slow)
    window.session.places.open_paths(paths)
    qtbot.waitUntil(lambda: 4 < window.session.tasks.progress.done < 120, timeout=20_000)
    window.session.tasks.cancel()
    known = len(window.session.results)
    assert known < 120
    qtbot.waitUntil(lambda: _line(window).text.startswith(f"{known} of 120 modules so far. "), timeout=10_000)
    window.session.resume()
    wait_until_done(qtbot, window)
    assert "so far" not in _wait_for_sentence(qtbot, window)


def test_it_moves_nothing_and_can_be_read_whole(qtbot: QtBot, window: MainWindow) -> None:
    window.session.places.open_paths(DEMO)
    qtbot.waitUntil(lambda: window.session.pairing is not None, timeout=20_000)
    before = _line(window).geometry()
    wait_until_done(qtbot, window)
    said = _wait_for_sentence(qtbot, window)
    assert _line(window).geometry() == before

    assert _line(window).accessibleName() == said
    assert said in QTextDocumentFragment.fromHtml(_line(window).toolTip()).toPlainText()
    lines = _line(window)._lines(500.0)
    assert len(lines) == 2
    assert lines[1].endswith("…")
    assert said.startswith(lines[0])
    assert "".join(_line(window)._lines(1000.0)).replace(" ", "") == said.replace(" ", "")
    _line(window).copy()
    assert QGuiApplication.clipboard().text() == said
