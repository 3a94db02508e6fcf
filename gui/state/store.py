"""The document that is shown, and those before and after it."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, Signal

from engine.document.document import Document

_MOST_STEPS = 200


class Store(QObject):
    """Holds the document; whoever wants another one asks here, and hears of it."""

    changed = Signal(object, object)  # the Document before, and the one now
    history_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = Document()
        self._before: list[Document] = []
        self._after: list[Document] = []
        self._left: list[Document] | None = (
            None  # where undo or redo put what was shown, while it brings other sources
        )

    @property
    def document(self) -> Document:
        """What is shown, and how."""
        return self._document

    @property
    def can_undo(self) -> bool:
        """Whether there is a document to go back to."""
        return bool(self._before)

    @property
    def can_redo(self) -> bool:
        """Whether there is one that was gone back from."""
        return bool(self._after)

    def change(self, *, is_step: bool = True, **fields: Any) -> None:
        """Give these fields of the document other values; `is_step` says whether that can be undone by itself."""
        document = self._document.with_(**fields)
        if document == self._document:
            return
        if is_step:
            self._before = [*self._before[-_MOST_STEPS + 1 :], self._document]
            self._after = []
        self._left = None
        self._show(document)

    def undo(self) -> None:
        """Show the document before; the page stays, where its change is seen."""
        self._move(self._before, self._after)

    def redo(self) -> None:
        """Show the document that was gone back from."""
        self._move(self._after, self._before)

    def arrive(self) -> None:
        """The sources of the document are there."""
        self._left = None

    def take_back(self) -> None:
        """Where undo or redo led to sources that cannot be brought, show what was shown before, and forget them."""
        if self._left is not None:
            document, self._left = self._left.pop(), None
            self._show(document)

    def _move(self, there: list[Document], back: list[Document]) -> None:
        if there:
            back.append(self._document)
            document = there.pop()
            self._left = back if document.sources != self._document.sources else None
            self._show(document.with_(page=self._document.page))

    def _show(self, document: Document) -> None:
        before, self._document = self._document, document
        self.changed.emit(before, document)
        self.history_changed.emit()
