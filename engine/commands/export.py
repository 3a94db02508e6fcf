"""`export` on the command line: the window's numbers and files, without a display."""

from __future__ import annotations

import argparse
import logging
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
    style_arguments,
)
from engine.commands.choosing import chosen_pairs, figure_slugs
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
from engine.document.stage import staged
from engine.errors import ExportFailure, WouldBeLost
from engine.matching.pairing import Pairing, pair_adapters
from engine.side import Side
from engine.slices import finished
from engine.subspaces.devices import choose_device
from engine.wording import file_size


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `export` takes: every setting that changes a file is an option."""
    add = parser.add_argument
    add("first", metavar="FIRST", type=as_path, help="an adapter: file or folder")
    add("second", metavar="SECOND", type=as_path, help="the adapter to compare it with")
    add("--out", metavar="DIR", type=as_path, required=True, help="folder to write into")
    add("--force", action="store_true", help="replace what is in the folder, be it an export of other adapters")
    add("--side", choices=[side.value for side in Side], default=Side.A.value,
        help="whose singular vectors: A (default, the paper's), B, or ΔW's")  # fmt: skip
    selection_arguments(parser)
    add("--device", type=as_device, default="auto", metavar="auto|cpu|cuda", help="where to compute")
    plan_arguments(parser)
    add("--json", action="store_true", help="print comparison.json to standard output")
    style_arguments(parser.add_argument_group("the figure"))


def run(arguments: argparse.Namespace) -> None:
    """Compare two adapters, write every file, and answer with the comparison's sentence or its comparison.json.

    Raises:
        ArgumentError: the figure cannot be as it is asked for.
        EngineError: there is nothing to compare, or the files cannot be written.
    """
    plan = export_plan(arguments)
    try:
        facts = _export(arguments, plan)
    except WouldBeLost as refusal:
        advice = f"{refusal.reason.rstrip('.')}; choose another with --out, or replace it with --force."
        raise ExportFailure(advice, path=arguments.out) from refusal
    if arguments.json:
        answer_json(facts_text(facts, indent=2))
    else:
        answer(facts["sentence"])


def _export(arguments: argparse.Namespace, plan: ExportPlan) -> dict[str, Any]:
    for library in ("fontTools", "matplotlib"):  # they remark on fonts, and on folders that they cannot write into
        logging.getLogger(library).setLevel(logging.ERROR)
    from engine.document.export import exporting_into  # noqa: PLC0415 - matplotlib takes a while

    device = choose_device(arguments.device)
    pairing = pair_adapters(open_given(arguments.first), open_given(arguments.second))
    side, asked = Side(arguments.side), selection(arguments)
    chosen = chosen_pairs(pairing, side, asked)
    say_each(choice_lines(chosen, asked, plan.style.count_from))
    say_each(warning_lines(pairing))
    request = Request(1, pairing.matching, chosen.pairs, (side,), device)
    with staged(arguments.out) as stage, spooled_results(stage.scratch, stage.target) as results:
        _look_before(request, plan, arguments.out, replacing=arguments.force)
        comparison = _comparison(request, pairing, results, asked, plan.style.count_from)
        if plan.figures:
            say_each(figure_lines(comparison, plan.style))
        command = command_line(comparison, plan)
        facts = finished(exporting_into(stage, comparison, plan, command, replacing=arguments.force))
    say(summary_line(comparison, pairing, request.pairs, arguments.out))
    return facts


def _look_before(request: Request, plan: ExportPlan, folder: Path, *, replacing: bool) -> None:
    """Say how much will be written, and refuse to write over other people's files, before anything is computed.

    Raises:
        WouldBeLost: they are in the folder, and it is not `replacing` them.
    """
    size = tables_size(request.pairs, request.sides[0], plan.data)
    if size >= WORTH_SAYING:
        say(f"about {file_size(size)} will be written into {folder}")
    former = former_export(folder)
    if replacing or not (former.files or former.strangers):
        return
    coming = file_names([pair.slug for pair in request.pairs], plan)
    tells = former.facts is not None  # else the checksums are left to be found beside the computing
    others = former.others(coming, *(each.file.files.sha256() if tells else "" for each in request.matching.sources))
    if others:
        raise WouldBeLost(f"{others}.", path=folder)


def _comparison(
    request: Request, pairing: Pairing, results: SpooledResults, asked: Selection, count_from: int
) -> Comparison:
    """Compute, and say what a reader of it should beware of.

    Raises:
        EngineError: nothing came of any module.
    """
    (side,) = request.sides
    failures = _computed(request, results)
    if not results:
        raise why_none(failures)
    skipped = (*map(skipped_module, failures), *pairing.skipped(side))
    say_each(left_out_lines(skipped, pairing))
    started_alike = initialisation_caution(pairing, request.device) if side is Side.A else ""
    cautions = comparison_cautions(pairing, side, results, started_alike, count_from)
    say_each(caution_lines(cautions, side, pairing))
    comparison = Comparison(
        pairing.first, pairing.second, side, request.device, results, skipped, figure_slugs(results, asked), cautions,
        asked.preset,
    )  # fmt: skip
    say_each(panel_lines(comparison, asked))
    return comparison


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
            say(f"{done} of {len(request.pairs)} modules")
    return failures
