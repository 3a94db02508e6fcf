"""The export dialog, offscreen."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from engine.devices import CPU, Device
from engine.errors import NothingComparable
from engine.export_tables import phi_csv
from engine.presets import Preset
from engine.side import Side
from gui.export_dialog import ExportDialog
from gui.main_window import MainWindow
from gui.memory import Memory
from gui.shown_comparison import shown_comparison
from tests.gui.conftest import DEMO, load


def test_it_previews_and_writes_what_is_chosen(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    load(qtbot, window, DEMO)
    dialog = ExportDialog(window.session, window.figure.scale, window.memory, window)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(lambda: not dialog._picture.isNull(), timeout=60_000)
    dialog._folder.setText(str(tmp_path / "out"))
    dialog._figures["svg"].setChecked(True)
    dialog.export()
    qtbot.waitUntil(lambda: "written" in dialog._status.text(), timeout=60_000)
    names = {
        path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()
    }
    shown = [pair.slug for pair in window.session.shown]
    assert names == {
        "figure.png", "figure.pdf", "figure.svg", "phi.csv", "findings.csv", "phi.npz", "comparison.json",
        *(f"matrices/{slug}.csv" for slug in shown),
    }  # fmt: skip
    results = [result for result in window.session.results if result.pair.slug in shown]
    assert (tmp_path / "out" / "phi.csv").read_bytes() == b"".join(phi_csv(results))


def test_a_folder_that_cannot_be_written_is_said(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    load(qtbot, window, DEMO)
    dialog = ExportDialog(window.session, window.figure.scale, window.memory, window)
    qtbot.addWidget(dialog)
    (tmp_path / "file").write_text("in the way")
    dialog._folder.setText(str(tmp_path / "file" / "out"))
    dialog.export()
    qtbot.waitUntil(lambda: "cannot be written" in dialog._status.text(), timeout=60_000)
    assert dialog._export.isEnabled()


def test_presets_are_drawn_or_say_why_not(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    dialog = ExportDialog(window.session, window.figure.scale, window.memory, window)
    qtbot.addWidget(dialog)
    qtbot.waitUntil(lambda: not dialog._picture.isNull(), timeout=60_000)
    dialog.options.preset_box.setCurrentText("Figure 3 of the paper")
    qtbot.waitUntil(lambda: "compares two ranks" in dialog._preview.text(), timeout=60_000)
    dialog.options.preset_box.setCurrentText("Figure 4 of the paper")
    qtbot.waitUntil(lambda: not dialog._picture.isNull(), timeout=60_000)
    assert dialog._picture.width() > 2 * dialog._picture.height(), "three panels in a row"


def test_command_and_latex_can_be_copied(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    dialog = ExportDialog(window.session, window.figure.scale, window.memory, window)
    qtbot.addWidget(dialog)
    clipboard = QGuiApplication.clipboard()
    dialog._copy_latex()
    qtbot.waitUntil(lambda: "\\includegraphics" in clipboard.text(), timeout=60_000)
    dialog._copy_command()
    qtbot.waitUntil(lambda: clipboard.text().startswith("python main.py export"), timeout=60_000)
    assert "--layers 1,2,4,6" in clipboard.text()


def test_settings_are_remembered_for_each_venue(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    load(qtbot, window, DEMO)
    memory = Memory(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))

    def dialog() -> ExportDialog:
        made = ExportDialog(window.session, window.figure.scale, memory, window)
        qtbot.addWidget(made)
        return made

    first = dialog()
    first._folder.setText(str(tmp_path / "out"))
    first.options.venue_box.setCurrentText("NeurIPS, ICLR (5.5 in)")
    first.options.dpi_box.setCurrentText("600")
    first.options.switches["letters"].setChecked(True)
    first._figures["svg"].setChecked(True)
    first._data["npz"].setChecked(False)
    first.export()
    qtbot.waitUntil(lambda: "written" in first._status.text(), timeout=60_000)
    assert "control" not in str(memory.export), "the window decides what the figure is made of"
    again = dialog()
    assert again._folder.text() == str(tmp_path / "out")
    assert again.options.venue_box.currentText() == "NeurIPS, ICLR (5.5 in)"
    assert again.options.dpi_box.currentText() == "600"
    assert again.options.switches["letters"].isChecked()
    assert again._figures["svg"].isChecked()
    assert not again._data["npz"].isChecked()
    again.options.venue_box.setCurrentText("TMLR (6.5 in)")
    again.options.switches["letters"].setChecked(False)
    again.options.venue_box.setCurrentText("NeurIPS, ICLR (5.5 in)")
    assert again.options.switches["letters"].isChecked(), "each venue has its own"


def test_everything_is_one_click(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    load(qtbot, window, DEMO)
    dialog = ExportDialog(window.session, window.figure.scale, window.memory, window)
    qtbot.addWidget(dialog)
    dialog._folder.setText(str(tmp_path / "all"))
    dialog.export_everything()
    qtbot.waitUntil(lambda: "written" in dialog._status.text(), timeout=60_000)
    names = {path.name for path in (tmp_path / "all").iterdir()}
    assert names >= {
        "figure.png",
        "figure.pdf",
        "figure.svg",
        "phi.csv",
        "phi.npz",
        "comparison.json",
        "findings.csv",
    }
    assert len(list((tmp_path / "all" / "matrices").iterdir())) == 12


@pytest.mark.parametrize(("typed", "said"), [("", "Choose a folder"), ("~nobody-of-this-name/x", "no such folder")])
def test_a_folder_that_is_none_is_said(qtbot: QtBot, window: MainWindow, typed: str, said: str) -> None:
    load(qtbot, window, DEMO)
    dialog = ExportDialog(window.session, window.figure.scale, window.memory, window)
    qtbot.addWidget(dialog)
    dialog._folder.setText(typed)
    dialog.export()
    assert said in dialog._status.text()


def test_own_width_is_remembered(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    load(qtbot, window, DEMO)
    memory = Memory(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))
    first = ExportDialog(window.session, window.figure.scale, memory, window)
    qtbot.addWidget(first)
    first.options.venue_box.setCurrentText("Own width")
    first.options._width.setValue(4.2)
    first._remember()
    again = ExportDialog(window.session, window.figure.scale, memory, window)
    qtbot.addWidget(again)
    assert again._style().width == 4.2


def test_a_preset_waits_for_its_own_modules(qtbot: QtBot, window: MainWindow) -> None:
    """What is known so far is not taken for the model."""
    load(qtbot, window, DEMO)
    session = window.session
    session.show_preset(Preset.FIG7)
    outcomes = session._outcomes[Side.A]
    missing = outcomes.pop("4_q")
    with pytest.raises(NothingComparable, match="still to be computed"):
        shown_comparison(session, Preset.FIG7, everything=False)
    outcomes["4_q"] = missing
    del outcomes["3_q"]  # of no panel of the figure
    assert "4_q" in (shown_comparison(session, Preset.FIG7, everything=False).figure_slugs or ())


def test_the_device_that_computed_is_stated(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    window.session._on_devices_found((Device("cuda:0", "A GPU that was found later"),))
    assert window.session.device_in_use.name == "A GPU that was found later"
    assert shown_comparison(window.session, None, everything=True).device == CPU
