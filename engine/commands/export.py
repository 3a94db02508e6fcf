"""`export` on the command line: the window's numbers and files, without a display."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.commands.arguments import (
    Selection,
    as_device,
    as_path,
    export_plan,
    plan_arguments,
    selection,
    selection_arguments,
    side_argument,
    style_arguments,
)
from engine.commands.choosing import Chosen, chosen_pairs, figure_slugs
from engine.commands.given import open_given
from engine.commands.recipe import command_line
from engine.commands.remarks import (
    caution_lines,
    choice_lines,
    figure_lines,
    left_out_lines,
    panel_lines,
    summary_line,
    warning_lines,
)
from engine.commands.saying import answer, answer_json, say, say_each
from engine.comparison.cautions import comparison_cautions, initialisation_caution
from engine.comparison.known import skipped_module, why_none
from engine.comparison.outcome import Request, SideFailure
from engine.comparison.running import outcomes
from engine.document.export_plan import Comparison, ExportPlan, file_names
from engine.document.export_size import WORTH_SAYING, tables_size
from engine.document.former_export import former_export
from engine.document.provenance import facts_text
from engine.document.spool import SpooledResults, spooled_results
from engine.document.stage import Stage, staged
from engine.errors import ExportFailure, WouldBeLost
from engine.matching.pairing import Pairing, pair_adapters
from engine.side import Side
from engine.slices import finished
from engine.subspaces.devices import Device, choose_device
from engine.wording import file_size


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `export` takes: every setting that changes a file is an option."""
    add = parser.add_argument
    add("first", metavar="FIRST", type=as_path, help="an adapter: file or folder")
    add("second", metavar="SECOND", type=as_path, help="the adapter to compare it with")
    add("--out", metavar="DIR", type=as_path, required=True, help="folder to write into")
    add("--force", action="store_true", help="replace what is in the folder, be it an export of other adapters")
    side_argument(parser)
    selection_arguments(parser)
    add("--device", type=as_device, default="auto", metavar="auto|cpu|cuda", help="where to compute")
    plan_arguments(parser)
    add("--json", action="store_true", help="print comparison.json to standard output")
    style_arguments(parser.add_argument_group("the figure"))


def run(arguments: argparse.Namespace) -> None:
    """Compare two adapters, write every file, and answer with the comparison's sentence or its comparison.json; with
    those of each side where several are asked for, by their names.

    Raises:
        ArgumentError: the figure cannot be as it is asked for.
        EngineError: there is nothing to compare, or the files cannot be written.
    """
    plan = export_plan(arguments)
    try:
        facts = _export(arguments, plan)
    except WouldBeLost as refusal:
        advice = f"{refusal.reason.rstrip('.')}; choose another with --out, or replace it with --force."
        folder = arguments.out if len(arguments.side) == 1 else refusal.path
        raise ExportFailure(advice, path=folder) from refusal
    if not arguments.json:
        for side, stated in facts.items():
            answer(f"{side.value}: {stated['sentence']}" if len(facts) > 1 else stated["sentence"])
    elif len(facts) > 1:
        answer_json(facts_text({side.value: stated for side, stated in facts.items()}, indent=2))
    else:
        answer_json(facts_text(next(iter(facts.values())), indent=2))


@dataclass(frozen=True, eq=False)
class _Export:
    """What is written of one side, and where: `folder` is what the user calls it."""

    side: Side
    folder: Path
    chosen: Chosen
    stage: Stage
    results: SpooledResults
    failures: list[SideFailure]


def _export(arguments: argparse.Namespace, plan: ExportPlan) -> dict[Side, dict[str, Any]]:
    for library in ("fontTools", "matplotlib"):  # they remark on fonts, and on folders that they cannot write into
        logging.getLogger(library).setLevel(logging.ERROR)
    from engine.document.export import exporting_into  # noqa: PLC0415 - matplotlib takes a while

    device = choose_device(arguments.device)
    pairing = pair_adapters(open_given(arguments.first), open_given(arguments.second))
    asked = selection(arguments)
    with ExitStack() as places:
        exports = [_begun(arguments, pairing, side, asked, plan, places) for side in arguments.side]
        _compute(pairing, exports, plan, device)
        written = {}
        for export in exports:
            comparison = _comparison(export, pairing, asked, plan.style.count_from, device)
            if plan.figures:
                say_each(figure_lines(comparison, plan.style))
            command = command_line(comparison, plan)
            written[export.side] = finished(
                exporting_into(export.stage, comparison, plan, command, replacing=arguments.force)
            )
            say(summary_line(comparison, pairing, export.chosen.pairs, export.folder))
    return written


def _begun(
    arguments: argparse.Namespace, pairing: Pairing, side: Side, asked: Selection, plan: ExportPlan, places: ExitStack
) -> _Export:
    """What is to be written of a side, with a place for it.

    Raises:
        NothingComparable: there is nothing.
        WouldBeLost: as `_look_before`.
        ExportFailure: nothing can be written there.
    """
    chosen = chosen_pairs(pairing, side, asked)
    say_each(choice_lines(chosen, asked, plan.style.count_from))
    if side is arguments.side[0]:
        say_each(warning_lines(pairing))
    folder = arguments.out if len(arguments.side) == 1 else arguments.out / side.value
    stage = places.enter_context(staged(folder))
    results = places.enter_context(spooled_results(stage.scratch, stage.target))
    export = _Export(side, folder, chosen, stage, results, [])
    _look_before(export, pairing, plan, replacing=arguments.force)
    return export


def _look_before(export: _Export, pairing: Pairing, plan: ExportPlan, *, replacing: bool) -> None:
    """Say how much will be written, and refuse to write over other people's files, before anything is computed.

    Raises:
        WouldBeLost: they are in the folder, and it is not `replacing` them.
    """
    pairs = export.chosen.pairs
    size = tables_size(pairs, export.side, plan.data)
    if size >= WORTH_SAYING:
        say(f"about {file_size(size)} will be written into {export.folder}")
    former = former_export(export.folder)
    if replacing or not (former.files or former.strangers):
        return
    coming = file_names([pair.slug for pair in pairs], plan)
    tells = former.facts is not None  # else the checksums are left to be found beside the computing
    sources = (pairing.first, pairing.second)
    others = former.others(coming, *(each.file.files.sha256() if tells else "" for each in sources))
    if others:
        raise WouldBeLost(f"{others}.", path=export.folder)


def _compute(pairing: Pairing, exports: Sequence[_Export], plan: ExportPlan, device: Device) -> None:
    """Compute every side in one reading; what comes of a side goes into its place.

    The findings say what the updates are to each other, for which both sides of ΔW are needed; figures and matrices
    of A alone leave B unread.
    """
    sides = {export.side for export in exports}
    if "csv" in plan.data:
        sides |= {Side.DW_RIGHT, Side.DW_LEFT}
    wanted = {export.side: {pair.key for pair in export.chosen.pairs} for export in exports}
    keys = set().union(*wanted.values())
    pairs = tuple(pair for pair in pairing.pairs if pair.key in keys)
    request = Request(1, pairing.matching, pairs, tuple(side for side in Side if side in sides), device)
    for done, each in enumerate(outcomes(request), 1):
        for export in exports:
            if each.pair.key in wanted[export.side]:
                outcome = each.on(export.side)
                if isinstance(outcome, SideFailure):
                    export.failures.append(outcome)
                else:
                    export.results.append(outcome)
        if done % 50 == 0:
            say(f"{done} of {len(pairs)} modules")


def _comparison(export: _Export, pairing: Pairing, asked: Selection, count_from: int, device: Device) -> Comparison:
    """What came of a side, with what a reader of it should beware of.

    Raises:
        EngineError: nothing came of any module.
    """
    side, results = export.side, export.results
    if not results:
        raise why_none(export.failures)
    skipped = (*map(skipped_module, export.failures), *pairing.skipped(side))
    say_each(left_out_lines(skipped, pairing))
    started_alike = initialisation_caution(pairing, device) if side is Side.A else ""
    cautions = comparison_cautions(pairing, side, results, started_alike, count_from)
    say_each(caution_lines(cautions, side, pairing))
    comparison = Comparison(
        pairing.first, pairing.second, side, device, results, skipped, figure_slugs(results, asked), cautions,
        asked.preset,
    )  # fmt: skip
    say_each(panel_lines(comparison, asked))
    return comparison
