"""The files that a user takes away: CSV, NPZ, JSON and figures, each written whole or not at all."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from engine.atomic_file import write_atomically, write_failure
from engine.comparison_figure import figure_plan
from engine.errors import ExportFailure
from engine.export_plan import Comparison, ExportPlan
from engine.export_tables import findings_csv, matrix_csv, phi_csv, phi_npz
from engine.figure import draw_figure, save_figure
from engine.figure_style import FigureStyle
from engine.figure_text import figure_text
from engine.provenance import comparison_facts, comparison_origin, figure_metadata

# One file: its name in the folder, and what makes its content.
_File = tuple[str, Callable[[], bytes]]


def export_comparison(
    comparison: Comparison,
    folder: Path,
    plan: ExportPlan,
    wrote: Callable[[Path], None] = lambda _path: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Write the files of a comparison and return what comparison.json states; `wrote` hears of each file.

    Raises:
        ExportFailure: a file could not be written, or `cancelled`, asked before each file, said so; files written
            before are whole, and of the one at hand what was there is kept.
    """
    origin = comparison_origin(comparison, plan.style)
    facts = comparison_facts(comparison, plan, origin)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_failure(folder, error) from error
    for done, (name, content) in enumerate(_files(comparison, plan, facts, origin)):
        if cancelled():
            total = len(file_names(comparison, plan))
            raise ExportFailure(f"The export was cancelled; {done} of {total} files were written.", path=folder)
        write_atomically(folder / name, content())
        wrote(folder / name)
    return facts


def save_comparison(comparison: Comparison, path: Path, style: FigureStyle) -> None:
    """Write comparison.json alone, to any path: what leads back to the comparison.

    Raises:
        ExportFailure: the file cannot be written.
    """
    facts = comparison_facts(comparison, ExportPlan(style=style), comparison_origin(comparison, style))
    write_atomically(path, _json(facts))


def _json(facts: dict[str, Any]) -> bytes:
    return (json.dumps(facts, indent=2, ensure_ascii=False) + "\n").encode()


def file_names(comparison: Comparison, plan: ExportPlan) -> list[str]:
    """The names of the files that `export_comparison` writes, in its order."""
    return [name for name, _ in _files(comparison, plan, {}, {})]


def _files(
    comparison: Comparison, plan: ExportPlan, facts: dict[str, Any], origin: dict[str, Any]
) -> Iterator[_File]:
    results = comparison.results
    if "csv" in plan.data:
        yield "phi.csv", lambda: phi_csv(results)
        yield "findings.csv", lambda: findings_csv(results)
        for result in results:
            yield f"matrices/{result.pair.slug}.csv", partial(matrix_csv, result.similarity.values)
    if "npz" in plan.data:
        yield "phi.npz", lambda: phi_npz(results, facts)
    if "json" in plan.data:
        yield "comparison.json", lambda: _json(facts)
    for kind in plan.figures:
        yield f"figure.{kind}", partial(_drawn, comparison, kind, plan.style, origin)


def _drawn(comparison: Comparison, kind: str, style: FigureStyle, origin: dict[str, Any]) -> bytes:
    return _saved(_figure(comparison, style), kind, style, figure_metadata(origin, kind))


def figure_picture(comparison: Comparison, style: FigureStyle, pixels: int | None = None) -> bytes:
    """The figure of a comparison as it is written, as a PNG of its resolution, or about `pixels` wide.

    Raises:
        ExportFailure: the width leaves no room.
    """
    figure = _figure(comparison, style)
    dpi = style.dpi if pixels is None else max(50, int(pixels / figure.get_figwidth()))
    return _saved(figure, "png", replace(style, dpi=dpi), {})


def _saved(figure: Figure, kind: str, style: FigureStyle, metadata: Mapping[str, str]) -> bytes:
    out = io.BytesIO()
    try:
        save_figure(figure, out, kind, style, metadata)
    except ValueError as error:
        raise _undrawn(error) from error
    return out.getvalue()


def _figure(comparison: Comparison, style: FigureStyle) -> Figure:
    plan = figure_plan(comparison, style)
    text = figure_text(comparison.side, style.view, comparison.figure_results)
    try:
        return draw_figure(plan, text, style)
    except ValueError as error:
        raise _undrawn(error) from error


def _undrawn(error: ValueError) -> ExportFailure:
    return ExportFailure(f"The figure cannot be drawn: {error}.")
