"""Only `engine/commands/saying.py` writes to the streams: nothing else in the engine prints or names them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import engine

_ENGINE = Path(engine.__file__).parent
# What writes to a stream by itself, and the streams.
_WRITES = {
    "print", "pprint", "print_exc", "print_exception", "print_tb", "warn", "basicConfig", "StreamHandler",
    "stdout", "stderr", "__stdout__", "__stderr__",
}  # fmt: skip


def _names(source: str) -> Iterator[str]:
    """Every name that a source uses or imports."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.alias):
            yield node.name


def test_nothing_else_in_the_engine_writes_to_the_streams() -> None:
    writing = {
        path.relative_to(_ENGINE).as_posix()
        for path in _ENGINE.rglob("*.py")
        if not _WRITES.isdisjoint(_names(path.read_text(encoding="utf-8")))
    }
    assert writing == {"commands/saying.py"}


@pytest.mark.parametrize(
    "source",
    ["print(1)", "sys.stderr.write('')", "from sys import stdout as out", "traceback.print_exc()"],
)
def test_what_writes_would_be_found(source: str) -> None:
    assert not _WRITES.isdisjoint(_names(source))
