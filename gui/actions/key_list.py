"""The list of keys in Help, made from the table of actions."""

from __future__ import annotations

import html
from itertools import groupby
from operator import attrgetter

from gui.actions.action import Menu
from gui.actions.table import offered


def key_rows() -> str:
    """The actions that have a key, as rows of an HTML table of three columns: key, entry in the menu, tip.

    A row of the class `menu` heads the actions of each menu of the menu bar; a menu within it is one row, from its
    first key to its last.
    """
    rows = []
    heading: Menu | None = None
    for menu, group in groupby((action for action in offered() if action.key), attrgetter("menu")):
        actions = tuple(group)
        if (menu.within or menu) is not heading:
            heading = menu.within or menu
            rows.append(f'<tr><td class="menu" colspan="3">{_plain(heading.title)}</td></tr>')
        if menu.within is not None:
            rows.append(_row((actions[0].key, actions[-1].key), menu.title, actions[0].tip))
        else:
            rows += (_row((action.key,), action.text, action.tip) for action in actions)
    return "\n".join(rows)


def _row(keys: tuple[str, ...], entry: str, tip: str) -> str:
    cells = (" … ".join(f"<b>{html.escape(key)}</b>" for key in keys), _plain(entry), html.escape(tip))
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _plain(entry: str) -> str:
    """A menu's entry as HTML, without the mark of its letter."""
    return html.escape(entry.replace("&", ""))
