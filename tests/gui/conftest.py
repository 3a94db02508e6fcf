"""A window that cleans up after itself: no thread and no window outlives its test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.program.garbage import GuiThreadCollector
from gui.state.session_values import Which
from gui.style.theme import choose_theme
from gui.window.main_window import MainWindow
from tests.conftest import DATA, REPOSITORY

DEMO = tuple(REPOSITORY / "resources" / "demo" / f"r64_alpha8_seed{seed}" for seed in (0, 1))
R8 = tuple(DATA / "minilm" / f"r8_seed{seed}" for seed in (0, 1))


@pytest.fixture(scope="session", autouse=True)
def collector(qapp: QApplication) -> GuiThreadCollector:
    """Windows die in the thread that made them, as in the program."""
    return GuiThreadCollector(qapp)


@pytest.fixture
def window(qtbot: QtBot, qapp: QApplication) -> Iterator[MainWindow]:
    choose_theme(qapp, "light")
    window = MainWindow()
    window.resize(1280, 720)
    qtbot.addWidget(window)
    window.show()
    yield window
    window.close()
    assert window.compute.shut_down(), "the compute thread did not end"


def load(qtbot: QtBot, window: MainWindow, paths: tuple[Path, ...]) -> None:
    """Open two adapters and wait until everything is computed."""
    window.session.places.open_paths(paths)
    wait_until_open(qtbot, window)
    wait_until_done(qtbot, window)


def wait_until_open(qtbot: QtBot, window: MainWindow) -> None:
    """Wait until both places have what was asked for them."""

    def nothing_pending() -> bool:
        return all(window.session.places[which].opening is None for which in Which)

    qtbot.waitUntil(nothing_pending, timeout=20_000)


def wait_until_done(qtbot: QtBot, window: MainWindow) -> None:
    """Wait until the whole comparison is known."""

    def done() -> bool:
        progress = window.session.tasks.progress
        return progress.total > 0 and progress.done == progress.total and not progress.running

    qtbot.waitUntil(done, timeout=20_000)
