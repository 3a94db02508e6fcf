"""Asks for the adapters of an exported figure that are not where they were, and says what has changed since."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFileDialog, QGridLayout, QLabel, QVBoxLayout, QWidget

from engine import work
from engine.document.reopening import FoundAdapter
from gui.sources.card import FILE_FILTER
from gui.state.session import Session
from gui.state.session_values import Which
from gui.state.worker import JobAnswer
from gui.style.theme import GRID
from gui.style.widgets import button, heading, set_style


class LocateDialog(QDialog):
    """Two rows, an adapter each: where it is, or a button to look for it. `found` are the places in the end."""

    def __init__(
        self, name: str, found: tuple[FoundAdapter, FoundAdapter], session: Session, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._is_closed = False
        self.found = list(found)
        self.setWindowTitle("Open a comparison")
        self.setMinimumWidth(64 * GRID)
        words = QLabel(f"{name} shows a comparison whose adapters are not all where, or what, they were.")
        words.setWordWrap(True)
        self._states = [QLabel() for _ in found]
        rows = QGridLayout()
        rows.setHorizontalSpacing(2 * GRID)
        rows.setVerticalSpacing(GRID)
        rows.setColumnStretch(0, 1)
        for row, (which, adapter, state) in enumerate(zip(Which, found, self._states, strict=True)):
            state.setWordWrap(True)
            state.setAccessibleName(f"{which.word} adapter: what was found")
            rows.addWidget(heading(f"{which.word} adapter: {adapter.saved.name}"), 2 * row, 0)
            rows.addWidget(state, 2 * row + 1, 0)
            for column, text, tip, look in (
                (1, "File…", "choose its file", self._choose_file),
                (2, "Folder…", "choose its folder", self._choose_folder),
            ):
                chosen = button(text, f"{adapter.saved.name}: {tip}", partial(look, row), chip=True)
                chosen.setAccessibleName(f"{which.word} adapter: {tip}")
                rows.addWidget(chosen, 2 * row, column)
        self._buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Open | QDialogButtonBox.StandardButton.Cancel
        )
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID)
        layout.setSpacing(2 * GRID)
        layout.addWidget(words)
        layout.addLayout(rows)
        layout.addWidget(self._buttons)
        self._show()

    def _show(self) -> None:
        for adapter, state in zip(self.found, self._states, strict=True):
            state.setText(adapter.difference or "Found, and its data is the same.")
            set_style(
                state, "role", "error" if adapter.path is None else "warning" if adapter.difference else "muted"
            )
        ready = all(adapter.path is not None for adapter in self.found)
        open_button = self._buttons.button(QDialogButtonBox.StandardButton.Open)
        open_button.setEnabled(ready)
        open_button.setText("Open" if not ready or all(a.is_same for a in self.found) else "Open all the same")

    def _choose_file(self, row: int) -> None:
        name, _ = QFileDialog.getOpenFileName(self, f"Where is {self.found[row].saved.name}?", "", FILE_FILTER)
        self.look_at(row, name)

    def _choose_folder(self, row: int) -> None:
        self.look_at(row, QFileDialog.getExistingDirectory(self, f"Where is {self.found[row].saved.name}?"))

    def look_at(self, row: int, name: str) -> None:
        """Take what is at `name` for the adapter of a row, if it is an adapter at all."""
        if not name:
            return
        saved = self.found[row].saved

        def found(answer: JobAnswer) -> None:
            if self._is_closed:
                return
            if answer.failure is not None:
                self._states[row].setText(answer.failure.sentence)
                set_style(self._states[row], "role", "error")
            else:
                self.found[row] = answer.result
                self._show()

        self._session.tasks.do(partial(work.checking_adapter, saved, Path(name)), found)

    def done(self, result: int) -> None:
        """Close; an answer that is still on its way is of no use any more."""
        self._is_closed = True
        super().done(result)
