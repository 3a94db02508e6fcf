"""`export` on the command line: the window's numbers and files, without a display."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence

from engine.adapter import SkippedModule
from engine.cautions import base_model_caution, gauge_caution, initialisation_caution
from engine.command_line import figure_style
from engine.commands.saying import EXIT_DONE, EXIT_INTERRUPTED, refuse, say
from engine.comparison import outcomes
from engine.devices import choose_device
from engine.errors import EngineError, NothingComparable
from engine.export_plan import Comparison, ExportPlan, default_figure
from engine.opening import open_adapter
from engine.outcome import ComparisonRequest, ModuleFailure, ModuleResult
from engine.pairing import ModulePair, Pairing, pair_adapters
from engine.presets import Preset, preset_layers, preset_pairs
from engine.selection import select_pairs
from engine.side import Side


def run_export(arguments: argparse.Namespace) -> int:
    """Compare two adapters and write every file; the exit status."""
    try:
        return _export(arguments)
    except EngineError as error:
        return refuse(error)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _export(arguments: argparse.Namespace) -> int:
    from engine.export import export_comparison  # noqa: PLC0415 - matplotlib takes a while

    logging.getLogger("fontTools").setLevel(logging.ERROR)  # it remarks on the dates of matplotlib's own fonts
    device = choose_device(arguments.device)
    side = Side(arguments.side)
    pairing = pair_adapters(open_adapter(arguments.first), open_adapter(arguments.second))
    for adapter in (pairing.first, pairing.second):
        for warning in adapter.warnings:
            say(sys.stderr, f"note: {adapter.path}: {warning}")
    preset = Preset(arguments.preset) if arguments.preset else None
    pairs = _chosen(pairing, side, arguments)
    request = ComparisonRequest(1, pairing.first, pairing.second, pairs, side, device)
    results, failures = _computed(request)
    if not results:
        raise failures[0].error
    started_alike = initialisation_caution(pairing, device) if side is Side.A else ""
    cautions = tuple(filter(None, (base_model_caution(pairing), started_alike)))
    for caution in cautions:
        say(sys.stderr, f"note: {caution}")
    failed = tuple(SkippedModule(failure.pair.path.name, failure.error.reason) for failure in failures)
    comparison = Comparison(
        pairing.first, pairing.second, side, device, tuple(results),
        skipped=(*failed, *pairing.skipped(side)),
        preset=preset,
        cautions=(*cautions, *filter(None, (gauge_caution(side),))),
        figure_slugs=_figure_slugs(results, arguments),
    )  # fmt: skip
    plan = ExportPlan(arguments.figure, figure_style(arguments), arguments.data)
    facts = export_comparison(comparison, arguments.out, plan)
    say(sys.stderr, f"{len(results)} modules compared, {len(comparison.skipped)} left out: {arguments.out}")
    say(sys.stdout, json.dumps(facts, indent=2, ensure_ascii=False) if arguments.json else facts["sentence"])
    return EXIT_DONE


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
            f"No module is in these layers and projections; there are layers {_listed(labels)} and "
            f"projections {_listed(names)}."
        )
    if arguments.preset:
        preset = Preset(arguments.preset)
        shown = preset_pairs(pairs, preset)
        say(sys.stderr, preset_layers(shown, preset, len({pair.path.layer_label for pair in pairs})))
        return pairs if arguments.all else shown
    return pairs


def _named(pairs: Sequence[ModulePair], names: Sequence[str]) -> tuple[ModulePair, ...]:
    """The pairs of these slugs.

    Raises:
        NothingComparable: one is of no pair.
    """
    unknown = set(names) - {pair.slug for pair in pairs}
    if unknown:
        known = _listed([pair.slug for pair in pairs])
        raise NothingComparable(f"No module that can be compared is called {min(unknown)}; there are {known}.")
    return tuple(pair for pair in pairs if pair.slug in names)


def _nothing(pairing: Pairing, side: Side) -> NothingComparable:
    skipped = pairing.skipped(side)
    first = skipped[0]
    return NothingComparable(
        f"Nothing can be compared with {pairing.second.path}: {first.reason}"
        + (f" ({len(skipped)} modules in all)" if len(skipped) > 1 else ""),
        path=pairing.first.path, module=first.module,
    )  # fmt: skip


def _computed(request: ComparisonRequest) -> tuple[list[ModuleResult], list[ModuleFailure]]:
    results: list[ModuleResult] = []
    failures: list[ModuleFailure] = []
    for count, outcome in enumerate(outcomes(request), 1):
        if isinstance(outcome, ModuleFailure):
            failures.append(outcome)
            say(sys.stderr, f"left out: {outcome.error}")
        else:
            results.append(outcome)
        if count % 50 == 0:
            say(sys.stderr, f"{count} of {len(request.pairs)} modules")
    return results, failures


def _figure_slugs(results: Sequence[ModuleResult], arguments: argparse.Namespace) -> frozenset[str] | None:
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


def _listed(items: Sequence[str]) -> str:
    shown = ", ".join(item or "(none)" for item in items[:8])
    return f"{shown}, … {items[-1]}" if len(items) > 8 else shown
