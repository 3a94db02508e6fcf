"""The page on φ, and what this program is made of."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from PySide6 import __version__ as pyside_version
from PySide6.QtCore import QEvent, Qt, qVersion
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QTextBrowser, QVBoxLayout, QWidget

from engine import __version__
from gui.actions.key_list import key_rows
from gui.program.resources import RESOURCES
from gui.style.theme import GRID, current_colours

_PAGE = RESOURCES / "help.html"
_KEYS_STAND_HERE = "<!-- the keys of the actions -->"
_NOTICES = RESOURCES / "licences" / "NOTICES.md"
_PACKAGES = ("pyqtgraph", "numpy", "scipy", "torch", "safetensors", "matplotlib", "cmap")


class HelpWindow(QDialog):
    """One page: what φ is, the sides, chance, undefined cells and warnings, and the keys."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("About φ – PhiScope")
        self.resize(720, 640)
        self._browser = QTextBrowser()
        self._browser.setAccessibleName("Help on the subspace similarity φ")
        self._browser.setOpenExternalLinks(True)
        self._browser.setFrameShape(QTextBrowser.Shape.NoFrame)
        self._browser.document().setDocumentMargin(3 * GRID)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._browser)
        self._fill()

    def _fill(self) -> None:
        colours = current_colours()
        style = (
            f"a {{ color: {colours.link}; }} td {{ padding: 2px 12px 2px 0; }} "
            f"td.menu {{ padding-top: {GRID}px; color: {colours.muted}; }}"
        )
        self._browser.document().setDefaultStyleSheet(style)
        self._browser.setHtml(_PAGE.read_text(encoding="utf-8").replace(_KEYS_STAND_HERE, key_rows()))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._fill()


class LicencesDialog(QDialog):
    """Whose work this program is built on, and under which licences."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Licences – PhiScope")
        self.resize(760, 640)
        browser = QTextBrowser()
        browser.setAccessibleName("Licences")
        browser.setFrameShape(QTextBrowser.Shape.NoFrame)
        browser.document().setDocumentMargin(3 * GRID)
        browser.setMarkdown(_NOTICES.read_text(encoding="utf-8"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(browser)


def versions(device: str) -> str:
    """What a bug report needs: versions, platform and device, a line each."""
    lines = [f"PhiScope {__version__}", f"Python {platform.python_version()} on {platform.platform()}"]
    lines.append(f"PySide6 {pyside_version}, Qt {qVersion()}")
    for package in _PACKAGES:
        try:
            lines.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            lines.append(f"{package}: not installed")
    return "\n".join([*lines, f"Computing on {device}"])


class AboutDialog(QDialog):
    """Name, purpose, versions, and a button that copies them."""

    def __init__(self, device: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("About PhiScope")
        self._versions = versions(device)
        words = QLabel(
            f"<h3>PhiScope {__version__}</h3>How much of what two LoRA adapters learned they share: the normalised "
            "subspace similarity φ of Hu et al., <i>LoRA</i> (arXiv 2106.09685), §7.2, layer by layer."
            "<p>MIT licence. Qt and PySide6 are used under the LGPL.</p>"
        )
        words.setWordWrap(True)
        details = QLabel(self._versions)
        details.setProperty("role", "muted")
        details.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        details.setAccessibleName("Versions and device")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        copy = buttons.addButton("Copy", QDialogButtonBox.ButtonRole.ActionRole)
        buttons.button(QDialogButtonBox.StandardButton.Close).setToolTip("Close this window (Esc)")
        copy.setToolTip("Copy the versions, for a bug report")
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self._versions))
        licences = buttons.addButton("Licences", QDialogButtonBox.ButtonRole.ActionRole)
        licences.setToolTip("Whose work this is built on, and under which licences")
        licences.clicked.connect(lambda: LicencesDialog(self).exec())
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID)
        layout.setSpacing(GRID)
        for widget in (words, details, buttons):
            layout.addWidget(widget)
        self.setFixedWidth(480)
