"""Make phiscope.ico, phiscope.icns and the PNG icons from phiscope.svg: python resources/make_icons.py"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from PIL import Image
from PySide6.QtCore import QBuffer, QIODevice
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

RESOURCES = Path(__file__).resolve().parent
SVG = RESOURCES / "phiscope.svg"
PNG_SIZES = (16, 24, 32, 48, 64, 128, 256, 512)  # those of the hicolor theme
ICO_SIZES = (16, 24, 32, 48, 64, 128, 256)
ICNS_SIZES = (32, 64, 128, 256, 512, 1024)


def render(size: int) -> Image.Image:
    """The icon in a square of this many pixels."""
    image = QImage(size, size, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(0)
    painter = QPainter(image)
    QSvgRenderer(str(SVG)).render(painter)
    painter.end()
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]  # PySide6 takes the format as text
    return Image.open(io.BytesIO(bytes(buffer.data().data()))).convert("RGBA")


def main() -> int:
    """Write every file; the exit status."""
    for size in PNG_SIZES:
        render(size).save(RESOURCES / "icons" / f"phiscope-{size}.png", optimize=True)
    _save_sizes(RESOURCES / "phiscope.ico", ICO_SIZES)
    _save_sizes(RESOURCES / "phiscope.icns", ICNS_SIZES)
    return 0


def _save_sizes(path: Path, sizes: tuple[int, ...]) -> None:
    *smaller, largest = (render(size) for size in sizes)
    largest.save(path, append_images=smaller, sizes=[(size, size) for size in sizes])


if __name__ == "__main__":
    sys.exit(main())
