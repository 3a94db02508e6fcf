"""An error is one line, whatever the file puts into it."""

from __future__ import annotations

from pathlib import Path

from engine.errors import MalformedAdapter


def test_names_from_files_cannot_break_lines_or_command_a_terminal() -> None:
    error = MalformedAdapter("bad\nname \x1b[31mred\u2028next", path=Path("x\ny"), module="m\r1")
    assert error.reason == "bad name \ufffd[31mred next"
    assert str(error) == "x y: m 1: bad name \ufffd[31mred next"
