"""The raw numbers as files: CSV for every program, NPZ for NumPy. Each function gives a file's bytes.

CSV is UTF-8 with LF and a decimal point whatever the locale; φ has 17 significant digits (`repr`), a cell is empty
where φ is undefined.
"""

from __future__ import annotations

import csv
import io
import json
import math
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from engine.chance import expected_similarity
from engine.findings import findings
from engine.outcome import ModuleResult
from engine.storage_types import Float64Array

PHI_COLUMNS = ("tower", "layer", "projection", "module", "i", "j", "phi", "chance")
FINDING_COLUMNS = (
    "tower", "layer", "projection", "module", "phi_1_1", "mean", "mean_row_1", "mean_column_1", "mean_8x8",
    "phi_r_r", "chance_r_r", "shared_dimensions", "dominant", "mean_8x8_change",
    "shared_best", "shared_best_k", "p_rr", "last_k_above_chance",
)  # fmt: skip


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
            finding.phi_rr, finding.chance_rr, finding.shared,
        )  # fmt: skip
        last_k = finding.last_k_above_chance
        writer.writerow(
            (path.tower, path.layer_label, path.projection, path.name, *map(_number, numbers),
             finding.dominant, _number(finding.corner_change),
             _number(finding.shared_best), finding.shared_best_k or "", _number(finding.p_rr),
             "" if last_k is None else last_k)
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


def _number(value: float) -> str:
    return "" if math.isnan(value) else repr(value)
