"""Text that may come from names of files and modules, made fit for a line, a terminal, or UTF-8."""

from __future__ import annotations

import re

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def valid_text(text: str) -> str:
    """The text with � for what UTF-8 cannot hold: bytes of a file's name that are not UTF-8 are such characters."""
    return _LONE_SURROGATE.sub("\ufffd", text)


def printable(text: str) -> str:
    """The text with � for commands to a terminal and for what UTF-8 cannot hold, and spaces for line breaks."""
    return "".join(char if char.isprintable() else " " if char.isspace() else "\ufffd" for char in text)


def one_line(text: str) -> str:
    """The printable text in one line, with single spaces."""
    return " ".join(printable(text).split())


def escaped_json(text: str) -> str:
    """JSON with \\u escapes for the characters in its strings that a terminal might obey: it means the same."""
    return "".join(char if char.isprintable() or char == "\n" else _escape(char) for char in text)


def _escape(char: str) -> str:
    code = ord(char)
    if code < 0x10000:
        return f"\\u{code:04x}"
    high, low = divmod(code - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
