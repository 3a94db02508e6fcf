"""A figure's settings as programs give them → its style."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import TypedDict, TypeVar

from engine.errors import InvalidSetting
from engine.figures.colour_maps import map_name, short_names, suits, typed_range, why_unsuited
from engine.figures.style import RESOLUTIONS, TEXT_SIZES, WIDTHS, FigureStyle, text_sizes
from engine.matching.lookup import Names, read_names
from engine.measures.view import View

_E = TypeVar("_E", bound=Enum)


class FigureSettings(TypedDict, total=False):
    """The options of `export` that say how a figure looks, by their names; each has the option's meaning and default.

    `width` is in inches, `label_size` and `tick_size` in points, `range` the values of the first and the last colour;
    None leaves these, and `colours`, to the figure. `titles` and `headings` are on unless they are said to be off.
    """

    view: View | str
    width: float | None
    dpi: int
    colours: str | None
    range: tuple[float, float] | None
    label_size: float | None
    tick_size: float | None
    count_from: int
    titles: bool
    headings: bool
    letters: bool
    chance: bool
    control: bool
    square: bool
    outlines: bool


def figure_style(
    *, view: View | str = View.PHI, width: float | None = None, dpi: int = FigureStyle.dpi,
    colours: str | None = None, range: tuple[float, float] | None = None, label_size: float | None = None,
    tick_size: float | None = None, count_from: int = 1, titles: bool = True, headings: bool = True,
    letters: bool = False, chance: bool = False, control: bool = False, square: bool = False, outlines: bool = False,
) -> FigureStyle:  # fmt: skip
    """The style that FigureSettings come to.

    Raises:
        InvalidSetting: one cannot have its value, or two do not go together.
    """
    seen = member_of(View, view, "view")
    if count_from not in (0, 1):
        raise InvalidSetting(f"Layers are counted from 0 or from 1, not from {count_from!r}.", found=count_from)
    width = None if width is None else _between(width, *WIDTHS, "a width in inches")
    label, tick = text_sizes(width)
    return FigureStyle(
        width, int(_between(dpi, *RESOLUTIONS, "a resolution in dots per inch")),
        None if colours is None else _colour_map(colours, seen), None if range is None else _range(range),
        label if label_size is None else _between(label_size, *TEXT_SIZES, "a size in points"),
        tick if tick_size is None else _between(tick_size, *TEXT_SIZES, "a size in points"),
        seen, titles, headings, letters, chance, outlines, control, count_from, square,
    )  # fmt: skip


def member_of(kind: type[_E], value: _E | str, noun: str) -> _E:
    """The member of an enumeration that a value names.

    Raises:
        InvalidSetting: it names none.
    """
    try:
        return kind(value)
    except ValueError as error:
        names = ", ".join(str(member.value) for member in kind)
        raise InvalidSetting(f"There is no {noun} {value!r}; there are {names}.", found=value) from error


def kinds_of(there: Sequence[str], given: Names | None, noun: str) -> tuple[str, ...]:
    """The kinds of files that are asked for, each once; None is none.

    Raises:
        InvalidSetting: one is not among those that there are.
    """
    kinds = tuple(dict.fromkeys(name.lower() for name in read_names(given or ())))
    unknown = [kind for kind in kinds if kind not in there]
    if unknown:
        raise InvalidSetting(f"There is no {noun} {unknown[0]!r}; there are {', '.join(there)}.", found=unknown[0])
    return kinds


def _between(value: float, low: float, high: float, what: str) -> float:
    if not low <= value <= high:
        raise InvalidSetting(f"{value!r} is not {what} between {low:g} and {high:g}.", found=value)
    return value


def _colour_map(text: str, view: View) -> str:
    name = map_name(text)
    if name is None:
        raise InvalidSetting(f"There is no colour map {text!r}; there are {', '.join(short_names())}.", found=text)
    if not suits(name, view):
        raise InvalidSetting(f"{why_unsuited(name, view)}.", found=text)
    return name


def _range(values: Sequence[float]) -> tuple[float, float]:
    try:
        low, high = map(float, values)
    except (TypeError, ValueError) as error:
        raise InvalidSetting(f"{values!r} is no range such as (0, 0.8).", found=values) from error
    try:
        return typed_range(repr(low), repr(high))
    except ValueError as error:
        raise InvalidSetting(f"{values!r} is no range: {error}.", found=values) from error
