"""Names of controls for screen readers, where Qt does not pass them on by itself."""

from __future__ import annotations

from PySide6.QtWidgets import QComboBox, QLabel, QWidget


def name_choosers(top: QWidget) -> None:
    """Give every combo box in `top` that has an accessible name a label of that name, which is not shown.

    Qt on Linux reads out a combo box's choice in place of its name, and takes the name from the label it belongs to.
    """
    labelled = {label.buddy() for label in top.findChildren(QLabel)}
    for box in top.findChildren(QComboBox):
        parent = box.parentWidget()
        if box not in labelled and box.accessibleName() and parent is not None:
            label = QLabel(box.accessibleName(), parent)
            label.setBuddy(box)
            label.hide()
