"""The left column uses the height there is."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint
from pytestqt.qtbot import QtBot

from gui.sources.sidebar import Sidebar
from gui.window.main_window import MainWindow
from tests.adapters import llama_modules, write_peft_adapter
from tests.gui.conftest import load


@pytest.mark.parametrize("left_out", [False, True])
def test_as_many_layers_are_shown_as_there_is_room_for(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, left_out: bool
) -> None:
    modules = [llama_modules(96), llama_modules(96) + (["model.layers.0.mlp.up_proj"] if left_out else [])]
    paths = tuple(write_peft_adapter(tmp_path / str(seed), names, 2, seed=seed) for seed, names in enumerate(modules))
    load(qtbot, window, paths)
    layers, sidebar = window.selector._layers, window.findChild(Sidebar)
    assert isinstance(sidebar, Sidebar)
    heights = []
    for height in (720, 860, 1400, 720):
        window.resize(1280, height)
        qtbot.wait(50)
        heights.append(layers.height())
        assert sidebar.verticalScrollBar().maximum() == 0, "the column itself need not scroll"
        last = window.selector._projections
        below = last.mapTo(sidebar, QPoint(0, last.height())).y()
        hidden = layers.verticalScrollBar().maximum()
        assert hidden == 0 or below + 26 + 80 * left_out > sidebar.viewport().height() - 60, "no room is left unused"
    assert heights[0] < heights[1] < heights[2]
    assert heights[3] == heights[0]
    assert heights[2] == 16 * 26 + 4, "all 96, six to a row"
