"""Notices files that change on disk after they were opened, and offers to read them again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QFileSystemWatcher, QObject, Qt, QTimer
from PySide6.QtGui import QGuiApplication

from gui.actions.table import tip_of
from gui.state.notice import Notice, Offer, Scope
from gui.state.session import Session
from gui.state.session_values import Place, Which

# A program that writes a file changes it many times.
_PAUSE = 300  # milliseconds


class FileWatch(QObject):
    """Has the session look at its files when the system tells of a change, or when the window is come back to:
    network folders tell nothing."""

    def __init__(self, session: Session, reload: Callable[[], object], parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._reload = session, reload
        self._told: dict[Which, Place] = {which: session.places[which] for which in Which}
        self._watcher = QFileSystemWatcher(self)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAUSE)
        self._timer.timeout.connect(self._look)
        self._watcher.fileChanged.connect(self._on_change)
        self._watcher.directoryChanged.connect(self._on_change)
        QGuiApplication.instance().applicationStateChanged.connect(self._on_state)  # type: ignore[union-attr]
        session.places.changed.connect(self._on_adapter)
        session.notices_ended.connect(self._on_end)  # after the notices themselves, which forget then

    def _on_change(self, _path: str) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _on_state(self, state: Qt.ApplicationState) -> None:
        if state is Qt.ApplicationState.ApplicationActive:
            self._on_change("")

    def _look(self) -> None:
        self._watch()  # a file that was replaced is watched no more
        self._session.places.check_files()

    def _watch(self) -> None:
        """Watch the files of both places, and their folders: there a file that was replaced comes back."""
        places = (self._session.places[which] for which in Which)
        files = {path for place in places if place.adapter for path in place.adapter.file.files.paths}
        wanted = {str(path) for path in files} | {str(path.parent) for path in files}
        watched = {*self._watcher.files(), *self._watcher.directories()}
        if watched - wanted:
            self._watcher.removePaths(sorted(watched - wanted))
        for path in sorted(wanted - watched):
            if Path(path).exists():
                self._watcher.addPath(path)

    def _on_adapter(self, which: Which) -> None:
        self._watch()
        place = self._session.places[which]
        before, self._told[which] = self._told[which], place
        if place.adapter is not before.adapter or place.change == before.change:
            return
        if place.change:
            self._tell(which)
        elif place.adapter is not None:
            said = f"{self._session.places.name(which)} is on disk again as it was opened."
            self._session.notice_raised.emit(Notice.news(said, scope=Scope.PAIR, key=_key(which)))

    def _on_end(self, scopes: tuple[Scope, ...]) -> None:
        """Another adapter in one place does not make the file of the other one what it was."""
        if Scope.PAIR in scopes:
            for which in Which:
                self._tell(which)

    def _tell(self, which: Which) -> None:
        place = self._session.places[which]
        if place.adapter is None or place.opening is not None or not place.change:
            return
        offer = Offer("Reload", tip_of("file.reload"), self._reload)
        said = f"{self._session.places.name(which)}: {place.change} What is shown is of the file as it was."
        meant = "Nothing more of it is computed or exported until it is opened again."
        self._session.notice_raised.emit(Notice.caution(said, meant, key=_key(which), offer=offer))


def _key(which: Which) -> str:
    return f"changed on disk: {which.word}"
