"""Arguments that commands share: what they are called, how their text is read, and what they come to."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.document.export_plan import DATA_KINDS, ExportPlan
from engine.figures.colour_maps import (
    COLOUR_MAPS,
    DIVERGING_MAPS,
    map_name,
    short_names,
    suits,
    typed_range,
    why_unsuited,
)
from engine.figures.presets import Preset
from engine.figures.style import FIGURE_FORMATS, RESOLUTIONS, SWITCHES, TEXT_SIZES, WIDTHS, FigureStyle, text_sizes
from engine.matching.selection import LayerSelection, parse_layers
from engine.measures.view import View
from engine.side import Side

NO_FILES = "none"


@dataclass(frozen=True)
class Selection:
    """Which modules are compared, and which of them the figure shows; None where it was not said.

    `modules` and `panels` are slugs. A preset chooses for both, or with `keeps_all` for the figure alone.
    """

    layers: LayerSelection | None = None
    projections: tuple[str, ...] | None = None
    modules: tuple[str, ...] | None = None
    preset: Preset | None = None
    keeps_all: bool = False
    panels: tuple[str, ...] | None = None

    @property
    def is_part(self) -> bool:
        """Whether modules were chosen by what they are or are called."""
        return bool(self.layers or self.projections or self.modules)

    @property
    def chooses_figure(self) -> bool:
        """Whether it is said what the figure shows."""
        return bool(self.panels or self.preset)


def side_argument(parser: argparse.ArgumentParser) -> None:
    """Declare `side`: one side, or several, each once and in their order."""
    parser.add_argument(
        "--side", type=_sides, default=(Side.A,), metavar="A|B|dW-right|dW-left",
        help="whose singular vectors: A (default, the paper's), B, or ΔW's; of several, such as A,dW-right, each is "
        "written into a folder of its name",
    )  # fmt: skip


def selection_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `selection` reads."""
    add = parser.add_argument
    add("--layers", type=_layers, help="layers counted from 1, such as 1,32,64-96 (default: all)")
    add("--projections", type=_names, help="projections, such as q,v (default: all)")
    add("--modules", type=_names, metavar="NAMES", help="these modules alone, by the names of their files: 1_q,32_v")
    add("--preset", choices=[preset.value for preset in Preset],
        help="the modules, layout and range of a figure of the paper")  # fmt: skip
    add("--all", action="store_true", help="with --preset: the numbers of every module, not only of the figure's")
    add("--panels", type=_names, metavar="NAMES", help="what the figure shows of the modules: 1_q,32_v")


def selection(arguments: argparse.Namespace) -> Selection:
    """The modules and panels that were asked for."""
    preset = Preset(arguments.preset) if arguments.preset else None
    return Selection(
        arguments.layers, arguments.projections, arguments.modules, preset, arguments.all, arguments.panels
    )


def plan_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare which files are written, the part of what `export_plan` reads that `style_arguments` leaves."""
    add = parser.add_argument
    add("--figure", type=_kinds_of(FIGURE_FORMATS), default=("png",), metavar="png,pdf,svg",
        help="figure formats, or none (default: png)")  # fmt: skip
    add("--data", type=_kinds_of(DATA_KINDS), default=DATA_KINDS, metavar="csv,npz,json",
        help="which files of numbers, or none (default: all)")  # fmt: skip


def style_arguments(group: argparse._ArgumentGroup) -> None:
    """Declare what `figure_style` reads."""
    add = group.add_argument
    add("--view", choices=[view.value for view in View], default=View.PHI.value,
        help="φ, φ above chance, or its distance from chance, z")  # fmt: skip
    add("--dpi", type=_resolution, default=FigureStyle.dpi, help="dots per inch of the PNG (default: 300)")
    add("--width", type=_number_between(*WIDTHS, "a width in inches"), metavar="IN", help="width in inches")
    add("--colours", type=_colour_map, metavar="MAP",
        help=f"colour map: {', '.join(COLOUR_MAPS)}; for φ above chance and z also {', '.join(DIVERGING_MAPS)} "
        "(default: the first of each)")  # fmt: skip
    add("--range", type=_range, metavar="LOW,HIGH", help="values of the first and the last colour")
    size = _number_between(*TEXT_SIZES, "a size in points")
    add("--label-size", type=size, metavar="PT", help="size of titles (default: 9, in a single column 8)")
    add("--tick-size", type=size, metavar="PT", help="size of numbers (default: 7, in a single column 6)")
    add(
        "--count-from", type=int, choices=(0, 1), default=1, help="number of the first layer in the figure's headings"
    )
    for switch in SWITCHES:
        add(f"--{switch.option}", dest=switch.attribute, action="store_const", const=not switch.usual,
            default=switch.usual, help=switch.meaning)  # fmt: skip


def figure_style(arguments: argparse.Namespace) -> FigureStyle:
    """The style that was asked for.

    Raises:
        ArgumentError: the view cannot be drawn in these colours.
    """
    view, colours = View(arguments.view), arguments.colours
    if colours is not None and not suits(colours, view):
        raise argparse.ArgumentError(None, why_unsuited(colours, view))
    label, tick = text_sizes(arguments.width)
    return FigureStyle(
        arguments.width, arguments.dpi, colours, arguments.range, arguments.label_size or label,
        arguments.tick_size or tick, view, count_from=arguments.count_from,
        **{switch.attribute: getattr(arguments, switch.attribute) for switch in SWITCHES},
    )  # fmt: skip


def export_plan(arguments: argparse.Namespace) -> ExportPlan:
    """The files that were asked for.

    Raises:
        ArgumentError: as `figure_style` says.
    """
    return ExportPlan(arguments.figure, figure_style(arguments), arguments.data)


# --- argument types: each raises ArgumentTypeError, which argparse answers with exit status 2 ---


def as_path(text: str) -> Path:
    """A file or folder, there or not."""
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty")
    return Path(text)


def _layers(text: str) -> LayerSelection:
    try:
        return parse_layers(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _sides(text: str) -> tuple[Side, ...]:
    names = [side.value for side in Side]
    unknown = next((name for name in _names(text) if name not in names), None)
    if unknown is not None:
        raise argparse.ArgumentTypeError(f"'{unknown}' is none of {', '.join(names)}")
    return tuple(dict.fromkeys(map(Side, _names(text))))


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        raise argparse.ArgumentTypeError("there is an empty item between the commas")
    return names


def _colour_map(text: str) -> str:
    name = map_name(text)
    if name is None:
        raise argparse.ArgumentTypeError(f"'{text}' is none of {', '.join(short_names())}")
    return name


def _kinds_of(kinds: tuple[str, ...]) -> Callable[[str], tuple[str, ...]]:
    def read(text: str) -> tuple[str, ...]:
        if text.strip().lower() == NO_FILES:
            return ()
        found = tuple(dict.fromkeys(name.strip().lower() for name in text.split(",")))
        unknown = [name for name in found if name not in kinds]
        if unknown:
            raise argparse.ArgumentTypeError(f"'{unknown[0]}' is none of {', '.join(kinds)}")
        return found

    return read


def as_device(text: str) -> str:
    """A device by its name, there or not."""
    if text in ("auto", "cpu", "cuda") or (text.startswith("cuda:") and text[5:].isdecimal()):
        return text
    raise argparse.ArgumentTypeError(f"'{text}' is none of auto, cpu, cuda, cuda:N")


def _resolution(text: str) -> int:
    value = int(text) if text.isdecimal() else 0
    low, high = RESOLUTIONS
    if not low <= value <= high:
        raise argparse.ArgumentTypeError(f"'{text}' is no resolution between {low} and {high}")
    return value


def _number_between(low: float, high: float, what: str) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"'{text}' is not {what} between {low:g} and {high:g}")
        return value

    return read


def _range(text: str) -> tuple[float, float]:
    low, comma, high = text.partition(",")
    if not comma:
        raise argparse.ArgumentTypeError(f"'{text}' is no range such as 0,0.8")
    try:
        return typed_range(low, high)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
