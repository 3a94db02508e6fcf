"""What there is to act on: which actions make sense, and what they are called."""

from __future__ import annotations

from dataclasses import dataclass

from gui.actions.action import Action, Needs


@dataclass(frozen=True, slots=True)
class Situation:
    """What actions depend on.

    `has_figure`: numbers of something that is shown are known. `ranks_differ`: some modules have another rank in each
    adapter. `page`: the name of the page of the comparison, empty before there has been one. `can_undo` and
    `can_redo`: something else was shown before, or was gone back from.
    """

    has_figure: bool
    ranks_differ: bool
    page: str
    can_undo: bool = False
    can_redo: bool = False


def is_enabled(action: Action, situation: Situation) -> bool:
    """Whether an action makes sense now."""
    fulfilled = {
        Needs.NOTHING: True,
        Needs.FIGURE: situation.has_figure,
        Needs.UNEQUAL_RANKS: situation.ranks_differ,
        Needs.EARLIER: situation.can_undo,
        Needs.LATER: situation.can_redo,
    }
    return fulfilled[action.needs]


def text_now(action: Action, situation: Situation) -> str:
    """What an action's entry is called now."""
    return dict(action.page_texts).get(situation.page, action.text)
