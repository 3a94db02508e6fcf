"""A real display for tests: Xvfb with a window manager, and the program as a person runs it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QImage

from tests.conftest import REPOSITORY

MAIN = REPOSITORY / "main.py"


class Desktop:
    """One display with a window manager."""

    def __init__(self, display: str, home: Path) -> None:
        self._home = home
        self.environment = {
            name: value for name, value in os.environ.items() if name not in ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY")
        } | {"DISPLAY": display, "HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config")}

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        """Start `main.py` with these arguments."""
        return subprocess.Popen(
            [sys.executable, str(MAIN), *map(str, arguments)],
            env=self.environment, cwd=self._home, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def xdotool(self, *arguments: str) -> str:
        """Run xdotool and return what it prints."""
        done = subprocess.run(
            ["xdotool", *arguments], env=self.environment, text=True, capture_output=True, check=False, timeout=30
        )
        return done.stdout

    def window(self, name: str, seconds: float = 60) -> str:
        """Wait for a visible window of this name, and return its number."""
        found = wait_for(lambda: self.xdotool("search", "--onlyvisible", "--name", name).split(), seconds)
        return found[-1]

    def screenshot(self) -> npt.NDArray[np.uint8]:
        """The screen, (height, width, 3) of red, green, blue."""
        done = subprocess.run(
            ["import", "-window", "root", "ppm:-"], env=self.environment, capture_output=True, check=True, timeout=30
        )
        image = QImage.fromData(done.stdout).convertToFormat(QImage.Format.Format_RGB888)
        rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
        return rows[:, : image.width() * 3].reshape(image.height(), image.width(), 3).copy()


@contextmanager
def desktop(home: Path, size: str = "1280x720x24") -> Iterator[Desktop]:
    """A display of this size, gone when the context ends."""
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", size, "-nolisten", "tcp"],
        pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(write)
    with os.fdopen(read) as numbers:
        screen = Desktop(f":{numbers.readline().strip()}", home)
    manager = _managed(screen)
    try:
        yield screen
    finally:
        for process in (manager, server):
            process.terminate()
            process.wait(timeout=30)


def copy_of_the_checkout(folder: Path) -> Path:
    """The program's files in a new folder of this name; the folder."""
    folder.mkdir()
    for name in subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", ":!tests"],
        cwd=REPOSITORY, text=True, capture_output=True, check=True,
    ).stdout.split("\0"):  # fmt: skip
        if name and (REPOSITORY / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, folder / name)
    return folder


_Answer = TypeVar("_Answer")


def wait_for(condition: Callable[[], _Answer], seconds: float) -> _Answer:
    """Ask again and again until the answer is true, and return it."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.1)
    raise AssertionError("waited in vain")


def panel_areas(screen: npt.NDArray[np.uint8], colours: npt.NDArray[np.uint8]) -> list[list[tuple[slice, slice]]]:
    """Rows of panels on a screenshot: the rectangles that hold only colours of the colour map."""
    known = {tuple(colour) for colour in colours[:, :3].tolist()}
    flat = screen.reshape(-1, 3)
    distinct, where = np.unique(flat, axis=0, return_inverse=True)
    is_known = np.array([tuple(colour) in known for colour in distinct.tolist()])
    mask = is_known[where.reshape(-1)].reshape(screen.shape[:2])
    columns = _runs(mask.sum(axis=0) > 0.3 * mask.sum(axis=0).max(), shortest=60)
    rows = _runs(mask[:, columns[0]].sum(axis=1) > 0.7 * (columns[0].stop - columns[0].start), shortest=60)
    return [[(row, column) for column in columns] for row in rows]


def _runs(flags: npt.NDArray[np.bool_], shortest: int) -> list[slice]:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    pairs: Sequence[tuple[int, int]] = list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
    return [slice(start, stop) for start, stop in pairs if stop - start >= shortest]


def _managed(screen: Desktop) -> subprocess.Popen[bytes]:
    """A window manager that has taken the display over; keys go nowhere without one."""
    manager = subprocess.Popen(["openbox"], env=screen.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def is_there() -> bool:
        if manager.poll() is not None:
            raise RuntimeError(f"the window manager has ended: {manager.stderr.read() if manager.stderr else ''!r}")
        asked = ["xprop", "-root", "_NET_SUPPORTING_WM_CHECK"]
        done = subprocess.run(asked, env=screen.environment, text=True, capture_output=True, check=False, timeout=30)
        return "window id" in done.stdout

    wait_for(is_there, 30)
    return manager
