"""Export: the very figure that will be written, and the files that go with it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtGui import QGuiApplication, QImage, QKeySequence, QPixmap, QResizeEvent, QShortcut
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QVBoxLayout,
    QWidget,
)

from engine.errors import EngineError, ExportFailure
from engine.export_plan import DATA_KINDS, Comparison, ExportPlan, file_names
from engine.figure_style import FIGURE_FORMATS, FigureStyle
from engine.wording import count
from gui.colour_scale import ColourScale
from gui.figure_options import FigureOptions
from gui.memory import Memory
from gui.names import name_choosers
from gui.session import Session
from gui.shown_comparison import shown_comparison, shown_slugs
from gui.theme import GRID
from gui.widgets import button, heading, set_style
from gui.worker import JobAnswer

_PREVIEW_PIXELS = 1400
_PREVIEW_DELAY = 150
_PROGRESS_INTERVAL = 100
_DATA_TEXTS = {
    "csv": "CSV: phi.csv, findings.csv, one matrix per panel",
    "npz": "NPZ: phi.npz",
    "json": "JSON: comparison.json",
}


class ExportDialog(QDialog):
    """Chooses what to write and where; draws and writes in the compute thread."""

    def __init__(self, session: Session, scale: ColourScale, memory: Memory, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._scale = scale
        self._memory = memory
        self._picture = QPixmap()
        self._is_drawing = self._is_outdated = self._is_closed = False
        self._cancelled: threading.Event | None = None  # of the export that is running
        self._written: list[Path] = []
        self._to_write: list[str] = []
        self.setWindowTitle("Export")
        self.resize(1080, 680)
        self._delay = QTimer(self)
        self._delay.setSingleShot(True)
        self._delay.setInterval(_PREVIEW_DELAY)
        self._delay.timeout.connect(self._draw_preview)
        self._clock = QTimer(self)
        self._clock.setInterval(_PROGRESS_INTERVAL)
        self._clock.timeout.connect(self._show_progress)
        self._make_controls()
        self._build()
        name_choosers(self)
        self._restore()
        self.options.changed.connect(self._delay.start)
        session.outcomes_changed.connect(self._on_outcomes)
        self._on_outcomes()
        QShortcut(QKeySequence.StandardKey.Copy, self, self._copy_figure)
        self._delay.start(0)

    def _make_controls(self) -> None:
        session, scale = self._session, self._scale
        self.options = FigureOptions(
            session.preset, scale.view, scale.name, control=session.control, square=session.zooms_to_square
        )  # fmt: skip
        self._figures = {kind: QCheckBox(kind.upper()) for kind in FIGURE_FORMATS}
        for kind in ("png", "pdf"):
            self._figures[kind].setChecked(True)
        self._data = {kind: QCheckBox(_DATA_TEXTS[kind]) for kind in DATA_KINDS}
        for box in self._data.values():
            box.setChecked(True)
        self._all_modules = QCheckBox()
        self._folder = QLineEdit(str(Path.home() / "phiscope"))
        self._folder.setAccessibleName("Folder to write into")
        self._folder.setToolTip("It is made where it is not there yet; files of the same names are replaced")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName("Progress of the export")
        self._bar.hide()
        self._status = QLabel()
        self._status.setWordWrap(True)
        self._status.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._status.setAccessibleName("What was written")
        for box in (*self._figures.values(), *self._data.values()):
            box.toggled.connect(self._update_button)

    def _build(self) -> None:
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, 2 * GRID)
        layout.setSpacing(2 * GRID)
        left = QWidget()
        left.setFixedWidth(340)
        left_layout = QVBoxLayout(left)
        left_layout.setContentsMargins(0, 0, 0, 0)
        left_layout.setSpacing(GRID)
        left_layout.addWidget(self.options)
        left_layout.addLayout(self._form())
        left_layout.addStretch(1)
        left_layout.addWidget(self._status)
        left_layout.addWidget(self._bar)
        left_layout.addLayout(self._buttons())
        layout.addWidget(left)
        layout.addLayout(self._preview_side(), 1)

    def _preview_side(self) -> QVBoxLayout:
        self._preview = QLabel("Drawing …")
        self._preview.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._preview.setWordWrap(True)
        self._preview.setMinimumSize(320, 240)
        self._preview.setAccessibleName("Preview of the figure")
        frame = QFrame()
        frame.setProperty("role", "paper")
        QVBoxLayout(frame).addWidget(self._preview)
        copies = QHBoxLayout()
        copies.setSpacing(GRID)
        self._size = QLabel()
        self._size.setWordWrap(True)
        self._size.setAccessibleName("Size of the figure")
        copies.addWidget(self._size, 1)
        for text, tip, copy in (
            ("Copy figure", "The figure as a picture of the chosen resolution (Ctrl+C)", self._copy_figure),
            ("Copy command", "The command line that writes the same files", self._copy_command),
            ("Copy LaTeX", "An \\includegraphics block whose caption says what the figure shows", self._copy_latex),
        ):
            copies.addWidget(button(text, tip, copy))
        side = QVBoxLayout()
        side.setSpacing(2 * GRID)
        side.addWidget(frame, 1)
        side.addLayout(copies)
        return side

    def _form(self) -> QFormLayout:
        form = QFormLayout()
        form.setVerticalSpacing(GRID)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapAllRows)
        formats = QHBoxLayout()
        formats.setSpacing(3 * GRID)
        for box in self._figures.values():
            formats.addWidget(box)
        formats.addStretch(1)
        form.addRow(heading("Figure files"), formats)
        data = QVBoxLayout()
        data.setSpacing(GRID // 2)
        for box in (*self._data.values(), self._all_modules):
            data.addWidget(box)
        form.addRow(heading("Files of numbers"), data)
        folder = QHBoxLayout()
        folder.setSpacing(GRID)
        folder.addWidget(self._folder, 1)
        folder.addWidget(button("Browse…", "Choose the folder to write into", self._browse))
        form.addRow(heading("Folder"), folder)
        return form

    def _buttons(self) -> QHBoxLayout:
        self._everything = button(
            "Everything", "Write every kind of file, with the numbers of every module, into the folder",
            self.export_everything,
        )  # fmt: skip
        self._export = button("Export", "Write what is chosen into the folder (Enter)", self.export)
        self._export.setProperty("primary", True)
        self._export.setDefault(True)
        self._stop = button("Cancel", "Stop before the next file; those written stay", self._cancel)
        self._stop.hide()
        self._close_button = button("Close", "Close this window (Esc)", self.reject)
        buttons = QHBoxLayout()
        buttons.setSpacing(GRID)
        buttons.addStretch(1)
        for each in (self._close_button, self._everything, self._stop, self._export):
            buttons.addWidget(each)
        return buttons

    @Slot()
    def _on_outcomes(self) -> None:
        """Follow a comparison that is still going on."""
        known, shown = len(self._session.results), len(shown_slugs(self._session))
        self._all_modules.setText(f"Numbers of all {known} modules, not only the {shown} shown")
        self._all_modules.setVisible(known > shown)
        self._delay.start()

    # --- what is remembered ---

    def _restore(self) -> None:
        """Take up the settings of the last export."""
        kept = self._memory.export
        for name, box in {**self._figures, **self._data}.items():
            box.setChecked(bool(kept.get(name, box.isChecked())))
        folder = kept.get("folder")
        if isinstance(folder, str):
            self._folder.setText(folder)
        self.options.restore(kept)

    def _remember(self) -> None:
        self._memory.export = {
            **{name: box.isChecked() for name, box in {**self._figures, **self._data}.items()},
            "folder": self._folder.text(),
            **self.options.kept,
        }

    def reject(self) -> None:
        """Close; while files are written, only stop, so that what became of them is still said."""
        if self._cancelled is not None and not self._cancelled.is_set():
            self._cancel()
        else:
            super().reject()

    def done(self, result: int) -> None:
        """Close; an export that is running stops before its next file."""
        self._is_closed = True
        self._cancel()
        self._delay.stop()
        self._clock.stop()
        super().done(result)

    # --- the preview: one at a time, and once more where something changed meanwhile ---

    def _draw_preview(self) -> None:
        if self._is_drawing:
            self._is_outdated = True
            return
        try:
            comparison, style = self._comparison(everything=False), self._style()
        except EngineError as error:  # the preset does not fit these adapters
            self._show_words(error.reason)
            return

        def draw() -> tuple[bytes, str, bool]:
            from engine.comparison_figure import size_note  # noqa: PLC0415 - in the compute thread
            from engine.export import figure_picture  # noqa: PLC0415 - matplotlib, in the compute thread

            return figure_picture(comparison, style, _PREVIEW_PIXELS), *size_note(comparison, style)

        self._is_drawing, self._is_outdated = True, False
        self._session.do(draw, self._on_preview)

    def _on_preview(self, answer: JobAnswer) -> None:
        if self._is_closed:
            return
        self._is_drawing = False
        if self._is_outdated:
            self._draw_preview()
        elif answer.failure is not None:
            self._show_words(answer.failure.sentence)
        else:
            picture, size, is_too_tall = answer.result
            self._picture.loadFromData(picture)
            self._size.setText(size)
            set_style(self._size, "role", "warning" if is_too_tall else "muted")
            self._show_picture()

    def _show_words(self, words: str) -> None:
        self._picture = QPixmap()
        self._preview.setText(words)
        self._size.clear()

    def _show_picture(self) -> None:
        if not self._picture.isNull():
            ratio = self.devicePixelRatioF()
            size = self._preview.size() * ratio
            scaled = self._picture.scaled(
                size, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
            )
            scaled.setDevicePixelRatio(ratio)
            self._preview.setPixmap(scaled)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_picture()

    # --- writing ---

    def export_everything(self) -> None:
        """Write every kind of file, of every module that is known, into the folder."""
        for box in (*self._figures.values(), *self._data.values(), self._all_modules):
            box.setChecked(True)
        self.export()

    def export(self) -> None:
        """Write what is chosen into the folder."""
        self._remember()
        plan = self._plan()
        try:
            folder = _folder(self._folder.text())
            comparison = self._comparison(everything=self._all_modules.isChecked())
        except EngineError as error:
            self._set_status(error.reason, "error")
            return
        cancelled = self._cancelled = threading.Event()
        written: list[Path] = []
        to_write: list[str] = []
        self._written, self._to_write = written, to_write

        def write() -> int:
            from engine.export import export_comparison  # noqa: PLC0415 - matplotlib, in the thread

            to_write.extend(file_names(comparison.slugs, plan))
            export_comparison(comparison, folder, plan, written.append, cancelled.is_set)
            return len(written)

        self._set_writing(True)
        self._set_status("Writing …", "muted")
        self._session.do(write, self._on_written)

    def _show_progress(self) -> None:
        total, done = len(self._to_write), len(self._written)
        self._bar.setRange(0, total)
        self._bar.setValue(done)
        if total:
            at = min(done, total - 1)
            self._set_status(f"Writing {self._to_write[at]}, {at + 1} of {total} …", "muted")

    def _on_written(self, answer: JobAnswer) -> None:
        if self._is_closed:
            return
        self._set_writing(False)
        if answer.failure is not None:
            self._set_status(answer.failure.sentence, "error")
        else:
            self._set_status(f"{count(answer.result, 'file')} written to {self._folder.text()}.", "muted")

    def _set_writing(self, writing: bool) -> None:
        if not writing:
            self._cancelled = None
        for widget in (self._bar, self._stop):
            widget.setVisible(writing)
        self._export.setVisible(not writing)
        self._everything.setEnabled(not writing)
        self._bar.setRange(0, 0)
        (self._clock.start if writing else self._clock.stop)()
        self._update_button()

    def _cancel(self) -> None:
        if self._cancelled is not None:
            self._cancelled.set()

    # --- things to take away on the clipboard ---

    def _copy_figure(self) -> None:
        def picture(comparison: Comparison, style: FigureStyle) -> object:
            from engine.export import figure_picture  # noqa: PLC0415 - matplotlib, in the compute thread

            return QImage.fromData(figure_picture(comparison, style))

        self._copy(picture, "The figure is on the clipboard.", everything=False)

    def _copy_command(self) -> None:
        plan = self._plan()

        def text(comparison: Comparison, _style: FigureStyle) -> object:
            from engine.command_line import command_line  # noqa: PLC0415 - what it pairs again takes a moment

            return command_line(comparison, plan)

        self._copy(text, "The command is on the clipboard.", everything=self._all_modules.isChecked())

    def _copy_latex(self) -> None:
        def text(comparison: Comparison, style: FigureStyle) -> object:
            from engine.latex import latex_figure  # noqa: PLC0415 - matplotlib, in the compute thread

            return latex_figure(comparison, style)

        self._copy(text, "The LaTeX block is on the clipboard.", everything=False)

    def _copy(self, make: Callable[[Comparison, FigureStyle], object], said: str, *, everything: bool) -> None:
        try:
            comparison = self._comparison(everything=everything)
        except EngineError as error:
            self._set_status(error.reason, "error")
            return
        style = self._style()

        def copied(answer: JobAnswer) -> None:
            if self._is_closed:
                return
            if answer.failure is not None:
                self._set_status(answer.failure.sentence, "error")
                return
            clipboard = QGuiApplication.clipboard()
            if isinstance(answer.result, QImage):
                clipboard.setImage(answer.result)
            else:
                clipboard.setText(answer.result)
            self._set_status(said, "muted")

        self._session.do(lambda: make(comparison, style), copied)

    def _set_status(self, text: str, role: str) -> None:
        self._status.setText(text)
        set_style(self._status, "role", role)

    def _update_button(self) -> None:
        boxes = (*self._figures.values(), *self._data.values())
        self._export.setEnabled(any(box.isChecked() for box in boxes))

    def _browse(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Export into", self._folder.text())
        if name:
            self._folder.setText(name)

    # --- what is exported ---

    def _comparison(self, *, everything: bool) -> Comparison:
        return shown_comparison(self._session, self.options.preset, everything=everything)

    def _style(self) -> FigureStyle:
        return self.options.figure_style(self._scale.view, self._scale.levels, self._session.count_from)

    def _plan(self) -> ExportPlan:
        figures, data = (
            tuple(kind for kind, box in boxes.items() if box.isChecked()) for boxes in (self._figures, self._data)
        )
        return ExportPlan(figures, self._style(), data)


def _folder(text: str) -> Path:
    """The folder that was typed.

    Raises:
        ExportFailure: it is empty, or of a user that there is not.
    """
    if not text.strip():
        raise ExportFailure("Choose a folder to write into.")
    try:
        return Path(text.strip()).expanduser()
    except RuntimeError as error:
        raise ExportFailure(f"There is no such folder: {text.strip()}.") from error
