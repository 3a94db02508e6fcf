"""A notice: what the window tells its user in a sentence. Values only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, IntEnum


class Severity(IntEnum):
    """How much a notice matters; those that matter more are shown first."""

    ERROR = 0  # what was asked for did not happen
    CAUTION = 1  # what is shown may be misread
    NEWS = 2  # what was done, or how it was done: it goes by itself


class Scope(Enum):
    """What a notice speaks of. When that goes, the notice goes with it."""

    PROGRAM = "the program"  # it never goes
    PAIR = "the adapters in the two places"
    FILES = "the files of this pair as they are now"
    SIDE = "the side shown of this pair"
    FIGURE = "the panels or figure chosen"


@dataclass(frozen=True)
class Offer:
    """What a notice offers to do about what it says: a button's text, and its tool tip."""

    text: str
    tip: str
    act: Callable[[], object]


@dataclass(frozen=True, eq=False)
class Notice:
    """A sentence for the user; `details` are what "Copy details" adds to it, such as a traceback or every module.

    Of a `key` there is one notice at a time, which takes the place of the one before. A notice without a key stands
    for itself.
    """

    severity: Severity
    sentence: str
    details: str = ""
    scope: Scope = Scope.PROGRAM
    key: str = ""
    offer: Offer | None = None

    @classmethod
    def error(cls, sentence: str, details: str = "") -> Notice:
        """What was asked for did not happen; it stays until it is closed."""
        return cls(Severity.ERROR, sentence, details)

    @classmethod
    def caution(
        cls, sentence: str, details: str = "", *, scope: Scope = Scope.PAIR, key: str = "", offer: Offer | None = None
    ) -> Notice:
        """What is shown may be misread; it stays until it is closed, or what it speaks of is gone."""
        return cls(Severity.CAUTION, sentence, details, scope, key, offer)

    @classmethod
    def news(
        cls, sentence: str, details: str = "", *, scope: Scope = Scope.PROGRAM, key: str = "",
        offer: Offer | None = None,
    ) -> Notice:  # fmt: skip
        """What was done; it fades once there has been time to read it."""
        return cls(Severity.NEWS, sentence, details, scope, key, offer)

    @property
    def text(self) -> str:
        """The sentence, and the details on lines of their own."""
        return f"{self.sentence}\n{self.details}".strip()
