"""Ways back to a comparison: what was open when the window was closed, and what is open as its files are now."""

from __future__ import annotations

from pathlib import Path

from engine.document.document import Document
from engine.wording import count
from gui.program.demo import DEMO_ADAPTERS
from gui.state.memory import Memory
from gui.state.notice import Notice
from gui.state.session import Session
from gui.state.session_values import Which


class Returns:
    """Opens again what was compared before, shown as it was, and remembers what is. Asks nothing of the user."""

    def __init__(self, session: Session, memory: Memory) -> None:
        self._session, self._memory = session, memory

    def restore_session(self) -> None:
        """Open what was open when the window was closed; what has gone since is said."""
        last = self._memory.document
        if last is None:
            return
        gone = [path.name for path in map(Path, last.sources) if not path.exists()]
        if len(last.sources) not in (0, 2):
            said = f"The last session cannot be restored: it is of {count(len(last.sources), 'adapter')}, not of two."
            self._session.notice_raised.emit(Notice.error(said))
            return
        if gone:
            self._session.notice_raised.emit(
                Notice.error(f"The last session cannot be restored: {' and '.join(gone)} has gone.")
            )
            return
        self._session.show(last)

    def reload(self) -> None:
        """Open again what is open, as its files are now; it is shown as it is shown."""
        open_ones = [which for which in Which if self._session.places[which].adapter is not None]
        changed = [which for which in open_ones if self._session.places[which].change]
        for which in changed or open_ones:  # one that cannot be read now leaves the other, and what is shown, alone
            adapter = self._session.places[which].adapter
            if adapter is not None:
                self._session.places.open(which, adapter.path)

    def remember(self) -> None:
        """Keep what is open for the next time; the demo pair is not worth it."""
        document: Document | None = self._session.document
        is_demo = self._session.document.sources == tuple(map(str, DEMO_ADAPTERS))
        self._memory.document = None if is_demo or self._session.pairing is None else document
