"""Work with a window that says how far it is: Tk's, or one of the desktop's own tools, or lines on a terminal."""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from gui.program.plain_window import complain, is_watched

_ICON = Path(__file__).resolve().parent.parent / "icons" / "phiscope-64.png"
_TICK = 0.05  # seconds between two looks at what there is to say
Work = Callable[[Callable[[str], None], threading.Event], None]


class Window(Protocol):
    """Shows a line of text until it is closed."""

    def show(self, text: str) -> None:
        """Replace the line."""

    def is_open(self) -> bool:
        """False once the user has closed it. Asked every few hundredths of a second."""

    def close(self) -> None:
        """Take it away."""


def run_with_window(title: str, heading: str, work: Work) -> bool:
    """Do the work in a thread while a window shows what it says; False where the user cancelled it.

    What the work raises is raised here, after the window has gone.
    """
    window = open_window(title, heading)
    said: queue.SimpleQueue[str] = queue.SimpleQueue()
    cancelled = threading.Event()
    errors: list[BaseException] = []

    def do() -> None:
        try:
            work(said.put, cancelled)
        except BaseException as error:  # noqa: BLE001 - the thread's edge: it is raised again below
            errors.append(error)

    thread = threading.Thread(target=do)
    thread.start()
    try:
        while thread.is_alive():
            if not window.is_open():
                cancelled.set()
            while not said.empty():
                window.show(said.get())
            time.sleep(_TICK)
    finally:
        if thread.is_alive():
            cancelled.set()
        thread.join()
        window.close()
    if errors:
        raise errors[0]
    return not cancelled.is_set()


def open_window(title: str, heading: str) -> Window:
    """The best window that there is here."""
    if is_watched():
        return Lines(heading)
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return Lines(heading)
    with contextlib.suppress(ImportError, RuntimeError):  # Tk is a package of its own on many systems
        return TkWindow(title, heading)
    if shutil.which("zenity"):
        return Zenity(title, heading)
    still = (["kdialog", "--title", title, "--msgbox"], ["xmessage", "-center", "-buttons", "", "-title", title])
    for command in still:
        if shutil.which(command[0]):
            return StillWindow(command, heading)
    return Lines(heading)


class Lines:
    """Lines on standard error, where there is one."""

    def __init__(self, heading: str) -> None:
        complain(heading)

    def show(self, text: str) -> None:
        """Write the line."""
        complain(f"  {text}")

    def is_open(self) -> bool:
        """Always: a terminal interrupts."""
        return True

    def close(self) -> None:
        """Nothing to take away."""


class TkWindow:
    """A small window of Tk's, with a bar that moves for as long as the work lasts."""

    def __init__(self, title: str, heading: str) -> None:
        import tkinter  # noqa: PLC0415 - may be missing
        from tkinter import ttk  # noqa: PLC0415

        try:
            self._root = root = tkinter.Tk(className="phiscope")
        except tkinter.TclError as error:
            raise RuntimeError(str(error)) from error
        self._open = True
        root.title(title)
        root.resizable(False, False)
        root.protocol("WM_DELETE_WINDOW", self._cancel)
        self._icon = tkinter.PhotoImage(file=str(_ICON))
        root.iconphoto(True, self._icon)
        frame = ttk.Frame(root, padding=20)
        frame.grid()
        ttk.Label(frame, image=self._icon).grid(row=0, column=0, rowspan=2, padx=(0, 16))
        ttk.Label(frame, text=heading).grid(row=0, column=1, sticky="w")
        self._text = ttk.Label(frame, width=52)
        self._text.grid(row=1, column=1, sticky="w")
        self._bar = ttk.Progressbar(frame, mode="indeterminate", length=360)
        self._bar.grid(row=2, column=0, columnspan=2, sticky="we", pady=16)
        self._bar.start(20)
        ttk.Button(frame, text="Cancel", command=self._cancel).grid(row=3, column=1, sticky="e")
        root.update_idletasks()
        x = (root.winfo_screenwidth() - root.winfo_reqwidth()) // 2
        y = (root.winfo_screenheight() - root.winfo_reqheight()) // 3
        root.geometry(f"+{x}+{y}")
        root.update()

    def _cancel(self) -> None:
        self._open = False
        self._text["text"] = "Stopping"

    def show(self, text: str) -> None:
        """Replace the line."""
        if self._open:
            self._text["text"] = f"{text} …"

    def is_open(self) -> bool:
        """Whether it was neither closed nor cancelled."""
        self._root.update()
        return self._open

    def close(self) -> None:
        """Take it away."""
        self._bar.stop()  # or it moves once more, and complains that it is not there
        self._root.destroy()


class Zenity:
    """GNOME's window for scripts."""

    def __init__(self, title: str, heading: str) -> None:
        self._heading = heading
        self._process = subprocess.Popen(
            ["zenity", "--progress", "--pulsate", "--width=460", "--title", title, "--text", heading],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, encoding="utf-8",
        )  # fmt: skip

    def show(self, text: str) -> None:
        """Replace the line."""
        if self._process.stdin is not None and self.is_open():
            try:
                self._process.stdin.write(f"# {self._heading}\\n{text} …\n")
                self._process.stdin.flush()
            except BrokenPipeError:
                return  # closed at this very moment: is_open says so next

    def is_open(self) -> bool:
        """Whether it was not cancelled."""
        return self._process.poll() is None

    def close(self) -> None:
        """Take it away."""
        self._process.terminate()
        self._process.communicate()


class StillWindow:
    """A window whose text cannot change: it says that there is work, for as long as there is."""

    def __init__(self, command: list[str], heading: str) -> None:
        text = f"{heading} It takes a few minutes, and PhiScope opens when it is done."
        self._process = subprocess.Popen([*command, text], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def show(self, text: str) -> None:
        """Not here."""

    def is_open(self) -> bool:
        """Always: closing it hides it, and cancels nothing."""
        return True

    def close(self) -> None:
        """Take it away."""
        self._process.terminate()
        self._process.wait()
