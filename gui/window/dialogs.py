"""What opens beside the window when it is asked for; each is loaded then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QWidget

from gui.state.memory import Memory
from gui.state.session import Session

if TYPE_CHECKING:
    from gui.figure.grid import FigureView


def show_export(session: Session, figure: FigureView, memory: Memory, parent: QWidget) -> None:
    """Ask what is to be exported, and export it."""
    from gui.exporting.dialog import ExportDialog  # noqa: PLC0415 - NumPy stays out of the first paint

    dialog = ExportDialog(session, figure.scale, memory, parent, figure.alone)
    dialog.exec()
    dialog.deleteLater()


def show_help(parent: QWidget) -> None:
    """Show the page on φ."""
    from gui.window.help import HelpWindow  # noqa: PLC0415

    page = HelpWindow(parent)
    page.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    page.show()


def show_about(session: Session, parent: QWidget) -> None:
    """Say what this program is."""
    from gui.window.help import AboutDialog  # noqa: PLC0415

    AboutDialog(session.tasks.device_in_use.name, parent).exec()


def show_log() -> None:
    """Open the folder of the log file."""
    from gui.program.log_file import log_path  # noqa: PLC0415

    QDesktopServices.openUrl(QUrl.fromLocalFile(str(log_path().parent)))
