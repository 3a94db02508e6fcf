"""The files that a user takes away: CSV, NPZ, JSON and figures, each written whole or not at all."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
import math
import os
import platform
import shlex
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from engine import __version__
from engine.adapter import Adapter, SkippedModule
from engine.chance import expected_similarity
from engine.devices import Device
from engine.errors import ExportFailure
from engine.figure import FigureStyle, FigureText, draw_figure, figure_title, fitting_plan, save_figure
from engine.findings import findings
from engine.outcome import ModuleResult
from engine.pairing import pair_adapters
from engine.presets import FigurePlan, Preset, preset_plan
from engine.side import Side
from engine.storage_types import Float64Array
from engine.views import View

PHI_COLUMNS = ("tower", "layer", "projection", "module", "i", "j", "phi", "chance")
FINDING_COLUMNS = (
    "tower", "layer", "projection", "module", "phi_1_1", "mean", "mean_row_1", "mean_column_1", "mean_8x8",
    "phi_r_r", "chance_r_r", "shared_dimensions", "dominant", "mean_8x8_change",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Comparison:
    """Everything that a set of exported files states: what was compared, how, and what came of it."""

    first: Adapter
    second: Adapter
    side: Side
    device: Device
    results: tuple[ModuleResult, ...]
    skipped: tuple[SkippedModule, ...]
    figure_slugs: frozenset[str] | None = None
    cautions: tuple[str, ...] = ()
    preset: Preset | None = None

    @property
    def figure_results(self) -> list[ModuleResult]:
        """The results that the figure shows: those chosen, or all."""
        return [r for r in self.results if self.figure_slugs is None or r.pair.slug in self.figure_slugs]


@dataclass(frozen=True)
class ExportPlan:
    """What to write into a folder: figure formats and style, and whether the raw numbers go with them."""

    figures: tuple[str, ...] = ("png",)
    style: FigureStyle = field(default_factory=FigureStyle)
    csv: bool = True
    npz: bool = True
    json: bool = True


def export_comparison(
    comparison: Comparison, folder: Path, plan: ExportPlan, wrote: Callable[[Path], None] = lambda _path: None
) -> dict[str, Any]:
    """Write the files of a comparison and return what comparison.json states; `wrote` hears of each file.

    Raises:
        ExportFailure: a file could not be written; files written before it are whole, the one before is kept.
    """
    facts = comparison_facts(comparison, plan)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _failure(folder, error) from error

    def write(name: str, content: bytes) -> None:
        write_atomically(folder / name, lambda path: path.write_bytes(content))
        wrote(folder / name)

    if plan.csv:
        write("phi.csv", phi_csv(comparison.results))
        write("findings.csv", findings_csv(comparison.results))
        for result in comparison.results:
            write(f"matrices/{result.pair.slug}.csv", matrix_csv(result.similarity.values))
    if plan.npz:
        write("phi.npz", phi_npz(comparison.results, facts))
    if plan.json:
        write("comparison.json", (json.dumps(facts, indent=2, ensure_ascii=False) + "\n").encode())
    for kind in plan.figures:
        export_figure(comparison, folder / f"figure.{kind}", kind, plan.style)
        wrote(folder / f"figure.{kind}")
    return facts


def export_figure(comparison: Comparison, path: Path, kind: str, style: FigureStyle) -> None:
    """Write the figure of a comparison as `png`, `pdf` or `svg`.

    Raises:
        ExportFailure: the file cannot be written, or the width leaves no room.
    """
    figure = _figure(comparison, style)
    metadata = figure_metadata(comparison, kind)
    write_atomically(path, lambda target: save_figure(figure, target, kind, style, metadata))


def figure_preview(comparison: Comparison, style: FigureStyle, pixels: int) -> bytes:
    """The figure that `export_figure` writes, as a PNG about `pixels` wide.

    Raises:
        ExportFailure: the width leaves no room.
    """
    figure = _figure(comparison, style)
    out = io.BytesIO()
    save_figure(figure, out, "png", replace(style, dpi=max(50, int(pixels / figure.get_figwidth()))), {})
    return out.getvalue()


def figure_plan(comparison: Comparison, style: FigureStyle) -> FigurePlan:
    """The panels of the comparison's figure: those of its preset, or those shown.

    Raises:
        ExportFailure: there are none.
    """
    results = comparison.figure_results
    if not results:
        raise ExportFailure("The figure cannot be drawn: it needs at least one panel.")
    preset = comparison.preset
    return fitting_plan(results, style) if preset is None else preset_plan(results, preset)


def _figure(comparison: Comparison, style: FigureStyle) -> Figure:
    plan = figure_plan(comparison, style)
    title = figure_title(comparison.side, comparison.figure_results)
    text = FigureText(title, f"{style.view.symbol}, {comparison.side.words}")
    try:
        return draw_figure(plan, text, style)
    except ValueError as error:
        raise ExportFailure(f"The figure cannot be drawn: {error}.") from error


def figure_metadata(comparison: Comparison, kind: str) -> dict[str, str]:
    """Provenance in the words of the format: names and checksums, never a path."""
    title = f"φ of {comparison.first.name} and {comparison.second.name}"
    description = json.dumps(
        {
            "version": __version__,
            "first": _identity(comparison.first),
            "second": _identity(comparison.second),
            "side": comparison.side.value,
            "device": comparison.device.name,
            "panels": [result.pair.slug for result in comparison.figure_results],
        },
        ensure_ascii=False,
    )
    software = f"PhiScope {__version__}"
    if kind == "png":
        return {"Title": title, "Software": software, "Description": description}
    if kind == "pdf":
        return {"Title": title, "Creator": software, "Subject": description}
    return {"Title": title, "Creator": software, "Description": description}


# --- contents --------------------------------------------------------------------------------------------


def phi_csv(results: Iterable[ModuleResult]) -> bytes:
    """`phi.csv`: one row per cell, φ with 17 significant digits, empty where undefined."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(PHI_COLUMNS)
    for result in results:
        path = result.pair.path
        values = result.similarity.values
        chance = expected_similarity(*result.pair.shape, result.similarity.dimension)
        start = (path.tower, path.layer_label, path.projection, path.name)
        for i, (row, chance_row) in enumerate(zip(values.tolist(), chance.tolist(), strict=True), 1):
            writer.writerows(
                (*start, i, j, _number(phi), _number(expected))
                for j, (phi, expected) in enumerate(zip(row, chance_row, strict=True), 1)
            )
    return out.getvalue().encode()


def matrix_csv(values: Float64Array) -> bytes:
    """One φ matrix: header `i\\j,1,2,…`, then one row per i."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["i\\j", *range(1, values.shape[1] + 1)])
    writer.writerows([i, *map(_number, row)] for i, row in enumerate(values.tolist(), 1))
    return out.getvalue().encode()


def findings_csv(results: Sequence[ModuleResult]) -> bytes:
    """`findings.csv`: one row per panel."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(FINDING_COLUMNS)
    for finding in findings(results):
        path = finding.pair.path
        numbers = (
            finding.phi_11, finding.mean, finding.mean_first_row, finding.mean_first_column, finding.mean_corner,
            finding.phi_rr, finding.chance_rr,
        )  # fmt: skip
        writer.writerow(
            (path.tower, path.layer_label, path.projection, path.name, *map(_number, numbers),
             finding.shared_dimensions, finding.dominant, _number(finding.corner_change))
        )  # fmt: skip
    return out.getvalue().encode()


def phi_npz(results: Iterable[ModuleResult], facts: Mapping[str, Any]) -> bytes:
    """`phi.npz`: per panel its slug → float64 (r, r'), and `meta_json`; no pickle inside.

    The same comparison gives the same bytes: NumPy's own writer would put the time of writing into the archive.
    """
    arrays: dict[str, Any] = {result.pair.slug: result.similarity.values for result in results}
    arrays["meta_json"] = np.array(json.dumps(facts, ensure_ascii=False))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w") as file:
                np.lib.format.write_array(file, array, allow_pickle=False)
    return out.getvalue()


def comparison_facts(comparison: Comparison, plan: ExportPlan) -> dict[str, Any]:
    """What `comparison.json` states: provenance, settings, every panel, and everything left out."""
    return {
        "version": __version__,
        "first": _identity(comparison.first),
        "second": _identity(comparison.second),
        "side": comparison.side.value,
        "device": comparison.device.name,
        "host": {"python": platform.python_version(), "numpy": np.__version__},
        "panels": [_panel_facts(result) for result in comparison.results],
        "skipped": [{"module": skip.module, "reason": skip.reason} for skip in comparison.skipped],
        "cautions": list(comparison.cautions),
        "command": command_line(comparison, plan),
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


def _identity(adapter: Adapter) -> dict[str, Any]:
    return {
        "name": adapter.name,
        "file": adapter.file.path.name,
        "sha256": checksum(adapter),
        "format": adapter.format,
        "ranks": list(adapter.ranks),
    }


def checksum(adapter: Adapter) -> str:
    """SHA-256 of the adapter's data files, one after the other, in hexadecimal.

    Raises:
        ExportFailure: a file has gone since it was read.
    """
    digest = hashlib.sha256()
    for path in adapter.file.data_files():
        try:
            with path.open("rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
        except OSError as error:
            raise ExportFailure("The adapter's file has gone, so no checksum can be stated.", path=path) from error
    return digest.hexdigest()


def command_line(comparison: Comparison, plan: ExportPlan) -> str:
    """The command that makes the same files again, with the adapters' places relative to the current folder."""
    arguments = ["main.py", "export", _place(comparison.first), _place(comparison.second), "--out", "OUT"]
    arguments += ["--side", comparison.side.value, "--device", comparison.device.id]
    paths = [result.pair.path for result in comparison.results]
    layers = sorted({p.layer_label for p in paths}, key=lambda label: (not label.isdigit(), len(label), label))
    if _is_selection(comparison) and all(layers):
        projections = dict.fromkeys(path.projection for path in paths)
        arguments += ["--layers", ",".join(layers), "--projections", ",".join(projections)]
    arguments += ["--figure", ",".join(plan.figures)] if plan.figures else []
    arguments += ["--preset", comparison.preset.value] if comparison.preset else []
    arguments += ["--view", plan.style.view.value] if plan.style.view is not View.PHI else []
    arguments += ["--dpi", str(plan.style.dpi)]
    arguments += ["--width", f"{plan.style.width:g}"] if plan.style.width is not None else []
    return shlex.join(["python", *arguments])


def _is_selection(comparison: Comparison) -> bool:
    """Whether modules that could be compared were not asked for."""
    tried = {result.pair.path.name for result in comparison.results} | {skip.module for skip in comparison.skipped}
    comparable = pair_adapters(comparison.first, comparison.second).comparable(comparison.side)
    return any(pair.path.name not in tried for pair in comparable)


def _place(adapter: Adapter) -> str:
    try:
        return os.path.relpath(adapter.path)
    except ValueError:  # another drive
        return adapter.path.name


def _number(value: float) -> str:
    return "" if math.isnan(value) else repr(value)


# --- writing ---------------------------------------------------------------------------------------------


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file beside `path`, then put it in place: all of the file or none of it.

    Raises:
        ExportFailure: it could not be written; whatever was at `path` is still there.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.stem[:40]}-", suffix=f".part{path.suffix}", dir=path.parent)
        temporary = Path(name)
        os.close(handle)
        write(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        raise _failure(path, error) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _failure(path: Path, error: OSError) -> ExportFailure:
    return ExportFailure(f"The file cannot be written ({error.strerror or error}).", path=path)
