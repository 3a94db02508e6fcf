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
    QSizePolicy,
    QStackedWidget,
    QToolBar,
    QVBoxLayout,
    QWidget,
)

from engine.side import Side
from engine.subspaces.devices import CPU
from engine.wording import listed
from gui.parts.notice_list import NoticeList
from gui.parts.notices import NoticeStrip
from gui.parts.status import ProgressLine
from gui.program.demo import DEMO_ADAPTERS
from gui.sources.card import AdapterCard
from gui.sources.drops import DropOverlay, dropped_paths, is_there, pasted_paths
from gui.sources.selector import ModuleSelector
from gui.sources.sidebar import Sidebar
from gui.state.cautions import Cautions
from gui.state.file_watch import FileWatch
from gui.state.memory import Memory, Pair
from gui.state.notice import Notice
from gui.state.session import Session
from gui.state.session_values import Which
from gui.state.view_options import ViewOptions
from gui.state.worker import ComputeThread
from gui.style.names import name_choosers
from gui.style.theme import GRID, choose_theme, icon
from gui.window.comparison_files import ComparisonFiles
from gui.window.empty_state import EmptyState
from gui.window.menus import Menus
from gui.window.returns import Returns

if TYPE_CHECKING:
    from gui.figure.grid import FigureView
    from gui.figure.read_out import ReadOut
    from gui.parts.colour_scale import ColourScale
    from gui.window.pages import ComparisonPane

_SIDE_NAMES = {Side.A: "A", Side.B: "B", Side.DW_RIGHT: "ΔW, right", Side.DW_LEFT: "ΔW, left"}


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
        self.compute = ComputeThread()
        self.session = Session(self.compute, self)
        self.setWindowTitle("PhiScope")
        self.setAcceptDrops(True)
        self.setMinimumSize(900, 560)
        self._fit_screen()
        self._build_parts()
        self._build_toolbar()
        name_choosers(self)
        self.returns = Returns(self.session, self.memory, self._scale, self)
        self.files = ComparisonFiles(
            self.session, self.memory, self._scale, self.returns.open_again, self.remember_folder, self
        )
        self.options = ViewOptions(self.session, self)
        self._menus = Menus(self)
        self._restore_looks()
        self.session.adapter_changed.connect(self._on_adapter)
        self.session.pairing_changed.connect(self._on_pairing)
        self.session.selection_changed.connect(self._show_page)
        self.session.outcomes_changed.connect(lambda _slugs: self._update_actions())
        self.session.devices_changed.connect(self._show_devices)
        self.session.notice_raised.connect(self.notices.add)
        self.session.notices_ended.connect(self.notices.end)
        self._cautions = Cautions(self.session, self)
        self.notices.closed.connect(self._cautions.on_closed)
        self.session.export_dropped.connect(self.files.reopen)
        self._watch = FileWatch(self.session, self.returns.reload, self)
        for card in self.cards.values():
            card.reload_asked.connect(self.returns.reload)
        self._show_page()
        self.setFocus()  # Tab begins with the first control, and no control has a ring before

    def _fit_screen(self) -> None:
        room = self.screen().availableGeometry().size()
        wanted_width, wanted_height = max(1360, room.width() * 2 // 3), max(860, room.height() * 2 // 3)
        self.resize(min(wanted_width, room.width() - 2 * GRID), min(wanted_height, room.height() - 5 * GRID))

    # --- parts ---

    def _build_parts(self) -> None:
        self.cards = {which: AdapterCard(which, self.session, self.memory) for which in Which}
        self.selector = ModuleSelector(self.session)
        self.notices = NoticeList(self)
        self._empty = empty = EmptyState(self.session, self.cards, self.memory)
        empty.demo_asked.connect(self.open_demo)
        empty.pair_asked.connect(self.open_pair)
        self._pages = QStackedWidget()
        self._pages.addWidget(empty)
        self._pane: ComparisonPane | None = None
        centre = QWidget()
        centre_layout = QVBoxLayout(centre)
        centre_layout.setContentsMargins(0, 0, 0, 0)
        centre_layout.setSpacing(0)
        centre_layout.addWidget(self._pages, 1)
        body = QWidget()
        layout = QHBoxLayout(body)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(Sidebar(self.cards.values(), self.selector))
        layout.addWidget(centre, 1)
        self.setCentralWidget(body)
        self.notice_strip = NoticeStrip(self.notices, centre)
        self.notice_strip.lie_over(empty)
        self._overlay = DropOverlay(centre, self.session)
        for card in self.cards.values():
            card.drag_entered.connect(self._overlay.begin)
            card.drag_left.connect(self._overlay.end)
            card.folder_used.connect(self.remember_folder)
        status = self.statusBar()
        status.setSizeGripEnabled(False)
        status.addWidget(ProgressLine(self.session), 1)
        self._device_label = QLabel()
        self._device_label.setProperty("role", "muted")
        self._device_label.setAccessibleName("Device in use")
        self._device_label.setContentsMargins(GRID, GRID // 2, 2 * GRID, GRID // 2)
        status.addPermanentWidget(self._device_label)

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
        self._sides.activated.connect(lambda _index: self.session.set_side(self._sides.currentData()))
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
            from gui.window.pages import ComparisonPane  # noqa: PLC0415 - as above

            self._pane = ComparisonPane(self.session, self.options.actions)
            self._pages.addWidget(self._pane)
            for name in self.memory.colour_maps:
                self._pane.scale.set_map(name)
            if self.memory.inspector:
                self._pane.toggle_inspector()
            self._pane.inspector_toggled.connect(self._remember_inspector)
            self._pane.page_changed.connect(self._on_page)
        return self._pane

    @property
    def figure(self) -> FigureView:
        """The panels."""
        return self.pane.figure

    @property
    def read_out(self) -> ReadOut:
        """The line below the panels."""
        return self.pane.read_out

    def _scale(self) -> ColourScale:
        return self.pane.scale

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

    def clear(self) -> None:
        """Empty both places."""
        for which in Which:
            self.session.clear(which)

    def export(self) -> None:
        """Show the export dialog."""
        if self._shown_are_known():
            from gui.exporting.dialog import ExportDialog  # noqa: PLC0415 - NumPy stays out of the first paint

            dialog = ExportDialog(self.session, self.pane.scale, self.memory, self, self.figure.alone)
            dialog.exec()
            dialog.deleteLater()

    def copy_page(self) -> None:
        """Put the page shown on the clipboard, and say so."""
        if self.session.shown:
            self.notices.add(Notice.news(self.pane.copy_page(), key="copied"))

    def paste(self) -> None:
        """Open the adapters whose paths or files are on the clipboard."""
        data = QGuiApplication.clipboard().mimeData()
        dropped, pasted = dropped_paths(data), pasted_paths(data.text())
        paths = dropped or [path for path in pasted if is_there(path)]
        absent = [str(path) for path in pasted if path not in paths] if not dropped else []
        if absent:
            said = f"There is no file or folder {listed(absent, 3)}."
            self.session.notice_raised.emit(Notice.error(said, "\n".join(absent)))
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
        from gui.window.help import HelpWindow  # noqa: PLC0415 - when first asked for

        page = HelpWindow(self)
        page.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        page.show()

    def about(self) -> None:
        """Say what this program is."""
        from gui.window.help import AboutDialog  # noqa: PLC0415 - when first asked for

        AboutDialog(self.session.device_in_use.name, self).exec()

    def show_log(self) -> None:
        """Open the folder of the log file."""
        from gui.program.log_file import log_path  # noqa: PLC0415 - when first asked for

        QDesktopServices.openUrl(QUrl.fromLocalFile(str(log_path().parent)))

    def add_to_desktop(self) -> None:
        """Put the program into the menu of applications, and say so."""
        self._change_desktop(remove=False)

    def remove_from_desktop(self) -> None:
        """Take it out of the menu again, and say so."""
        self._change_desktop(remove=True)

    def _change_desktop(self, *, remove: bool) -> None:
        from gui.desktop import integration  # noqa: PLC0415 - when first asked for

        done = integration.carry_out(remove=remove)
        self.notices.add((Notice.news if done.succeeded else Notice.error)(done.sentence))

    # --- what the session says ---

    def _on_adapter(self, which: Which) -> None:
        self._update_title()
        place = self.session.place(which)
        if place.adapter is not None and place.opening is None and place.failure is None:
            self.memory.add_adapter(place.adapter.path)

    def _on_pairing(self) -> None:
        self._sides.setCurrentIndex(list(_SIDE_NAMES).index(self.session.side))
        pairing = self.session.pairing
        if pairing is not None:
            self.returns.take_up_settings()
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
        self._on_page()
        self._update_actions()

    def _on_page(self) -> None:
        if self._pages.currentIndex() > 0:
            self.notice_strip.lie_over(self.pane.page_seen, below=self.pane.page != "Grid")
            self._menus.name_copied(self.pane.page)
        else:
            self.notice_strip.lie_over(self._empty)

    def _shown_are_known(self) -> bool:
        return any(self.session.outcome(pair) is not None for pair in self.session.shown)

    def _update_actions(self) -> None:
        known = self._shown_are_known()
        self._export_button.setEnabled(known)
        self._menus.set_has_figure(known)

    def _update_title(self) -> None:
        names = " and ".join(filter(None, map(self.session.name, Which)))
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
        self._remember_looks()
        self.returns.remember()
        self.compute.shut_down()
        event.accept()

    # --- what is remembered ---

    def _restore_looks(self) -> None:
        self.session.count_layers_from(self.memory.count_from)
        geometry, folder = self.memory.geometry, self.memory.folder
        if geometry is not None:
            self.restoreGeometry(geometry)
        if folder is not None:
            self._start_pickers_in(folder)

    def _remember_looks(self) -> None:
        self.memory.geometry = self.saveGeometry()
        self.memory.count_from = self.session.count_from
        if self._pane is not None:
            self.memory.colour_maps = self._pane.scale.names

    def _remember_inspector(self, shown: bool) -> None:
        self.memory.inspector = shown

    def remember_folder(self, folder: Path) -> None:
        """Start the next picker in this folder."""
        self._start_pickers_in(folder)
        self.memory.folder = folder

    def _start_pickers_in(self, folder: Path) -> None:
        for card in self.cards.values():
            card.set_start_folder(folder)
