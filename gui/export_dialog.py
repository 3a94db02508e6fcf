"""Export: the very figure that will be written, and the files that go with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication, QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from engine.cautions import base_model_caution, gauge_caution
from engine.colour_range import COLOUR_MAPS
from engine.errors import EngineError
from engine.presets import Preset, preset_pairs
from gui.colour_scale import ColourScale
from gui.memory import Memory
from gui.names import name_choosers
from gui.session import Session
from gui.texts import count
from gui.theme import GRID
from gui.worker import JobAnswer

if TYPE_CHECKING:
    from engine.export import Comparison, ExportPlan
    from engine.figure import FigureStyle

# Width in inches, label and tick size in points; a width of 0 stands for as wide as the panels want.
VENUES: dict[str, tuple[float, float, float]] = {
    "Natural size": (0.0, 9, 7),
    "NeurIPS, ICLR (5.5 in)": (5.5, 9, 7),
    "ICML, AISTATS, UAI, one column (3.25 in)": (3.25, 8, 6),
    "ICML, AISTATS, UAI, two columns (6.75 in)": (6.75, 8, 6),
    "CVPR, one column (3.25 in)": (3.25, 8, 6),
    "CVPR, two columns (6.875 in)": (6.875, 8, 6),
    "AAAI, one column (3.3 in)": (3.3, 9, 7),
    "AAAI, two columns (6.975 in)": (6.975, 9, 7),
    "ACL, one column (3.03 in)": (3.03, 9, 7),
    "ACL, two columns (6.3 in)": (6.3, 9, 7),
    "TMLR (6.5 in)": (6.5, 9, 7),
    "JMLR (6.0 in)": (6.0, 9, 7),
    "ECCV (4.8 in)": (4.8, 9, 7),
}
_OWN_WIDTH = "Own width"
_PREVIEW_PIXELS = 1400
_PREVIEW_DELAY = 150


class ExportDialog(QDialog):
    """Chooses what to write and where; draws and writes in the compute thread."""

    def __init__(self, session: Session, scale: ColourScale, memory: Memory, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._scale = scale
        self._memory = memory
        self._preview_job = 0
        self._picture = QPixmap()
        self.setWindowTitle("Export")
        self.resize(1080, 680)
        self._delay = QTimer(self)
        self._delay.setSingleShot(True)
        self._delay.setInterval(_PREVIEW_DELAY)
        self._delay.timeout.connect(self._draw_preview)
        self._make_controls()
        self._build()
        name_choosers(self)
        self._restore()
        self._venue.currentIndexChanged.connect(lambda _index: self._restore_venue())
        self._delay.start(0)

    def _make_controls(self) -> None:
        self._figures = {kind: QCheckBox(kind.upper()) for kind in ("png", "pdf", "svg")}
        self._figures["png"].setChecked(True)
        self._figures["pdf"].setChecked(True)
        self._data = {
            "csv": QCheckBox("CSV: phi.csv, findings.csv, one matrix per panel"),
            "npz": QCheckBox("NPZ: phi.npz"),
            "json": QCheckBox("JSON: comparison.json"),
        }
        for box in self._data.values():
            box.setChecked(True)
        known, shown = len(self._session.results), len(self._shown_results())
        self._all_modules = QCheckBox(f"Numbers of all {known} modules, not only the {shown} shown")
        self._all_modules.setVisible(known > shown)
        self._preset = QComboBox()
        self._preset.addItem("The panels shown", None)
        for preset in Preset:
            self._preset.addItem(f"{preset.title} of the paper", preset)
        self._preset.setCurrentIndex(self._preset.findData(self._session.preset))
        self._preset.setAccessibleName("Which figure")
        self._switches = {
            "titles": QCheckBox("Titles"), "headings": QCheckBox("Layer headings"),
            "letters": QCheckBox("(a), (b), …"), "chance": QCheckBox("Line at chance + 3 SD"),
            "svg_paths": QCheckBox("SVG text as outlines"),
        }  # fmt: skip
        for name in ("titles", "headings"):
            self._switches[name].setChecked(True)
        self._venue = QComboBox()
        self._venue.addItems([*VENUES, _OWN_WIDTH])
        self._venue.setAccessibleName("Width of the figure")
        self._width = QDoubleSpinBox()
        self._width.setRange(2.0, 20.0)
        self._width.setValue(6.0)
        self._width.setSuffix(" in")
        self._width.setAccessibleName("Own width in inches")
        self._dpi = QComboBox()
        self._dpi.addItems(["300", "600", "150"])
        self._dpi.setAccessibleName("Dots per inch of the PNG")
        self._map = QComboBox()
        self._map.addItems([name.removeprefix("seaborn:") for name in COLOUR_MAPS])
        self._map.setCurrentText(self._scale.name.removeprefix("seaborn:"))
        self._map.setAccessibleName("Colour map")
        self._folder = QLineEdit(str(Path.home() / "phiscope"))
        self._folder.setAccessibleName("Folder to write into")
        self._status = QLabel()
        self._status.setWordWrap(True)
        self._status.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._status.setAccessibleName("What was written")
        for signal in (
            self._preset.currentIndexChanged, self._venue.currentIndexChanged, self._width.valueChanged,
            self._map.currentIndexChanged, *(switch.toggled for switch in self._switches.values()),
        ):  # fmt: skip
            signal.connect(self._on_style_changed)
        for box in self._figures.values():
            box.toggled.connect(self._update_button)
        for box in self._data.values():
            box.toggled.connect(self._update_button)

    def _build(self) -> None:
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, 2 * GRID)
        layout.setSpacing(2 * GRID)
        left = QWidget()
        left.setFixedWidth(340)
        left_layout = QVBoxLayout(left)
        left_layout.setContentsMargins(0, 0, 0, 0)
        left_layout.addLayout(self._form())
        left_layout.addWidget(self._status)
        left_layout.addStretch(1)
        left_layout.addLayout(self._buttons())
        layout.addWidget(left)
        layout.addWidget(self._preview_frame(), 1)

    def _preview_frame(self) -> QFrame:
        self._preview = QLabel("Drawing …")
        self._preview.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._preview.setMinimumSize(320, 240)
        self._preview.setAccessibleName("Preview of the figure")
        frame = QFrame()
        frame.setProperty("role", "card")
        frame_layout = QVBoxLayout(frame)
        frame_layout.addWidget(self._preview)
        return frame

    def _form(self) -> QFormLayout:
        form = QFormLayout()
        form.setVerticalSpacing(GRID + GRID // 2)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapAllRows)
        formats = QHBoxLayout()
        formats.setSpacing(3 * GRID)
        for box in self._figures.values():
            formats.addWidget(box)
        formats.addStretch(1)
        width = QHBoxLayout()
        width.setSpacing(GRID)
        width.addWidget(self._venue, 1)
        width.addWidget(self._width)
        self._width.hide()
        switches = QGridLayout()
        switches.setVerticalSpacing(GRID // 2)
        for position, switch in enumerate(self._switches.values()):
            switches.addWidget(switch, position // 2, position % 2)
        form.addRow(_heading("Figure"), self._preset)
        form.addRow(formats)
        form.addRow("Width", width)
        form.addRow("PNG resolution (dpi)", self._dpi)
        form.addRow("Colours", self._map)
        form.addRow(switches)
        data = QVBoxLayout()
        data.setSpacing(GRID // 2)
        for box in (*self._data.values(), self._all_modules):
            data.addWidget(box)
        form.addRow(_heading("Numbers"), data)
        folder = QHBoxLayout()
        folder.setSpacing(GRID)
        folder.addWidget(self._folder, 1)
        browse = QPushButton("Browse…")
        browse.setAutoDefault(False)
        browse.setToolTip("Choose the folder to write into")
        browse.setAccessibleName("Browse for the folder to write into")
        browse.clicked.connect(self._browse)
        folder.addWidget(browse)
        form.addRow(_heading("Folder"), folder)
        return form

    def _buttons(self) -> QVBoxLayout:
        everything = QPushButton("Everything")
        everything.setAutoDefault(False)
        everything.setToolTip("Write every kind of file, with the numbers of every module, into the folder")
        everything.clicked.connect(self.export_everything)
        self._export = QPushButton("Export")
        self._export.setProperty("primary", True)
        self._export.setDefault(True)
        self._export.setToolTip("Write what is ticked into the folder (Enter)")
        self._export.clicked.connect(self.export)
        close = QPushButton("Close")
        close.setAutoDefault(False)
        close.setToolTip("Close without writing (Esc)")
        close.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        layout = QVBoxLayout()
        copies = QHBoxLayout()
        for text, tip, copy in (
            ("Copy command", "The command line that writes the same files", self._copy_command),
            ("Copy LaTeX", "An \\includegraphics block whose caption says what the figure shows", self._copy_latex),
        ):
            button = QPushButton(text)
            button.setProperty("chip", True)
            button.setAutoDefault(False)
            button.setToolTip(tip)
            button.clicked.connect(copy)
            copies.addWidget(button)
        copies.addStretch(1)
        buttons.addStretch(1)
        for button in (close, everything, self._export):
            buttons.addWidget(button)
        layout.addLayout(copies)
        layout.addLayout(buttons)
        return layout

    # --- what is remembered ---

    def _restore(self) -> None:
        """Take up the settings of the last export."""
        kept = self._memory.export
        for name, box in {**self._figures, **self._data}.items():
            box.setChecked(bool(kept.get(name, box.isChecked())))
        folder, venue = kept.get("folder"), kept.get("venue")
        if isinstance(folder, str):
            self._folder.setText(folder)
        if isinstance(venue, str):
            self._venue.setCurrentText(venue)
        self._restore_venue()

    def _restore_venue(self) -> None:
        """Take up what was last chosen for this venue."""
        venues = self._memory.export.get("venues")
        kept = venues.get(self._venue.currentText()) if isinstance(venues, dict) else None
        if isinstance(kept, dict):
            self._dpi.setCurrentText(str(kept.get("dpi")))
            for name, switch in self._switches.items():
                switch.setChecked(bool(kept.get(name, switch.isChecked())))

    def _remember(self) -> None:
        venue, venues = self._venue.currentText(), self._memory.export.get("venues")
        switches = {name: switch.isChecked() for name, switch in self._switches.items()}
        self._memory.export = {
            **{name: box.isChecked() for name, box in {**self._figures, **self._data}.items()},
            "folder": self._folder.text(),
            "venue": venue,
            "venues": {
                **(venues if isinstance(venues, dict) else {}),
                venue: {"dpi": self._dpi.currentText(), **switches},
            },
        }

    # --- the preview ---

    def _on_style_changed(self) -> None:
        self._width.setVisible(self._venue.currentText() == _OWN_WIDTH)
        self._delay.start()

    def _draw_preview(self) -> None:
        try:
            make_comparison, make_style = self._comparison_maker(everything=False), self._style_maker()
        except EngineError as error:  # the preset does not fit these adapters
            self._picture = QPixmap()
            self._preview.setText(error.reason)
            return

        def draw() -> bytes:
            from engine.export import figure_preview  # noqa: PLC0415 - matplotlib, in the compute thread

            return figure_preview(make_comparison(), make_style(), _PREVIEW_PIXELS)

        self._preview_job = self._session.do(draw, self._on_preview)

    def _on_preview(self, answer: JobAnswer) -> None:
        if answer.id != self._preview_job:
            return
        if answer.failure is not None:
            self._picture = QPixmap()
            self._preview.setText(answer.failure.sentence)
            return
        self._picture.loadFromData(answer.result)
        self._show_picture()

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
        folder = Path(self._folder.text()).expanduser()
        figures = tuple(kind for kind, box in self._figures.items() if box.isChecked())
        wants = {kind: box.isChecked() for kind, box in self._data.items()}
        try:
            make_comparison = self._comparison_maker(everything=self._all_modules.isChecked())
        except EngineError as error:
            self._set_status(error.reason, "error")
            return
        make_style = self._style_maker()

        def write() -> int:
            from engine.export import ExportPlan, export_comparison  # noqa: PLC0415 - matplotlib, in the thread

            plan: ExportPlan = ExportPlan(figures, make_style(), **wants)
            written: list[Path] = []
            export_comparison(make_comparison(), folder, plan, written.append)
            return len(written)

        self._export.setEnabled(False)
        self._set_status("Writing …", "muted")
        self._session.do(write, self._on_written)

    def _on_written(self, answer: JobAnswer) -> None:
        self._update_button()
        if answer.failure is not None:
            self._set_status(answer.failure.sentence, "error")
        else:
            self._set_status(f"{count(answer.result, 'file')} written to {self._folder.text()}.", "muted")

    # --- texts to take away ---

    def _copy_command(self) -> None:
        figures = tuple(kind for kind, box in self._figures.items() if box.isChecked())

        def text(comparison: Comparison, style: FigureStyle) -> str:
            from engine.export import ExportPlan, command_line  # noqa: PLC0415 - matplotlib, in the compute thread

            return command_line(comparison, ExportPlan(figures, style))

        self._copy(text, "The command is on the clipboard.", everything=self._all_modules.isChecked())

    def _copy_latex(self) -> None:
        def text(comparison: Comparison, style: FigureStyle) -> str:
            from engine.latex import latex_figure  # noqa: PLC0415 - as above

            return latex_figure(comparison, style)

        self._copy(text, "The LaTeX block is on the clipboard.", everything=False)

    def _copy(self, text: Callable[[Comparison, FigureStyle], str], said: str, *, everything: bool) -> None:
        try:
            make_comparison = self._comparison_maker(everything=everything)
        except EngineError as error:
            self._set_status(error.reason, "error")
            return
        make_style = self._style_maker()

        def copied(answer: JobAnswer) -> None:
            if answer.failure is not None:
                self._set_status(answer.failure.sentence, "error")
                return
            QGuiApplication.clipboard().setText(answer.result)
            self._set_status(said, "muted")

        self._session.do(lambda: text(make_comparison(), make_style()), copied)

    def _set_status(self, text: str, role: str) -> None:
        self._status.setText(text)
        self._status.setProperty("role", role)
        self._status.style().unpolish(self._status)
        self._status.style().polish(self._status)

    def _update_button(self) -> None:
        boxes = (*self._figures.values(), *self._data.values())
        self._export.setEnabled(any(box.isChecked() for box in boxes))

    def _browse(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Export into", self._folder.text())
        if name:
            self._folder.setText(name)

    # --- what is exported: gathered here, made in the compute thread ---

    def _shown_results(self) -> list[str]:
        shown = {pair.slug for pair in self._session.shown}
        return [result.pair.slug for result in self._session.results if result.pair.slug in shown]

    def _comparison_maker(self, *, everything: bool) -> Callable[[], Comparison]:
        """What makes the comparison in the other thread.

        Raises:
            NothingComparable: the preset chosen does not fit these adapters.
        """
        session, preset = self._session, self._preset.currentData()
        pairing, side, device, skipped = session.pairing, session.side, session.device_in_use, session.skipped
        shown = frozenset(self._shown_results())
        if preset is not None:
            pairs = preset_pairs([result.pair for result in session.results], preset)
            shown = frozenset(pair.slug for pair in pairs)
        results = tuple(r for r in session.results if everything or r.pair.slug in shown)

        def make() -> Comparison:
            from engine.export import Comparison  # noqa: PLC0415 - matplotlib, in the compute thread

            if pairing is None:
                raise ValueError("there is nothing to export")
            cautions = tuple(filter(None, (base_model_caution(pairing), gauge_caution(side))))
            return Comparison(pairing.first, pairing.second, side, device, results, skipped, shown, cautions, preset)

        return make

    def _style_maker(self) -> Callable[[], FigureStyle]:
        venue = self._venue.currentText()
        width, label, tick = VENUES.get(venue, (self._width.value(), 9, 7))
        dpi, colour_map, levels = (
            int(self._dpi.currentText()),
            COLOUR_MAPS[self._map.currentIndex()],
            self._scale.levels if self._preset.currentData() is None else None,
        )
        view = self._scale.view
        switches = {name: switch.isChecked() for name, switch in self._switches.items()}

        def make() -> FigureStyle:
            from engine.figure import FigureStyle  # noqa: PLC0415 - matplotlib, in the compute thread

            return FigureStyle(width or None, dpi, colour_map, levels, label, tick, view, **switches)

        return make


def _heading(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "heading")
    return label
