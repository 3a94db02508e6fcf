"""Small parts that several places of the window are made of."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QLabel, QLineEdit, QMessageBox, QPushButton, QWidget


def heading(text: str) -> QLabel:
    """A label that heads a group of controls."""
    label = QLabel(text)
    label.setProperty("role", "heading")
    return label


def button(text: str, tip: str, act: Callable[[], object], *, chip: bool = False) -> QPushButton:
    """A button that does one thing; a chip is a small one."""
    made = QPushButton(text)
    made.setProperty("chip", chip)
    made.setAutoDefault(False)
    made.setToolTip(tip)
    made.clicked.connect(lambda _checked=False: act())
    return made


def ask(parent: QWidget, question: str, details: str, yes: str, *, is_risky: bool) -> bool:
    """Ask in a box of its own whether to go on; Enter says `yes`, unless that is risky."""
    box = QMessageBox(QMessageBox.Icon.Warning if is_risky else QMessageBox.Icon.NoIcon, "", question, parent=parent)
    box.setWindowTitle("PhiScope")
    box.setInformativeText(details)
    go_on = box.addButton(yes, QMessageBox.ButtonRole.AcceptRole)
    cancel = box.addButton(QMessageBox.StandardButton.Cancel)
    box.setDefaultButton(cancel if is_risky else go_on)
    box.exec()
    return box.clickedButton() is go_on


def set_style(widget: QWidget, name: str, value: object) -> None:
    """Set a property that the style sheet looks at, and have the widget drawn by it."""
    widget.setProperty(name, value)
    widget.style().unpolish(widget)
    widget.style().polish(widget)


class UndoElsewhere(QObject):
    """Leaves undo and redo to the window while a line that it filters has nothing to undo, or to redo, itself."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(watched, QLineEdit) and isinstance(event, QKeyEvent):
            is_asked = event.type() == QEvent.Type.ShortcutOverride
            undo, redo = map(event.matches, (QKeySequence.StandardKey.Undo, QKeySequence.StandardKey.Redo))
            if is_asked and ((undo and not watched.isUndoAvailable()) or (redo and not watched.isRedoAvailable())):
                event.ignore()
                return True
        return False
