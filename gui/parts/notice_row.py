"""One notice as it is shown: its mark, its sentence, what it offers, and the button that closes it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from gui.state.notice import Notice, Severity
from gui.style.theme import GRID, icon
from gui.style.widgets import button

WORDS = {Severity.ERROR: "Error", Severity.CAUTION: "Caution", Severity.NEWS: "News"}
_COLOURS = {Severity.ERROR: "error", Severity.CAUTION: "warning", Severity.NEWS: "muted"}
_CLOSING_KEYS = (Qt.Key.Key_Escape, Qt.Key.Key_Delete)
_MARK = QSize(16, 16)
_MOST_LINES = 6  # of details; all of them are copied


class _Sentence(QLabel):
    """A text in one line that ends in "…" where it does not fit, or in as many lines as it needs."""

    pressed = Signal()

    def __init__(self, text: str) -> None:
        super().__init__()
        self._full = text
        self._in_one_line = True
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)  # beside its mark, however high
        self.setToolTip(text)

    @property
    def natural_width(self) -> int:
        """Pixels that all of it takes in one line."""
        return self.fontMetrics().horizontalAdvance(self._full) + 2

    def show_in_one_line(self, one_line: bool) -> None:
        self._in_one_line = one_line
        self.setWordWrap(not one_line)
        across = QSizePolicy.Policy.Ignored if one_line else QSizePolicy.Policy.Preferred
        policy = QSizePolicy(across, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(not one_line)
        self.setSizePolicy(policy)
        selectable = Qt.TextInteractionFlag.TextSelectableByMouse
        self.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction if one_line else selectable)
        self.setCursor(Qt.CursorShape.PointingHandCursor if one_line else Qt.CursorShape.IBeamCursor)
        self._fit()

    def _fit(self) -> None:
        cut = self.fontMetrics().elidedText(self._full, Qt.TextElideMode.ElideRight, self.width())
        self.setText(cut if self._in_one_line else self._full)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        if self._in_one_line and event.button() is Qt.MouseButton.LeftButton:
            event.accept()
            self.pressed.emit()


class NoticeRow(QFrame):
    """A notice in one line, or with all of its sentence and the first of its details."""

    closed = Signal(object)  # Notice: by its button, or by Esc or Delete where the focus is in it
    opening = Signal()  # all notices are to be shown

    def __init__(self, notice: Notice) -> None:
        super().__init__()
        self.notice = notice
        word = WORDS[notice.severity]
        self.setAccessibleName(f"{word}: {notice.sentence}")
        self._mark = QLabel()
        self._mark.setToolTip(word)
        self._sentence = _Sentence(notice.sentence)
        self._sentence.pressed.connect(self.opening)
        self._details = QLabel(_first_lines(notice.details))
        self._details.setWordWrap(True)
        self._details.setProperty("role", "muted")
        self._details.setTextFormat(Qt.TextFormat.PlainText)
        self._more = button("", "Show all notices, with their details", self.opening.emit, chip=True)
        self._close = QToolButton()
        self._close.setIcon(icon("close"))
        self._close.setIconSize(QSize(14, 14))
        self._close.setProperty("quiet", True)
        self._close.setToolTip(f"Close this {word.lower()} (Esc or Delete)")
        self._close.setAccessibleName(f"Close. {word}: {notice.sentence}")
        self._close.setAccessibleDescription(notice.details)
        self._close.clicked.connect(lambda: self.closed.emit(notice))
        offer = notice.offer
        self._offer = button(offer.text, offer.tip, offer.act, chip=True) if offer is not None else None
        self._build()
        self.show_line("")

    def _build(self) -> None:
        height = self._more.sizeHint().height()
        self._mark.setFixedSize(_MARK.width(), height)
        above = (height - self.fontMetrics().height()) // 2  # the first line stands beside mark and buttons
        words = QVBoxLayout()
        words.setContentsMargins(0, above, 0, above)
        words.setSpacing(2)
        words.addWidget(self._sentence)
        words.addWidget(self._details)
        words.addStretch(1)
        self._close.setFixedHeight(height)
        self._line = line = QHBoxLayout(self)
        line.setContentsMargins(GRID, 0, 0, 0)
        line.setSpacing(GRID)
        top = Qt.AlignmentFlag.AlignTop
        line.addWidget(self._mark, 0, top)
        line.addLayout(words, 1)
        for widget in self.buttons:
            line.addWidget(widget, 0, top)
        self._paint_mark()

    @property
    def buttons(self) -> list[QWidget]:
        """What of it can take the focus, in the order of Tab."""
        return [widget for widget in (self._offer, self._more, self._close) if widget is not None]

    @property
    def stops(self) -> list[QWidget]:
        """The buttons that are shown."""
        return [widget for widget in self.buttons if not widget.isHidden()]

    @property
    def natural_width(self) -> int:
        """Pixels that it takes in one line, with nothing cut off."""
        parts = [_MARK.width(), self._sentence.natural_width, *(stop.sizeHint().width() for stop in self.stops)]
        return sum(parts) + GRID * len(parts)

    def height_in(self, width: int) -> int:
        """Pixels that what is shown of it takes downwards, where it has this many across."""
        self._line.activate()  # it may have changed since it was laid out
        return self._line.totalHeightForWidth(width) if self._line.hasHeightForWidth() else self.sizeHint().height()

    def show_line(self, more: str) -> None:
        """Show one line; a button with the text `more` opens the list, none for an empty text."""
        self._sentence.show_in_one_line(True)
        self._details.hide()
        self._more.setText(more)
        self._more.setVisible(bool(more))

    def show_all(self) -> None:
        """Show all of the sentence, and the first lines of the details."""
        self._sentence.show_in_one_line(False)
        self._details.setVisible(bool(self.notice.details))
        self._more.hide()

    def _paint_mark(self) -> None:
        severity = self.notice.severity
        self._mark.setPixmap(icon(severity.name.lower(), _COLOURS[severity]).pixmap(_MARK))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._paint_mark()

    # --- keyboard ---

    def event(self, event: QEvent) -> bool:
        closes = isinstance(event, QKeyEvent) and event.key() in _CLOSING_KEYS
        if closes and event.type() == QEvent.Type.ShortcutOverride:  # else Esc would be the menu's
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in _CLOSING_KEYS:
            self.closed.emit(self.notice)
        else:
            super().keyPressEvent(event)


def _first_lines(text: str) -> str:
    lines = text.splitlines()
    if len(lines) <= _MOST_LINES:
        return text
    return "\n".join([*lines[: _MOST_LINES - 1], f"… {len(lines) - _MOST_LINES + 1} more lines, with Copy details"])
