"""The virtual environment beside main.py: whether it is complete, and how it is made."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

NEEDED = 3 * 10**9  # bytes: 1.4 GB stay, and pip needs room for what it fetches
_WINDOWS = sys.platform == "win32"
_FLAGS = 0x08000000 if _WINDOWS else 0  # CREATE_NO_WINDOW

# What pip says, and what it means for somebody who has never heard of pip; the first that fits counts.
_MEANINGS = (
    (r"No space left on device|not enough space on the disk|Errno 28\b",
     "The disk is full. Make room (about 3 GB, more with CUDA) and start again."),
    (r"name resolution|getaddrinfo failed|new connection|Max retries|ConnectionError|ReadTimeout|ProxyError"
     r"|Connection (refused|reset|aborted|broken)|Network is unreachable|nodename nor servname",
     "The packages that PhiScope needs cannot be fetched: there is no network, or it does not let pip through. "
     "Connect and start again."),
    (r"No matching distribution found for (?P<what>[\w.-]+)",
     "There is no build of {what} for this Python ({python}). Install another version of Python and start again."),
)  # fmt: skip


class Problem(Exception):
    """Why the program cannot be set up: a sentence for the user, with what to do about it."""


class Environment:
    """The environment of the checkout `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / ".venv"
        self._stamp = self.folder / "phiscope-complete"
        self._unfinished = self.folder / "phiscope-unfinished"
        self._log = self.folder / "phiscope-setup.log"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / ("Scripts/python.exe" if _WINDOWS else "bin/python")

    @property
    def windowed_python(self) -> Path:
        """Its interpreter without a console, where the platform tells the two apart."""
        return self.python.with_name("pythonw.exe") if _WINDOWS else self.python

    def is_complete(self) -> bool:
        """Whether it was finished from the same requirements as are there now, and its Python is still there."""
        try:
            return self.python.exists() and self._stamp.read_text(encoding="utf-8") == self._fingerprint()
        except OSError:
            return False

    def make(self, say: Callable[[str], None], cancelled: threading.Event) -> None:
        """Make or complete it, saying what is being done. Raises Problem; a cancelled one is left unfinished."""
        usable = self._is_usable()
        if usable and self._has_packages():
            self._stamp.write_text(self._fingerprint(), encoding="utf-8")
            return
        if not usable:
            self._require_room_and_modules()
            say("Making an environment for Python")
            self._create(cancelled)
        if cancelled.is_set():
            return
        say("Looking for the packages")
        self._install(say, cancelled)
        if not cancelled.is_set():
            self._stamp.write_text(self._fingerprint(), encoding="utf-8")
            self._unfinished.unlink(missing_ok=True)

    def _fingerprint(self) -> str:
        contents = [(self.root / name).read_bytes() for name in ("pyproject.toml", "constraints.txt")]
        return hashlib.sha256(b"\0".join(contents)).hexdigest()

    def _is_usable(self) -> bool:
        """Whether pip runs in it, and it is not one that was begun here and given up."""
        if self._unfinished.exists() or not self.python.exists():
            return False
        return self._succeeds("-m", "pip", "--version")

    def _has_packages(self) -> bool:
        """Whether the program's own requirements are there in the versions of constraints.txt."""
        return self._succeeds("-c", _CHECK, str(self.root))

    def _succeeds(self, *arguments: str) -> bool:
        try:
            done = subprocess.run(
                [self.python, *arguments], capture_output=True, check=False, creationflags=_FLAGS, timeout=60
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
        return done.returncode == 0

    def _require_room_and_modules(self) -> None:
        if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
            raise Problem(
                "This Python lacks its module venv. Install it (on Debian and Ubuntu: python3-venv) and start again."
            )
        free = shutil.disk_usage(self.root).free
        if free < NEEDED:
            raise Problem(
                f"PhiScope needs about {NEEDED / 1e9:.0f} GB on the disk of {self.root}, and {free / 1e9:.1f} GB are "
                "free. Make room and start again."
            )

    def _create(self, cancelled: threading.Event) -> None:
        try:
            self.folder.mkdir(exist_ok=True)
            self._unfinished.touch()
        except OSError as error:
            raise Problem(
                f"PhiScope cannot write in {self.root}. Move its folder to a place of your own and start again."
            ) from error
        lines = list(_output([sys.executable, "-m", "venv", "--clear", str(self.folder)], cancelled))
        if cancelled.is_set():
            return
        if lines[-1] != _DONE or not self.python.exists():
            raise Problem(meaning(lines) or f"An environment for Python cannot be made: {_last(lines)}")
        self._unfinished.touch()  # the one before was cleared away with everything else

    def _install(self, say: Callable[[str], None], cancelled: threading.Event) -> None:
        command = [
            str(self.python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input",
            "--progress-bar", "off", "-c", str(self.root / "constraints.txt"), "-e", str(self.root),
        ]  # fmt: skip
        lines: list[str] = []
        with self._log.open("w", encoding="utf-8") as log:
            for line in _output(command, cancelled):
                log.write(line + "\n")
                lines.append(line)
                if shown := what_pip_does(line):
                    say(shown)
        if cancelled.is_set() or (lines and lines[-1] == _DONE):
            return
        raise Problem(meaning(lines) or f"The packages cannot be installed: {_last(lines)} (all of it: {self._log})")


_DONE = "exit status 0"
# Run by the environment's own Python; +cpu and the like are left out of the comparison.
_CHECK = """
import pathlib, re, sys, tomllib
from importlib.metadata import version
root = pathlib.Path(sys.argv[1])
plain = lambda name: re.sub("[-_.]+", "-", name).lower()
lines = (root / "constraints.txt").read_text(encoding="utf-8").split()
pinned = {plain(line.partition("==")[0]): line.partition("==")[2] for line in lines if "==" in line}
for requirement in tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]:
    name = re.match("[A-Za-z0-9._-]+", requirement)[0]
    found = version(name).partition("+")[0]
    assert found == pinned.get(plain(name), found), name
"""


def _output(command: Sequence[str], cancelled: threading.Event) -> Iterator[str]:
    """The lines that a command prints, and at last its exit status; it is ended when the user cancels."""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
        errors="replace", creationflags=_FLAGS,
    )  # fmt: skip
    ending = threading.Thread(target=_end_when_cancelled, args=(process, cancelled), daemon=True)
    ending.start()
    assert process.stdout is not None
    for line in process.stdout:
        yield line.rstrip()
    yield f"exit status {process.wait()}"
    ending.join()


def _end_when_cancelled(process: subprocess.Popen[str], cancelled: threading.Event) -> None:
    while process.poll() is None:
        if cancelled.wait(0.1):
            process.terminate()
            return


def what_pip_does(line: str) -> str:
    """A line of pip's in words; empty for one that says nothing to a user."""
    words = line.split()
    if line.startswith(("Collecting ", "Requirement already satisfied: ")):
        return f"Looking for {_package(words[1] if words[0] == 'Collecting' else words[3])}"
    if line.lstrip().startswith(("Downloading ", "Using cached ")) and "metadata" not in line:
        name = words[1] if words[0] == "Downloading" else words[2]
        size = re.search(r"\(([\d.]+ [kMG]B)\)", line)
        return f"Fetching {_package(Path(name).name.partition('-')[0])}" + (f" ({size[1]})" if size else "")
    if line.startswith("Installing collected packages"):
        return "Installing the packages. This takes a minute or two"
    return ""


def _package(requirement: str) -> str:
    return re.split(r"[<>=!~;\[ ]", requirement, maxsplit=1)[0]


def meaning(lines: Sequence[str]) -> str:
    """What lines of pip's mean for the user; empty where that is not known."""
    text = "\n".join(lines)
    for pattern, sentence in _MEANINGS:
        found = re.search(pattern, text)
        if found:
            python = f"{sys.version_info[0]}.{sys.version_info[1]}"
            return sentence.format(python=python, **found.groupdict())
    return ""


def _last(lines: Sequence[str]) -> str:
    """The last line that says something about an error."""
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or list(lines[:-1]) or [""])[-1].removeprefix("ERROR: ").rstrip(".")
