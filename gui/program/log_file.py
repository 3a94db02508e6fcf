"""The log file, and what happens when the program cannot go on: the log keeps it, and a window says where."""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import os
import sys
from pathlib import Path

from engine.wording import own_words
from gui.program.display import display_problem, needs_no_screen
from gui.program.plain_window import complain, show_message

_LARGEST = 500_000  # bytes of one log file


def log_path() -> Path:
    """Where the log file is, or would be: the platform's folder for a program's own data, as Qt names it."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "PhiScope" / "PhiScope" / "phiscope.log"


def start_log() -> Path:
    """Log to a file, which works without a console; its path. A second call changes nothing."""
    import logging.handlers  # noqa: PLC0415 - the window comes first

    path = log_path()
    log = logging.getLogger("phiscope")
    if log.handlers:
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler: logging.Handler = logging.handlers.RotatingFileHandler(
            path, maxBytes=_LARGEST, backupCount=1, encoding="utf-8"
        )
    except OSError:
        handler = logging.NullHandler()  # a read-only home must not keep the program from starting
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    logging.getLogger("fontTools").setLevel(logging.ERROR)  # it would remark on fonts to the console
    return path


def watch_for_aborts() -> str:
    """Have the interpreter write its last traceback beside the log where a library ends the process.

    Returns the traceback that the last run left in this way; empty where it ended well.
    """
    path = log_path().with_name("phiscope-abort.log")
    last = ""
    with contextlib.suppress(OSError):  # as above; and on Windows another instance keeps the file open
        if path.exists() and path.stat().st_size:
            last = path.read_text(encoding="utf-8", errors="replace")
            path.replace(path.with_name("phiscope-abort-before.log"))
        faulthandler.enable(path.open("a", encoding="utf-8"))
    return last


def report_crash(error: Exception) -> None:
    """Write what kept the program from starting to the log, and say in a window where that is."""
    path = start_log()
    logging.getLogger("phiscope").error("PhiScope could not start", exc_info=error)
    where = f"The log file says more: {path}" if path.exists() else "No log file could be written."
    sentence = f"PhiScope could not start ({type(error).__name__}: {own_words(error)})."
    complain(f"phiscope: {sentence} {where}")
    if needs_no_screen():
        return
    if display_problem() or not _show_with_qt(sentence, where, path):
        show_message("PhiScope", f"{sentence}\n\n{where}")


def _show_with_qt(sentence: str, where: str, path: Path) -> bool:
    """Whether Qt could show it; what failed may have been Qt."""
    try:
        from PySide6.QtCore import Qt, QUrl  # noqa: PLC0415 - as late as this, it may be what failed
        from PySide6.QtGui import QDesktopServices  # noqa: PLC0415
        from PySide6.QtWidgets import QApplication, QMessageBox  # noqa: PLC0415

        _app = QApplication.instance() or QApplication(["phiscope"])
        box = QMessageBox(QMessageBox.Icon.Critical, "PhiScope", sentence, QMessageBox.StandardButton.Close)
        box.setInformativeText(where)
        box.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        if path.exists():
            show = box.addButton("Show the log", QMessageBox.ButtonRole.ActionRole)
            show.clicked.connect(lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(path))))
        box.exec()
    except Exception:
        logging.getLogger("phiscope").exception("Qt could not say so")
        return False
    return True
