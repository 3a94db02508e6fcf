"""The status line: how far the computing is, and what computes."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QSizePolicy, QWidget

from engine.wording import count
from gui.actions.table import tip_of
from gui.state.session import Session
from gui.state.session_values import Progress
from gui.style.texts import duration
from gui.style.theme import GRID


class ProgressLine(QWidget):
    """Done of total, elapsed and remaining time, and the button that cancels or goes on."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedWidth(160)
        self._bar.setAccessibleName("Progress of the comparison")
        self._text = QLabel()
        self._text.setAccessibleName("Progress")
        self._button = QPushButton("Cancel")
        self._button.setProperty("chip", True)
        self._button.clicked.connect(self._on_clicked)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(GRID, 0, 0, 0)
        layout.setSpacing(GRID)
        for widget in (self._bar, self._text, self._button):
            layout.addWidget(widget)
        layout.addStretch(1)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._clock = QTimer(self)
        self._clock.setInterval(500)
        self._clock.timeout.connect(lambda: self.show_progress(self._session.tasks.progress))
        session.tasks.progress_changed.connect(self.show_progress)
        self.show_progress(session.tasks.progress)

    def show_progress(self, progress: Progress) -> None:
        """Say how far it is."""
        waiting = progress.done < progress.total
        self._bar.setVisible(progress.running)
        self._bar.setRange(0, max(1, progress.total))
        self._bar.setValue(progress.done)
        self._button.setVisible(progress.running or (progress.cancelled and waiting))
        self._button.setText("Cancel" if progress.running else "Go on")
        self._button.setToolTip(tip_of("edit.back", "Stop computing") if progress.running else "Compute the rest")
        self._button.setAccessibleName(self._button.text() + " computing")
        self._text.setText(_progress_text(progress))
        if not progress.running:
            self._clock.stop()
        elif not self._clock.isActive():
            self._clock.start()

    def _on_clicked(self) -> None:
        if self._session.tasks.progress.running:
            self._session.tasks.cancel()
        else:
            self._session.resume()


class DeviceLine(QLabel):
    """The device in use."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.setProperty("role", "muted")
        self.setAccessibleName("Device in use")
        self.setContentsMargins(GRID, GRID // 2, 2 * GRID, GRID // 2)
        session.tasks.devices_changed.connect(self._show_device)
        self._show_device()

    def _show_device(self) -> None:
        self.setText(f"Computing on {self._session.tasks.device_in_use.name}")


def _progress_text(progress: Progress) -> str:
    if progress.total == 0:
        return ""
    if not progress.running:
        if progress.done == progress.total:
            said = f"{count(progress.total, 'module')} compared"
            return said if progress.elapsed is None else f"{said} in {duration(progress.elapsed)}"
        return f"{progress.done} of {count(progress.total, 'module')}" + (" · stopped" if progress.cancelled else "")
    text = f"{progress.done} of {count(progress.total, 'module')} · {duration(progress.elapsed or 0.0)}"
    return text if progress.remaining is None else f"{text} · {duration(progress.remaining)} left"
