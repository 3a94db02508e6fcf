"""What the session is made of: the two places for adapters, and how far a run is. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from engine.sources.source import Source
from gui.state.notice import Notice
from gui.state.worker import OpenRequest


class Which(Enum):
    """The two places for an adapter."""

    FIRST = 0
    SECOND = 1

    @property
    def word(self) -> str:
        return "First" if self is Which.FIRST else "Second"


@dataclass(frozen=True, eq=False)
class Place:
    """One place: the adapter in it, the one being opened, and why the last one dropped was refused.

    `choices` are the adapters in the folder that was dropped, where it holds several. `change` says what became of
    the adapter's files since it was opened, in one sentence; empty where they are the same.
    """

    adapter: Source | None = None
    opening: OpenRequest | None = None
    failure: Notice | None = None
    failed_path: Path | None = None
    choices: tuple[Path, ...] = ()
    change: str = ""


@dataclass(frozen=True)
class Progress:
    """How far a run is, and how many seconds it took, None where no run computed all of it.

    `remaining` seconds are an estimate, None while there is none.

    `cancelled` by the user, or ended by a failure: it can go on.
    """

    done: int
    total: int
    elapsed: float | None
    running: bool
    cancelled: bool = False

    @property
    def remaining(self) -> float | None:
        if not self.running or self.done < 2 or self.elapsed is None:
            return None
        return self.elapsed / self.done * (self.total - self.done)
