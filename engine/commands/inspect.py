"""`inspect` on the command line: what an adapter's file holds."""

from __future__ import annotations

import argparse
from typing import Any

from engine.commands.arguments import as_path
from engine.commands.given import open_given
from engine.commands.saying import answer, answer_json
from engine.document.provenance import facts_text
from engine.plain_text import printable
from engine.sources.left_out import by_reason
from engine.sources.source import Module, SkippedModule, Source
from engine.wording import count


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `inspect` takes."""
    parser.add_argument("adapter", metavar="ADAPTER", type=as_path, help="an adapter: file or folder")
    parser.add_argument("--json", action="store_true", help="print the facts as JSON")


def run(arguments: argparse.Namespace) -> None:
    """Say what an adapter's file holds.

    Raises:
        EngineError: it cannot be opened.
    """
    facts = adapter_facts(open_given(arguments.adapter))
    if arguments.json:
        answer_json(facts_text(facts, indent=2))
    else:
        answer(*_table(facts))


def adapter_facts(adapter: Source) -> dict[str, Any]:
    """What `inspect --json` prints."""
    return {
        "file": adapter.file.path.name,
        "format": adapter.format,
        "kind": "lora",
        "modules": [_module_facts(module) for module in adapter.modules],
        "skipped": [{"module": skip.module, "reason": skip.reason} for skip in adapter.unusable],
        "warnings": list(adapter.warnings),
    }


def _module_facts(module: Module) -> dict[str, Any]:
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


def _table(facts: dict[str, Any]) -> list[str]:
    lines = [f"{facts['file']}: {facts['format']}, {count(len(facts['modules']), 'module')}"]
    columns = ("tower", "layer", "projection", "rank", "d_in", "d_out", "dtype", "scaling", "module")
    rows = [columns, *(tuple(_cell(module[name]) for name in columns) for module in facts["modules"])]
    keep = [
        c for c, name in enumerate(columns) if name != "tower" or any(module["tower"] for module in facts["modules"])
    ]
    widths = [max(len(row[c]) for row in rows) for c in range(len(columns))]
    lines += ["  ".join(row[c].ljust(widths[c]) for c in keep).rstrip() for row in rows]
    lines += [f"left out: {group}" for group in by_reason(SkippedModule(**skip) for skip in facts["skipped"])]
    lines += [f"note: {warning}" for warning in facts["warnings"]]
    return lines


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:g}" if isinstance(value, float) else printable(str(value))
