"""Which notices are there, in which order they are read, and how long they stay."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection

from PySide6.QtCore import QObject, QTimer, Signal

from gui.state.notice import Notice, Scope, Severity

log = logging.getLogger("phiscope")
# How long news stay: a slow reader's time, and some to notice that there are any.
_SECONDS, _SECONDS_A_CHARACTER = 5.0, 0.06
_LEAST_AFTER_HOLD = 3.0  # seconds that news stay at least, once nothing holds them any more
_TICK = 250  # milliseconds
_LOG_LEVELS = {Severity.ERROR: logging.ERROR, Severity.CAUTION: logging.WARNING, Severity.NEWS: logging.INFO}


class NoticeList(QObject):
    """Keeps notices until they are closed or what they speak of has gone; news go by themselves.

    News stay as long as `is_held` says so: while somebody may be reading them.
    """

    changed = Signal()
    arrived = Signal(object)  # Notice: one that was not there before
    closed = Signal(object)  # Notice: one that the user has closed

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.is_held: Callable[[], bool] = lambda: False
        self._notices: list[Notice] = []
        self._remaining: dict[Notice, float] = {}  # seconds, of the news
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK)
        self._timer.timeout.connect(self._on_tick)

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What there is, oldest first."""
        return tuple(self._notices)

    @property
    def in_reading_order(self) -> tuple[Notice, ...]:
        """Errors before cautions before news, the newest of each first."""
        newest_first = self._notices[::-1]
        return tuple(notice for severity in Severity for notice in newest_first if notice.severity is severity)

    @property
    def text(self) -> str:
        """All of them with their details, as they are copied."""
        return "\n\n".join(notice.text for notice in self.in_reading_order)

    def add(self, notice: Notice) -> None:
        """Keep a notice, in place of one of the same key or words, and write it to the log."""
        log.log(_LOG_LEVELS[notice.severity], "%s %s", notice.sentence, notice.details)
        before = [other for other in self._notices if _is_same(notice, other)]
        # A caution that is told again, of more modules, is no news: it keeps its place.
        grows = bool(before) and notice.severity is Severity.CAUTION
        position = self._notices.index(before[0]) if grows else len(self._notices) - len(before)
        self._drop(before)
        self._notices.insert(position, notice)
        if notice.severity is Severity.NEWS:
            self._remaining[notice] = reading_time(notice.sentence)
            if not self._timer.isActive():
                self._timer.start()
        self.changed.emit()
        if not grows:
            self.arrived.emit(notice)

    def close(self, notice: Notice) -> None:
        """The user has read this one."""
        if notice in self._notices:
            self._remove([notice])
            self.closed.emit(notice)

    def withdraw(self, key: str) -> None:
        """The notice of this key is no longer true."""
        self._remove([notice for notice in self._notices if notice.key == key])

    def end(self, scopes: Collection[Scope]) -> None:
        """What these notices speak of has gone."""
        self._remove([notice for notice in self._notices if notice.scope in scopes])

    def _remove(self, notices: list[Notice]) -> None:
        if notices:
            self._drop(notices)
            self.changed.emit()

    def _drop(self, notices: list[Notice]) -> None:
        for notice in notices:
            self._notices.remove(notice)
            self._remaining.pop(notice, None)
        if not self._remaining:
            self._timer.stop()

    # --- news ---

    def _on_tick(self) -> None:
        """A part of the time that news have is over; ticks are counted, so that a busy window takes none of it."""
        held = self.is_held()
        for notice, remaining in self._remaining.items():
            self._remaining[notice] = max(remaining, _LEAST_AFTER_HOLD) if held else remaining - _TICK / 1000
        self._remove([notice for notice, remaining in self._remaining.items() if remaining <= 0])


def reading_time(sentence: str) -> float:
    """Seconds that news stay."""
    return _SECONDS + _SECONDS_A_CHARACTER * len(sentence)


def _is_same(one: Notice, other: Notice) -> bool:
    if one.key or other.key:
        return one.key == other.key
    return (one.severity, one.sentence) == (other.severity, other.sentence)
