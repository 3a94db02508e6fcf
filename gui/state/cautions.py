"""What a reader of the comparison should beware of, raised as notices as soon as it is known."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from engine import work
from engine.matching.pairing import Pairing
from gui.state.notice import Notice, Scope
from gui.state.session import Session
from gui.state.worker import JobAnswer

if TYPE_CHECKING:  # NumPy stays out of the window's first paint
    from engine.comparison.module_cautions import ModuleCaution

_PAUSE = 1000  # milliseconds between two tellings of what the results of a run warn of


class Cautions(QObject):
    """Watches a session. What the user has closed is not told again of the same pair."""

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._pairing: Pairing | None = None
        self._told: dict[str, str] = {}  # the sentence told last, by key
        self._closed: set[str] = set()  # keys
        self._is_looking = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAUSE)
        self._timer.timeout.connect(self._tell_of_modules)
        session.pairing_changed.connect(self._on_pairing)
        session.outcomes_changed.connect(lambda _slugs: self._tell_soon())
        session.tasks.progress_changed.connect(lambda progress: None if progress.running else self._tell_of_modules())
        session.numbering_changed.connect(self._tell_of_modules)

    def on_closed(self, notice: Notice) -> None:
        """The user has read this one."""
        self._closed.add(notice.key)

    def _on_pairing(self) -> None:
        """The pair is another one, or its side is."""
        if self._session.pairing is not self._pairing:
            self._pairing = self._session.pairing
            self._closed.clear()
            if self._pairing is not None:
                self._look_at(self._pairing)
        self._told.clear()
        self._tell_of_modules()

    def _tell_soon(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _look_at(self, pairing: Pairing) -> None:
        """Tell what is known of a pair before anything of it is computed."""

        def tell(answer: JobAnswer) -> None:
            if answer.failure is not None:
                self._session.notice_raised.emit(answer.failure)
            elif self._session.pairing is pairing:
                for key, sentence in answer.result.items():
                    if sentence:
                        self._session.notice_raised.emit(Notice.caution(sentence, key=key))

        self._session.tasks.do(partial(work.pair_cautions, pairing), tell)

    def _tell_of_modules(self) -> None:
        """Have told, each kind once, what the results known on the side shown warn of; one look at a time."""
        session = self._session
        results, pairing = session.results, session.pairing
        side, count_from = session.document.side, session.document.count_from
        if not results:
            return
        if self._is_looking:
            self._tell_soon()
            return
        self._is_looking = True

        def tell(answer: JobAnswer) -> None:
            self._is_looking = False
            if answer.failure is not None:
                session.notice_raised.emit(answer.failure)
            elif (session.pairing, session.document.side, session.document.count_from) == (pairing, side, count_from):
                for caution in answer.result:
                    self._tell(caution, f"{caution.kind} on {side.value}")

        session.tasks.do(partial(work.module_cautions, results, side, count_from), tell)

    def _tell(self, caution: ModuleCaution, key: str) -> None:
        if key not in self._closed and self._told.get(key) != caution.sentence:
            self._told[key] = caution.sentence
            details = "\n".join(caution.lines)
            self._session.notice_raised.emit(Notice.caution(caution.sentence, details, scope=Scope.SIDE, key=key))
