"""Sets the program up on its first start, in a virtual environment beside main.py, and starts it.

An environment that was finished has a stamp of what it was made from. Without it, or with another one, this is what
happens: one that was begun here and never finished is made anew, one that cannot run is made anew, one that holds
the versions asked for is used as it is, and any other is completed by pip, whoever made it.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from environment import Environment, Problem, meaning
from progress import run_with_window

from gui.program.plain_window import complain, is_watched, show_message

TITLE = "PhiScope"


def run(root: str, arguments: Sequence[str]) -> int:
    """Start the program in the checkout `root`, after setting it up where that is needed; the exit status."""
    environment = Environment(Path(root))
    try:
        if not environment.is_complete():
            with _only_one(Path(root)):
                finished = run_with_window(TITLE, "Setting up PhiScope. This happens once.", environment.make)
            if not finished:
                return 1  # cancelled by the user, who needs no window that says so
    except Problem as problem:
        return _refuse(str(problem))
    except Exception as error:  # noqa: BLE001 - the program's edge: nobody may be left with nothing on the screen
        unknown = f"PhiScope cannot be set up in {root} ({type(error).__name__}: {error})."
        return _refuse(meaning([str(error)]) or unknown)
    return _start([str(environment.windowed_python), str(Path(root) / "main.py"), *arguments])


def _refuse(sentence: str) -> int:
    complain(f"phiscope: {sentence}")
    if not is_watched():
        show_message(TITLE, sentence)
    return 1


def _start(command: list[str]) -> int:
    """Become the program; where a console would stay open for as long as it runs, leave it instead."""
    if sys.platform == "win32":
        subprocess.Popen(command, creationflags=subprocess.DETACHED_PROCESS)
    elif sys.platform == "darwin":
        nothing = subprocess.DEVNULL
        subprocess.Popen(command, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True)
    else:
        os.execv(command[0], command)
    return 0


@contextmanager
def _only_one(root: Path) -> Iterator[None]:
    """A second double click while the first one sets up must not touch what is being made."""
    name = hashlib.sha256(os.fsencode(f"{Path.home()}\0{root}")).hexdigest()[:16]
    with (Path(tempfile.gettempdir()) / f"phiscope-{name}.lock").open("w") as file:
        try:
            if sys.platform == "win32":
                import msvcrt  # noqa: PLC0415

                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl  # noqa: PLC0415

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Problem("PhiScope is being set up already; it opens when that is done.") from error
        yield
