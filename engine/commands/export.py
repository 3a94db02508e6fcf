"""`export` on the command line: the window's numbers and files, without a display."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

from engine.commands.arguments import figure_style
from engine.commands.given import open_given
from engine.commands.recipe import command_line
from engine.commands.saying import exit_status, say, say_json
from engine.comparison.cautions import comparison_cautions, gauge_caution, initialisation_caution
from engine.comparison.module_cautions import untrained_caution
from engine.comparison.outcome import Request, SideFailure, SideResult
from engine.comparison.running import outcomes
from engine.document.comparison_figure import figure_cautions, size_note
from engine.document.export_plan import Comparison, ExportPlan, default_figure, file_names
from engine.document.export_size import WORTH_SAYING, tables_size
from engine.document.former_export import former_export
from engine.document.provenance import facts_text
from engine.document.spool import SpooledResults, spooled_results
from engine.document.stage import staged
from engine.errors import EngineError, ExportFailure, NothingComparable, WouldBeLost
from engine.figures.presets import Preset, preset_layers, preset_pairs
from engine.figures.style import FigureStyle
from engine.matching.explaining import group_text, why_nothing
from engine.matching.pairing import ModulePair, Pairing, pair_adapters
from engine.matching.selection import select_pairs, unmatched
from engine.side import Side
from engine.sources.left_out import by_reason
from engine.sources.source import SkippedModule
from engine.subspaces.devices import choose_device
from engine.wording import count, file_size

_SAID_REASONS = 6


def run_export(arguments: argparse.Namespace) -> int:
    """Compare two adapters and write every file; the exit status."""
    return exit_status(_export_or_advise, arguments)


def _export_or_advise(arguments: argparse.Namespace) -> None:
    try:
        _export(arguments)
    except WouldBeLost as refusal:
        advice = f"{refusal.reason.rstrip('.')}; choose another with --out, or replace it with --force."
        raise ExportFailure(advice, path=arguments.out) from refusal


def _export(arguments: argparse.Namespace) -> None:
    for library in ("fontTools", "matplotlib"):  # they remark on fonts, and on folders that they cannot write into
        logging.getLogger(library).setLevel(logging.ERROR)
    from engine.document.export import exporting_into, finished  # noqa: PLC0415 - matplotlib takes a while

    device = choose_device(arguments.device)
    pairing = pair_adapters(open_given(arguments.first), open_given(arguments.second))
    side = Side(arguments.side)
    pairs = _chosen(pairing, side, arguments)
    _say_warnings(pairing)
    request = Request(1, pairing.matching, pairs, (side,), device)
    plan = ExportPlan(arguments.figure, figure_style(arguments), arguments.data)
    with staged(arguments.out) as stage, spooled_results(stage.scratch, stage.target) as results:
        _look_before(request, plan, arguments)
        comparison = _comparison(request, pairing, results, arguments)
        if plan.figures:
            _say_of_the_figure(comparison, plan.style)
        facts = finished(
            exporting_into(stage, comparison, plan, command_line(comparison, plan), replacing=arguments.force)
        )
    compared, undefined = count(len(results), "module"), len(_undefined(pairing, request))
    without = f" ({undefined} of them undefined: untrained)" if undefined else ""
    say(sys.stderr, f"{compared} compared{without}, {len(comparison.skipped)} left out: {arguments.out}")
    if arguments.json:
        say_json(sys.stdout, facts_text(facts, indent=2))
    else:
        say(sys.stdout, facts["sentence"])


def _undefined(pairing: Pairing, request: Request) -> set[str]:
    """Modules that were compared and have nothing to compare."""
    return {skip.module for skip in pairing.undefined(request.sides[0])} & {pair.path.name for pair in request.pairs}


def _look_before(request: Request, plan: ExportPlan, arguments: argparse.Namespace) -> None:
    """Say how much will be written, and refuse to write over other people's files, before anything is computed.

    Raises:
        WouldBeLost: they are in the folder.
    """
    size = tables_size(request.pairs, request.sides[0], plan.data)
    if size >= WORTH_SAYING:
        say(sys.stderr, f"about {file_size(size)} will be written into {arguments.out}")
    former = former_export(arguments.out)
    if arguments.force or not (former.files or former.strangers):
        return
    coming = file_names([pair.slug for pair in request.pairs], plan)
    tells = former.facts is not None  # else the checksums are left to be found beside the computing
    others = former.others(coming, *(each.file.files.sha256() if tells else "" for each in request.matching.sources))
    if others:
        raise WouldBeLost(f"{others}.", path=arguments.out)


def _comparison(
    request: Request, pairing: Pairing, results: SpooledResults, arguments: argparse.Namespace
) -> Comparison:
    """Compute, and say what a reader of it should beware of.

    Raises:
        EngineError: nothing came of any module.
    """
    (side,) = request.sides
    failures = _computed(request, results)
    failed = tuple(SkippedModule(failure.pair.path.name, failure.error.reason) for failure in failures)
    if not results:
        raise _none_computed(failures, failed)
    _say_left_out((*failed, *pairing.skipped(side)), pairing)
    started_alike = initialisation_caution(pairing, request.device) if side is Side.A else ""
    cautions = comparison_cautions(pairing, side, results, started_alike, arguments.count_from)
    for caution in cautions:
        if caution not in (gauge_caution(side), untrained_caution(pairing)):  # true of every export; said already
            say(sys.stderr, f"note: {caution}")
    return Comparison(
        pairing.first, pairing.second, side, request.device, results,
        skipped=(*failed, *pairing.skipped(side)),
        preset=Preset(arguments.preset) if arguments.preset else None,
        cautions=cautions,
        figure_slugs=_figure_slugs(results, arguments),
    )  # fmt: skip


def _say_of_the_figure(comparison: Comparison, style: FigureStyle) -> None:
    """Say before it is written what its reader should beware of, and that it is taller than a page.

    Raises:
        ExportFailure: it cannot be drawn.
    """
    for caution in figure_cautions(comparison, style):
        say(sys.stderr, f"note: {caution}")
    size, is_too_tall = size_note(comparison, style)
    if is_too_tall:
        say(sys.stderr, f"note: the figure has {size}; --panels chooses fewer, --width takes more to a row")


def _chosen(pairing: Pairing, side: Side, arguments: argparse.Namespace) -> tuple[ModulePair, ...]:
    comparable = pairing.comparable(side)
    if not comparable:
        raise _nothing(pairing, side)
    pairs = select_pairs(comparable, arguments.layers, arguments.projections)
    if arguments.modules:
        pairs = _named(pairs, arguments.modules)
    if not pairs:
        labels = list(dict.fromkeys(pair.path.layer_label for pair in comparable))
        names = list(dict.fromkeys(pair.path.projection for pair in comparable))
        raise NothingComparable(
            f"No module is in these layers and projections; there are layers {_first_and_last(labels)} and "
            f"projections {_first_and_last(names)}."
        )
    shown = preset_pairs(pairs, Preset(arguments.preset)) if arguments.preset else pairs
    for sentence in unmatched(comparable, arguments.layers, arguments.projections):
        say(sys.stderr, f"note: {sentence}")
    if arguments.preset:
        preset = Preset(arguments.preset)
        depth = len({pair.path.layer_label for pair in comparable})
        say(sys.stderr, preset_layers(shown, preset, depth, arguments.count_from))
        return pairs if arguments.all else shown
    return pairs


def _named(pairs: Sequence[ModulePair], names: Sequence[str]) -> tuple[ModulePair, ...]:
    """The pairs of these slugs.

    Raises:
        NothingComparable: one is of no pair.
    """
    unknown = set(names) - {pair.slug for pair in pairs}
    if unknown:
        known = _first_and_last([pair.slug for pair in pairs])
        name = next(name for name in names if name in unknown)
        raise NothingComparable(f"No module that can be compared is called {name}; there are {known}.")
    return tuple(pair for pair in pairs if pair.slug in names)


def _nothing(pairing: Pairing, side: Side) -> NothingComparable:
    return NothingComparable(
        f"Nothing can be compared with {pairing.second.path}: {why_nothing(pairing, side)}", path=pairing.first.path
    )


def _say_warnings(pairing: Pairing) -> None:
    """What a reader should know of the adapters; what is true of both is said once."""
    both = (pairing.first, pairing.second)
    for warning in dict.fromkeys(warning for adapter in both for warning in adapter.warnings):
        places = dict.fromkeys(str(adapter.path) for adapter in both if warning in adapter.warnings)
        say(sys.stderr, f"note: {' and '.join(places)}: {warning}")


def _none_computed(failures: Sequence[SideFailure], failed: Sequence[SkippedModule]) -> EngineError:
    """Why nothing came of a run: the one module's error, or the most frequent reason with its count."""
    if len(failures) == 1:
        return failures[0].error
    groups, paths = by_reason(failed), {failure.error.path for failure in failures}
    others = len(failed) - len(groups[0].modules)
    why = f"{groups[0]} {count(others, 'module')} more for other reasons." if others else groups[0].with_examples
    return NothingComparable(
        f"None of the {len(failed)} modules can be compared: {why}", path=paths.pop() if len(paths) == 1 else None
    )


def _say_left_out(skipped: Sequence[SkippedModule], pairing: Pairing) -> None:
    groups = by_reason(skipped)
    for group in groups[:_SAID_REASONS]:
        say(sys.stderr, f"left out: {group_text(group, pairing)}")
    rest = sum(len(group.modules) for group in groups[_SAID_REASONS:])
    if rest:
        say(sys.stderr, f"left out: {count(rest, 'module')} for other reasons")


def _computed(request: Request, results: SpooledResults) -> list[SideFailure]:
    """Compute every pair into `results`; those that failed."""
    failures: list[SideFailure] = []
    (side,) = request.sides
    for done, each in enumerate(outcomes(request), 1):
        outcome = each.on(side)
        if isinstance(outcome, SideFailure):
            failures.append(outcome)
        else:
            results.append(outcome)
        if done % 50 == 0:
            say(sys.stderr, f"{done} of {len(request.pairs)} modules")
    return failures


def _figure_slugs(results: Sequence[SideResult], arguments: argparse.Namespace) -> frozenset[str] | None:
    """Which results the figure shows: those named, the preset's, or what is usual; None for all."""
    pairs = [result.pair for result in results]
    if arguments.panels:
        return frozenset(pair.slug for pair in _named(pairs, arguments.panels))
    if arguments.preset:
        return frozenset(pair.slug for pair in preset_pairs(pairs, Preset(arguments.preset)))
    is_selection = bool(arguments.layers or arguments.projections or arguments.modules)
    chosen = default_figure(results, is_selection=is_selection)
    if chosen is not None:
        say(sys.stderr, f"the figure shows {len(chosen)} of {len(results)} modules; choose others with --panels")
    return chosen


def _first_and_last(items: Sequence[str]) -> str:
    shown = ", ".join(item or "(none)" for item in items[:8])
    return f"{shown}, … {items[-1]}" if len(items) > 8 else shown
