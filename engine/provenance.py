"""What exported files say of where they come from: names and checksums of the adapters, settings, never a path."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Mapping
from typing import Any

import numpy as np

from engine import __version__
from engine.adapter import Adapter
from engine.chance import expected_similarity
from engine.command_line import command_line
from engine.export_plan import Comparison, ExportPlan
from engine.figure_style import FigureStyle
from engine.outcome import ModuleResult


def comparison_origin(comparison: Comparison, style: FigureStyle) -> dict[str, Any]:
    """What figures and comparison.json say alike, and what leads back to the comparison.

    Raises:
        FileChanged: an adapter's file has gone or changed since it was read.
    """
    methods = sorted({result.similarity.method for result in comparison.results})
    return {
        "version": __version__,
        "first": _identity(comparison.first),
        "second": _identity(comparison.second),
        "side": comparison.side.value,
        "device": comparison.device.name,
        "method": f"{' and '.join(methods)} in float64",
        "figure": {
            "panels": [result.pair.slug for result in comparison.figure_results],
            "preset": comparison.preset.value if comparison.preset else None,
            "view": style.view.value,
            "range": list(style.range) if style.range else None,
            "colours": style.colour_map,
        },
    }


def comparison_facts(comparison: Comparison, plan: ExportPlan, origin: Mapping[str, Any]) -> dict[str, Any]:
    """What `comparison.json` states: its origin, every panel, everything left out, and the command."""
    return {
        **origin,
        "host": {"python": platform.python_version(), "numpy": np.__version__},
        "panels": [_panel_facts(result) for result in comparison.results],
        "skipped": [{"module": skip.module, "reason": skip.reason} for skip in comparison.skipped],
        "cautions": list(comparison.cautions),
        "command": command_line(comparison, plan),
    }


def figure_metadata(origin: Mapping[str, Any], kind: str) -> dict[str, str]:
    """A comparison's origin in the words of a figure's format, `png`, `pdf` or `svg`."""
    title = f"φ of {origin['first']['name']} and {origin['second']['name']}"
    software = f"PhiScope {origin['version']}"
    description = json.dumps(origin, ensure_ascii=False)
    if kind == "png":
        return {"Title": title, "Software": software, "Description": description}
    if kind == "pdf":
        return {"Title": title, "Creator": software, "Subject": description}
    return {"Title": title, "Creator": software, "Description": description}


def _identity(adapter: Adapter) -> dict[str, Any]:
    return {
        "name": adapter.name,
        "file": adapter.file.path.name,
        "sha256": adapter.file.files.sha256(),
        "format": adapter.format,
        "ranks": list(adapter.ranks),
    }


def _panel_facts(result: ModuleResult) -> dict[str, Any]:
    path, similarity = result.pair.path, result.similarity
    chance = float(expected_similarity(*result.pair.shape, similarity.dimension)[-1, -1])
    return {
        "slug": result.pair.slug,
        "tower": path.tower,
        "layer": path.layer_label,
        "projection": path.projection,
        "module": path.name,
        "rank_first": result.pair.first.rank,
        "rank_second": result.pair.second.rank,
        "numerical_rank_first": similarity.first.numerical_rank,
        "numerical_rank_second": similarity.second.numerical_rank,
        "dimension": similarity.dimension,
        "chance_rr": None if math.isnan(chance) else chance,
        "method": similarity.method,
        "warnings": list(result.warnings),
    }
