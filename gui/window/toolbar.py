"""The toolbar: swapping, the side, the device and the export."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox, QLabel, QPushButton, QSizePolicy, QToolBar, QWidget

from engine.side import Side
from engine.subspaces.devices import CPU
from gui.actions.menus import Menus
from gui.state.session import Session
from gui.style.theme import icon


class Toolbar(QToolBar):
    """Reads the session, and changes its side and device."""

    def __init__(self, session: Session, menus: Menus) -> None:
        super().__init__("Main")
        self._session = session
        self.sides = _chooser("Side", "Whose singular vectors are compared: A (the paper's), B, or ΔW's")
        for side in Side:
            self.sides.addItem(side.title, side)
        self.sides.activated.connect(lambda _index: session.store.change(side=self.sides.currentData()))
        self._devices = _chooser("Device", "Where to compute; Automatic takes a GPU where there is one")
        self._devices.activated.connect(lambda _index: session.set_device(self._devices.currentData()))
        self._build(menus)
        session.pairing_changed.connect(self._show_side)
        session.tasks.devices_changed.connect(self._show_devices)
        self._show_devices()

    def _build(self, menus: Menus) -> None:
        self.setMovable(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.addWidget(_button("Swap", "swap", menus["edit.swap"]))
        spacer = QWidget()
        spacer.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.addWidget(spacer)
        for chooser in (self.sides, self._devices):
            self.addWidget(QLabel(chooser.accessibleName()))
            self.addWidget(chooser)
        self.addWidget(_button("Export…", "export", menus["file.export"]))

    def _show_side(self) -> None:
        self.sides.setCurrentIndex(list(Side).index(self._session.document.side))

    def _show_devices(self) -> None:
        chosen = self._session.tasks.device
        self._devices.clear()
        self._devices.addItem("Automatic", None)
        for device in (*self._session.tasks.devices, CPU):
            self._devices.addItem(device.name, device)
        self._devices.setCurrentIndex(max(0, self._devices.findData(chosen)) if chosen else 0)


def _chooser(name: str, tip: str) -> QComboBox:
    box = QComboBox()
    box.setAccessibleName(name)
    box.setToolTip(tip)
    return box


def _button(text: str, picture: str, action: QAction) -> QPushButton:
    """A button that does what an action does, and can be pressed when that can be asked for."""
    button = QPushButton(text)
    button.setIcon(icon(picture))
    button.setToolTip(action.toolTip())
    button.setEnabled(action.isEnabled())
    button.clicked.connect(action.trigger)
    action.enabledChanged.connect(button.setEnabled)
    return button
