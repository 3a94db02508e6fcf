"""Comparisons in files: an exported figure or a comparison.json is opened again, and what is shown is saved."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QWidget

from engine import work
from engine.errors import EngineError
from engine.figures.colour_maps import maps_of
from engine.figures.style import FigureStyle
from gui.state.memory import Memory
from gui.state.notice import Notice
from gui.state.session import Session
from gui.state.shown_comparison import shown_comparison
from gui.state.worker import JobAnswer

if TYPE_CHECKING:  # NumPy stays out of the window's first paint
    from engine.document.reopening import FoundAdapter, SavedComparison

_FILTER = "Figures and comparisons (*.png *.json);;All files (*)"


class ComparisonFiles(QObject):
    """Asks for files, over the window that is its parent. `remember_folder` is told where a comparison was saved."""

    def __init__(
        self, session: Session, memory: Memory, remember_folder: Callable[[Path], None], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._session, self._memory, self._remember_folder = session, memory, remember_folder
        self._window = parent

    def open_comparison(self) -> None:
        """Ask for an exported figure or a comparison.json, and open what it shows."""
        folder = str(self._memory.folder or "")
        name, _ = QFileDialog.getOpenFileName(self._window, "Open a comparison", folder, _FILTER)
        if name:
            self.reopen(Path(name))

    def reopen(self, path: Path) -> None:
        """Open the comparison that an export shows; adapters that have gone or changed are asked for."""
        places = [path.parent, path.parent.parent, *self._memory.adapters]

        def found(answer: JobAnswer) -> None:
            if answer.failure is not None:
                self._session.notice_raised.emit(answer.failure)
            else:
                self._open_found(path.name, *answer.result)

        self._session.tasks.do(partial(work.saved_comparison, path, places), found)

    def _open_found(self, name: str, saved: SavedComparison, found: tuple[FoundAdapter, FoundAdapter]) -> None:
        if not all(adapter.is_same for adapter in found):
            from gui.sources.locate import LocateDialog  # noqa: PLC0415 - seldom needed

            dialog = LocateDialog(name, found, self._session, self._window)
            answer = dialog.exec()
            found = (dialog.found[0], dialog.found[1])
            dialog.deleteLater()
            if not answer:
                return
        scale = self._session.document.scale.suited_to(saved.view)
        if saved.colours in maps_of(saved.view):  # of earlier versions z may have a map without a middle
            scale = scale.with_map(saved.colours)
        self._session.show(
            self._session.document.with_(
                sources=tuple(str(adapter.path) for adapter in found), side=saved.side, selection=saved.panels,
                preset=saved.preset, view=saved.view, scale=scale,
            )
        )  # fmt: skip

    def save_comparison(self) -> None:
        """Ask for a place, and write there what leads back to what is shown: a comparison.json."""
        start = str((self._memory.folder or Path.home()) / "comparison.json")
        name, _ = QFileDialog.getSaveFileName(self._window, "Save the comparison", start, "Comparisons (*.json)")
        if name and self._session.pairing is not None:
            self._remember_folder(Path(name).parent)
            self._save(Path(name))

    def _save(self, path: Path) -> None:
        document = self._session.document
        style = FigureStyle(view=document.view, colour_map=document.scale.map_of(document.view))
        try:
            comparison = shown_comparison(self._session, self._session.document.preset, everything=True)
        except EngineError as error:
            self._session.notice_raised.emit(Notice.error(error.reason))
            return

        def written(answer: JobAnswer) -> None:
            said = Notice.news(f"The comparison is saved as {path}.")
            self._session.notice_raised.emit(answer.failure or said)

        self._session.tasks.do(partial(work.saving_comparison, comparison, path, style), written)
