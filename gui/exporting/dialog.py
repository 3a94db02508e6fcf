"""Export: the very figure that will be written, and the files that go with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, QUrl, Slot
from PySide6.QtGui import QDesktopServices, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QVBoxLayout,
    QWidget,
)

from engine.document.export_plan import DATA_KINDS, Comparison, ExportPlan, folder_name
from engine.errors import EngineError
from engine.figures.style import FIGURE_FORMATS, FigureStyle
from engine.wording import count
from gui.exporting.clipboard import Clipboard
from gui.exporting.options import FigureOptions
from gui.exporting.preview import FigurePreview
from gui.exporting.run import ExportOrder, ExportRun, typed_folder
from gui.parts.colour_scale import ColourScale
from gui.state.memory import Memory
from gui.state.session import Session
from gui.state.shown_comparison import shown_comparison, shown_slugs
from gui.style.names import name_choosers
from gui.style.theme import GRID
from gui.style.widgets import ask, button, heading, set_style

_PREVIEW_DELAY = 150
_DATA_TEXTS = {
    "csv": "CSV: phi.csv, findings.csv, one matrix per panel",
    "npz": "NPZ: phi.npz",
    "json": "JSON: comparison.json",
}


class ExportDialog(QDialog):
    """Chooses what to write and where; draws and writes in the compute thread.

    `alone` is the slug of the only panel that the window shows, where one fills it.
    """

    def __init__(
        self,
        session: Session,
        scale: ColourScale,
        memory: Memory,
        parent: QWidget | None = None,
        alone: str | None = None,
    ) -> None:
        super().__init__(parent)
        self._alone = alone
        self._session = session
        self._scale = scale
        self._memory = memory
        self._is_closed = False
        self._written_to = Path()
        self.preview = FigurePreview(session, lambda: (self._comparison(everything=False), self._style()))
        self._run = ExportRun(session, self._confirm, self)
        self._clipboard = Clipboard(session, self)
        self._clipboard.told.connect(self._set_status)
        self._run.progressed.connect(self._show_progress)
        self._run.finished.connect(self._on_finished)
        self.setWindowTitle("Export")
        self.resize(1080, 680)
        self._delay = QTimer(self)
        self._delay.setSingleShot(True)
        self._delay.setInterval(_PREVIEW_DELAY)
        self._delay.timeout.connect(self.preview.draw)
        self._delay.timeout.connect(self._show_amount)
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
            None if self._alone else session.document.preset, scale.view, scale.name,
            control=session.document.control, square=session.document.square,
            shown="The panel shown" if self._alone else "The panels shown",
        )  # fmt: skip
        self._figures = {kind: QCheckBox(kind.upper()) for kind in FIGURE_FORMATS}
        for kind in ("png", "pdf"):
            self._figures[kind].setChecked(True)
        self._data = {kind: QCheckBox(_DATA_TEXTS[kind]) for kind in DATA_KINDS}
        for box in self._data.values():
            box.setChecked(True)
        self._all_modules = QCheckBox()
        self._folder = QLineEdit(str(Path.home() / "phiscope" / self._pair_name()))
        self._folder.setAccessibleName("Folder to write into")
        self._folder.setToolTip(
            "It is made where it is not there yet; an earlier export of the same pair in it is replaced"
        )
        self._amount = QLabel()
        self._amount.setProperty("role", "muted")
        self._amount.setAccessibleName("What will be written")
        self._open = button("Open folder", "Open the folder that was written into", self._open_folder, chip=True)
        self._open.hide()
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName("Progress of the export")
        self._bar.hide()
        self._status = QLabel()
        self._status.setWordWrap(True)
        self._status.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._status.setAccessibleName("What was written")
        for box in (*self._figures.values(), *self._data.values(), self._all_modules):
            box.toggled.connect(self._update_button)
            box.toggled.connect(self._show_amount)

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
        said = QHBoxLayout()
        said.setSpacing(GRID)
        said.addWidget(self._status, 1)
        said.addWidget(self._open, 0, Qt.AlignmentFlag.AlignBottom)
        left_layout.addLayout(said)
        left_layout.addWidget(self._bar)
        left_layout.addLayout(self._buttons())
        layout.addWidget(left)
        layout.addLayout(self._preview_side(), 1)

    def _preview_side(self) -> QVBoxLayout:
        copies = QHBoxLayout()
        copies.setSpacing(GRID)
        self._size = QLabel()
        self._size.setWordWrap(True)
        self._size.setAccessibleName("Size of the figure")
        self.preview.sized.connect(self._show_size)
        copies.addWidget(self._size, 1)
        for text, tip, copy in (
            ("Copy figure", "The figure as a picture of the chosen resolution (Ctrl+C)", self._copy_figure),
            (
                "Copy command",
                "The command line that writes the same files, from any folder of this computer",
                self._copy_command,
            ),
            ("Copy LaTeX", "An \\includegraphics block whose caption says what the figure shows", self._copy_latex),
        ):
            copies.addWidget(button(text, tip, copy))
        side = QVBoxLayout()
        side.setSpacing(2 * GRID)
        side.addWidget(self.preview, 1)
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
        form.addRow(self._amount)
        return form

    def _buttons(self) -> QHBoxLayout:
        self._everything = button(
            "Everything…", "Every kind of file and the numbers of every module; it is said first how much that is",
            self.export_everything,
        )  # fmt: skip
        self._export = button("Export", "Write what is chosen into the folder (Enter)", self.export)
        self._export.setProperty("primary", True)
        self._export.setDefault(True)
        self._stop = button("Cancel", "Stop; nothing of this export stays", self._run.cancel)
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
        known, shown = len(self._session.results), len(shown_slugs(self._session, self._alone))
        self._all_modules.setText(f"Numbers of all {known} modules, not only the {shown} shown")
        self._all_modules.setVisible(known > shown)
        self._delay.start()

    # --- what is remembered ---

    def _restore(self) -> None:
        """Take up the settings of the last export."""
        kept = self._memory.export
        for name, box in {**self._figures, **self._data}.items():
            box.setChecked(bool(kept.get(name, box.isChecked())))
        folder, pair = kept.get("folder"), kept.get("pair")
        if isinstance(folder, str) and pair == self._pair_name():
            self._folder.setText(folder)
        elif isinstance(folder, str):  # beside the folder of the pair before
            place = Path(folder).parent if isinstance(pair, str) else Path(folder)
            self._folder.setText(str(place / self._pair_name()))
        self.options.restore(kept)

    def _remember(self) -> None:
        self._memory.export = {
            **{name: box.isChecked() for name, box in {**self._figures, **self._data}.items()},
            "folder": self._folder.text(),
            "pair": self._pair_name(),
            **self.options.kept,
        }

    def reject(self) -> None:
        """Close; while files are written, only stop, so that what became of them is still said."""
        if self._run.is_stopping:
            super().reject()
        else:
            self._run.cancel()

    def done(self, result: int) -> None:
        """Close; an export that is running stops."""
        self._is_closed = True
        self._clipboard.stop()
        self._run.end()
        self._delay.stop()
        self.preview.stop()
        super().done(result)

    # --- writing ---

    def export_everything(self) -> None:
        """Write every kind of file, of every module that is known, into the folder, once it is said what that is."""
        self._start(ExportPlan(tuple(self._figures), self._style(), tuple(self._data)), everything=True)

    def export(self) -> None:
        """Write what is chosen into the folder."""
        self._start(self._plan(), everything=self._all_modules.isChecked())

    def _start(self, plan: ExportPlan, *, everything: bool) -> None:
        self._remember()
        try:
            comparison, folder = self._comparison(everything=everything), typed_folder(self._folder.text())
        except EngineError as error:
            self._set_status(error.reason, "error")
            return
        self._open.hide()
        self._set_writing(True)
        self._set_status("Looking at the folder …", "muted")
        self._written_to = folder
        self._run.start(ExportOrder(comparison, plan, folder, is_announced=not everything))

    def _confirm(self, order: ExportOrder, loss: str) -> bool:
        """Ask before something is lost, and before everything is written."""
        if self._is_closed:
            return False
        if not loss and order.is_announced:
            return True
        question = f"{loss}. Replace what is there?" if loss else f"Write {order.amount}?"
        details, yes = f"{order.contents}\n\nInto {order.folder}", "Replace" if loss else "Write"
        return ask(self, question, details, yes, is_risky=bool(loss))

    @Slot(int, int)
    def _show_progress(self, done: int, total: int) -> None:
        self._bar.setRange(0, total)
        self._bar.setValue(done)
        self._set_status(f"Writing, {done} of {count(total, 'file')} …", "muted")

    @Slot(str, bool)
    def _show_size(self, size: str, is_caution: bool) -> None:
        self._size.setText(size)
        set_style(self._size, "role", "warning" if is_caution else "muted")

    @Slot(str, bool)
    def _on_finished(self, said: str, written: bool) -> None:
        if not self._is_closed:
            self._set_writing(False)
            self._open.setVisible(written)
            self._set_status(said, "muted" if written else "error")

    def _set_writing(self, writing: bool) -> None:
        for widget in (self._bar, self._stop):
            widget.setVisible(writing)
        self._export.setVisible(not writing)
        self._everything.setEnabled(not writing)
        self._bar.setRange(0, 0)
        self._update_button()

    def _open_folder(self) -> None:
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._written_to.absolute()))):
            self._set_status("No program of this desktop opens folders.", "error")

    @Slot()
    def _show_amount(self) -> None:
        """Say how many files are chosen, and how large they are, before they are written."""
        try:
            comparison = self._comparison(everything=self._all_modules.isChecked())
        except EngineError:  # the preview says why
            self._amount.clear()
        else:
            self._amount.setText(f"Export writes {ExportOrder(comparison, self._plan(), Path()).amount}.")

    # --- things to take away on the clipboard ---

    def _copy_figure(self) -> None:
        self._copying(everything=False, copy=lambda shown: self._clipboard.copy_figure(shown, self._style()))

    def _copy_command(self) -> None:
        def copy(comparison: Comparison) -> None:
            self._clipboard.copy_command(comparison, self._plan(), typed_folder(self._folder.text()))

        self._copying(everything=self._all_modules.isChecked(), copy=copy)

    def _copy_latex(self) -> None:
        self._copying(everything=False, copy=lambda shown: self._clipboard.copy_latex(shown, self._style()))

    def _copying(self, *, everything: bool, copy: Callable[[Comparison], None]) -> None:
        try:
            copy(self._comparison(everything=everything))
        except EngineError as error:
            self._set_status(error.reason, "error")

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
        return shown_comparison(self._session, self.options.preset, everything=everything, alone=self._alone)

    def _pair_name(self) -> str:
        pairing = self._session.pairing
        return folder_name(pairing.first, pairing.second) if pairing is not None else "export"

    def _style(self) -> FigureStyle:
        return self.options.figure_style(self._scale.view, self._scale.levels, self._session.document.count_from)

    def _plan(self) -> ExportPlan:
        figures, data = (
            tuple(kind for kind, box in boxes.items() if box.isChecked()) for boxes in (self._figures, self._data)
        )
        return ExportPlan(figures, self._style(), data)
