"""Which program a desktop opens a type of file with, and how to keep it when another one is added.

A user's own folder counts before the system's, so a new entry there would become the default in place of a program
that the system brought. Such a default is written down as the choice of the user in mimeapps.list, and taken out
again later.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

_GROUP = "[Default Applications]\n"


def choices_path(environment: Mapping[str, str] = os.environ) -> Path:
    """The file with the user's choices."""
    given = Path(environment.get("XDG_CONFIG_HOME", ""))
    return (given if given.is_absolute() else Path.home() / ".config") / "mimeapps.list"


def default_program(mime_type: str) -> str:
    """The desktop entry that opens this type, such as `gedit.desktop`; empty where there is none or nobody knows."""
    tool = shutil.which("xdg-mime")
    if tool is None:
        return ""
    done = subprocess.run(
        [tool, "query", "default", mime_type], text=True, capture_output=True, check=False, timeout=60
    )
    return done.stdout.strip()


def choose(path: Path, mime_type: str, entry: str) -> None:
    """Write a default into the user's choices; nothing else in them changes."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    line = f"{mime_type}={entry}\n"
    text = text.replace(_GROUP, _GROUP + line, 1) if _GROUP in text else f"{_GROUP}{line}{text}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def take_back(path: Path, mime_type: str, entry: str) -> None:
    """Remove what `choose` wrote, with its group where that is empty now; a choice changed since stays."""
    line = f"{mime_type}={entry}\n"
    if not path.exists() or line not in (text := path.read_text(encoding="utf-8")):
        return
    before, after = text.split(line, 1)
    if before.endswith(_GROUP) and (not after or after.startswith(("[", "\n"))):
        before = before.removesuffix(_GROUP)
    if before + after:
        path.write_text(before + after, encoding="utf-8")
    else:
        path.unlink()
