"""Long work in slices: a generator that does a little at each step, and returns its result at the end.

Whoever runs it does other things between the steps, or gives it up by closing it.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

_T = TypeVar("_T")


def finished(task: Generator[object, None, _T]) -> _T:
    """What a task returns, all of it done at once."""
    while True:
        try:
            next(task)
        except StopIteration as end:
            result: _T = end.value
            return result
