"""The notices over the figure's upper edge: one calm line, opened to the list of all of them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QGuiApplication, QKeyEvent
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from engine.wording import count
from gui.parts.notice_list import NoticeList
from gui.parts.notice_row import WORDS, NoticeRow
from gui.state.notice import Notice, Severity
from gui.style.theme import GRID
from gui.style.widgets import button, set_style

_PART_OF_THE_PAGE = 3  # the list takes a third of its height at most
_LEAST_WIDTH, _LIST_WIDTH, _LEAST_LIST = 320, 880, 80


class NoticeStrip(QFrame):
    """Lies over an edge of a page, and moves nothing that is there.

    Closed it shows the error or caution that matters most, and the latest news below it; opened, all notices.
    """

    def __init__(self, notices: NoticeList, parent: QWidget) -> None:
        super().__init__(parent)
        self._list = notices
        self._rows: dict[Notice, NoticeRow] = {}
        self._edge: QWidget | None = None
        self._is_below = False
        self._is_open = False
        self.setProperty("role", "notices")
        self.setAccessibleName("Notices")
        self._build()
        notices.is_held = self._may_be_read_now
        notices.changed.connect(self._refresh)
        notices.arrived.connect(self._announce)
        parent.installEventFilter(self)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.focusChanged.connect(self._on_focus)
        self.hide()

    def _build(self) -> None:
        self._count = QLabel()
        self._count.setProperty("role", "muted")
        self._copy = button("Copy details", "Copy all notices with their details", self.copy_details, chip=True)
        self._fewer = button("Fewer", "Show one line again (Esc)", lambda: self.show_list(False), chip=True)
        self._fewer.setAccessibleName("Show fewer notices")
        self._head = QWidget()
        head = QHBoxLayout(self._head)
        head.setContentsMargins(GRID, 0, 0, 0)
        head.setSpacing(GRID)
        head.addWidget(self._count, 1)
        head.addWidget(self._copy)
        head.addWidget(self._fewer)
        inner = QWidget()
        self._inner = QVBoxLayout(inner)
        self._inner.setContentsMargins(0, 0, 0, 0)
        self._inner.setSpacing(GRID // 2)
        self._scroll = QScrollArea()
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # it follows what has the focus in it
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(inner)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(GRID // 2, GRID // 2 - 1, GRID // 2, GRID // 2 - 1)
        self._layout.setSpacing(GRID // 2)
        self._layout.addWidget(self._head)
        self._layout.addWidget(self._scroll, 1)

    # --- where it lies ---

    def lie_over(self, page: QWidget, *, below: bool = False) -> None:
        """Lie over the upper edge of this page from now on, or `below`, over the lower one."""
        self._is_below = below
        if page is not self._edge:
            if self._edge is not None:
                self._edge.removeEventFilter(self)
            self._edge = page
            page.installEventFilter(self)
        self._fit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Move, QEvent.Type.Show):
            self._fit()
        return super().eventFilter(watched, event)

    def _fit(self) -> None:
        """Take the place and the size that what is shown needs."""
        page, parent = self._edge, self.parentWidget()
        if page is None or parent is None or not self._rows:
            return
        corner = page.mapTo(parent, QPoint(0, 0))
        room = page.width() - 2 * GRID
        shown = self._shown()
        if self._is_open:
            width = min(room, _LIST_WIDTH)
            for row in shown:
                row.show_all()
        else:
            self._show_lines(shown, room)
            width = min(room, max(_LEAST_WIDTH, *(row.natural_width + 2 * GRID for row in shown)))
        around, frame = self._layout.contentsMargins(), 2 * self.frameWidth()
        inner = width - around.left() - around.right() - frame
        rows = sum(row.height_in(inner) for row in shown) + self._inner.spacing() * (len(shown) - 1)
        height = around.top() + rows + around.bottom() + frame
        if self._is_open:
            height += self._head.sizeHint().height() + self._layout.spacing()
            height = min(height, max(page.height() // _PART_OF_THE_PAGE, _LEAST_LIST))
        inset = GRID + GRID // 2
        top = page.height() - height - inset if self._is_below else inset
        self.setGeometry(corner.x() + GRID, corner.y() + top, width, height)

    # --- what it shows ---

    @property
    def is_open(self) -> bool:
        """Whether all notices are shown."""
        return self._is_open

    def show_list(self, opened: bool) -> None:
        """Show all notices, or what matters most."""
        focus = QApplication.focusWidget()
        had_focus = focus is not None and self.isAncestorOf(focus)
        self._is_open = opened
        self._refresh()
        if had_focus:
            self._focus(self._fewer if opened else self._shown()[0].stops[0])

    def _shown(self) -> list[NoticeRow]:
        notices = self._list.in_reading_order
        if not self._is_open:
            lasting = [notice for notice in notices if notice.severity is not Severity.NEWS]
            news = [notice for notice in notices if notice.severity is Severity.NEWS]
            notices = (*lasting[:1], *news[:1])
        return [self._rows[notice] for notice in notices]

    def _refresh(self) -> None:
        """Show the notices that there are now."""
        notices = self._list.in_reading_order
        position = self._focused_position()
        for notice in [notice for notice in self._rows if notice not in notices]:
            row = self._rows.pop(notice)
            self._inner.removeWidget(row)
            row.hide()
            row.deleteLater()
        if not notices:
            self._is_open = False
            self.hide()
            return
        for place, notice in enumerate(notices):
            if notice not in self._rows:
                self._rows[notice] = self._new_row(notice)
            self._inner.insertWidget(place, self._rows[notice])
        shown = self._shown()
        for row in self._rows.values():
            row.setVisible(row in shown)
        self._head.setVisible(self._is_open)
        policy = Qt.ScrollBarPolicy
        self._scroll.setVerticalScrollBarPolicy(
            policy.ScrollBarAsNeeded if self._is_open else policy.ScrollBarAlwaysOff
        )
        self._count.setText(counted(notices))
        self.setAccessibleDescription(counted(notices))
        set_style(self, "severity", notices[0].severity.name.lower())
        self._order_tabs()
        self._fit()
        self.show()
        self.raise_()
        if position is not None:
            self._focus(shown[min(position, len(shown) - 1)].stops[-1])

    def _show_lines(self, shown: Sequence[NoticeRow], room: int) -> None:
        """Show these in single lines; the first one tells how much more there is to read."""
        for row in shown:
            row.show_line("")
        hidden = len(self._rows) - len(shown)
        cut = any(row.notice.details or row.natural_width > room for row in shown)
        shown[0].show_line(f"{hidden} more" if hidden else "More" if cut else "")

    def _new_row(self, notice: Notice) -> NoticeRow:
        row = NoticeRow(notice)
        row.closed.connect(self._list.close)
        row.opening.connect(lambda: self.show_list(True))
        return row

    # --- keyboard and screen readers ---

    def _order_tabs(self) -> None:
        """Tab goes through the notices as they are read, wherever their buttons were made."""
        before: QWidget = self._fewer
        for notice in self._list.in_reading_order:
            for widget in self._rows[notice].buttons:
                QWidget.setTabOrder(before, widget)
                before = widget

    def _focused_position(self) -> int | None:
        """Which of the notices shown has the focus; None for none."""
        focus = QApplication.focusWidget()
        rows = sorted((row for row in self._rows.values() if not row.isHidden()), key=self._inner.indexOf)
        holding = (place for place, row in enumerate(rows) if focus is not None and row.isAncestorOf(focus))
        return next(holding, None)

    def _focus(self, widget: QWidget) -> None:
        widget.setFocus(Qt.FocusReason.TabFocusReason)

    def _on_focus(self, _before: QWidget | None, now: QWidget | None) -> None:
        if now is not None and self._scroll.isAncestorOf(now):
            self._scroll.ensureWidgetVisible(now)  # however the focus came there

    def event(self, event: QEvent) -> bool:
        escapes = isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape and self._is_open
        if escapes and event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._is_open:
            self.show_list(False)
        else:
            super().keyPressEvent(event)

    def _announce(self, notice: Notice) -> None:
        """Have a screen reader say a new notice: an error at once, others when it has finished what it says."""
        politeness = QAccessible.AnnouncementPoliteness
        event = QAccessibleAnnouncementEvent(self, f"{WORDS[notice.severity]}: {notice.sentence}")
        event.setPoliteness(politeness.Assertive if notice.severity is Severity.ERROR else politeness.Polite)
        QAccessible.updateAccessibility(event)

    def _may_be_read_now(self) -> bool:
        """Whether news should stay: the mouse or the focus is here, the list is open, or the window is behind."""
        focus = QApplication.focusWidget()
        has_focus = focus is not None and self.isAncestorOf(focus)
        return self._is_open or self.underMouse() or has_focus or not self.window().isActiveWindow()

    def copy_details(self) -> None:
        """Put every notice with its details on the clipboard."""
        QGuiApplication.clipboard().setText(self._list.text)


def counted(notices: Sequence[Notice]) -> str:
    """`1 error, 2 cautions, 1 piece of news`: how many of each there are."""
    parts = []
    for severity, noun in ((Severity.ERROR, "error"), (Severity.CAUTION, "caution")):
        number = sum(notice.severity is severity for notice in notices)
        if number:
            parts.append(count(number, noun))
    news = sum(notice.severity is Severity.NEWS for notice in notices)
    if news:
        parts.append(f"{news} piece{'' if news == 1 else 's'} of news")
    return ", ".join(parts)
