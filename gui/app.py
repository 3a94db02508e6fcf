"""Starting the program: display check, application, crash and log hooks, window."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from gui.program.display import display_problem
from gui.program.log_file import report_crash, start_log, watch_for_aborts
from gui.program.plain_window import complain, is_watched, show_message
from gui.program.resources import RESOURCES

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from gui.window.main_window import MainWindow

Export = Callable[[Sequence[str]], int]  # the command of that name: its words → its exit status
DEMO_OUT = Path("phiscope-demo")
# Painting gives the interpreter's lock away at each call of Qt; Python's 5 ms to get it back from the compute thread
# would add up to a window that stutters.
_SWITCH_INTERVAL = 0.0005
_DEVICE_SEARCH_DELAY = 1500  # ms after the window: importing torch must not hold up the first figure


def run(adapters: Sequence[Path], export: Export, *, demo: bool, fresh: bool = False) -> int:
    """Open the window on these adapters and run until it closes; the exit status.

    Without adapters it opens what was open last, unless it is to start `fresh`.

    Without a usable display the demo is given to `export` instead, and anything else is refused in a line (1).
    What keeps the window from opening goes to the log, and a small window says where that is (1).
    """
    try:
        return _open_window(adapters, export, demo=demo, fresh=fresh)
    except Exception as error:  # noqa: BLE001 - the program's edge: nobody may be left with nothing on the screen
        report_crash(error)
        return 1


def _open_window(adapters: Sequence[Path], export: Export, *, demo: bool, fresh: bool) -> int:
    problem = display_problem()
    if problem:
        return _export_demo(problem, export) if demo else _refuse(problem)
    from gui.state.memory import Memory  # noqa: PLC0415
    from gui.style.theme import choose_theme  # noqa: PLC0415
    from gui.window.main_window import MainWindow, open_settings  # noqa: PLC0415 - Qt, after the display check

    app = make_application()
    memory = Memory(open_settings())
    window = MainWindow(memory)
    choose_theme(app, memory.theme)  # after the parts are assembled: each would be styled again as it moves
    _catch_everything(window)
    window.show()
    start(window, adapters, demo=demo, fresh=fresh)
    return app.exec()


def start(window: MainWindow, adapters: Sequence[Path], *, demo: bool, fresh: bool = False) -> None:
    """Have the window open what the program was started with, once it has been painted."""
    from PySide6.QtCore import QTimer  # noqa: PLC0415

    from gui.state.notice import Notice  # noqa: PLC0415

    def begin() -> None:
        start_log()
        abort = watch_for_aborts()
        if abort:
            sentence = "PhiScope ended unexpectedly the last time; the details are kept beside the log file."
            window.notices.add(Notice.error(sentence, abort))
        if demo:
            window.open_demo()
        elif adapters:
            window.session.places.open_paths(adapters)
        elif not fresh:
            window.returns.restore_session()
        QTimer.singleShot(0, window.load_figure)
        QTimer.singleShot(_DEVICE_SEARCH_DELAY, window.session.tasks.find_devices)

    window.first_painted.connect(begin)


def make_application() -> QApplication:
    """The QApplication with the program's name, looks and icon; its theme follows the system."""
    from PySide6.QtGui import QIcon  # noqa: PLC0415
    from PySide6.QtWidgets import QApplication  # noqa: PLC0415

    from engine import __version__  # noqa: PLC0415
    from gui.program.garbage import GuiThreadCollector  # noqa: PLC0415
    from gui.style.theme import apply_theme  # noqa: PLC0415

    sys.setswitchinterval(_SWITCH_INTERVAL)
    app = QApplication(["phiscope"])
    app.setApplicationName("PhiScope")
    app.setApplicationVersion(__version__)
    app.setOrganizationName("PhiScope")
    app.setDesktopFileName("phiscope")
    app.setWindowIcon(QIcon(str(RESOURCES / "phiscope.svg")))
    GuiThreadCollector(app)
    app.styleHints().colorSchemeChanged.connect(lambda _scheme: apply_theme(app))
    return app


def _refuse(problem: str) -> int:
    """Say that there is no window, and what can be done without one; the exit status."""
    refusal = f"no window can be opened: {problem}. "
    complain(f"phiscope: {refusal}Without a display, use: python main.py export FIRST SECOND --out DIR")
    if not is_watched():  # started from a menu or a file manager
        start_log()
        logging.getLogger("phiscope").error("%s", refusal)
        show_message("PhiScope", refusal[0].upper() + refusal[1:])
    return 1


def _export_demo(problem: str, export: Export) -> int:
    """Say that there is no window, and write the demo's files; the exit status."""
    complain(f"phiscope: no window can be opened: {problem}. Comparing the demo pair without one, into {DEMO_OUT}/")
    from gui.program.demo import DEMO_ADAPTERS  # noqa: PLC0415

    return export([*map(str, DEMO_ADAPTERS), "--out", str(DEMO_OUT)])


def _catch_everything(window: MainWindow) -> None:
    """Errors that nobody expected become a notice and a log entry; the window stays."""
    import traceback  # noqa: PLC0415

    from engine.wording import own_words  # noqa: PLC0415
    from gui.state.notice import Notice  # noqa: PLC0415

    def on_error(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            window.close()
            return
        details = "".join(traceback.format_exception(kind, error, trace))
        said = f"Something unexpected went wrong ({kind.__name__}: {own_words(error)})."
        window.notices.add(Notice.error(said, details))

    sys.excepthook = on_error
