"""What the program remembers from one day to the next: windows, settings, recent adapters and pairs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

from engine.document.document import Document, from_json
from engine.sources.source import has_stock_name, paths_told_apart
from gui.style.theme import THEMES

MOST_RECENT = 9
Pair = tuple[Path, Path]


def recent_name(path: Path) -> str:
    """What a menu calls an adapter: its name, and its folder's where the name alone says little."""
    named = path.parent if has_stock_name(path) else path
    return f"{named.parent.name}/{named.name}".replace("&", "&&")


def recent_pair_name(pair: Pair) -> str:
    """What a menu calls two adapters, told apart by folders where their names are the same."""
    names = [recent_name(path) for path in pair]
    apart = paths_told_apart(*pair) if names[0] == names[1] else None
    if apart is not None:
        names = [name.replace("&", "&&") for name in apart]
    return " and ".join(names)


class Memory:
    """The user's settings; with None for settings nothing is remembered, as tests want it."""

    def __init__(self, settings: QSettings | None = None) -> None:
        self._settings = settings

    def _text(self, key: str) -> str:
        value = self._settings.value(key) if self._settings is not None else None
        return value if isinstance(value, str) else ""

    def _set(self, key: str, value: object) -> None:
        if self._settings is not None:
            self._settings.setValue(key, value)

    # --- looks ---

    @property
    def theme(self) -> str:
        """The theme that the user chose, one of THEMES."""
        chosen = self._text("theme")
        return chosen if chosen in THEMES else THEMES[0]

    @theme.setter
    def theme(self, name: str) -> None:
        self._set("theme", name)

    @property
    def geometry(self) -> QByteArray | None:
        """Where the window stood, as Qt describes it."""
        value = self._settings.value("window/geometry") if self._settings is not None else None
        return value if isinstance(value, QByteArray) else None

    @geometry.setter
    def geometry(self, geometry: QByteArray) -> None:
        self._set("window/geometry", geometry)

    @property
    def inspector(self) -> bool:
        """Whether the inspector was shown."""
        return self._text("window/inspector") == "shown"

    @inspector.setter
    def inspector(self, shown: bool) -> None:
        self._set("window/inspector", "shown" if shown else "folded")

    @property
    def colour_maps(self) -> list[str]:
        """The colour maps chosen last, of views without a middle and of those with one; empty where none was."""
        return self._text("window/colours").split()

    @colour_maps.setter
    def colour_maps(self, names: Sequence[str]) -> None:
        self._set("window/colours", " ".join(names))

    @property
    def count_from(self) -> int:
        """The number of the first layer, 0 or 1."""
        return 0 if self._text("window/first-layer") == "0" else 1

    @count_from.setter
    def count_from(self, first: int) -> None:
        self._set("window/first-layer", str(first))

    # --- places ---

    @property
    def folder(self) -> Path | None:
        """Where a file was last picked."""
        text = self._text("folder")
        return Path(text) if text else None

    @folder.setter
    def folder(self, folder: Path) -> None:
        self._set("folder", str(folder))

    @property
    def adapters(self) -> list[Path]:
        """The adapters opened last, the newest first."""
        return [Path(text) for text in self._list("recent/adapters") if isinstance(text, str)]

    @property
    def pairs(self) -> list[Pair]:
        """The pairs compared last, the newest first."""
        found = (item for item in self._list("recent/pairs") if isinstance(item, list) and len(item) == 2)
        return [(Path(str(first)), Path(str(second))) for first, second in found]

    def add_pair(self, first: Path, second: Path) -> None:
        """Put a pair in front of those that were used before."""
        pairs = [pair for pair in self.pairs if pair != (first, second)]
        self._set_list("recent/pairs", [list(map(str, pair)) for pair in ((first, second), *pairs)])

    def add_adapter(self, path: Path) -> None:
        """Put an adapter in front of those that were opened before."""
        others = [other for other in self.adapters if other != path]
        self._set_list("recent/adapters", [str(path), *map(str, others)])

    @property
    def document(self) -> Document | None:
        """What was shown when the window was closed; None where nothing was, or another version wrote it."""
        return from_json(self._text("document") or "null")

    @document.setter
    def document(self, document: Document | None) -> None:
        self._set("document", document.to_json() if document else "")

    @property
    def export(self) -> dict[str, object]:
        """The settings of the export dialog, as it wrote them; empty where there are none."""
        try:
            found = json.loads(self._text("export") or "{}")
        except ValueError:
            return {}  # written by hand
        return found if isinstance(found, dict) else {}

    @export.setter
    def export(self, settings: dict[str, object]) -> None:
        self._set("export", json.dumps(settings))

    def _list(self, key: str) -> list[object]:
        try:
            items = json.loads(self._text(key) or "[]")
        except ValueError:
            return []  # written by hand
        return items if isinstance(items, list) else []

    def _set_list(self, key: str, items: Sequence[object]) -> None:
        self._set(key, json.dumps(items[:MOST_RECENT]))
