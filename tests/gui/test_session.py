"""What happens to a run, and to what is shown, when something else is asked for, or fails, meanwhile."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from engine import work
from engine.comparison.outcome import PairOutcome, Request
from engine.document.document import Document
from engine.side import Side
from engine.subspaces.devices import CPU, Device
from gui.parts.status import _progress_text
from gui.state.session_values import Which
from gui.state.shown_comparison import shown_comparison
from gui.window.main_window import MainWindow
from tests.adapters import llama_modules, peft_config, peft_tensors, write_peft_adapter, write_tensors
from tests.gui.conftest import DEMO, R8, load, wait_until_done, wait_until_open

GPU = Device("cuda:0", "a GPU")
MODULES = llama_modules(6)


def _held_up(monkeypatch: pytest.MonkeyPatch, at: int) -> list[bool]:
    """Outcomes stop coming after so many, until the list is emptied."""
    held, as_it_is = [True], work.outcomes

    def outcomes(request: Request, cancelled: Any) -> Iterator[PairOutcome]:
        for number, outcome in enumerate(as_it_is(request, cancelled)):
            while number >= at and held and not cancelled():
                time.sleep(0.005)
            yield outcome

    monkeypatch.setattr(work, "outcomes", outcomes)
    return held


def test_a_run_that_fails_is_not_begun_again_by_itself(
    qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was, 47 times in 3 seconds: files that had never changed were told to be back."""
    begun = []

    def failing(request: Request, _cancelled: object) -> Iterator[PairOutcome]:
        begun.append(request)
        raise RuntimeError("no memory")
        yield

    monkeypatch.setattr(work, "outcomes", failing)
    window.session.places.open_paths(R8)
    qtbot.waitUntil(lambda: bool(begun), timeout=20_000)
    qtbot.wait(600)
    assert len(begun) == 1
    assert any("RuntimeError: no memory" in notice.sentence for notice in window.notices.notices)


def test_a_run_that_cannot_begin_ends(qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_request: Request, _cancelled: object) -> Iterator[PairOutcome]:
        raise ImportError("no NumPy")

    monkeypatch.setattr(work, "outcomes", broken)
    window.session.places.open_paths(R8)
    qtbot.waitUntil(lambda: window.session.tasks.progress.cancelled, timeout=20_000)
    assert any("no NumPy" in notice.sentence for notice in window.notices.notices)


def test_a_place_is_answered_whatever_goes_wrong(
    qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(_path: Path) -> tuple[Path, ...]:
        raise OSError("the disk is gone")

    monkeypatch.setattr(work, "choices", broken)
    window.session.places.open(Which.FIRST, tmp_path)
    wait_until_open(qtbot, window)
    failure = window.session.places[Which.FIRST].failure
    assert failure is not None
    assert "the disk is gone" in failure.sentence


def test_results_are_of_the_device_that_was_asked(qtbot: QtBot, window: MainWindow) -> None:
    """A GPU that is found while the processor computes has computed nothing."""
    window.session.tasks.outcomes_arrived.connect(lambda *_: window.session.tasks._on_devices_found((GPU,)))
    load(qtbot, window, R8)
    assert window.session.tasks.device_in_use is GPU
    assert window.session.device_computed_on is CPU


def test_what_is_shown_is_exported_with_its_common_start(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the rest of the model is known."""
    A = np.random.default_rng(0).standard_normal((4, 96))

    def draw(rng: np.random.Generator, factor: str, shape: tuple[int, int]) -> Any:
        return A + 0.01 * rng.standard_normal(A.shape) if factor == "A" else rng.standard_normal(shape)

    pair = [write_peft_adapter(tmp_path / str(k), MODULES, 4, seed=k, d_in=96, d_out=96, draw=draw) for k in (1, 2)]
    as_it_is = work.outcomes

    def slow(request: Request, cancelled: Any) -> Iterator[PairOutcome]:
        for outcome in as_it_is(request, cancelled):
            yield outcome
            time.sleep(0.03)  # longer than a slice

    monkeypatch.setattr(work, "outcomes", slow)
    window.session.places.open_paths(pair)
    qtbot.waitUntil(lambda: window.session.pairing is not None, timeout=20_000)
    window.session.select([window.session.comparable[0].slug])
    window.session.tasks.outcomes_arrived.connect(lambda *_: window.session.tasks.cancel())
    qtbot.waitUntil(lambda: bool(window.session.common_start.caution), timeout=20_000)
    assert len(window.session.results) < len(MODULES)
    assert any("random A" in said for said in shown_comparison(window.session, None, everything=False).cautions)


def test_a_side_is_finished_after_a_failed_drop(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    """The panels of B are known, there was no room for the rest of B, and B is looked at while something opens."""
    load(qtbot, window, R8)
    known = window.session._results.on(Side.B)
    shown = {pair.key for pair in window.session.shown}
    for key in [key for key in known if key not in shown]:
        del known[key]
    window.session.places.open(Which.FIRST, tmp_path / "nothing")
    window.session.store.change(side=Side.B)
    assert len(window.session.results) == len(shown) < 12
    qtbot.waitUntil(lambda: len(window.session.results) == 12, timeout=20_000)


def test_another_side_is_known_from_the_same_reading(
    qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Request] = []
    as_it_is = work.outcomes

    def counted(request: Request, cancelled: Any) -> Iterator[PairOutcome]:
        asked.append(request)
        yield from as_it_is(request, cancelled)

    monkeypatch.setattr(work, "outcomes", counted)
    load(qtbot, window, R8)
    for side in Side:
        window.session.store.change(side=side)
        assert len(window.session.results) == 12
        assert all(result.facts.side is side for result in window.session.results)
    assert len(asked) == 1


def test_a_run_goes_on_when_another_side_is_looked_at(
    qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = _held_up(monkeypatch, at=3)
    window.session.places.open_paths(R8)
    qtbot.waitUntil(lambda: window.session.tasks.progress.running, timeout=20_000)
    run = window.session.tasks._run
    window.session.store.change(side=Side.B)
    assert window.session.tasks._run is run
    held.clear()
    wait_until_done(qtbot, window)
    assert len(window.session.results) == 12


def test_what_one_side_alone_can_compare_is_computed_when_it_is_shown(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    """Another d_in in some modules: they have a B in common, and no A."""
    paths = []
    for k, d_in in enumerate((32, 48)):
        tensors = peft_tensors(MODULES[:3], 4, seed=k, d_in=d_in, d_out=64)
        tensors |= peft_tensors(MODULES[3:], 4, seed=k, d_in=64, d_out=64)
        paths.append(write_tensors(tmp_path / str(k), tensors, peft_config(MODULES, 4)))
    load(qtbot, window, (paths[0], paths[1]))
    assert len(window.session.results) == len(MODULES) - 3
    window.session.store.change(side=Side.B)
    qtbot.waitUntil(lambda: len(window.session.results) == len(MODULES), timeout=20_000)


def test_what_is_asked_for_last_wins(qtbot: QtBot, window: MainWindow) -> None:
    """An adapter on its way is given up when a comparison of those that are there is opened again."""
    load(qtbot, window, DEMO)
    wanted = window.session.document.with_(selection=("3_q",))
    window.session.places.open(Which.FIRST, R8[0])
    window.session.show(wanted)
    wait_until_open(qtbot, window)
    qtbot.wait(100)
    assert window.session.places.sources == wanted.sources
    assert window.session.document.selection == ("3_q",)


def test_a_failed_drop_leaves_the_selection(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    """Also where nothing selected can be compared on the side that is shown."""
    module = "model.layers.0.self_attn.q_proj"
    paths = []
    for k, d_out in enumerate((32, 48)):
        path = write_peft_adapter(tmp_path / str(k), [module, *MODULES], 4, seed=k, d_in=64, d_out=d_out)
        paths.append(path)
    load(qtbot, window, tuple(paths))
    slug = window.session.shown[0].slug
    window.session.select([slug])
    window.session.store.change(side=Side.B)
    window.session.places.open(Which.FIRST, tmp_path / "nothing")
    wait_until_open(qtbot, window)
    assert window.session.document.selection == (slug,)


@pytest.mark.parametrize("number", [1, 3])
def test_a_session_of_another_number_of_adapters_is_not_restored(
    qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    sources = tuple(itertools.islice(map(str, (*DEMO, *R8)), number))
    monkeypatch.setattr(type(window.memory), "document", Document(sources=sources))
    window.returns.restore_session()
    assert any("cannot be restored" in notice.sentence for notice in window.notices.notices)
    load(qtbot, window, R8)


def test_what_was_known_already_is_not_said_to_have_taken_time(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, R8)
    assert "compared in" in _progress_text(window.session.tasks.progress)
    window.session._results.on(Side.B).clear()
    window.session.store.change(side=Side.B)
    window.session.tasks.cancel()
    window.session.store.change(side=Side.A)
    window.session.resume()
    progress = window.session.tasks.progress
    assert not progress.cancelled
    assert _progress_text(progress) == "12 modules compared"
