"""Whether an export is cancelled, or too late to be."""

from __future__ import annotations

import threading


class Cancellation:
    """Decides once and for all, whichever thread asks first."""

    def __init__(self) -> None:
        self._deciding = threading.Lock()
        self._is_cancelled = self._is_published = False

    def cancel(self) -> bool:
        """Whether nothing will be written; not so where the files are being put in place."""
        with self._deciding:
            self._is_cancelled = not self._is_published
            return self._is_cancelled

    def is_cancelled(self) -> bool:
        """Whether it was cancelled."""
        return self._is_cancelled

    def may_publish(self) -> bool:
        """Whether the files may be put in place; from then on it is too late to cancel."""
        with self._deciding:
            self._is_published = not self._is_cancelled
            return self._is_published
