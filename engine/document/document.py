"""The document: everything that decides what is shown of sources, and nothing that is computed.

It never changes; what a user does makes another one, so that undo is a list of them. As JSON it is what the window
remembers from one day to the next.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import Enum
from typing import Any, TypeVar

from engine.figures.colour_maps import COLOUR_MAPS, DIVERGING_MAPS, RangeMode, maps_of, range_modes
from engine.figures.presets import Preset
from engine.measures.view import View
from engine.side import Side

# Raised whenever what a field means changes, so that earlier documents would be misread.
VERSION = 1


@dataclass(frozen=True)
class Scale:
    """The colours of all panels: how their range is chosen, the range where it is typed, and the maps.

    `sequential` is the map of views without a middle, `diverging` of those with one.
    """

    mode: RangeMode = RangeMode.AUTOMATIC
    typed: tuple[float, float] | None = None
    sequential: str = COLOUR_MAPS[0]
    diverging: str = DIVERGING_MAPS[0]

    def map_of(self, view: View) -> str:
        """The map that a view is drawn with."""
        return self.diverging if view.is_centred else self.sequential

    def with_map(self, name: str) -> Scale:
        """With this map for the views that it suits; as it was where it is the name of none."""
        kinds = {"diverging" if view.is_centred else "sequential" for view in View if name in maps_of(view)}
        return _replaced(self, dict.fromkeys(kinds, name))

    def suited_to(self, view: View) -> Scale:
        """What of it makes sense for another view: a typed range is of one view, and z has no bounds."""
        keeps = self.mode is not RangeMode.TYPED and self.mode in range_modes(view)
        return self if keeps else _replaced(self, {"mode": RangeMode.AUTOMATIC, "typed": None})


@dataclass(frozen=True)
class Document:
    """What is shown, and how.

    `sources` are the paths of what is compared. `selection` are the slugs of the panels, `preset` the figure of the
    paper that they are shown as, `control` and `square` whether a random panel follows them and whether they show the
    smaller rank's square. Layers are counted from `count_from`. `page` is the name of the page that is looked at.
    """

    sources: tuple[str, ...] = ()
    side: Side = Side.A
    view: View = View.PHI
    selection: tuple[str, ...] = ()
    preset: Preset | None = None
    control: bool = False
    square: bool = False
    count_from: int = 1
    scale: Scale = field(default_factory=Scale)
    page: str = "Grid"

    def with_(self, **changes: Any) -> Document:
        """With other values of these fields."""
        return _replaced(self, changes)

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps({"document": VERSION, **asdict(self)}, default=_plain)


def from_json(text: str) -> Document | None:
    """The document that a text holds; None where it holds none, or one of another version.

    A field that cannot be read, such as a figure that this version does not know, has its usual value.
    """
    try:
        facts = json.loads(text)
    except ValueError:
        return None
    if not isinstance(facts, dict) or facts.get("document") != VERSION:
        return None
    return _replaced(Document(), _known(facts, _READERS))


_T = TypeVar("_T", Document, Scale)


def _replaced(value: _T, changes: Mapping[str, Any]) -> _T:
    kept = {each.name: getattr(value, each.name) for each in fields(value)}
    return type(value)(**{**kept, **changes})


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    raise TypeError(f"{value!r} does not go into a document")


def _known(facts: Mapping[str, Any], readers: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    """The fields that can be read."""
    found = {}
    for name, read in readers.items():
        try:
            found[name] = read(facts[name])
        except (KeyError, ValueError, TypeError):
            continue
    return found


def _is(kind: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if not isinstance(value, kind):
            raise TypeError(f"{value!r} is no {kind.__name__}")
        return value

    return read


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(_is(str), _is(list)(value)))


def _two(kind: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        first, second = map(_is(kind), value)
        return first, second

    return read


def _one_of(*values: Any) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if value not in values:
            raise ValueError(f"{value!r} is none of {values}")
        return value

    return read


def _scale(facts: Any) -> Scale:
    scale = _replaced(Scale(), _known(_is(dict)(facts), _SCALE_READERS))
    return scale if (scale.typed is not None) == (scale.mode is RangeMode.TYPED) else Scale()


_SCALE_READERS: Mapping[str, Callable[[Any], Any]] = {
    "mode": RangeMode,
    "typed": lambda value: None if value is None else _two(float)(value),
    "sequential": _one_of(*COLOUR_MAPS),
    "diverging": _one_of(*DIVERGING_MAPS, *COLOUR_MAPS),
}
_READERS: Mapping[str, Callable[[Any], Any]] = {
    "sources": _texts,
    "side": Side,
    "view": View,
    "selection": _texts,
    "preset": lambda value: None if value is None else Preset(value),
    "control": _is(bool),
    "square": _is(bool),
    "count_from": _one_of(0, 1),
    "scale": _scale,
    "page": _is(str),
}
