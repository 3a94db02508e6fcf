"""An export whose adapters have gone or changed: they are asked for, and what differs is said."""

from __future__ import annotations

import shutil
from pathlib import Path

from PySide6.QtWidgets import QDialogButtonBox
from pytestqt.qtbot import QtBot

from engine.comparison.outcome import SideResult
from engine.document.export_plan import Comparison
from engine.document.reopening import find_adapter, read_saved
from engine.figures.style import FigureStyle
from engine.side import Side
from engine.subspaces.devices import CPU
from gui.sources.locate import LocateDialog
from gui.window.main_window import MainWindow
from tests.adapters import llama_modules, write_peft_adapter
from tests.exporting import save_comparison
from tests.reference import compare


def saved_comparison(folder: Path) -> Path:
    first, second = (write_peft_adapter(folder / name, llama_modules(2), 4, seed=k) for k, name in enumerate("ab"))
    pairing, found = compare(first, second)
    results = tuple(outcome for outcome in found if isinstance(outcome, SideResult))
    path = folder / "elsewhere" / "mine.json"
    save_comparison(Comparison(pairing.first, pairing.second, Side.A, CPU, results, ()), path, FigureStyle())
    return path


def dialog_for(qtbot: QtBot, window: MainWindow, path: Path, places: list[Path]) -> LocateDialog:
    saved = read_saved(path)
    found = (find_adapter(saved.first, places), find_adapter(saved.second, places))
    dialog = LocateDialog(path.name, found, window.session, window)
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def test_a_missing_adapter_is_asked_for(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    path = saved_comparison(tmp_path)
    (tmp_path / "moved").mkdir()
    (tmp_path / "b").rename(tmp_path / "moved" / "renamed")
    dialog = dialog_for(qtbot, window, path, [tmp_path])
    open_button = dialog._buttons.button(QDialogButtonBox.StandardButton.Open)
    assert not open_button.isEnabled()
    assert [state.text() for state in dialog._states] == [
        "Found, and its data is the same.", "b (adapter_model.safetensors) is not where it was.",
    ]  # fmt: skip
    (tmp_path / "text.safetensors").write_text("no adapter")
    dialog.look_at(1, str(tmp_path / "text.safetensors"))
    qtbot.waitUntil(lambda: "text.safetensors" in dialog._states[1].text(), timeout=10_000)
    assert not open_button.isEnabled()
    dialog.look_at(1, str(tmp_path / "moved" / "renamed"))
    qtbot.waitUntil(open_button.isEnabled, timeout=10_000)
    assert open_button.text() == "Open"
    assert dialog.found[1].path == tmp_path / "moved" / "renamed"


def test_other_data_is_said_and_may_be_opened_all_the_same(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    path = saved_comparison(tmp_path)
    shutil.rmtree(tmp_path / "a")
    write_peft_adapter(tmp_path / "a", llama_modules(2), 4, seed=99)
    dialog = dialog_for(qtbot, window, path, [tmp_path])
    open_button = dialog._buttons.button(QDialogButtonBox.StandardButton.Open)
    assert open_button.isEnabled()
    assert open_button.text() == "Open all the same"
    assert "holds other data than when the figure was made" in dialog._states[0].text()
    assert read_saved(path).first.sha256[:8] in dialog._states[0].text()
