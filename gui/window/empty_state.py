"""What the figure's place shows while there is no figure: two large places to drop adapters on."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from engine.matching.explaining import why_nothing
from gui.actions.table import action_of, tip_of
from gui.sources.card import AdapterCard
from gui.state.memory import Memory, recent_pair_name
from gui.state.session import Session
from gui.state.session_values import Which
from gui.style.texts import adapter_facts, breakable
from gui.style.theme import GRID, icon
from gui.style.widgets import button

_SHOWN_PAIRS = 3
_WORDS = "A .safetensors, .bin or .pt file, a sharded index, or an adapter's folder"


class _DropSlot(QFrame):
    """One large place: what belongs there, and what is there already."""

    def __init__(self, which: Which, card: AdapterCard) -> None:
        super().__init__()
        self._which = which
        self.setProperty("role", "drop")
        self.setAccessibleName(f"Drop the {which.word.lower()} adapter here")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumHeight(26 * GRID)
        self._picture = _centred("")
        self._heading = _centred("heading")
        self._heading.setTextFormat(Qt.TextFormat.RichText)
        self._words = _centred("muted")
        self._words.setWordWrap(True)
        file = QPushButton("Browse…")
        file.setToolTip(f"Choose the {which.word.lower()} adapter's file")
        file.setAccessibleName(f"{which.word} adapter: browse for a file")
        file.clicked.connect(card.choose_file)
        folder = QPushButton("Folder…")
        folder.setToolTip(f"Choose the {which.word.lower()} adapter's folder")
        folder.setAccessibleName(f"{which.word} adapter: browse for a folder")
        folder.clicked.connect(card.choose_folder)
        buttons = QHBoxLayout()
        buttons.setSpacing(GRID)
        buttons.addStretch(1)
        buttons.addWidget(file)
        buttons.addWidget(folder)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID)
        layout.setSpacing(GRID)
        layout.addStretch(1)
        for widget in (self._picture, self._heading, self._words):
            layout.addWidget(widget)
        layout.addLayout(buttons)
        layout.addStretch(1)

    def refresh(self, session: Session) -> None:
        """Show what is in this place."""
        place = session.places[self._which]
        self._picture.setPixmap(icon("file" if place.adapter else "drop").pixmap(40, 40))
        if place.adapter is not None:
            self._heading.setText(breakable(session.places.name(self._which)))
            self._words.setText(adapter_facts(place.adapter))
        else:
            self._heading.setText(f"{self._which.word} adapter")
            self._words.setText(f"Drop it here. {_WORDS}.")


class EmptyState(QWidget):
    """Invites the missing adapter, or says why two adapters share nothing."""

    demo_asked = Signal()
    pair_asked = Signal(object)  # Pair

    def __init__(self, session: Session, cards: Mapping[Which, AdapterCard], memory: Memory) -> None:
        super().__init__()
        self._session = session
        self._memory = memory
        self._slots = [_DropSlot(which, cards[which]) for which in Which]
        self._row = QWidget()
        row = QHBoxLayout(self._row)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2 * GRID)
        for slot in self._slots:
            row.addWidget(slot)
        self._row.setMaximumWidth(860)
        self._headline = _centred("heading")
        self._words = _centred("muted")
        self._words.setWordWrap(True)
        self._words.setTextFormat(Qt.TextFormat.PlainText)  # names in it may look like HTML
        self._demo = QPushButton("Try the demo pair")
        self._demo.setProperty("primary", True)
        self._demo.setToolTip(tip_of("file.open_demo"))
        self._demo.clicked.connect(self.demo_asked)
        self._recent = QVBoxLayout()
        self._recent.setSpacing(GRID // 2)
        self._build()
        session.places.changed.connect(lambda _which: self.refresh())
        session.pairing_changed.connect(self.refresh)
        session.selection_changed.connect(self.refresh)
        self.refresh()

    def _build(self) -> None:
        centred = QHBoxLayout()
        centred.addStretch(1)
        centred.addWidget(self._row, 20)
        centred.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID)
        layout.setSpacing(GRID)
        layout.addStretch(2)
        layout.addLayout(centred)
        layout.addSpacing(2 * GRID)
        layout.addWidget(self._headline)
        layout.addWidget(self._words)
        layout.addSpacing(GRID)
        layout.addWidget(self._demo, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addSpacing(GRID)
        layout.addLayout(self._recent)
        layout.addStretch(3)

    def refresh(self) -> None:
        """Say what the session lacks."""
        if self._session.shown:
            return  # the figure is shown in its place
        headline, words = _message(self._session)
        self._headline.setText(headline)
        self._words.setText(words)
        for slot in self._slots:
            slot.refresh(self._session)
        self._row.setVisible(self._session.pairing is None)
        is_empty = not any(self._session.places[which].adapter for which in Which)
        self._demo.setVisible(is_empty)
        self._show_recent(is_empty)

    def _show_recent(self, shown: bool) -> None:
        """The pairs compared last, to be opened again with one click."""
        while (item := self._recent.takeAt(0)) is not None:
            old = item.widget()
            if old is not None:
                old.hide()
                old.deleteLater()
        pairs = self._memory.pairs[:_SHOWN_PAIRS] if shown else []
        if pairs:
            words = _centred("muted")
            words.setText("Or open a recent pair again")
            self._recent.addWidget(words)
        for position, pair in enumerate(pairs, 1):
            names = recent_pair_name(pair)
            key = action_of(f"file.recent_{position}").key
            tip = "\n".join((*map(str, pair), f"({key})"))
            again = button(names, tip, partial(self.pair_asked.emit, pair), chip=True)
            self._recent.addWidget(again, 0, Qt.AlignmentFlag.AlignHCenter)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.refresh()


def _message(session: Session) -> tuple[str, str]:
    if session.comparable:
        return "No panel is selected", "Choose layers and projections on the left."
    if session.pairing is not None:
        return "These two adapters share no module that can be compared", why_nothing(
            session.pairing, session.document.side
        )
    if any(session.places[which].adapter for which in Which):
        return "One adapter is open; drop the other one", "The figure appears as soon as both are there."
    return (
        "Drop two LoRA adapters anywhere in this window",
        "How much of what they learned they share, φ of every layer, appears by itself.",
    )


def _centred(role: str) -> QLabel:
    label = QLabel()
    label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    label.setProperty("role", role)
    return label
