"""`export` and `inspect` on the command line: the window's numbers and files, without a display."""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from engine.adapter import Adapter, LoraModule, SkippedModule
from engine.cautions import base_model_caution, gauge_caution, initialisation_caution
from engine.comparison import outcomes
from engine.devices import choose_device
from engine.errors import EngineError, ExportFailure, NothingComparable
from engine.opening import open_adapter
from engine.outcome import ComparisonRequest, ModuleFailure, ModuleResult
from engine.pairing import ModulePair, Pairing, pair_adapters
from engine.panel_layout import first_selection
from engine.presets import Preset, preset_layers, preset_pairs
from engine.selection import LayerSelection, parse_layers, select_pairs
from engine.side import Side
from engine.views import View

EXIT_DONE, EXIT_UNUSABLE, EXIT_INTERRUPTED = 0, 1, 130
# More panels than this make no figure that a page could hold: four layers are drawn then.
_LARGEST_FIGURE = 24
FIGURE_FORMATS = ("png", "pdf", "svg")


def export_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `export`."""
    parser.add_argument("first", metavar="FIRST", type=Path, help="an adapter: file or folder")
    parser.add_argument("second", metavar="SECOND", type=Path, help="the adapter to compare it with")
    parser.add_argument("--out", metavar="DIR", type=Path, required=True, help="folder to write into")
    parser.add_argument("--side", choices=[side.value for side in Side], default=Side.A.value,
                        help="whose singular vectors: A (default, the paper's), B, or ΔW's")  # fmt: skip
    parser.add_argument("--layers", type=_layers, help="layers counted from 1, such as 1,32,64-96 (default: all)")
    parser.add_argument("--projections", type=_names, help="projections, such as q,v (default: all)")
    parser.add_argument("--preset", choices=[preset.value for preset in Preset],
                        help="the modules, layout and range of a figure of the paper")  # fmt: skip
    parser.add_argument("--view", choices=[view.value for view in View], default=View.PHI.value,
                        help="what the figure shows: φ, φ above chance, or its distance from chance, z")  # fmt: skip
    parser.add_argument("--device", type=_device, default="auto", metavar="auto|cpu|cuda", help="where to compute")
    parser.add_argument("--figure", type=_figure_formats, default=("png",), metavar="png,pdf,svg",
                        help="figure formats (default: png)")  # fmt: skip
    parser.add_argument("--dpi", type=_positive_int, default=300, help="dots per inch of the PNG (default: 300)")
    parser.add_argument("--width", type=_positive_float, metavar="IN", help="width of the figure in inches")
    parser.add_argument("--json", action="store_true", help="print comparison.json to standard output")


def inspect_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `inspect`."""
    parser.add_argument("adapter", metavar="ADAPTER", type=Path, help="an adapter: file or folder")
    parser.add_argument("--json", action="store_true", help="print the facts as JSON")


def run_export(arguments: argparse.Namespace) -> int:
    """Compare two adapters and write every file; the exit status."""
    try:
        return _export(arguments)
    except EngineError as error:
        return _refuse(error)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def run_inspect(arguments: argparse.Namespace) -> int:
    """Say what an adapter's file holds; the exit status."""
    try:
        facts = adapter_facts(open_adapter(arguments.adapter))
        _say(sys.stdout, json.dumps(facts, indent=2, ensure_ascii=False) if arguments.json else _as_table(facts))
    except EngineError as error:
        return _refuse(error)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return EXIT_DONE


def adapter_facts(adapter: Adapter) -> dict[str, Any]:
    """What `inspect --json` prints."""
    return {
        "file": adapter.file.path.name,
        "format": adapter.format,
        "kind": "lora",
        "modules": [_module_facts(module) for module in adapter.modules],
        "skipped": [{"module": skip.module, "reason": skip.reason} for skip in adapter.unusable],
        "warnings": list(adapter.warnings),
    }


def _module_facts(module: LoraModule) -> dict[str, Any]:
    return {
        "module": module.path.name,
        "tower": module.path.tower,
        "layer": module.path.layer + 1 if module.path.layer is not None else module.path.block or None,
        "projection": module.path.projection,
        "rank": module.rank,
        "d_in": module.d_in,
        "d_out": module.d_out,
        "dtype": module.dtype,
        "scaling": module.scaling,
    }


def _export(arguments: argparse.Namespace) -> int:
    from engine.export import Comparison, ExportPlan, export_comparison  # noqa: PLC0415 - matplotlib takes a while
    from engine.figure import FigureStyle  # noqa: PLC0415

    logging.getLogger("fontTools").setLevel(logging.ERROR)  # it remarks on the dates of matplotlib's own fonts
    device = choose_device(arguments.device)
    side = Side(arguments.side)
    pairing = pair_adapters(open_adapter(arguments.first), open_adapter(arguments.second))
    for adapter in (pairing.first, pairing.second):
        for warning in adapter.warnings:
            _say(sys.stderr, f"note: {adapter.path}: {warning}")
    preset = Preset(arguments.preset) if arguments.preset else None
    pairs = _chosen(pairing, side, arguments.layers, arguments.projections, preset)
    request = ComparisonRequest(1, pairing.first, pairing.second, pairs, side, device)
    results, failures = _computed(request)
    if not results:
        raise failures[0].error
    started_alike = initialisation_caution(pairing, device) if side is Side.A else ""
    cautions = tuple(filter(None, (base_model_caution(pairing), started_alike)))
    for caution in cautions:
        _say(sys.stderr, f"note: {caution}")
    failed = tuple(SkippedModule(failure.pair.path.name, failure.error.reason) for failure in failures)
    selected = arguments.layers or arguments.projections or arguments.preset
    comparison = Comparison(
        pairing.first, pairing.second, side, device, tuple(results),
        skipped=(*failed, *pairing.skipped(side)),
        preset=preset,
        cautions=(*cautions, *filter(None, (gauge_caution(side),))),
        figure_slugs=None if selected or len(results) <= _LARGEST_FIGURE else _figure_slugs(results),
    )  # fmt: skip
    style = FigureStyle(width=arguments.width, dpi=arguments.dpi, view=View(arguments.view))
    plan = ExportPlan(arguments.figure, style)
    facts = export_comparison(comparison, arguments.out, plan)
    _say(sys.stderr, f"{len(results)} modules compared, {len(comparison.skipped)} left out: {arguments.out}")
    if arguments.json:
        _say(sys.stdout, json.dumps(facts, indent=2, ensure_ascii=False))
    return EXIT_DONE


def _chosen(
    pairing: Pairing,
    side: Side,
    layers: LayerSelection | None,
    projections: Sequence[str] | None,
    preset: Preset | None,
) -> tuple[ModulePair, ...]:
    comparable = pairing.comparable(side)
    if not comparable:
        raise _nothing(pairing, side)
    pairs = select_pairs(comparable, layers, projections)
    if preset:
        depth = len({pair.path.layer_label for pair in pairs})
        pairs = preset_pairs(pairs, preset)
        _say(sys.stderr, preset_layers(pairs, preset, depth))
    if not pairs:
        labels = list(dict.fromkeys(pair.path.layer_label for pair in comparable))
        names = list(dict.fromkeys(pair.path.projection for pair in comparable))
        raise NothingComparable(
            f"No module is in these layers and projections; there are layers {_listed(labels)} and "
            f"projections {_listed(names)}."
        )
    return pairs


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
            _say(sys.stderr, f"left out: {outcome.error}")
        else:
            results.append(outcome)
        if count % 50 == 0:
            _say(sys.stderr, f"{count} of {len(request.pairs)} modules")
    return results, failures


def _figure_slugs(results: Sequence[ModuleResult]) -> frozenset[str]:
    chosen = first_selection([result.pair.path for result in results])
    _say(sys.stderr, f"the figure shows {len(chosen)} of {len(results)} modules; choose others with --layers")
    return frozenset(results[index].pair.slug for index in chosen)


def _refuse(error: EngineError) -> int:
    _say(sys.stderr, f"phiscope: {error}")
    return EXIT_UNUSABLE


def _say(stream: TextIO | None, text: str) -> None:
    if stream is None:  # started without a console
        return
    encoding = stream.encoding or "utf-8"
    try:
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        stream.flush()
    except OSError as error:  # the reader has gone, or the disk is full
        with contextlib.suppress(OSError, ValueError):  # or Python flushes it once more at its end
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if stream is not sys.stderr:
            raise ExportFailure(f"The output cannot be written ({error.strerror}).") from error


def _as_table(facts: dict[str, Any]) -> str:
    lines = [f"{facts['file']}: {facts['format']}, {len(facts['modules'])} modules"]
    columns = ("tower", "layer", "projection", "rank", "d_in", "d_out", "dtype", "scaling", "module")
    rows = [columns, *(tuple(_cell(module[name]) for name in columns) for module in facts["modules"])]
    keep = [
        c for c, name in enumerate(columns) if name != "tower" or any(module["tower"] for module in facts["modules"])
    ]
    widths = [max(len(row[c]) for row in rows) for c in range(len(columns))]
    lines += ["  ".join(row[c].ljust(widths[c]) for c in keep).rstrip() for row in rows]
    lines += [f"left out: {skip['module']}: {skip['reason']}" for skip in facts["skipped"]]
    lines += [f"note: {warning}" for warning in facts["warnings"]]
    return "\n".join(lines)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _listed(items: Sequence[str]) -> str:
    shown = ", ".join(item or "(none)" for item in items[:8])
    return f"{shown}, … {items[-1]}" if len(items) > 8 else shown


# --- argument types: each raises ArgumentTypeError, which argparse answers with exit status 2 ---


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


def _figure_formats(text: str) -> tuple[str, ...]:
    formats = tuple(dict.fromkeys(name.strip().lower() for name in text.split(",")))
    unknown = [name for name in formats if name not in FIGURE_FORMATS]
    if unknown:
        raise argparse.ArgumentTypeError(f"'{unknown[0]}' is none of {', '.join(FIGURE_FORMATS)}")
    return formats


def _device(text: str) -> str:
    if text in ("auto", "cpu", "cuda") or (text.startswith("cuda:") and text[5:].isdecimal()):
        return text
    raise argparse.ArgumentTypeError(f"'{text}' is none of auto, cpu, cuda, cuda:N")


def _positive_int(text: str) -> int:
    value = int(text) if text.isdecimal() else 0
    if not 1 <= value <= 2400:
        raise argparse.ArgumentTypeError(f"'{text}' is no resolution between 1 and 2400")
    return value


def _positive_float(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.5 <= value <= 100:
        raise argparse.ArgumentTypeError(f"'{text}' is no width between 0.5 and 100 inches")
    return value
