"""The two places for adapters: opening, exchanging, and watching what is in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from engine.sources.source import told_apart
from engine.wording import count
from gui.state.notice import Notice, Scope
from gui.state.session_values import Place, Which
from gui.state.tasks import Tasks
from gui.state.worker import JobAnswer, OpenAnswer


class Places(QObject):
    """What is in each place, and what is on its way there."""

    changed = Signal(object)  # Which
    filled = Signal()  # another adapter is in a place, or none any more
    settled = Signal()  # what is in the places stays, although something else was asked for
    are_back = Signal()  # every file is again what was opened, after one was not
    notice_raised = Signal(object)
    export_dropped = Signal(object)

    def __init__(self, tasks: Tasks, parent: QObject) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._places = {which: Place() for which in Which}
        tasks.adapter_opened.connect(self._on_adapter_opened)

    def __getitem__(self, which: Which) -> Place:
        return self._places[which]

    @property
    def sources(self) -> tuple[str, ...]:
        """The paths of what is in the places, empty for an empty place; nothing where both are."""
        paths = [str(place.adapter.path) if place.adapter else "" for place in self._places.values()]
        return tuple(paths) if any(paths) else ()

    @property
    def are_opening(self) -> bool:
        """Whether another pair is on its way, so that this one is not worth computing."""
        return any(place.opening is not None for place in self._places.values())

    @property
    def has_failed(self) -> bool:
        """Whether what was last asked for in a place could not be opened."""
        return any(place.failure is not None for place in self._places.values())

    def name(self, which: Which) -> str:
        """What to call the adapter in one place, told apart from one of the same name in the other; or empty."""
        first, second = (self._places[place].adapter for place in Which)
        if first is not None and second is not None:
            return told_apart(first, second)[which.value]
        adapter = self._places[which].adapter
        return adapter.name if adapter is not None else ""

    # --- what a user does ---

    def open(self, which: Which, path: Path) -> None:
        """Put the adapter at `path` in one place; what is there stays until the new one has opened."""
        here = self._places[which]
        request = self._tasks.open(path.absolute())  # it is remembered, and found again from another folder
        self._places[which] = Place(here.adapter, request, change=here.change)
        self.changed.emit(which)

    def open_paths(self, paths: Iterable[Path], onto: Which | None = None) -> None:
        """Open what was dropped or named: two fill both places, one fills the place meant or the first free one."""
        given = list(paths)
        if len(given) == 1 and _is_export(given[0]):
            self.export_dropped.emit(given[0])
            return
        if len(given) >= 2:
            self.open(Which.FIRST, given[0])
            self.open(Which.SECOND, given[1])
        elif given:
            self.open(onto or self._free_place(), given[0])
        if len(given) > 2:
            extra = len(given) - 2
            others = f"{count(extra, 'other')} {'was' if extra == 1 else 'were'}"
            said = f"Two adapters are compared at a time; {others} left out."
            self.notice_raised.emit(Notice.caution(said, scope=Scope.PROGRAM, key="left out"))

    def clear(self, which: Which) -> None:
        """Empty one place."""
        self._put(which, Place())
        self.changed.emit(which)
        self.filled.emit()

    def swap(self) -> None:
        """Exchange what is in the two places."""
        places = self._places
        places[Which.FIRST], places[Which.SECOND] = places[Which.SECOND], places[Which.FIRST]
        for which in Which:
            self.changed.emit(which)
        self.filled.emit()

    def bring_back(self, sources: tuple[str, ...]) -> None:
        """Have these paths in the places again, empty ones in an empty place, whatever is on its way there."""
        wanted, here = sources or ("", ""), self.sources or ("", "")
        if wanted == here[::-1] != here and not self.are_opening:
            self.swap()
            return
        is_emptied = False
        for which, path in zip(Which, wanted, strict=True):
            place = self._places[which]
            if path != here[which.value]:
                if path:
                    self.open(which, Path(path))
                    continue
                self._put(which, Place())
                is_emptied = True
            elif place.opening is not None:
                self._places[which] = replace(place, opening=None)
            self.changed.emit(which)
        (self.filled if is_emptied else self.settled).emit()

    def check_files(self) -> None:
        """Look whether the adapters' files are still those that were opened; their places tell."""
        adapters = {which: place.adapter for which, place in self._places.items() if place.adapter is not None}

        def look() -> dict[Which, str]:
            return {which: adapter.file.files.change for which, adapter in adapters.items()}

        def tell(answer: JobAnswer) -> None:
            if answer.failure is not None:
                self.notice_raised.emit(answer.failure)
                return
            were_changed = False
            for which, change in answer.result.items():
                place = self._places[which]
                if place.adapter is adapters[which] and place.change != change:
                    were_changed = True
                    self._places[which] = replace(place, change=change)
                    self.changed.emit(which)
            if were_changed and not any(answer.result.values()):
                self.are_back.emit()

        if adapters:
            self._tasks.do(look, tell)

    # --- what comes back ---

    def _put(self, which: Which, place: Place) -> None:
        """Fill a place; the checksum of what was in it is wanted no more."""
        before, self._places[which] = self._places[which].adapter, place
        if before is not None:
            before.file.files.stop_hashing()

    def _free_place(self) -> Which:
        first = self._places[Which.FIRST]
        return Which.SECOND if (first.adapter or first.opening) else Which.FIRST

    @Slot(object)
    def _on_adapter_opened(self, answer: OpenAnswer) -> None:
        which = next((w for w, place in self._places.items() if place.opening is answer.request), None)
        if which is None:  # cleared or replaced since
            return
        if answer.adapter is None:
            before = self._places[which]
            self._places[which] = Place(
                before.adapter, failure=answer.failure, failed_path=answer.request.path, choices=answer.choices,
                change=before.change,
            )  # fmt: skip
            self.changed.emit(which)
            self.settled.emit()
            return
        self._put(which, Place(answer.adapter))
        self.filled.emit()
        # The panels lose what they showed of the old pair at once; the names follow in a turn of their own.
        QTimer.singleShot(0, self, lambda: self.changed.emit(which))


def _is_export(path: Path) -> bool:
    """Whether a file's name is that of an export: adapters have JSON of other names beside them."""
    return path.suffix == ".png" or (
        path.suffix == ".json" and not path.name.endswith((".index.json", "adapter_config.json"))
    )
