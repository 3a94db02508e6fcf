"""What a page of a comparison is, and what it is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from PySide6.QtWidgets import QWidget

from engine.matching.pairing import ModulePair
from gui.state.session import Session

if TYPE_CHECKING:  # NumPy stays out of the window's first paint
    from gui.parts.colour_scale import ColourScale


@dataclass(frozen=True)
class PageContext:
    """What a page is made of: what it shows, and whom it tells that a module is chosen (its slug) or pointed at."""

    session: Session
    scale: ColourScale
    choose: Callable[[str], None]
    point_at: Callable[[ModulePair | None], None]


class PageView(Protocol):
    """What a page offers, besides being a widget."""

    @property
    def seen(self) -> QWidget:
        """What of it is neither a control nor a heading: notices lie over its edge."""
        ...

    def show_news(self, *, soon: bool) -> None:
        """Show what is known now, or a moment later where more comes in."""
        ...

    def copy_page(self) -> str:
        """Put what is seen on the clipboard; says what was copied."""
        ...


@dataclass(frozen=True)
class Page:
    """One way to look at a comparison. `name` stands on its tab, `action` is the id of the action that shows it.

    `make` makes it when it is first looked at; it is a widget and a PageView. Whether the choosers of the view and
    its colours, and of the paper's figures, belong to it.
    """

    name: str
    action: str
    make: Callable[[PageContext], PageView]
    has_view: bool = True
    has_presets: bool = False
