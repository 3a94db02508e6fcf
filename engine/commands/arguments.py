"""The arguments of the commands: what each is called, and how its text is read."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from engine.document.export_plan import DATA_KINDS
from engine.figures.colour_maps import COLOUR_MAPS, DIVERGING_MAPS, map_name, short_name, suits, typed_range
from engine.figures.presets import Preset
from engine.figures.style import FIGURE_FORMATS, FigureStyle, text_sizes
from engine.matching.selection import LayerSelection, parse_layers
from engine.measures.view import View
from engine.side import Side

NO_FILES = "none"
# Switches of FigureStyle: option, attribute, and what it becomes.
SWITCHES = (
    ("--letters", "letters", True, "put (a), (b), … before the panels' titles"),
    ("--no-titles", "titles", False, "leave out the panels' titles"),
    ("--no-headings", "headings", False, "leave out the layers' headings"),
    ("--chance", "chance", True, "draw the line where φ is 3 standard deviations above chance"),
    ("--control", "control", True, "add a panel of two random Gaussian matrices"),
    ("--square", "square", True, "show i and j up to the smaller rank alone"),
    ("--outlines", "svg_paths", True, "turn the text of the SVG into outlines"),
)


def inspect_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `inspect`."""
    parser.add_argument("adapter", metavar="ADAPTER", type=_path, help="an adapter: file or folder")
    parser.add_argument("--json", action="store_true", help="print the facts as JSON")


def export_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `export`."""
    add = parser.add_argument
    add("first", metavar="FIRST", type=_path, help="an adapter: file or folder")
    add("second", metavar="SECOND", type=_path, help="the adapter to compare it with")
    add("--out", metavar="DIR", type=_path, required=True, help="folder to write into")
    add("--force", action="store_true", help="replace what is in the folder, be it an export of other adapters")
    add("--side", choices=[side.value for side in Side], default=Side.A.value,
        help="whose singular vectors: A (default, the paper's), B, or ΔW's")  # fmt: skip
    add("--layers", type=_layers, help="layers counted from 1, such as 1,32,64-96 (default: all)")
    add("--projections", type=_names, help="projections, such as q,v (default: all)")
    add("--modules", type=_names, metavar="NAMES", help="these modules alone, by the names of their files: 1_q,32_v")
    add("--preset", choices=[preset.value for preset in Preset],
        help="the modules, layout and range of a figure of the paper")  # fmt: skip
    add("--all", action="store_true", help="with --preset: the numbers of every module, not only of the figure's")
    add("--panels", type=_names, metavar="NAMES", help="what the figure shows of the modules: 1_q,32_v")
    add("--device", type=_device, default="auto", metavar="auto|cpu|cuda", help="where to compute")
    add("--figure", type=_kinds_of(FIGURE_FORMATS), default=("png",), metavar="png,pdf,svg",
        help="figure formats, or none (default: png)")  # fmt: skip
    add("--data", type=_kinds_of(DATA_KINDS), default=DATA_KINDS, metavar="csv,npz,json",
        help="which files of numbers, or none (default: all)")  # fmt: skip
    add("--json", action="store_true", help="print comparison.json to standard output")
    _style_arguments(parser.add_argument_group("the figure"))


def _style_arguments(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--view", choices=[view.value for view in View], default=View.PHI.value,
        help="φ, φ above chance, or its distance from chance, z")  # fmt: skip
    add("--dpi", type=_resolution, default=FigureStyle.dpi, help="dots per inch of the PNG (default: 300)")
    add("--width", type=_number_between(0.5, 100, "a width in inches"), metavar="IN", help="width in inches")
    add("--colours", type=_colour_map, metavar="MAP",
        help=f"colour map: {', '.join(COLOUR_MAPS)}; for φ above chance and z also {', '.join(DIVERGING_MAPS)} "
        "(default: the first of each)")  # fmt: skip
    add("--range", type=_range, metavar="LOW,HIGH", help="values of the first and the last colour")
    size = _number_between(3, 40, "a size in points")
    add("--label-size", type=size, metavar="PT", help="size of titles (default: 9, in a single column 8)")
    add("--tick-size", type=size, metavar="PT", help="size of numbers (default: 7, in a single column 6)")
    add(
        "--count-from", type=int, choices=(0, 1), default=1, help="number of the first layer in the figure's headings"
    )
    for option, name, value, meaning in SWITCHES:
        add(option, dest=name, action="store_const", const=value, default=not value, help=meaning)


def contradiction(arguments: argparse.Namespace) -> str:
    """What cannot be meant together in the arguments of `export`; empty where all can."""
    view, name = View(arguments.view), arguments.colours
    if name is not None and not suits(name, view):
        return f"{short_name(name)} is a map with a middle, for φ above chance and z; {view.symbol} has none"
    return ""


def figure_style(arguments: argparse.Namespace) -> FigureStyle:
    """The style that the arguments of `export` ask for."""
    label, tick = text_sizes(arguments.width)
    return FigureStyle(
        arguments.width, arguments.dpi, arguments.colours, arguments.range, arguments.label_size or label,
        arguments.tick_size or tick, View(arguments.view), count_from=arguments.count_from,
        **{name: getattr(arguments, name) for _, name, _, _ in SWITCHES},
    )  # fmt: skip


# --- argument types: each raises ArgumentTypeError, which argparse answers with exit status 2 ---


def _path(text: str) -> Path:
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty")
    return Path(text)


def _layers(text: str) -> LayerSelection:
    try:
        return parse_layers(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        raise argparse.ArgumentTypeError("there is an empty item between the commas")
    return names


def _colour_map(text: str) -> str:
    name = map_name(text)
    if name is None:
        known = ", ".join(map(short_name, (*COLOUR_MAPS, *DIVERGING_MAPS)))
        raise argparse.ArgumentTypeError(f"'{text}' is none of {known}")
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


def _device(text: str) -> str:
    if text in ("auto", "cpu", "cuda") or (text.startswith("cuda:") and text[5:].isdecimal()):
        return text
    raise argparse.ArgumentTypeError(f"'{text}' is none of auto, cpu, cuda, cuda:N")


def _resolution(text: str) -> int:
    value = int(text) if text.isdecimal() else 0
    if not 1 <= value <= 2400:
        raise argparse.ArgumentTypeError(f"'{text}' is no resolution between 1 and 2400")
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
