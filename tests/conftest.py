"""Where Qt can run, tests of the window run offscreen; where it cannot, they are left out and the header says so."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

DATA = Path(__file__).parent / "data"
REPOSITORY = Path(__file__).parent.parent

os.environ.setdefault("PYTEST_QT_API", "pyside6")


def _qt_problem() -> str:
    try:
        import PySide6.QtWidgets  # noqa: F401, PLC0415 - loading it is the test
    except ImportError as error:
        return str(error)
    return ""


_QT_PROBLEM = _qt_problem()
_XVFB_PROBLEM = (
    "" if all(map(shutil.which, ("Xvfb", "openbox", "xdotool"))) else "Xvfb, openbox or xdotool is missing"
)

if _QT_PROBLEM:
    collect_ignore = ["gui", "end_to_end"]
else:
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    pytest_plugins = ["pytestqt.plugin"]
if _XVFB_PROBLEM:
    collect_ignore = [*globals().get("collect_ignore", []), "end_to_end"]


def pytest_report_header() -> list[str]:
    """Say what is left out."""
    lines = []
    if _QT_PROBLEM:
        lines.append(f"left out: every test of the window ({_QT_PROBLEM})")
    elif _XVFB_PROBLEM:
        lines.append(f"left out: the tests that use the window as a person does ({_XVFB_PROBLEM})")
    return lines


def pytest_configure() -> None:
    """Where everything is promised to be there, its absence is a failure."""
    if os.environ.get("PHISCOPE_NEEDS_DISPLAY") and (_QT_PROBLEM or _XVFB_PROBLEM):
        raise pytest.UsageError(_QT_PROBLEM or _XVFB_PROBLEM)
