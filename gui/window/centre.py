"""The middle of the window: the empty state or the comparison, and what lies over them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from gui.parts.notice_list import NoticeList
from gui.parts.notices import NoticeStrip
from gui.sources.card import AdapterCard
from gui.sources.drops import DropOverlay
from gui.state.memory import Memory
from gui.state.session import Session
from gui.state.session_values import Which
from gui.window.empty_state import EmptyState

if TYPE_CHECKING:
    from gui.window.pages import ComparisonPane


class Centre(QWidget):
    """Shows the comparison as soon as a panel is selected. `options` gives the switches in its header."""

    page_changed = Signal()

    def __init__(
        self, session: Session, memory: Memory, cards: Mapping[Which, AdapterCard], notices: NoticeList,
        options: Callable[[], Sequence[QAction]],
    ) -> None:  # fmt: skip
        super().__init__()
        self._session, self._memory, self._options = session, memory, options
        self.empty = EmptyState(session, cards, memory)
        self._pages = QStackedWidget()
        self._pages.addWidget(self.empty)
        self._pane: ComparisonPane | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._pages, 1)
        self.notice_strip = NoticeStrip(notices, self)
        self.notice_strip.lie_over(self.empty)
        self.overlay = DropOverlay(self, session)

    @property
    def pane(self) -> ComparisonPane:
        """What shows the comparison; made when first needed, since pyqtgraph takes longer to load than the window."""
        if self._pane is None:
            from gui.window.pages import ComparisonPane  # noqa: PLC0415 - as above

            self._pane = ComparisonPane(self._session, self._options())
            self._pages.addWidget(self._pane)
            if self._memory.inspector:
                self._pane.toggle_inspector()
            self._pane.inspector_toggled.connect(self._remember_inspector)
            self._pane.page_changed.connect(self._on_page)
        return self._pane

    @property
    def page(self) -> str:
        """The page of the comparison; empty before there has been one."""
        return self._pane.page if self._pane is not None else ""

    def show_what_there_is(self) -> None:
        """Show the panels selected, or that there are none."""
        if self._session.shown:
            self.pane.figure.show_selection()
            self._pages.setCurrentWidget(self.pane)
            self.pane.read_out.show_cell(None)
        else:
            self._pages.setCurrentWidget(self.empty)
        self._on_page()

    def show_all_panels(self) -> bool:
        """Show all panels again where one fills the figure; whether one did."""
        if self._pane is None or not self._pane.figure.zoomed:
            return False
        self._pane.figure.zoom(None)
        return True

    def _remember_inspector(self, shown: bool) -> None:
        self._memory.inspector = shown

    def _on_page(self) -> None:
        if self._pages.currentWidget() is self._pane:
            self.notice_strip.lie_over(self.pane.page_seen, below=self.pane.page != "Grid")
        else:
            self.notice_strip.lie_over(self.empty)
        self.page_changed.emit()
