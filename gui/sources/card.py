"""One adapter: where it is dropped or picked, and its facts once it is open."""

from __future__ import annotations

import html
from functools import partial
from pathlib import Path

from PySide6.QtCore import QSize, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QDragEnterEvent, QDragLeaveEvent, QDropEvent, QGuiApplication
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
)

from engine.sources.left_out import by_reason
from engine.sources.source import Source
from gui.actions.table import tip_of
from gui.sources.drops import dropped_paths
from gui.state.memory import Memory, recent_name
from gui.state.notice import Notice
from gui.state.session import Session
from gui.state.session_values import Place, Which
from gui.style.texts import adapter_facts, breakable
from gui.style.theme import GRID, icon
from gui.style.widgets import set_style

FILE_FILTER = "Adapters (*.safetensors *.safetensors.index.json *.bin *.pt *.pth *.ckpt *.lora *.npz);;All files (*)"
_SHOWN_WARNINGS = 2
_LONGEST_NAME = 80


class AdapterCard(QFrame):
    """A place for an adapter. Reads the session, and asks it to open what is picked or dropped here."""

    folder_used = Signal(object)  # Path: where the last file was picked
    drag_entered = Signal(object)  # list[Path]
    drag_left = Signal()
    reload_asked = Signal()

    def __init__(self, which: Which, session: Session, memory: Memory) -> None:
        super().__init__()
        self._which = which
        self._session = session
        self._memory = memory
        self._folder = ""
        self.setAcceptDrops(True)
        self.setAccessibleName(f"{which.word} adapter")
        self._build()
        session.places.changed.connect(self._on_changed)
        self._show(session.places[which])

    def _build(self) -> None:
        self._heading = QLabel(f"{self._which.word} adapter")
        self._heading.setProperty("role", "muted")
        opening = f"file.open_{self._which.word.lower()}"
        self._file_button = self._tool("file", "Open a file…", tip_of(opening))
        self._file_button.clicked.connect(self.choose_file)
        self._folder_button = self._tool("folder", "Open a folder…", tip_of(f"{opening}_folder"))
        self._folder_button.clicked.connect(self.choose_folder)
        self._clear_button = self._tool("close", "Clear", "Empty this place")
        self._clear_button.clicked.connect(lambda: self._session.places.clear(self._which))
        self._more_button = self._tool(
            "more", "Recent adapters and more", "Recent adapters, show in folder, copy path"
        )
        self._menu = QMenu(f"{self._which.word} adapter", self)
        self._menu.setToolTipsVisible(True)
        self._menu.aboutToShow.connect(self._fill_menu)
        self._more_button.setMenu(self._menu)
        self._more_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        top = QHBoxLayout()
        top.setSpacing(GRID // 2)
        top.addWidget(self._heading)
        top.addStretch(1)
        for button in (self._file_button, self._folder_button, self._more_button, self._clear_button):
            top.addWidget(button)
        self._name = _wrapping_label("heading")
        self._facts = _wrapping_label("muted")
        self._notes = _wrapping_label("warning")
        self._failure = _wrapping_label("error")
        self._failure.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._reload = QPushButton("Changed on disk: reload")
        self._reload.setProperty("chip", True)
        self._reload.setToolTip(tip_of("file.reload"))
        self._reload.setAccessibleName(f"{self._which.word} adapter: reload from disk")
        self._reload.clicked.connect(self.reload_asked)
        self._choices = QComboBox()
        self._choices.setAccessibleName(f"{self._which.word} adapter: choose one of the folder's")
        self._choices.activated.connect(self._on_choice)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID + 4, GRID, GRID, GRID + 2)
        layout.setSpacing(GRID // 2)
        layout.addLayout(top)
        for label in (self._name, self._facts, self._notes, self._failure):
            layout.addWidget(label)
        layout.addWidget(self._reload)
        layout.addWidget(self._choices)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)

    def _tool(self, picture: str, name: str, tip: str) -> QToolButton:
        button = QToolButton()
        button.setIcon(icon(picture))
        button.setIconSize(QSize(18, 18))
        button.setProperty("quiet", True)
        button.setToolTip(tip)
        button.setAccessibleName(f"{self._which.word} adapter: {name}")
        return button

    # --- picking ---

    def choose_file(self) -> None:
        """Ask for a file and open it."""
        name, _ = QFileDialog.getOpenFileName(
            self, f"Open the {self._which.word.lower()} adapter", self._start_folder(), FILE_FILTER
        )
        self._open_chosen(name)

    def choose_folder(self) -> None:
        """Ask for a folder and open the adapter in it."""
        name = QFileDialog.getExistingDirectory(
            self, f"Open the folder of the {self._which.word.lower()} adapter", self._start_folder()
        )
        self._open_chosen(name)

    def set_start_folder(self, folder: Path) -> None:
        """Where the next picker starts."""
        self._folder = str(folder)

    def _start_folder(self) -> str:
        adapter = self._session.places[self._which].adapter
        return str(adapter.path.parent) if adapter else self._folder

    def _open_chosen(self, name: str) -> None:
        if name:
            self.folder_used.emit(Path(name).parent)
            self._session.places.open(self._which, Path(name))

    def _fill_menu(self) -> None:
        """Recent adapters first, then what can be done with the one that is here."""
        self._menu.clear()
        adapter = self._session.places[self._which].adapter
        here = adapter.path if adapter else None
        for position, path in enumerate((path for path in self._memory.adapters if path != here), 1):
            text = f"&{position}  {recent_name(path)}"
            action = self._menu.addAction(text, partial(self._session.places.open, self._which, path))
            action.setToolTip(str(path))
        if self._menu.isEmpty():
            self._menu.addAction("&No recent adapters").setEnabled(False)
        self._menu.addSeparator()
        show = self._menu.addAction("Show in &folder", self.show_in_folder)
        copy = self._menu.addAction("&Copy path", self.copy_path)
        for action in (show, copy):
            action.setEnabled(adapter is not None)

    def show_in_folder(self) -> None:
        """Open the folder that holds the adapter in the desktop's file manager."""
        adapter = self._session.places[self._which].adapter
        if adapter is not None:
            folder = adapter.path if adapter.path.is_dir() else adapter.path.parent
            if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
                self._session.notice_raised.emit(Notice.error(f"No file manager opens {folder} here."))

    def copy_path(self) -> None:
        """Put the adapter's path on the clipboard."""
        adapter = self._session.places[self._which].adapter
        if adapter is not None:
            QGuiApplication.clipboard().setText(str(adapter.path))

    # --- dropping ---

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        paths = dropped_paths(event.mimeData())
        if paths:
            event.acceptProposedAction()
            self.set_lit(True)
            self.drag_entered.emit(paths)

    def dragLeaveEvent(self, _event: QDragLeaveEvent) -> None:
        self.set_lit(False)
        self.drag_left.emit()

    def dropEvent(self, event: QDropEvent) -> None:
        self.set_lit(False)
        self.drag_left.emit()
        event.acceptProposedAction()
        self._session.places.open_paths(dropped_paths(event.mimeData()), self._which)

    def set_lit(self, lit: bool) -> None:
        """Show that a drop would land here."""
        set_style(self, "lit", lit)

    def _on_choice(self, _index: int) -> None:
        path = self._choices.currentData()
        if isinstance(path, Path):
            self._session.places.open(self._which, path)

    # --- facts ---

    def _on_changed(self, which: Which) -> None:
        if which is self._which:
            self._show(self._session.places[which])
        else:
            self._show_name()  # the other place may have one of this name
            self._describe()

    def _show_name(self) -> None:
        self._name.setText(breakable(self._session.places.name(self._which)))

    def _show(self, place: Place) -> None:
        adapter = place.adapter
        self.setProperty("role", "card" if adapter else "drop")
        self._clear_button.setVisible(adapter is not None or place.failure is not None)
        self._show_name()
        self._name.setToolTip(str(adapter.path) if adapter else "")
        if place.opening is not None:
            self._facts.setText(f"Opening {breakable(place.opening.path.name)} …")
        elif adapter is not None:
            self._facts.setText(html.escape(adapter_facts(adapter)))
        else:
            self._facts.setText("Drop a .safetensors, .bin or .pt file, a sharded index, or an adapter's folder.")
        self._notes.setText(_notes_text(adapter) if adapter else "")
        self._notes.setToolTip("\n".join(adapter.warnings) if adapter else "")
        if place.failure is not None:
            name = _short(place.failed_path.name) if place.failed_path else ""
            kept = " The adapter above stays." if adapter else ""
            self._failure.setText(html.escape(f"{name}: {place.failure.sentence}{kept}"))
            self._failure.setToolTip(place.failure.details)
        else:
            self._failure.clear()
        self._choices.clear()
        if place.choices:
            self._choices.addItem("Choose an adapter…")
            for path in place.choices:
                self._choices.addItem(path.name, path)
        self._choices.setVisible(bool(place.choices))
        self._reload.setVisible(bool(place.change) and place.opening is None)
        for label in (self._name, self._facts, self._notes, self._failure):
            label.setVisible(bool(label.text()))
        self._describe()
        self.set_lit(False)

    def _describe(self) -> None:
        said = (self._name.text(), self._facts.text(), self._failure.text())
        self.setAccessibleDescription(" ".join(filter(None, said)))


def _short(name: str) -> str:
    """A name that a card has room for: what cannot be opened may be called anything."""
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 20]}…{name[-19:]}"


def _wrapping_label(role: str) -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setProperty("role", role)
    label.setTextFormat(Qt.TextFormat.RichText)
    label.setMinimumWidth(0)
    return label


def _notes_text(adapter: Source) -> str:
    notes = list(adapter.warnings)
    notes += [f"Left out: {group}" for group in by_reason(adapter.unusable)]
    shown = [html.escape(note) for note in notes[:_SHOWN_WARNINGS]]
    if len(notes) > _SHOWN_WARNINGS:
        shown.append(f"and {len(notes) - _SHOWN_WARNINGS} more")
    return "<br>".join(shown)
