"""Whether there is a display to open a window on. Qt itself aborts the process where there is none."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
from pathlib import Path

# Qt platforms that need no display.
_WITHOUT_DISPLAY = ("offscreen", "minimal", "vnc", "linuxfb", "eglfs")


def needs_no_screen() -> bool:
    """Whether Qt was told to paint where nobody can look, as tests have it."""
    return os.environ.get("QT_QPA_PLATFORM", "").partition(":")[0] in _WITHOUT_DISPLAY


def display_problem() -> str:
    """What is missing for a window, in a few words; empty where nothing is."""
    if importlib.util.find_spec("PySide6") is None:
        return "PySide6 is not installed"
    try:
        import PySide6.QtWidgets  # noqa: F401, PLC0415 - loading it is the test
    except ImportError as error:
        return f"a library that Qt needs is missing ({_library_name(str(error))})"
    if not sys.platform.startswith("linux"):
        return ""
    if needs_no_screen():
        return ""
    if os.environ.get("WAYLAND_DISPLAY") and _wayland_answers():
        return ""
    if not os.environ.get("DISPLAY"):
        return "no display is set (neither DISPLAY nor WAYLAND_DISPLAY)"
    return _xcb_problem()


def _library_name(message: str) -> str:
    return message.partition(":")[0].strip() or message


def _wayland_answers() -> bool:
    import socket  # noqa: PLC0415 - slow to load, and needed here alone

    path = Path(os.environ.get("XDG_RUNTIME_DIR", "/run"), os.environ["WAYLAND_DISPLAY"])
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1.0)
            connection.connect(str(path))
    except OSError:
        return False
    return True


def _xcb_problem() -> str:
    """Load the platform plugin, which names any library it lacks, and really connect to the display."""
    import PySide6  # noqa: PLC0415

    plugin = Path(PySide6.__file__).parent / "Qt/plugins/platforms/libqxcb.so"
    if plugin.exists():
        try:
            ctypes.CDLL(str(plugin))
        except OSError as error:
            return f"a library that Qt needs is missing ({_library_name(str(error))})"
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return "a library that Qt needs is missing (libxcb.so.1)"
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = [ctypes.c_char_p, ctypes.POINTER(ctypes.c_int)]
    xcb.xcb_connection_has_error.argtypes = [ctypes.c_void_p]
    xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(None, None)
    failed = xcb.xcb_connection_has_error(connection)
    xcb.xcb_disconnect(connection)
    return f"the display {os.environ['DISPLAY']} does not answer" if failed else ""
