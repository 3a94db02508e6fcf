"""The command that makes the files of a comparison again: it writes what the arguments of `export` read."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from engine.commands.arguments import NO_FILES
from engine.commands.program import program, shell_line
from engine.document.export_plan import DATA_KINDS, Comparison, ExportPlan, default_figure
from engine.figures.presets import preset_pairs
from engine.figures.style import SWITCHES, FigureStyle, text_sizes
from engine.matching.pairing import ModulePair, pair_adapters
from engine.matching.selection import parse_layers, select_pairs
from engine.naming.projections import projection_key
from engine.sources.source import Source, has_stock_name


def command_line(comparison: Comparison, plan: ExportPlan) -> str:
    """The command that makes the same files again, as files state it: without a place that tells of this computer.

    The adapters' places are relative to the current folder, or their names alone.
    """
    first, second = _place(comparison.first), _place(comparison.second)
    return shlex.join(["python", "main.py", *_export_words(comparison, plan, first, second, "OUT")])


def runnable_command(comparison: Comparison, plan: ExportPlan, folder: Path) -> str:
    """The command that makes the same files in `folder`, to be run here from any folder: all places are absolute."""
    first, second, out = (str(p.absolute()) for p in (comparison.first.path, comparison.second.path, folder))
    return shell_line([*program(), *_export_words(comparison, plan, first, second, out)])


def _export_words(comparison: Comparison, plan: ExportPlan, first: str, second: str, out: str) -> list[str]:
    words = ["export", first, second, "--out", out]
    words += ["--side", comparison.side.value, "--device", comparison.device.id]
    words += _selection(comparison)
    if plan.figures != ("png",):
        words += ["--figure", ",".join(plan.figures) or NO_FILES]
    if plan.data != DATA_KINDS:
        words += ["--data", ",".join(plan.data) or NO_FILES]
    return [*words, *_style_options(plan.style)]


def _selection(comparison: Comparison) -> list[str]:
    """Which modules are compared, and which of them the figure shows."""
    comparable = pair_adapters(comparison.first, comparison.second).comparable(comparison.side)
    asked = _asked_for(comparison, comparable)
    preset = comparison.preset
    shown = [result.pair.slug for result in comparison.figure_results]
    panels = ["--panels", ",".join(shown)]
    if preset:
        options = ["--preset", preset.value]
        if asked != list(preset_pairs(comparable, preset)):
            options = [*_chosen(asked, comparable), *options, "--all"]
        usual = {pair.slug for pair in preset_pairs([result.pair for result in comparison.results], preset)}
        return options if usual == set(shown) else [*options, *panels]
    chosen = _chosen(asked, comparable)
    default = default_figure(comparison.results, is_selection=bool(chosen))
    usual = {result.pair.slug for result in comparison.results if default is None or result.pair.slug in default}
    return chosen if usual == set(shown) else [*chosen, *panels]


def _asked_for(comparison: Comparison, comparable: tuple[ModulePair, ...]) -> list[ModulePair]:
    """The modules that were compared, with those that failed."""
    tried = {result.pair.path.name for result in comparison.results} | {skip.module for skip in comparison.skipped}
    return [pair for pair in comparable if pair.path.name in tried]


def _chosen(asked: list[ModulePair], comparable: tuple[ModulePair, ...]) -> list[str]:
    """Options that pick these of the modules: none for all, else layers × projections, else every name."""
    if len(asked) == len(comparable):
        return []
    labels = dict.fromkeys(pair.path.layer_label for pair in sorted(asked, key=lambda pair: pair.path.sort_key))
    projections = sorted({pair.path.projection for pair in asked}, key=projection_key)
    if all(labels) and not any("," in name for name in (*labels, *projections)):
        layers = ",".join(labels)
        if list(select_pairs(comparable, parse_layers(layers), projections)) == asked:
            return ["--layers", layers, "--projections", ",".join(projections)]
    return ["--modules", ",".join(pair.slug for pair in asked)]


def _style_options(style: FigureStyle) -> list[str]:
    usual = FigureStyle()
    options = [] if style.view is usual.view else ["--view", style.view.value]
    options += [] if style.dpi == usual.dpi else ["--dpi", str(style.dpi)]
    options += [] if style.width is None else ["--width", repr(style.width)]
    options += [] if style.colour_map is None else ["--colours", style.colour_map]
    options += [] if style.count_from == usual.count_from else ["--count-from", str(style.count_from)]
    options += [] if style.range is None else [f"--range={style.range[0]!r},{style.range[1]!r}"]
    for option, size, by_width in zip(
        ("--label-size", "--tick-size"), (style.label_size, style.tick_size), text_sizes(style.width), strict=True
    ):
        options += [] if size == by_width else [option, f"{size:g}"]
    changed = (switch for switch in SWITCHES if getattr(style, switch.attribute) is not switch.usual)
    return [*options, *(f"--{switch.option}" for switch in changed)]


def _place(adapter: Source) -> str:
    """Where an adapter is, seen from the current folder; its name where that would lead through the root or homes."""
    path = adapter.path.absolute()
    name = os.path.join(path.parent.name, path.name) if has_stock_name(path) else path.name  # noqa: PTH118 - as below
    try:
        place, shared = os.path.relpath(path), Path(os.path.commonpath([path, Path.cwd()]))
    except ValueError:  # another drive
        return name
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - which leaves it as it is where nobody has a home
    if shared in (Path(shared.anchor), *home.parents):
        return name
    return os.path.join(os.curdir, place) if place.startswith("-") else place  # noqa: PTH118 - pathlib drops ./
