"""The export dialog, offscreen."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from pytestqt.qtbot import QtBot

from engine.document.tables import phi_csv
from engine.errors import NothingComparable
from engine.figures.presets import Preset
from engine.side import Side
from engine.subspaces.devices import CPU, Device
from gui.exporting.dialog import ExportDialog
from gui.state.memory import Memory
from gui.state.shown_comparison import shown_comparison
from gui.window.main_window import MainWindow
from tests.conftest import REPOSITORY
from tests.gui.conftest import DEMO, R8, load


def test_it_previews_and_writes_what_is_chosen(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    load(qtbot, window, DEMO)
    dialog = ExportDialog(window.session, window.figure.scale, window.memory, window)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(lambda: not dialog.preview.picture.isNull(), timeout=60_000)
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
    qtbot.waitUntil(lambda: not dialog.preview.picture.isNull(), timeout=60_000)
    dialog.options.preset_box.setCurrentText("Figure 3 of the paper")
    qtbot.waitUntil(lambda: "compares two ranks" in dialog.preview.words, timeout=60_000)
    dialog.options.preset_box.setCurrentText("Figure 4 of the paper")
    qtbot.waitUntil(lambda: not dialog.preview.picture.isNull(), timeout=60_000)
    assert dialog.preview.picture.width() > 2 * dialog.preview.picture.height(), "three panels in a row"


def test_command_and_latex_can_be_copied(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    dialog = ExportDialog(window.session, window.figure.scale, window.memory, window)
    qtbot.addWidget(dialog)
    clipboard = QGuiApplication.clipboard()
    dialog._copy_latex()
    qtbot.waitUntil(lambda: "\\includegraphics" in clipboard.text(), timeout=60_000)
    dialog._copy_command()
    qtbot.waitUntil(lambda: " export " in clipboard.text(), timeout=60_000)
    assert "--layers 1,2,4,6" in clipboard.text()
    words = shlex.split(clipboard.text())
    assert words[:3] == [sys.executable, str(REPOSITORY / "main.py"), "export"]
    assert words[3:6] == [*map(str, DEMO), "--out"]
    assert words[6] == str(Path(dialog._folder.text()).absolute())


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


class Answers:
    """Stands for the user: what was asked, and the answers given."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, answer: bool) -> None:
        self.asked: list[str] = []
        self.answer = answer
        monkeypatch.setattr("gui.exporting.dialog.ask", self._ask)

    def _ask(self, _parent: object, question: str, details: str, yes: str, *, is_risky: bool) -> bool:
        self.asked.append(f"{question} {details} [{yes}]{' risky' if is_risky else ''}")
        return self.answer


def exported(qtbot: QtBot, window: MainWindow, folder: Path) -> ExportDialog:
    dialog = ExportDialog(window.session, window.figure.scale, window.memory, window)
    qtbot.addWidget(dialog)
    dialog._folder.setText(str(folder))
    dialog.export()
    qtbot.waitUntil(lambda: not dialog._stop.isVisibleTo(dialog), timeout=60_000)
    return dialog


def test_everything_says_what_it_is_before_it_is_written(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(qtbot, window, DEMO)
    dialog = ExportDialog(window.session, window.figure.scale, window.memory, window)
    qtbot.addWidget(dialog)
    dialog._figures["svg"].setChecked(False)
    dialog._folder.setText(str(tmp_path / "all"))
    user = Answers(monkeypatch, answer=False)
    dialog.export_everything()
    qtbot.waitUntil(lambda: not dialog._stop.isVisibleTo(dialog), timeout=60_000)
    assert user.asked == [
        "Write 19 files, about 5.5 MB of numbers? phi.csv, findings.csv, phi.npz, comparison.json, figure.png, "
        f"figure.pdf, figure.svg, 12 matrices of φ\n\nInto {tmp_path / 'all'} [Write]"
    ]
    assert list(tmp_path.iterdir()) == [], "nothing was wanted, nothing is there"
    user.answer = True
    dialog.export_everything()
    qtbot.waitUntil(lambda: "written" in dialog._status.text(), timeout=60_000)
    names = [path for path in (tmp_path / "all").rglob("*") if path.is_file()]
    assert len(names) == 19
    size = sum(path.stat().st_size for path in names if path.suffix in (".csv", ".npz"))
    assert size == pytest.approx(5.5e6, rel=0.05)
    assert not dialog._figures["svg"].isChecked(), "the choice for the next export is as it was"


def test_another_pairs_export_is_asked_for(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(qtbot, window, R8)
    user = Answers(monkeypatch, answer=False)
    folder = tmp_path / "out"
    exported(qtbot, window, folder)
    exported(qtbot, window, folder)
    assert user.asked == [], "the same pair once more"
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    load(qtbot, window, DEMO)
    dialog = exported(qtbot, window, folder)
    (asked,) = user.asked
    assert "holds an export of other adapters, r8_seed0 and r8_seed1" in asked
    assert asked.endswith("[Replace] risky")
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert not dialog._open.isVisibleTo(dialog)
    user.answer = True
    exported(qtbot, window, folder)
    assert not list(folder.glob("matrices/3_*"))  # of a layer that only the first pair showed
    assert json.loads((folder / "comparison.json").read_bytes())["first"]["name"] == DEMO[0].name


def test_files_of_others_are_asked_for(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(qtbot, window, DEMO)
    user = Answers(monkeypatch, answer=False)
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "figure.png").write_text("a drawing of mine")
    exported(qtbot, window, tmp_path)
    assert "holds figure.png, which PhiScope did not write" in user.asked[0]
    assert (tmp_path / "figure.png").read_text() == "a drawing of mine"


def test_the_folder_is_named_for_the_pair(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    load(qtbot, window, DEMO)
    memory = Memory(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))

    def folder() -> Path:
        dialog = ExportDialog(window.session, window.figure.scale, memory, window)
        qtbot.addWidget(dialog)
        dialog._remember()
        return Path(dialog._folder.text())

    assert folder() == Path.home() / "phiscope" / "r64_alpha8_seed0-r64_alpha8_seed1"
    memory.export = memory.export | {"folder": str(tmp_path / "of my own")}
    assert folder() == tmp_path / "of my own"
    load(qtbot, window, R8)
    assert folder() == tmp_path / "r8_seed0-r8_seed1", "beside the folder of the pair before"


def test_the_folder_can_be_opened_afterwards(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(qtbot, window, DEMO)
    opened: list[str] = []

    def open_url(url: QUrl) -> bool:
        opened.append(url.toLocalFile())
        return True

    monkeypatch.setattr(QDesktopServices, "openUrl", open_url)
    dialog = exported(qtbot, window, tmp_path / "out é")
    assert dialog._open.isVisibleTo(dialog)
    dialog._open.click()
    assert opened == [str(tmp_path / "out é")]


def test_cancelling_leaves_no_folder(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    load(qtbot, window, DEMO)
    dialog = ExportDialog(window.session, window.figure.scale, window.memory, window)
    qtbot.addWidget(dialog)
    dialog._folder.setText(str(tmp_path / "new" / "out"))
    dialog.export()
    dialog._stop.click()
    qtbot.waitUntil(lambda: not dialog._stop.isVisibleTo(dialog), timeout=60_000)
    assert list(tmp_path.iterdir()) == []


def test_it_says_how_much_will_be_written(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    dialog = ExportDialog(window.session, window.figure.scale, window.memory, window)
    qtbot.addWidget(dialog)
    qtbot.waitUntil(lambda: bool(dialog._amount.text()))
    assert dialog._amount.text() == "Export writes 14 files, about 3.7 MB of numbers."
    dialog._data["csv"].setChecked(False)
    assert dialog._amount.text() == "Export writes 4 files, about 242 kB of numbers."
    dialog._data["npz"].setChecked(False)
    assert dialog._amount.text() == "Export writes 3 files."


def test_zoomed_on_one_panel_that_panel_is_exported(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    load(qtbot, window, DEMO)
    window.figure.zoom("2_v")
    dialog = ExportDialog(window.session, window.figure.scale, window.memory, window, window.figure.alone)
    qtbot.addWidget(dialog)
    assert dialog.options.preset_box.currentText() == "The panel shown"
    dialog._folder.setText(str(tmp_path / "out"))
    dialog.export()
    qtbot.waitUntil(lambda: "written" in dialog._status.text(), timeout=60_000)
    assert [path.name for path in (tmp_path / "out" / "matrices").iterdir()] == ["2_v.csv"]
    facts = json.loads((tmp_path / "out" / "comparison.json").read_bytes())
    assert facts["figure"]["panels"] == ["2_v"]


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
    outcomes = session._results.on(Side.A)
    keys = {key.slug: key for key in outcomes}
    missing = outcomes.pop(keys["4_q"])
    with pytest.raises(NothingComparable, match="still to be computed"):
        shown_comparison(session, Preset.FIG7, everything=False)
    outcomes[keys["4_q"]] = missing
    del outcomes[keys["3_q"]]  # of no panel of the figure
    assert "4_q" in (shown_comparison(session, Preset.FIG7, everything=False).figure_slugs or ())


def test_the_device_that_computed_is_stated(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    window.session.tasks._on_devices_found((Device("cuda:0", "A GPU that was found later"),))
    assert window.session.tasks.device_in_use.name == "A GPU that was found later"
    assert shown_comparison(window.session, None, everything=True).device == CPU
