"""A sentence for the user without Qt: in a window of whatever the platform has, and on the console if there is one.

Runs on Python 3.6, on which the launcher still has to say that Python is too old; so it is written without what came
later.
"""

import os
import sys
from typing import TextIO

_SCRIPT = 'on run {title, words}\ndisplay dialog words with title title buttons {"OK"} with icon stop\nend run'


def say(text: str) -> None:
    """Write a line to standard output, where there is one."""
    _write(sys.stdout, text)


def complain(text: str) -> None:
    """Write a line to standard error, where there is one."""
    _write(sys.stderr, text)


def is_watched() -> bool:
    """Whether somebody reads standard error: a terminal does, a menu or a file manager does not."""
    return sys.stderr is not None and sys.stderr.isatty()


def show_message(title: str, text: str) -> bool:
    """Show the text in a window until the user closes it; whether there was one."""
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - Windows alone

        return bool(ctypes.windll.user32.MessageBoxW(None, text, title, 0x10))
    if sys.platform == "darwin":
        return _run(["osascript", "-e", _SCRIPT, title, text])
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return False
    return (
        _run(["zenity", "--error", "--no-markup", "--width=420", "--title", title, "--text", text])
        or _run(["kdialog", "--title", title, "--error", text])
        or _show_with_tk(title, text)
        or _run(["xmessage", "-center", "-title", title, "-buttons", "Close:0", text])
        or _run(["notify-send", title, text])
    )


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:
        return
    encoding = stream.encoding or "ascii"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")


def _run(command: list[str]) -> bool:
    """Whether the program is there and did what it was asked."""
    import subprocess  # noqa: PLC0415 - the window comes first, and mostly nothing goes wrong
    from shutil import which  # noqa: PLC0415

    if which(command[0]) is None:
        return False
    # zenity answers 1 where the window was closed otherwise than by its button: it was shown all the same.
    done = subprocess.call(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return done == 0 or (done == 1 and command[0] == "zenity" and "WAYLAND_DISPLAY" in os.environ)


def _show_with_tk(title: str, text: str) -> bool:
    try:
        import tkinter  # noqa: PLC0415 - Debian keeps it in a package of its own
        from tkinter import messagebox  # noqa: PLC0415

        root = tkinter.Tk()
    except (ImportError, RuntimeError):
        return False
    except tkinter.TclError:  # the display does not answer
        return False
    root.withdraw()
    messagebox.showerror(title, text)
    root.destroy()
    return True
