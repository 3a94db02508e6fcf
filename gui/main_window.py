"""The window: assembles the parts, and holds menus and shortcuts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QSettings, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAction,
    QActionGroup,
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QGuiApplication,
    QKeySequence,
    QPaintEvent,
)
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QMenu,
    QMessageBox,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QToolBar,
    QVBoxLayout,
    QWidget,
)

from engine import __version__
from engine.devices import CPU
from engine.side import Side
from gui.adapter_card import AdapterCard
from gui.demo import DEMO_ADAPTERS
from gui.drops import DropOverlay, dropped_paths, pasted_paths
from gui.empty_state import EmptyState
from gui.module_selector import ModuleSelector
from gui.notices import NoticeBar
from gui.session import Session, Which
from gui.status import ProgressLine, ReadOut
from gui.theme import GRID, THEMES, choose_theme, icon
from gui.worker import ComputeThread

if TYPE_CHECKING:
    from gui.heatmap_grid import FigureView

_SIDEBAR_WIDTH = 304
_SIDE_NAMES = {Side.A: "A", Side.B: "B", Side.DW_RIGHT: "ΔW, right", Side.DW_LEFT: "ΔW, left"}


def stored_theme(settings: QSettings | None) -> str:
    """The theme that the user chose, one of THEMES."""
    chosen = settings.value("theme") if settings is not None else None
    return chosen if isinstance(chosen, str) and chosen in THEMES else THEMES[0]


def open_settings() -> QSettings:
    """The user's settings of this program."""
    return QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, "PhiScope", "PhiScope")


class MainWindow(QMainWindow):
    """PhiScope's one window. Closing it ends the compute thread first."""

    first_painted = Signal()

    def __init__(self, settings: QSettings | None = None) -> None:
        super().__init__()
        self._settings = settings
        self._painted = False
        self.compute = ComputeThread()
        self.session = Session(self.compute, self)
        self.setWindowTitle("PhiScope")
        self.setAcceptDrops(True)
        self.setMinimumSize(900, 560)
        self._fit_screen()
        self._build_parts()
        self._build_toolbar()
        self._build_menus()
        self._restore()
        self.session.adapter_changed.connect(lambda _which: self._update_title())
        self.session.pairing_changed.connect(self._show_page)
        self.session.selection_changed.connect(self._show_page)
        self.session.outcomes_changed.connect(lambda _slugs: self._on_outcomes())
        self.session.devices_changed.connect(self._show_devices)
        self.session.notice_raised.connect(self.notices.add)
        self._show_page()

    def _fit_screen(self) -> None:
        room = self.screen().availableGeometry().size()
        self.resize(min(1360, room.width() - 2 * GRID), min(860, room.height() - 5 * GRID))

    # --- parts ---

    def _build_parts(self) -> None:
        self.cards = {which: AdapterCard(which, self.session) for which in Which}
        self.selector = ModuleSelector(self.session)
        self.notices = NoticeBar()
        self.read_out = ReadOut(self.session)
        empty = EmptyState(self.session, self.cards)
        empty.demo_asked.connect(self.open_demo)
        self._pages = QStackedWidget()
        self._pages.addWidget(empty)
        self._figure: FigureView | None = None
        centre = QWidget()
        centre_layout = QVBoxLayout(centre)
        centre_layout.setContentsMargins(0, 0, 0, 0)
        centre_layout.setSpacing(0)
        notice_margin = QVBoxLayout()
        notice_margin.setContentsMargins(GRID, GRID, GRID, 0)
        notice_margin.addWidget(self.notices)
        centre_layout.addLayout(notice_margin)
        centre_layout.addWidget(self._pages, 1)
        centre_layout.addWidget(self.read_out)
        body = QWidget()
        layout = QHBoxLayout(body)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._sidebar())
        layout.addWidget(centre, 1)
        self.setCentralWidget(body)
        self._overlay = DropOverlay(centre, self.session)
        for card in self.cards.values():
            card.drag_entered.connect(self._overlay.begin)
            card.drag_left.connect(self._overlay.end)
        status = self.statusBar()
        status.setSizeGripEnabled(False)
        status.addWidget(ProgressLine(self.session), 1)
        self._device_label = QLabel()
        self._device_label.setProperty("role", "muted")
        self._device_label.setAccessibleName("Device in use")
        self._device_label.setContentsMargins(GRID, GRID // 2, 2 * GRID, GRID // 2)
        status.addPermanentWidget(self._device_label)

    def _sidebar(self) -> QWidget:
        inner = QWidget()
        inner.setObjectName("sidebar")
        layout = QVBoxLayout(inner)
        layout.setContentsMargins(GRID, GRID, GRID, GRID)
        layout.setSpacing(GRID)
        for card in self.cards.values():
            layout.addWidget(card)
            card.folder_used.connect(self._remember_folder)
        layout.addSpacing(GRID)
        layout.addWidget(self.selector, 1)
        scroll = QScrollArea()
        scroll.setWidget(inner)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFixedWidth(_SIDEBAR_WIDTH)
        return scroll

    def _build_toolbar(self) -> None:
        bar = QToolBar("Main")
        bar.setMovable(False)
        bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.addToolBar(bar)
        swap = QPushButton("Swap")
        swap.setIcon(icon("swap"))
        swap.setToolTip("Exchange the two adapters (Ctrl+Shift+X)")
        swap.clicked.connect(self.session.swap)
        bar.addWidget(swap)
        spacer = QWidget()
        spacer.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        bar.addWidget(spacer)
        bar.addWidget(QLabel("Side"))
        self._sides = QComboBox()
        for side, name in _SIDE_NAMES.items():
            self._sides.addItem(name, side)
        self._sides.setAccessibleName("Side")
        self._sides.setToolTip("Whose singular vectors are compared: A (the paper's), B, or ΔW's")
        self._sides.currentIndexChanged.connect(lambda _index: self.session.set_side(self._sides.currentData()))
        bar.addWidget(self._sides)
        bar.addWidget(QLabel("Device"))
        self._devices = QComboBox()
        self._devices.setAccessibleName("Device")
        self._devices.setToolTip("Where to compute; Automatic takes a GPU where there is one")
        self._devices.activated.connect(lambda _index: self.session.set_device(self._devices.currentData()))
        bar.addWidget(self._devices)
        self._export_button = QPushButton("Export…")
        self._export_button.setIcon(icon("export"))
        self._export_button.setToolTip("Write the figure and its numbers (Ctrl+E)")
        self._export_button.clicked.connect(self.export)
        bar.addWidget(self._export_button)
        self._show_devices()

    def _build_menus(self) -> None:
        file = self.menuBar().addMenu("&File")
        first, second = self.cards[Which.FIRST], self.cards[Which.SECOND]
        self._action(file, "Open the first adapter…", first.choose_file, QKeySequence.StandardKey.Open)
        self._action(file, "Open the second adapter…", second.choose_file, QKeySequence("Ctrl+Shift+O"))
        self._action(file, "Open the first adapter's folder…", first.choose_folder, QKeySequence("Ctrl+L"))
        self._action(file, "Open the second adapter's folder…", second.choose_folder, QKeySequence("Ctrl+Shift+L"))
        self._action(file, "Open the demo pair", self.open_demo, QKeySequence("Ctrl+D"))
        file.addSeparator()
        self._export_action = self._action(file, "Export…", self.export, QKeySequence("Ctrl+E"))
        file.addSeparator()
        self._action(file, "Quit", self.close, QKeySequence("Ctrl+Q"))
        edit = self.menuBar().addMenu("&Edit")
        self._copy_action = self._action(edit, "Copy the figure", self.copy_figure, QKeySequence.StandardKey.Copy)
        self._action(edit, "Paste adapters' paths", self.paste, QKeySequence.StandardKey.Paste)
        self._action(edit, "Swap the adapters", self.session.swap, QKeySequence("Ctrl+Shift+X"))
        self._action(edit, "Stop computing", self.session.cancel, QKeySequence("Esc"))
        view = self.menuBar().addMenu("&View")
        self._action(view, "Every layer", self.selector.choose_all_layers, QKeySequence("Ctrl+Shift+A"))
        self._action(view, "Four layers, as Figure 7", self.selector.choose_spread_layers, QKeySequence("Ctrl+7"))
        self._build_theme_menu(view)
        self._action(view, "Full screen", self._toggle_full_screen, QKeySequence("F11"))
        help_menu = self.menuBar().addMenu("&Help")
        self._action(help_menu, "About PhiScope", self.about, None)

    def _build_theme_menu(self, view: QMenu) -> None:
        menu = view.addMenu("Theme")
        group = QActionGroup(self)
        chosen = stored_theme(self._settings)
        for name in THEMES:
            action = self._action(menu, name.capitalize(), partial(self._set_theme, name), None)
            action.setCheckable(True)
            action.setChecked(name == chosen)
            group.addAction(action)

    def _set_theme(self, name: str) -> None:
        app = QApplication.instance()
        if isinstance(app, QApplication):
            choose_theme(app, name)
        if self._settings is not None:
            self._settings.setValue("theme", name)

    def _action(
        self, menu: QMenu, text: str, act: Callable[[], object],
        keys: QKeySequence | QKeySequence.StandardKey | None,
    ) -> QAction:  # fmt: skip
        action = QAction(text, self)
        if keys is not None:
            action.setShortcut(keys)
        action.triggered.connect(lambda _checked=False: act())
        menu.addAction(action)
        return action

    @property
    def figure(self) -> FigureView:
        """The panels; made when first needed, since pyqtgraph takes longer to load than the rest of the window."""
        if self._figure is None:
            from gui.colour_scale import ColourScale  # noqa: PLC0415 - as above
            from gui.heatmap_grid import FigureArea, FigureView  # noqa: PLC0415

            self._figure = FigureView(self.session, ColourScale(self))
            self._figure.cell_hovered.connect(self.read_out.show_cell)
            self._pages.addWidget(FigureArea(self._figure))
        return self._figure

    def load_figure(self) -> None:
        """Make the panels before they are needed."""
        self.figure.lay_out()

    # --- what a user asks for ---

    def open_demo(self) -> None:
        """Open the two adapters that come with the program."""
        self.session.open_paths(DEMO_ADAPTERS)

    def export(self) -> None:
        """Show the export dialog."""
        if self._shown_are_known():
            from gui.export_dialog import ExportDialog  # noqa: PLC0415 - NumPy stays out of the first paint

            ExportDialog(self.session, self.figure.scale, self).exec()

    def copy_figure(self) -> None:
        """Put the figure as it is on the screen on the clipboard."""
        if self.session.shown:
            QGuiApplication.clipboard().setPixmap(self.figure.grab())

    def paste(self) -> None:
        """Open the adapters whose paths or files are on the clipboard."""
        data = QGuiApplication.clipboard().mimeData()
        paths = dropped_paths(data) or pasted_paths(data.text())
        if paths:
            self.session.open_paths(paths)

    def about(self) -> None:
        """Say what this program is."""
        QMessageBox.about(
            self, "About PhiScope",
            f"<b>PhiScope {__version__}</b><p>How much of what two LoRA adapters learned they share: the normalised "
            "subspace similarity φ of Hu et al., <i>LoRA</i> (arXiv 2106.09685), §7.2, layer by layer.</p>"
            f"<p>Computing on {self.session.device_in_use.name}.</p>",
        )  # fmt: skip

    def _toggle_full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    # --- what the session says ---

    def _show_page(self) -> None:
        if self.session.shown:
            self.figure.show_selection()
            self._pages.setCurrentIndex(1)
        else:
            self._pages.setCurrentIndex(0)
        self.read_out.show_cell(None)
        self._update_actions()

    def _on_outcomes(self) -> None:
        self._update_actions()
        self.read_out.refresh()

    def _shown_are_known(self) -> bool:
        return any(self.session.outcome(pair) is not None for pair in self.session.shown)

    def _update_actions(self) -> None:
        known = self._shown_are_known()
        self._export_button.setEnabled(known)
        self._export_action.setEnabled(known)
        self._copy_action.setEnabled(known)

    def _update_title(self) -> None:
        adapters = [self.session.place(which).adapter for which in Which]
        names = " and ".join(adapter.name for adapter in adapters if adapter)
        self.setWindowTitle(f"{names} – PhiScope" if names else "PhiScope")

    def _show_devices(self) -> None:
        chosen = self.session.device
        self._devices.clear()
        self._devices.addItem("Automatic", None)
        for device in (*self.session.devices, CPU):
            self._devices.addItem(device.name, device)
        self._devices.setCurrentIndex(max(0, self._devices.findData(chosen)) if chosen else 0)
        self._device_label.setText(f"Computing on {self.session.device_in_use.name}")

    # --- window ---

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        paths = dropped_paths(event.mimeData())
        if paths:
            self._overlay.begin(paths)
            event.acceptProposedAction()

    def dragLeaveEvent(self, _event: QDragLeaveEvent) -> None:
        self._overlay.end()

    def dropEvent(self, event: QDropEvent) -> None:
        self._overlay.hide()
        event.acceptProposedAction()
        self.session.open_paths(dropped_paths(event.mimeData()))

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._painted:
            self._painted = True
            QTimer.singleShot(0, self.first_painted.emit)

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._settings is not None:
            self._settings.setValue("window/geometry", self.saveGeometry())
        self.compute.shut_down()
        event.accept()

    def _restore(self) -> None:
        if self._settings is None:
            return
        geometry = self._settings.value("window/geometry")
        if isinstance(geometry, QByteArray):
            self.restoreGeometry(geometry)
        folder = self._settings.value("folder")
        if isinstance(folder, str):
            self._remember_folder(Path(folder))

    def _remember_folder(self, folder: Path) -> None:
        for card in self.cards.values():
            card.set_start_folder(folder)
        if self._settings is not None:
            self._settings.setValue("folder", str(folder))
