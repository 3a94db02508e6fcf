"""Exports as the window and the command line write them: with the command that makes them again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.commands.recipe import command_line
from engine.document import export
from engine.document.cancellation import Cancellation
from engine.document.export_plan import Comparison, ExportPlan
from engine.figures.style import FigureStyle
from engine.slices import finished


def export_comparison(
    comparison: Comparison,
    folder: Path,
    plan: ExportPlan,
    wrote: Callable[[Path], None] = lambda _path: None,
    cancellation: Cancellation | None = None,
    *,
    replacing: bool = False,
) -> dict[str, Any]:
    """The engine's, all of it at once, with the command of the comparison."""
    command = command_line(comparison, plan)
    return finished(export.exporting(comparison, folder, plan, command, wrote, cancellation, replacing=replacing))


def save_comparison(comparison: Comparison, path: Path, style: FigureStyle) -> None:
    """The engine's, with the command of the comparison."""
    plan = ExportPlan(style=style)
    export.save_comparison(comparison, path, plan, command_line(comparison, plan))
