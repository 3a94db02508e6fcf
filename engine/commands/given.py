"""The adapters that a command is given."""

from __future__ import annotations

from pathlib import Path

from engine.commands.program import program, shell_line
from engine.document.saved_facts import saved_facts
from engine.errors import EngineError, UnsupportedFormat
from engine.sources.opening import open_source
from engine.sources.source import Source

# Files of an export that the window opens again, the best first.
_REOPENED = ("comparison.json", "figure.png")


def open_given(path: Path) -> Source:
    """Open an adapter that was named on the command line.

    Raises:
        EngineError: it cannot be opened; where it is an export, it is said how to see that again.
    """
    try:
        return open_source(path)
    except EngineError as error:
        raise _export_at(path) or error from None


def _export_at(path: Path) -> EngineError | None:
    """That there is an export rather than an adapter, and how it is opened; None where there is none."""
    try:
        beside = [(path if path.is_dir() else path.parent) / name for name in _REOPENED]
        places = beside if path.is_dir() else [path]
        facts = next((facts for place in places if place.is_file() and (facts := saved_facts(place))), None)
        if facts is None:
            return None
        window = [path] if path.suffix in (".png", ".json") else [place for place in beside if place.is_file()]
    except (OSError, ValueError):  # not to be read, or no name that a file can have
        return None
    what = "a folder with an export of a comparison" if path.is_dir() else "an export of a comparison"
    again = f"; to see it again: {shell_line([*program(), str(window[0].absolute())])}" if window else ""
    return UnsupportedFormat(f"This is {what}, not an adapter{again}", path=path)
