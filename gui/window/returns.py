"""Ways back to a comparison: exported figures, saved comparisons, and what was open when the window was closed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from engine.errors import EngineError
from engine.side import Side
from gui.program.demo import DEMO_ADAPTERS
from gui.state.memory import LastSession
from gui.state.notice import Notice
from gui.state.session_values import Which
from gui.state.worker import JobAnswer

if TYPE_CHECKING:
    from engine.document.reopening import FoundAdapter, SavedComparison
    from gui.window.main_window import MainWindow

_COMPARISON_FILTER = "Figures and comparisons (*.png *.json);;All files (*)"


class Returns(QObject):
    """Opens again what was compared before, and remembers what is."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window, self._session = window, window.session
        self._restoring: LastSession | None = None

    def open_comparison(self) -> None:
        """Ask for an exported figure or a comparison.json, and open what it shows."""
        folder = str(self._window.memory.folder or "")
        name, _ = QFileDialog.getOpenFileName(self._window, "Open a comparison", folder, _COMPARISON_FILTER)
        if name:
            self.reopen(Path(name))

    def reopen(self, path: Path) -> None:
        """Open the comparison that an export shows; adapters that have gone or changed are asked for."""
        places = [path.parent, path.parent.parent, *self._window.memory.adapters]

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
        paths = [str(adapter.path) for adapter in found]
        preset = saved.preset.value if saved.preset else ""
        self._open_again(
            LastSession(paths[0], paths[1], saved.side.value, saved.panels, preset, saved.view.value, saved.colours)
        )

    def save_comparison(self) -> None:
        """Ask for a place, and write there what leads back to what is shown: a comparison.json."""
        start = str((self._window.memory.folder or Path.home()) / "comparison.json")
        name, _ = QFileDialog.getSaveFileName(self._window, "Save the comparison", start, "Comparisons (*.json)")
        if not name or self._session.pairing is None:
            return
        from engine.document.export_plan import ExportPlan  # noqa: PLC0415 - NumPy, after the first paint
        from engine.figures.style import FigureStyle  # noqa: PLC0415 - as above
        from gui.state.shown_comparison import shown_comparison  # noqa: PLC0415 - as above

        path, preset, scale = Path(name), self._session.preset, self._window.pane.scale
        plan = ExportPlan(style=FigureStyle(view=scale.view, colour_map=scale.name))
        self._window.remember_folder(path.parent)

        try:
            comparison = shown_comparison(self._session, preset, everything=True)
        except EngineError as error:
            self._session.notice_raised.emit(Notice.error(error.reason))
            return

        def write() -> None:
            from engine.commands.recipe import command_line  # noqa: PLC0415 - it pairs again, in the compute thread
            from engine.document.export import save_comparison  # noqa: PLC0415 - matplotlib, in the compute thread

            save_comparison(comparison, path, plan, command_line(comparison, plan))

        def written(answer: JobAnswer) -> None:
            said = Notice.news(f"The comparison is saved as {path}.")
            self._session.notice_raised.emit(answer.failure or said)

        self._session.do(write, written)

    def _open_again(self, what: LastSession) -> None:
        self._restoring = what
        self._session.open_paths([Path(what.first), Path(what.second)])

    def restore_session(self) -> None:
        """Open what was open when the window was closed; what has gone since is said."""
        last = self._window.memory.last_session
        if last is None:
            return
        paths = [Path(last.first), Path(last.second)]
        gone = [path.name for path in paths if not path.exists()]
        if gone:
            self._session.notice_raised.emit(
                Notice.error(f"The last session cannot be restored: {' and '.join(gone)} has gone.")
            )
            return
        self._open_again(last)

    def take_up_settings(self) -> None:
        """Show a pair that was asked for here as it was shown then: side, panels, figure and view."""
        if any(self._session.place(which).opening is not None for which in Which):
            return  # the other one is on its way, and will bring another pairing
        from engine.figures.colour_range import maps_of  # noqa: PLC0415 - NumPy, after the first paint
        from engine.figures.presets import Preset  # noqa: PLC0415 - as above
        from engine.measures.views import View  # noqa: PLC0415 - as above

        last, self._restoring = self._restoring, None
        pairing = self._session.pairing
        if last is None or pairing is None:
            return
        if (str(pairing.first.path), str(pairing.second.path)) != (last.first, last.second):
            return  # one of them could not be opened
        if last.side in [side.value for side in Side]:
            self._session.set_side(Side(last.side))
        known = {pair.slug for pair in self._session.comparable}
        selected = [slug for slug in last.selected if slug in known]
        preset = Preset(last.preset) if last.preset in [preset.value for preset in Preset] else None
        if selected:
            self._session.select(selected, preset)
        if last.view in [view.value for view in View]:
            self._window.pane.scale.set_view(View(last.view))
            if last.colours in maps_of(View(last.view)):  # of earlier versions z may have a map without a middle
                self._window.pane.scale.set_map(last.colours)

    def reload(self) -> None:
        """Open again what is open, as its files are now, and show it as it is shown."""
        self._restoring = self._shown()
        open_ones = [which for which in Which if self._session.place(which).adapter is not None]
        changed = [which for which in open_ones if self._session.place(which).change]
        for which in changed or open_ones:  # one that cannot be read now leaves the other, and what is shown, alone
            adapter = self._session.place(which).adapter
            if adapter is not None:
                self._session.open(which, adapter.path)

    def remember(self) -> None:
        """Keep what is open for the next time; the demo pair is not worth it."""
        shown = self._shown()
        is_demo = shown is not None and (Path(shown.first), Path(shown.second)) == tuple(DEMO_ADAPTERS)
        self._window.memory.last_session = None if is_demo else shown

    def _shown(self) -> LastSession | None:
        pairing = self._session.pairing
        if pairing is None:
            return None
        return LastSession(
            str(pairing.first.path), str(pairing.second.path), self._session.side.value,
            tuple(pair.slug for pair in self._session.shown),
            self._session.preset.value if self._session.preset else "", self._window.pane.scale.view.value,
        )  # fmt: skip
