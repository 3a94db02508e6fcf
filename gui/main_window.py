"""The window: assembles the parts, and knows what a user can ask of the program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSettings, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDesktopServices,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QGuiApplication,
    QPaintEvent,
)
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QToolBar,
    QVBoxLayout,
    QWidget,
)

from engine.devices import CPU
from engine.side import Side
from gui.adapter_card import AdapterCard
from gui.demo import DEMO_ADAPTERS
from gui.drops import DropOverlay, dropped_paths, pasted_paths
from gui.empty_state import EmptyState
from gui.memory import LastSession, Memory, Pair
from gui.menus import Menus
from gui.module_selector import ModuleSelector
from gui.notices import NoticeBar
from gui.session import Session, Which
from gui.status import ProgressLine
from gui.theme import GRID, choose_theme, icon
from gui.worker import ComputeThread, Failure, JobAnswer

if TYPE_CHECKING:
    from gui.comparison_pane import ComparisonPane
    from gui.heatmap_grid import FigureView
    from gui.status import ReadOut

_SIDEBAR_WIDTH = 304
_SIDE_NAMES = {Side.A: "A", Side.B: "B", Side.DW_RIGHT: "ΔW, right", Side.DW_LEFT: "ΔW, left"}
_SIDE_VALUES = [side.value for side in _SIDE_NAMES]


def open_settings() -> QSettings:
    """The user's settings of this program."""
    return QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, "PhiScope", "PhiScope")


class MainWindow(QMainWindow):
    """PhiScope's one window. Closing it ends the compute thread first."""

    first_painted = Signal()

    def __init__(self, memory: Memory | None = None) -> None:
        super().__init__()
        self.memory = memory or Memory()
        self._painted = False
        self._restoring: LastSession | None = None
        self.compute = ComputeThread()
        self.session = Session(self.compute, self)
        self.setWindowTitle("PhiScope")
        self.setAcceptDrops(True)
        self.setMinimumSize(900, 560)
        self._fit_screen()
        self._build_parts()
        self._build_toolbar()
        self._menus = Menus(self)
        self._restore_looks()
        self.session.adapter_changed.connect(lambda _which: self._update_title())
        self.session.pairing_changed.connect(self._on_pairing)
        self.session.selection_changed.connect(self._show_page)
        self.session.outcomes_changed.connect(lambda _slugs: self._update_actions())
        self.session.devices_changed.connect(self._show_devices)
        self.session.notice_raised.connect(self.notices.add)
        self.session.export_dropped.connect(self.reopen)
        self._show_page()

    def _fit_screen(self) -> None:
        room = self.screen().availableGeometry().size()
        self.resize(min(1360, room.width() - 2 * GRID), min(860, room.height() - 5 * GRID))

    # --- parts ---

    def _build_parts(self) -> None:
        self.cards = {which: AdapterCard(which, self.session) for which in Which}
        self.selector = ModuleSelector(self.session)
        self.notices = NoticeBar()
        empty = EmptyState(self.session, self.cards)
        empty.demo_asked.connect(self.open_demo)
        self._pages = QStackedWidget()
        self._pages.addWidget(empty)
        self._pane: ComparisonPane | None = None
        centre = QWidget()
        centre_layout = QVBoxLayout(centre)
        centre_layout.setContentsMargins(0, 0, 0, 0)
        centre_layout.setSpacing(0)
        centre_layout.addWidget(self.notices)
        centre_layout.addWidget(self._pages, 1)
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

    @property
    def pane(self) -> ComparisonPane:
        """What shows the comparison; made when first needed, since pyqtgraph takes longer to load than the window."""
        if self._pane is None:
            from gui.comparison_pane import ComparisonPane  # noqa: PLC0415 - as above

            self._pane = ComparisonPane(self.session)
            self._pages.addWidget(self._pane)
            if self.memory.inspector:
                self._pane.toggle_inspector()
            self._pane.inspector_toggled.connect(self._remember_inspector)
        return self._pane

    @property
    def figure(self) -> FigureView:
        """The panels."""
        return self.pane.figure

    @property
    def read_out(self) -> ReadOut:
        """The line below the panels."""
        return self.pane.read_out

    def load_figure(self) -> None:
        """Make the panels before they are needed."""
        self.figure.lay_out()

    # --- what a user asks for ---

    def open_demo(self) -> None:
        """Open the two adapters that come with the program."""
        self.session.open_paths(DEMO_ADAPTERS)

    def open_pair(self, pair: Pair) -> None:
        """Open two adapters that were compared before."""
        self.session.open_paths(pair)

    def reopen(self, path: Path) -> None:
        """Open the comparison that an exported figure or comparison.json shows, where its adapters are found."""
        places = [path.parent, path.parent.parent, *self.memory.adapters]

        def find() -> LastSession:
            from engine.reopening import find_adapter, read_saved  # noqa: PLC0415 - NumPy, in the compute thread

            saved = read_saved(path)
            first, second = (find_adapter(adapter, places) for adapter in (saved.first, saved.second))
            return LastSession(str(first.path), str(second.path), saved.side.value, saved.panels)

        def open_found(answer: JobAnswer) -> None:
            if answer.failure is not None:
                self.session.notice_raised.emit(answer.failure)
            else:
                self._open_again(answer.result)

        self.session.do(find, open_found)

    def _open_again(self, what: LastSession) -> None:
        self._restoring = what
        self.session.open_paths([Path(what.first), Path(what.second)])

    def clear(self) -> None:
        """Empty both places."""
        for which in Which:
            self.session.clear(which)

    def export(self) -> None:
        """Show the export dialog."""
        if self._shown_are_known():
            from gui.export_dialog import ExportDialog  # noqa: PLC0415 - NumPy stays out of the first paint

            ExportDialog(self.session, self.pane.scale, self.memory, self).exec()

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

    def back(self) -> None:
        """Show all panels again where one fills the figure; else stop computing."""
        if self._pane is not None and self._pane.figure.zoomed:
            self._pane.figure.zoom(None)
        else:
            self.session.cancel()

    def show_page(self, position: int) -> None:
        """Show the grid, the atlas or the findings."""
        self.pane.show_page(position)

    def toggle_inspector(self) -> None:
        """Show or fold away the inspector."""
        self.pane.toggle_inspector()

    def set_theme(self, name: str) -> None:
        """Follow the system, or keep to light or dark."""
        app = QApplication.instance()
        if isinstance(app, QApplication):
            choose_theme(app, name)
        self.memory.theme = name

    def toggle_full_screen(self) -> None:
        """Fill the screen, or give it back."""
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def help(self) -> None:
        """Show the page on φ."""
        from gui.help import HelpWindow  # noqa: PLC0415 - when first asked for

        page = HelpWindow(self)
        page.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        page.show()

    def about(self) -> None:
        """Say what this program is."""
        from gui.help import AboutDialog  # noqa: PLC0415 - when first asked for

        AboutDialog(self.session.device_in_use.name, self).exec()

    def show_log(self) -> None:
        """Open the folder of the log file."""
        from gui.log_file import log_path  # noqa: PLC0415 - when first asked for

        QDesktopServices.openUrl(QUrl.fromLocalFile(str(log_path().parent)))

    def add_to_desktop(self) -> None:
        """Put the program into the menu of applications, and say so."""
        from gui import desktop_integration  # noqa: PLC0415 - when first asked for

        self.notices.add(Failure(desktop_integration.carry_out(remove=False).sentence, is_caution=True))

    def remove_from_desktop(self) -> None:
        """Take it out of the menu again, and say so."""
        from gui import desktop_integration  # noqa: PLC0415 - when first asked for

        self.notices.add(Failure(desktop_integration.carry_out(remove=True).sentence, is_caution=True))

    # --- what the session says ---

    def _on_pairing(self) -> None:
        pairing = self.session.pairing
        if pairing is not None:
            self._restore_selection()
            self.memory.add_pair(pairing.first.path, pairing.second.path)
            self._menus.show_recent()
        self._show_page()

    def _show_page(self) -> None:
        if self.session.shown:
            self.figure.show_selection()
            self._pages.setCurrentWidget(self.pane)
            self.read_out.show_cell(None)
        else:
            self._pages.setCurrentIndex(0)
        self._update_actions()

    def _shown_are_known(self) -> bool:
        return any(self.session.outcome(pair) is not None for pair in self.session.shown)

    def _update_actions(self) -> None:
        known = self._shown_are_known()
        self._export_button.setEnabled(known)
        self._menus.set_has_figure(known)

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
        self.memory.geometry = self.saveGeometry()
        self._remember_session()
        self.compute.shut_down()
        event.accept()

    # --- what is remembered ---

    def _restore_looks(self) -> None:
        geometry, folder = self.memory.geometry, self.memory.folder
        if geometry is not None:
            self.restoreGeometry(geometry)
        if folder is not None:
            self._start_pickers_in(folder)

    def restore_session(self) -> None:
        """Open what was open when the window was closed; what has gone since is said."""
        last = self.memory.last_session
        if last is None:
            return
        paths = [Path(last.first), Path(last.second)]
        gone = [path.name for path in paths if not path.exists()]
        if gone:
            self.notices.add(Failure(f"The last session cannot be restored: {' and '.join(gone)} has gone."))
            return
        self._open_again(last)

    def _restore_selection(self) -> None:
        last, self._restoring = self._restoring, None
        pairing = self.session.pairing
        if last is None or pairing is None:
            return
        if (str(pairing.first.path), str(pairing.second.path)) != (last.first, last.second):
            self._restoring = last  # only the first of both is there yet, beside one of before
            return
        index = _SIDE_VALUES.index(last.side) if last.side in _SIDE_VALUES else 0
        self._sides.setCurrentIndex(index)
        known = {pair.slug for pair in self.session.comparable}
        selected = [slug for slug in last.selected if slug in known]
        if selected:
            self.session.select(selected)

    def _remember_session(self) -> None:
        pairing = self.session.pairing
        if pairing is None or (pairing.first.path, pairing.second.path) == tuple(DEMO_ADAPTERS):
            self.memory.last_session = None
            return
        self.memory.last_session = LastSession(
            str(pairing.first.path), str(pairing.second.path), self.session.side.value,
            tuple(pair.slug for pair in self.session.shown),
        )  # fmt: skip

    def _remember_inspector(self, shown: bool) -> None:
        self.memory.inspector = shown

    def _remember_folder(self, folder: Path) -> None:
        self._start_pickers_in(folder)
        self.memory.folder = folder

    def _start_pickers_in(self, folder: Path) -> None:
        for card in self.cards.values():
            card.set_start_folder(folder)
