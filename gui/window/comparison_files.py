"""Comparisons in files: an exported figure or a comparison.json is opened again, and what is shown is saved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QWidget

from engine.errors import EngineError
from gui.state.memory import LastSession, Memory
from gui.state.notice import Notice
from gui.state.session import Session
from gui.state.worker import JobAnswer

if TYPE_CHECKING:  # NumPy stays out of the window's first paint
    from engine.document.reopening import FoundAdapter, SavedComparison
    from gui.parts.colour_scale import ColourScale

_FILTER = "Figures and comparisons (*.png *.json);;All files (*)"


class ComparisonFiles(QObject):
    """Asks for files, over the window that is its parent; what is found in one is handed to `open_again`.

    `scale` gives the figure's colour scale. `remember_folder` is told where a comparison was saved.
    """

    def __init__(
        self, session: Session, memory: Memory, scale: Callable[[], ColourScale],
        open_again: Callable[[LastSession], None], remember_folder: Callable[[Path], None], parent: QWidget,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._session, self._memory, self._scale = session, memory, scale
        self._open_again, self._remember_folder = open_again, remember_folder
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

        def find() -> tuple[SavedComparison, tuple[FoundAdapter, FoundAdapter]]:
            from engine.document.reopening import find_adapter, read_saved  # noqa: PLC0415 - NumPy, in the compute thread

            saved = read_saved(path)
            return saved, (find_adapter(saved.first, places), find_adapter(saved.second, places))

        def found(answer: JobAnswer) -> None:
            if answer.failure is not None:
                self._session.notice_raised.emit(answer.failure)
            else:
                self._open_found(path.name, *answer.result)

        self._session.do(find, found)

    def _open_found(self, name: str, saved: SavedComparison, found: tuple[FoundAdapter, FoundAdapter]) -> None:
        if not all(adapter.is_same for adapter in found):
            from gui.sources.locate import LocateDialog  # noqa: PLC0415 - seldom needed

            dialog = LocateDialog(name, found, self._session, self._window)
            answer = dialog.exec()
            found = (dialog.found[0], dialog.found[1])
            dialog.deleteLater()
            if not answer:
                return
        first, second = (str(adapter.path) for adapter in found)
        preset = saved.preset.value if saved.preset else ""
        self._open_again(
            LastSession(first, second, saved.side.value, saved.panels, preset, saved.view.value, saved.colours)
        )

    def save_comparison(self) -> None:
        """Ask for a place, and write there what leads back to what is shown: a comparison.json."""
        start = str((self._memory.folder or Path.home()) / "comparison.json")
        name, _ = QFileDialog.getSaveFileName(self._window, "Save the comparison", start, "Comparisons (*.json)")
        if name and self._session.pairing is not None:
            self._remember_folder(Path(name).parent)
            self._save(Path(name))

    def _save(self, path: Path) -> None:
        from engine.figures.style import FigureStyle  # noqa: PLC0415 - NumPy, after the first paint
        from gui.state.shown_comparison import shown_comparison  # noqa: PLC0415 - as above

        style = FigureStyle(view=self._scale().view, colour_map=self._scale().name)
        try:
            comparison = shown_comparison(self._session, self._session.preset, everything=True)
        except EngineError as error:
            self._session.notice_raised.emit(Notice.error(error.reason))
            return

        def write() -> None:
            from engine.document.export import save_comparison  # noqa: PLC0415 - matplotlib, in the compute thread

            save_comparison(comparison, path, style)

        def written(answer: JobAnswer) -> None:
            said = Notice.news(f"The comparison is saved as {path}.")
            self._session.notice_raised.emit(answer.failure or said)

        self._session.do(write, written)
