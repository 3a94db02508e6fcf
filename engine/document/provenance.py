"""What exported files say of where they come from: names and checksums of the adapters, settings, never a path."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Mapping
from typing import Any

import numpy as np

from engine import __version__
from engine.comparison.findings import shared_at_full_rank
from engine.comparison.outcome import SideResult
from engine.comparison.sentence import shared_sentence
from engine.document.comparison_figure import figure_cautions
from engine.document.export_plan import Comparison, ExportPlan
from engine.figures.style import FigureStyle
from engine.measures.phi import PHI
from engine.measures.significance import beyond_chance
from engine.measures.view import View
from engine.plain_text import printable, valid_text
from engine.sources.source import Source

# Version 2: `shared_dimensions` in findings.csv is an effect size, no longer a count of directions.
_FORMAT_VERSION = 2


def comparison_origin(comparison: Comparison, style: FigureStyle) -> dict[str, Any]:
    """What figures and comparison.json say alike, and what leads back to the comparison.

    Raises:
        FileChanged: an adapter's file has gone or changed since it was read.
    """
    methods = sorted({result.facts.method for result in comparison.results})
    return {
        "version": __version__,
        "format_version": _FORMAT_VERSION,
        "first": _identity(comparison.first),
        "second": _identity(comparison.second),
        "side": comparison.side.value,
        "device": comparison.device.name,
        "method": f"{' and '.join(methods)} in float64",
        "figure": {
            "panels": [result.pair.slug for result in comparison.figure_results],
            "preset": comparison.preset.value if comparison.preset else None,
            "view": style.view.value,
            "quantity": style.view.symbol,
            "range": list(style.range) if style.range else None,
            "colours": style.colours,
        },
    }


def comparison_facts(
    comparison: Comparison, plan: ExportPlan, origin: Mapping[str, Any], command: str
) -> dict[str, Any]:
    """What `comparison.json` states: its origin, every panel, everything left out, and the command for all of it.

    Raises:
        ExportFailure: figures are planned, and there are no panels for them.
    """
    results = comparison.results
    shared, p = shared_at_full_rank(results)
    panels = zip(results, shared.tolist(), p.tolist(), beyond_chance(p).tolist(), strict=True)
    return {
        **origin,
        "sentence": shared_sentence(results, comparison.side, count_from=plan.style.count_from),
        "host": {"python": platform.python_version(), "numpy": np.__version__},
        "panels": [_panel_facts(*panel) for panel in panels],
        "skipped": [{"module": skip.module, "reason": skip.reason} for skip in comparison.skipped],
        "cautions": [*comparison.cautions, *(figure_cautions(comparison, plan.style) if plan.figures else ())],
        "command": command,
    }


def facts_text(facts: Mapping[str, Any], indent: int | None = None) -> str:
    """Facts as JSON that UTF-8 can hold, whatever the names of files are."""
    return valid_text(json.dumps(facts, indent=indent, ensure_ascii=False))


def figure_metadata(origin: Mapping[str, Any], kind: str) -> dict[str, str]:
    """A comparison's origin in the words of a figure's format, `png`, `pdf` or `svg`."""
    shown = View(origin["figure"]["view"]).symbol
    title = printable(f"{shown} of {origin['first']['name']} and {origin['second']['name']}")
    software = f"PhiScope {origin['version']}"
    description = facts_text(origin)
    if kind == "png":
        return {"Title": title, "Software": software, "Description": description}
    if kind == "pdf":
        return {"Title": title, "Creator": software, "Subject": description}
    return {"Title": title, "Creator": software, "Description": description}


def _identity(adapter: Source) -> dict[str, Any]:
    return {
        "name": adapter.name,
        "file": adapter.file.path.name,
        "sha256": adapter.file.files.sha256(),
        "format": adapter.format,
        "ranks": list(adapter.ranks),
    }


def _panel_facts(result: SideResult, shared: float, p: float, is_beyond: bool) -> dict[str, Any]:
    path, facts = result.pair.path, result.facts
    chance = float(PHI.chance(result.pair.shape, facts.dimension).expected[-1, -1])
    return {
        "slug": result.pair.slug,
        "tower": path.tower,
        "layer": path.layer_label,
        "projection": path.projection,
        "module": path.name,
        "rank_first": result.pair.first.rank,
        "rank_second": result.pair.second.rank,
        "numerical_rank_first": facts.first.numerical_rank,
        "numerical_rank_second": facts.second.numerical_rank,
        "dimension": facts.dimension,
        "chance_rr": _number(chance),
        "shared_dimensions": _number(shared),
        "p_rr": _number(p),
        "beyond_chance": None if math.isnan(p) else is_beyond,
        "method": facts.method,
        "warnings": list(result.warnings),
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
