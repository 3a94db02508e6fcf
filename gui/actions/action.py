"""An action of the program as data: what it is called, where it stands, its key, and what it needs."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from enum import Enum, auto

from PySide6.QtGui import QKeySequence

Keys = QKeySequence.StandardKey | str
"""A key that each platform has its own for, or one such as `Ctrl+E`; empty for none."""


@dataclass(frozen=True, slots=True)
class Menu:
    """A menu of the menu bar, or one `within` another; of the entries of a `choice` exactly one is on."""

    title: str
    within: Menu | None = None
    is_choice: bool = False


class Needs(Enum):
    """What there must be for an action to make sense."""

    NOTHING = auto()
    FIGURE = auto()  # numbers of something that is shown
    UNEQUAL_RANKS = auto()  # modules whose two ranks differ
    EARLIER = auto()  # something that was shown before
    LATER = auto()  # something that was gone back from


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a user can ask for.

    `text` is the entry in its menu, with the letter that chooses it after `&`; `page_texts` are the entries on the
    pages, by their names, where each has its own. `tip` says in a sentence without its full stop what it does. A line
    stands in the menu wherever the `section` changes. A `switch` is on or off. `platform` is what `sys.platform`
    begins with where the action is offered; empty for everywhere.
    """

    id: str
    menu: Menu
    text: str
    tip: str
    keys: Keys = ""
    _: KW_ONLY
    section: str = ""
    needs: Needs = Needs.NOTHING
    is_switch: bool = False
    page_texts: tuple[tuple[str, str], ...] = ()
    platform: str = ""

    @property
    def key(self) -> str:
        """The key as it is told, `Ctrl+E`; empty for none."""
        return QKeySequence(self.keys).toString()

    @property
    def is_checkable(self) -> bool:
        """Whether its entry has a mark."""
        return self.is_switch or self.menu.is_choice

    def tip_with_key(self, words: str = "") -> str:
        """The tip, or other words of a control that does the same, with the key in parentheses."""
        return f"{words or self.tip} ({self.key})" if self.key else words or self.tip
