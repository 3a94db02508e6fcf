"""What lies beside the code: icons made from the one drawing, licences, and one version."""

from __future__ import annotations

import re
import runpy
from importlib.metadata import metadata, requires

import numpy as np
import pytest
from PIL import Image
from PySide6.QtWidgets import QTextBrowser, QWidget
from pytestqt.qtbot import QtBot

import engine
from gui.program.resources import RESOURCES
from gui.window.help import LicencesDialog
from tests.conftest import REPOSITORY

MAKER = runpy.run_path(str(RESOURCES / "make_icons.py"))


@pytest.mark.parametrize("size", MAKER["PNG_SIZES"])
def test_a_png_shows_the_drawing(size: int) -> None:
    assert _difference(Image.open(RESOURCES / "icons" / f"phiscope-{size}.png"), size) < 1


@pytest.mark.parametrize(
    ("name", "sizes"), [("phiscope.ico", MAKER["ICO_SIZES"]), ("phiscope.icns", MAKER["ICNS_SIZES"])]
)
def test_the_icons_of_windows_and_macos_show_the_drawing_in_all_sizes(name: str, sizes: tuple[int, ...]) -> None:
    image = Image.open(RESOURCES / name)
    found = {size[0] * (size[2] if len(size) > 2 else 1) for size in image.info["sizes"]}
    assert found >= set(sizes)
    assert _difference(image, max(image.size)) < 1


def _difference(image: Image.Image, size: int) -> float:
    """Mean difference of two pictures of this size, in steps of a byte; Qt's rounding differs between versions."""
    assert image.size == (size, size)
    ours = np.asarray(image.convert("RGBA"), float)
    return float(np.abs(ours - np.asarray(MAKER["render"](size), float)).mean())


def test_every_dependency_and_the_demo_pair_have_a_notice(qtbot: QtBot) -> None:
    notices = (RESOURCES / "licences" / "NOTICES.md").read_text(encoding="utf-8").lower()
    needed = [requirement for requirement in requires("phiscope") or () if "extra" not in requirement]
    names = [re.split("[<>=]", requirement)[0].lower() for requirement in needed]
    for name in [*names, "demo pair"]:
        assert {"pyside6-essentials": "pyside6", "torch": "pytorch"}.get(name, name) in notices
    for text in ("LGPL-3.0.txt", "GPL-3.0.txt"):
        assert text.lower() in notices
        assert "GENERAL PUBLIC LICENSE" in (RESOURCES / "licences" / text).read_text(encoding="utf-8")
    parent = QWidget()
    qtbot.addWidget(parent)
    browser = LicencesDialog(parent).findChild(QTextBrowser)
    assert isinstance(browser, QTextBrowser)
    assert "Qt and the LGPL" in browser.toPlainText()


def test_the_version_is_written_in_one_place() -> None:
    assert metadata("phiscope")["Version"] == engine.__version__
    assert f'"{engine.__version__}"' not in (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
