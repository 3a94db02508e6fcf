"""Pictures of what is seen, for a paper: on white, at twice the size, whatever the theme."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSizeF, Qt
from PySide6.QtGui import QGuiApplication, QImage, QPainter

from gui.style.texts import grouped

MAGNIFICATION = 2


def picture_on_paper(size: QSizeF, paint: Callable[[QPainter], None]) -> QImage:
    """What `paint` paints into an area of this size in the window's pixels, from its origin on."""
    large = (size * MAGNIFICATION).toSize()
    picture = QImage(large, QImage.Format.Format_RGB32)
    picture.fill(Qt.GlobalColor.white)
    painter = QPainter(picture)
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
    painter.scale(MAGNIFICATION, MAGNIFICATION)
    paint(painter)
    painter.end()
    return picture


def copy_picture(picture: QImage, what: str) -> str:
    """Put a picture on the clipboard; says what was copied, and how large it is."""
    QGuiApplication.clipboard().setImage(picture)
    size = f"{grouped(picture.width())} × {grouped(picture.height())} pixels"
    return f"Copied {what} as a picture, {size}."
