"""What the figure's place says while there is no figure: what to drop, and what happens then."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from gui.session import Session, Which
from gui.theme import GRID, icon


class EmptyState(QWidget):
    """Invites the missing adapter, or says why two adapters share nothing."""

    demo_asked = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._picture = QLabel()
        self._picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._headline = QLabel()
        self._headline.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._headline.setProperty("role", "heading")
        self._words = QLabel()
        self._words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._words.setWordWrap(True)
        self._words.setProperty("role", "muted")
        self._demo = QPushButton("Try the demo pair")
        self._demo.setProperty("primary", True)
        self._demo.setToolTip("Open two adapters of MiniLM, trained from different seeds (Ctrl+D)")
        self._demo.clicked.connect(self.demo_asked)
        layout = QVBoxLayout(self)
        layout.setSpacing(GRID)
        layout.addStretch(1)
        layout.addWidget(self._picture)
        layout.addWidget(self._headline)
        layout.addWidget(self._words)
        layout.addSpacing(GRID)
        layout.addWidget(self._demo, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(1)
        session.adapter_changed.connect(lambda _which: self.refresh())
        session.pairing_changed.connect(self.refresh)
        session.selection_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Say what the session lacks."""
        headline, words = _message(self._session)
        self._picture.setPixmap(icon("drop").pixmap(48, 48))
        self._headline.setText(headline)
        self._words.setText(words)
        self._demo.setVisible(not any(self._session.place(which).adapter for which in Which))


def _message(session: Session) -> tuple[str, str]:
    if session.comparable:
        return "No panel is selected", "Choose layers and projections on the left."
    if session.pairing is not None:
        skipped = session.skipped
        reason = f"{skipped[0].module}: {skipped[0].reason}" if skipped else "Neither holds a module of the other."
        return "These two adapters share no module that can be compared", reason
    if any(session.place(which).adapter for which in Which):
        return "One adapter is open; drop the other one", "The figure appears as soon as both are there."
    return (
        "Drop two LoRA adapters here",
        "A .safetensors, .bin or .pt file, a sharded index, or an adapter's folder. "
        "The subspace similarity φ of every layer they share appears by itself.",
    )
