"""What happens when the program cannot start, or ends without a word: a log file, and a window that says where."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QStandardPaths

from gui.program import log_file
from gui.program.plain_window import complain
from tests.conftest import REPOSITORY
from tests.gui.conftest import DEMO

MAIN = REPOSITORY / "main.py"
BROKEN = """
import sys, main, gui.window.main_window
def broken(self, *arguments): raise ValueError("broken settings")
gui.window.main_window.MainWindow.__init__ = broken
sys.exit(main.main(["--demo"]))
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    log = logging.getLogger("phiscope")
    before, log.handlers = log.handlers, []
    yield tmp_path
    for handler in log.handlers:
        handler.close()
    log.handlers = before


def test_the_log_lies_where_qt_would_put_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    QCoreApplication.setOrganizationName("PhiScope")
    QCoreApplication.setApplicationName("PhiScope")
    place = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.AppLocalDataLocation)
    assert log_file.log_path() == Path(place) / "phiscope.log"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(home))
    assert log_file.log_path() == home / ".local/share/PhiScope/PhiScope/phiscope.log"


def test_a_program_that_cannot_start_leaves_a_log_and_says_where(tmp_path: Path) -> None:
    done = _python(BROKEN, tmp_path)
    log = tmp_path / "PhiScope/PhiScope/phiscope.log"
    assert done.returncode == 1
    assert done.stderr == (
        f"phiscope: PhiScope could not start (ValueError: broken settings). The log file says more: {log}\n"
    )
    assert "Traceback" in log.read_text(encoding="utf-8")


def test_with_a_home_that_cannot_be_written_it_says_that(tmp_path: Path) -> None:
    (tmp_path / "PhiScope").write_text("a file where a folder should be")
    done = _python(BROKEN, tmp_path)
    assert done.returncode == 1
    assert done.stderr.endswith("No log file could be written.\n")


def test_a_run_that_was_aborted_is_told_about_at_the_next_start(home: Path) -> None:
    abort = "import os; from gui.program.log_file import *; start_log(); assert watch_for_aborts() == ''; os.abort()"
    assert _python(abort, home).returncode != 0
    assert "Fatal Python error: Aborted" in log_file.watch_for_aborts()
    assert log_file.watch_for_aborts() == ""


def _python(code: str, data: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, text=True, capture_output=True, check=False, timeout=60,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "XDG_DATA_HOME": str(data)},
    )  # fmt: skip


def test_without_streams_nothing_fails_and_nothing_is_written_into_other_files(tmp_path: Path) -> None:
    """As in a menu, or under pythonw: numbers 0, 1 and 2 are free for the next files that are opened."""
    out = tmp_path / "out"
    arguments = ["export", *map(str, DEMO), "--out", str(out), "--json", "--figure", "png,pdf"]
    command = 'exec "$@" <&- >&- 2>&-'
    for words in (arguments, ["--help"], ["--version"]):
        done = subprocess.run(
            ["sh", "-c", command, "sh", sys.executable, str(MAIN), *words], check=False, timeout=120
        )
        assert done.returncode == 0
    assert (out / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert (out / "phi.csv").read_bytes().startswith(b"tower,layer")
    assert (out / "figure.pdf").read_bytes().rstrip().endswith(b"%%EOF")


def test_complaining_needs_no_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    complain("φ")
