"""Ways back to a comparison: what was open when the window was closed, and what is open as its files are now."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from engine.matching.pairing import Pairing
from engine.side import Side
from gui.program.demo import DEMO_ADAPTERS
from gui.state.memory import LastSession, Memory
from gui.state.notice import Notice
from gui.state.session import Session
from gui.state.session_values import Which

if TYPE_CHECKING:  # NumPy stays out of the window's first paint
    from gui.parts.colour_scale import ColourScale


class Returns(QObject):
    """Opens again what was compared before, shown as it was, and remembers what is. Asks nothing of the user.

    `scale` gives the figure's colour scale; it is asked for once there is a figure to show.
    """

    def __init__(self, session: Session, memory: Memory, scale: Callable[[], ColourScale], parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._memory, self._scale = session, memory, scale
        self._restoring: LastSession | None = None

    def open_again(self, what: LastSession) -> None:
        """Open a pair, to be shown in this way once it is there."""
        self._restoring = what
        self._session.open_paths([Path(what.first), Path(what.second)])

    def restore_session(self) -> None:
        """Open what was open when the window was closed; what has gone since is said."""
        last = self._memory.last_session
        if last is None:
            return
        paths = [Path(last.first), Path(last.second)]
        gone = [path.name for path in paths if not path.exists()]
        if gone:
            self._session.notice_raised.emit(
                Notice.error(f"The last session cannot be restored: {' and '.join(gone)} has gone.")
            )
            return
        self.open_again(last)

    def reload(self) -> None:
        """Open again what is open, as its files are now, and show it as it is shown."""
        self._restoring = self._shown()
        open_ones = [which for which in Which if self._session.place(which).adapter is not None]
        changed = [which for which in open_ones if self._session.place(which).change]
        for which in changed or open_ones:  # one that cannot be read now leaves the other, and what is shown, alone
            adapter = self._session.place(which).adapter
            if adapter is not None:
                self._session.open(which, adapter.path)

    def take_up_settings(self) -> None:
        """Show a pair that was asked for here as it was shown then: side, panels, figure and view."""
        if any(self._session.place(which).opening is not None for which in Which):
            return  # the other one is on its way, and will bring another pairing
        last, self._restoring = self._restoring, None
        pairing = self._session.pairing
        if last is not None and pairing is not None and _paths(pairing) == (last.first, last.second):
            self._show_as(last)  # else one of them could not be opened

    def _show_as(self, last: LastSession) -> None:
        """Show the pair that is open as it was shown; settings that this version does not know are left out."""
        from engine.figures.colour_range import maps_of  # noqa: PLC0415 - NumPy, after the first paint
        from engine.figures.presets import Preset  # noqa: PLC0415 - as above
        from engine.measures.views import View  # noqa: PLC0415 - as above

        if last.side in [side.value for side in Side]:
            self._session.set_side(Side(last.side))
        known = {pair.slug for pair in self._session.comparable}
        selected = [slug for slug in last.selected if slug in known]
        preset = Preset(last.preset) if last.preset in [preset.value for preset in Preset] else None
        if selected:
            self._session.select(selected, preset)
        if last.view in [view.value for view in View]:
            self._scale().set_view(View(last.view))
            if last.colours in maps_of(View(last.view)):  # of earlier versions z may have a map without a middle
                self._scale().set_map(last.colours)

    def remember(self) -> None:
        """Keep what is open for the next time; the demo pair is not worth it."""
        shown = self._shown()
        is_demo = shown is not None and (Path(shown.first), Path(shown.second)) == tuple(DEMO_ADAPTERS)
        self._memory.last_session = None if is_demo else shown

    def _shown(self) -> LastSession | None:
        session, pairing = self._session, self._session.pairing
        if pairing is None:
            return None
        preset = session.preset.value if session.preset else ""
        slugs = tuple(pair.slug for pair in session.shown)
        return LastSession(*_paths(pairing), session.side.value, slugs, preset, self._scale().view.value)


def _paths(pairing: Pairing) -> tuple[str, str]:
    return str(pairing.first.path), str(pairing.second.path)
