"""The window: assembles the parts, and knows what a user can ask of the program."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSettings, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDragLeaveEvent, QDropEvent, QPaintEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QMainWindow, QWidget

from gui.actions.menus import Bindings, Menus
from gui.actions.situation import Situation
from gui.parts.notice_list import NoticeList
from gui.parts.notices import NoticeStrip
from gui.parts.status import DeviceLine, ProgressLine
from gui.program.demo import DEMO_ADAPTERS
from gui.sources.card import AdapterCard
from gui.sources.drops import dropped_paths, open_pasted
from gui.sources.selector import ModuleSelector
from gui.sources.sidebar import Sidebar
from gui.state.cautions import Cautions
from gui.state.file_watch import FileWatch
from gui.state.memory import MOST_RECENT, Memory, Pair, recent_pair_name
from gui.state.notice import Notice
from gui.state.session import Session
from gui.state.session_values import Which
from gui.state.worker import ComputeThread
from gui.style.names import name_choosers
from gui.style.theme import GRID, THEMES, choose_theme
from gui.window.centre import Centre
from gui.window.comparison_files import ComparisonFiles
from gui.window.dialogs import show_about, show_export, show_help, show_log
from gui.window.page_table import PAGES
from gui.window.returns import Returns
from gui.window.toolbar import Toolbar
from gui.window.view_options import ViewOptions

if TYPE_CHECKING:
    from gui.figure.grid import FigureView
    from gui.figure.read_out import ReadOut
    from gui.window.pages import ComparisonPane


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
        self._build_status()
        self._build_actions()
        name_choosers(self)
        self._restore_looks()
        self._listen()
        self.centre.show_what_there_is()
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
        self.centre = Centre(self.session, self.memory, self.cards, self.notices, lambda: self.options.actions)
        self.centre.empty.demo_asked.connect(self.open_demo)
        self.centre.empty.pair_asked.connect(self.open_pair)
        for card in self.cards.values():
            card.drag_entered.connect(self.centre.overlay.begin)
            card.drag_left.connect(self.centre.overlay.end)
            card.folder_used.connect(self.remember_folder)
        body = QWidget()
        layout = QHBoxLayout(body)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(Sidebar(self.cards.values(), self.selector))
        layout.addWidget(self.centre, 1)
        self.setCentralWidget(body)

    def _build_status(self) -> None:
        status = self.statusBar()
        status.setSizeGripEnabled(False)
        status.addWidget(ProgressLine(self.session), 1)
        status.addPermanentWidget(DeviceLine(self.session))

    def _build_actions(self) -> None:
        """The menus and the toolbar, and what they need to bring comparisons back."""
        self.returns = Returns(self.session, self.memory)
        self._files = ComparisonFiles(self.session, self.memory, self.remember_folder, self)
        self._listed_pairs: list[Pair] = []
        self.menus = Menus(self, self._bindings())
        self.menus[f"view.theme_{self.memory.theme}"].setChecked(True)
        self.menus.recent.aboutToShow.connect(self._list_recent)
        self._list_recent()
        self.options = ViewOptions(self.session, self.menus, self)
        self.toolbar = Toolbar(self.session, self.menus)
        self.addToolBar(self.toolbar)

    def _listen(self) -> None:
        session = self.session
        session.places.changed.connect(self._on_adapter)
        session.pairing_changed.connect(self._on_pairing)
        session.selection_changed.connect(self.centre.show_what_there_is)
        self.centre.page_changed.connect(self._update_actions)
        session.outcomes_changed.connect(lambda _slugs: self._update_actions())
        session.store.history_changed.connect(self._update_actions)
        session.notice_raised.connect(self.notices.add)
        session.notices_ended.connect(self.notices.end)
        self._cautions = Cautions(session, self)
        self.notices.closed.connect(self._cautions.on_closed)
        session.places.export_dropped.connect(self._files.reopen)
        self._watch = FileWatch(session, self.returns.reload, self)
        for card in self.cards.values():
            card.reload_asked.connect(self.returns.reload)

    def _bindings(self) -> Bindings:
        """What each action of the table does, by its id."""
        session, first, second = self.session, self.cards[Which.FIRST], self.cards[Which.SECOND]
        return {
            "file.open_first": first.choose_file,
            "file.open_second": second.choose_file,
            "file.open_first_folder": first.choose_folder,
            "file.open_second_folder": second.choose_folder,
            **{f"file.recent_{place}": partial(self._open_listed, place) for place in range(1, MOST_RECENT + 1)},
            "file.open_demo": self.open_demo,
            "file.reload": self.returns.reload,
            "file.open_comparison": self._files.open_comparison,
            "file.save_comparison": self._files.save_comparison,
            "file.export": self.export,
            "file.quit": self.close,
            "edit.undo": session.store.undo,
            "edit.redo": session.store.redo,
            "edit.copy": self.copy_page,
            "edit.paste": partial(open_pasted, session),
            "edit.swap": session.places.swap,
            "edit.clear": self.clear,
            "edit.back": self.back,
            **{page.action: partial(self.show_page, position) for position, page in enumerate(PAGES)},
            "view.inspector": self.toggle_inspector,
            "view.every_layer": self.selector.choose_all_layers,
            "view.spread_layers": self.selector.choose_spread_layers,
            "view.random_panel": lambda on: session.store.change(control=on),
            "view.smaller_rank": lambda on: session.store.change(square=on),
            "view.count_from_0": lambda on: session.store.change(count_from=0 if on else 1),
            **{f"view.theme_{name}": partial(self.set_theme, name) for name in THEMES},
            "view.full_screen": self.toggle_full_screen,
            "help.phi": partial(show_help, self),
            "help.log": show_log,
            "help.add_to_desktop": self.add_to_desktop,
            "help.remove_from_desktop": self.remove_from_desktop,
            "help.about": partial(show_about, session, self),
        }

    @property
    def pane(self) -> ComparisonPane:
        """What shows the comparison; made when first needed."""
        return self.centre.pane

    @property
    def notice_strip(self) -> NoticeStrip:
        """The notices over the page that is shown."""
        return self.centre.notice_strip

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
        self.session.places.open_paths(DEMO_ADAPTERS)

    def open_pair(self, pair: Pair) -> None:
        """Open two adapters that were compared before."""
        self.session.places.open_paths(pair)

    def _open_listed(self, place: int) -> None:
        self.open_pair(self._listed_pairs[place - 1])

    def clear(self) -> None:
        """Empty both places."""
        for which in Which:
            self.session.places.clear(which)

    def export(self) -> None:
        """Show the export dialog, if there is a figure."""
        if self._shown_are_known():
            show_export(self.session, self.figure, self.memory, self)

    def copy_page(self) -> None:
        """Put the page shown on the clipboard, and say so."""
        if self.session.shown:
            self.notices.add(Notice.news(self.pane.copy_page(), key="copied"))

    def back(self) -> None:
        """Show all panels again where one fills the figure; else stop computing."""
        if not self.centre.show_all_panels():
            self.session.tasks.cancel()

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
        place = self.session.places[which]
        if place.adapter is not None and place.opening is None and place.failure is None:
            self.memory.add_adapter(place.adapter.path)

    def _on_pairing(self) -> None:
        pairing = self.session.pairing
        if pairing is not None:
            self.memory.add_pair(pairing.first.path, pairing.second.path)
            self._list_recent()
        self.centre.show_what_there_is()

    def _shown_are_known(self) -> bool:
        return any(self.session.outcome(pair) is not None for pair in self.session.shown)

    def _update_actions(self) -> None:
        ranks_differ = any(pair.shape[0] != pair.shape[1] for pair in self.session.comparable)
        store = self.session.store
        self.menus.show_situation(
            Situation(self._shown_are_known(), ranks_differ, self.centre.page, store.can_undo, store.can_redo)
        )

    def _list_recent(self) -> None:
        self._listed_pairs = self.memory.pairs
        self.menus.list_recent([(recent_pair_name(pair), "\n".join(map(str, pair))) for pair in self._listed_pairs])

    def _update_title(self) -> None:
        names = " and ".join(filter(None, map(self.session.places.name, Which)))
        self.setWindowTitle(f"{names} – PhiScope" if names else "PhiScope")

    # --- window ---

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        paths = dropped_paths(event.mimeData())
        if paths:
            self.centre.overlay.begin(paths)
            event.acceptProposedAction()

    def dragLeaveEvent(self, _event: QDragLeaveEvent) -> None:
        self.centre.overlay.end()

    def dropEvent(self, event: QDropEvent) -> None:
        self.centre.overlay.hide()
        event.acceptProposedAction()
        self.session.places.open_paths(dropped_paths(event.mimeData()))

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
        store = self.session.store
        scale = store.document.scale
        for name in self.memory.colour_maps:
            scale = scale.with_map(name)
        store.change(is_step=False, count_from=self.memory.count_from, scale=scale)
        geometry, folder = self.memory.geometry, self.memory.folder
        if geometry is not None:
            self.restoreGeometry(geometry)
        if folder is not None:
            self._start_pickers_in(folder)

    def _remember_looks(self) -> None:
        self.memory.geometry = self.saveGeometry()
        self.memory.count_from = self.session.document.count_from
        scale = self.session.document.scale
        self.memory.colour_maps = [scale.sequential, scale.diverging]

    def remember_folder(self, folder: Path) -> None:
        """Start the next picker in this folder."""
        self._start_pickers_in(folder)
        self.memory.folder = folder

    def _start_pickers_in(self, folder: Path) -> None:
        for card in self.cards.values():
            card.set_start_folder(folder)
