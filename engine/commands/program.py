"""How this very program is started from a shell, whatever the folder."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_COMMAND = "phiscope"
# What cannot be pasted as it is: commands to the terminal, line breaks, and bytes that are not UTF-8.
_UNUSUAL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def program() -> list[str]:
    """The words that start the program as it was started: the command `phiscope`, or an interpreter and main.py."""
    if getattr(sys, "frozen", False):
        return [sys.executable]
    started = Path(sys.argv[0])
    if started.stem.startswith(_COMMAND):
        found = shutil.which(_COMMAND)
        for name in (_COMMAND, f"{_COMMAND}.exe"):  # phiscope-window, its sibling, has no console
            command = started.absolute().with_name(name)
            if command.is_file():
                return [_COMMAND] if found and Path(found).samefile(command) else [str(command)]
    interpreter = Path(sys.executable)
    with_console = interpreter.with_name(interpreter.name.replace("pythonw", "python"))
    return [str(with_console), str(Path(__file__).resolve().parents[2] / "main.py")]


def shell_line(words: Sequence[str]) -> str:
    """The words as one line for the system's shell."""
    if sys.platform == "win32":
        return subprocess.list2cmdline(words)
    return " ".join(map(_quoted, words))


def _quoted(word: str) -> str:
    if not _UNUSUAL.search(word):
        return shlex.quote(word)
    escaped = word.replace("\\", "\\\\").replace("'", "\\'")
    return f"$'{_UNUSUAL.sub(_octal, escaped)}'"  # of POSIX 2024, and of bash and zsh long before


def _octal(match: re.Match[str]) -> str:
    return "".join(f"\\{byte:03o}" for byte in match[0].encode("utf-8", "surrogateescape"))
