"""The raw numbers as files: CSV for every program, NPZ for NumPy. Each is made in pieces, never whole in memory.

CSV is UTF-8 with LF and a decimal point whatever the locale; φ has 17 significant digits (`repr`), a cell is empty
where φ is undefined.
"""

from __future__ import annotations

import csv
import io
import math
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import orjson

from engine.checkpoints.storage_types import Float64Array
from engine.comparison.findings import COLUMNS, Finding, findings
from engine.comparison.outcome import SideResult
from engine.matching.pairing import ModulePair
from engine.plain_text import valid_text

MODULE_COLUMNS = ("tower", "layer", "projection", "module")
PHI_COLUMNS = (*MODULE_COLUMNS, "i", "j", "phi", "chance")
FINDING_COLUMNS = (*MODULE_COLUMNS, *(column.name for column in COLUMNS))
_TEXT_COLUMNS = {*MODULE_COLUMNS, "dominant"}
# Cells that are formatted at a time.
_CELLS_AT_A_TIME = 1 << 16
# Between these a number's shortest digits are written the same by `repr` and by orjson (1e-05 and 1e-5 are not).
_ALIKE = (1e-4, 1e16)
# Bytes that no UTF-8 text contains: the place of a cell, and of the columns that name the module.
_CELL, _NAMES = b"\xff", b"\xfe"


def phi_csv(results: Iterable[SideResult]) -> Iterator[bytes]:
    """`phi.csv` in pieces: one row per cell, φ with 17 significant digits, empty where undefined."""
    yield (",".join(PHI_COLUMNS) + "\n").encode()
    for result in results:
        values, names = result.phi, _names(result.pair)
        for start, rows in _row_blocks(values):
            template = _phi_template(start, *rows.shape, result.facts.dimension).replace(_NAMES, names)
            yield _filled(template, _cells(rows))


def matrix_csv(values: Float64Array) -> Iterator[bytes]:
    """One φ matrix in pieces: header `i\\j,1,2,…`, then one row per i."""
    columns = values.shape[1]
    yield ("i\\j," + ",".join(map(str, range(1, columns + 1))) + "\n").encode()
    for start, rows in _row_blocks(values):
        cells = _cells(rows)
        yield b"".join(
            b"%d,%b\n" % (start + i + 1, b",".join(cells[i * columns : (i + 1) * columns])) for i in range(len(rows))
        )


def findings_csv(results: Sequence[SideResult]) -> bytes:
    """`findings.csv`: one row per panel."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(FINDING_COLUMNS)
    for finding in findings(results):
        writer.writerow(map(_written, _finding_row(finding)))
    return valid_text(out.getvalue()).encode()


def findings_array(results: Sequence[SideResult]) -> npt.NDArray[np.void]:
    """The rows of `findings.csv` as a structured array: names are text, numbers float64, NaN where undefined."""
    rows = [
        tuple(valid_text(value) if isinstance(value, str) else math.nan if value is None else value for value in row)
        for row in map(_finding_row, findings(results))
    ]
    kinds = [
        f"U{max([1, *(len(str(row[column])) for row in rows)])}" if name in _TEXT_COLUMNS else "f8"
        for column, name in enumerate(FINDING_COLUMNS)
    ]
    return np.array(rows, dtype=list(zip(FINDING_COLUMNS, kinds, strict=True)))


def _finding_row(finding: Finding) -> tuple[str | float | None, ...]:
    """The values of FINDING_COLUMNS, NaN or None where one is undefined."""
    path = finding.pair.path
    names = (path.tower, path.layer_label, path.projection, path.name)
    return (*names, *(column.value(finding) for column in COLUMNS))


def write_phi_npz(results: Iterable[SideResult], facts: str, out: IO[bytes]) -> None:
    """`phi.npz`: per panel its slug → float64 (r, r'), and `meta_json`, the text `facts`; no pickle inside.

    The same comparison gives the same bytes: NumPy's own writer would put the time of writing into the archive.
    """
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for result in results:
            _write_array(archive, result.pair.slug, result.phi)
        _write_array(archive, "meta_json", np.array(facts))


def _row_blocks(values: Float64Array) -> Iterator[tuple[int, Float64Array]]:
    """The rows of a matrix, as many at a time as are formatted together, with the index of the first."""
    height = max(1, _CELLS_AT_A_TIME // values.shape[1])
    for start in range(0, len(values), height):
        yield start, values[start : start + height]


def _cells(values: Float64Array) -> list[bytes]:
    """The cells of a matrix as text, row after row: `repr` of each, empty for NaN."""
    flat = np.ascontiguousarray(values).ravel()
    text = orjson.dumps(flat, option=orjson.OPT_SERIALIZE_NUMPY)  # null for NaN and Inf
    cells = text[1:-1].replace(b"null", b"").split(b",")
    magnitude = np.abs(flat)
    alike = ((magnitude >= _ALIKE[0]) & (magnitude < _ALIKE[1])) | (magnitude == 0.0) | np.isnan(flat)
    for index in np.flatnonzero(~alike).tolist():
        cells[index] = repr(float(flat[index])).encode()
    return cells


def _filled(template: bytes, cells: Sequence[bytes]) -> bytes:
    """A template with the cells in their places."""
    parts = [b""] * (2 * len(cells) + 1)
    parts[::2] = template.split(_CELL)
    parts[1::2] = cells
    return b"".join(parts)


@lru_cache(maxsize=16)  # 2 MB each; the modules of an adapter have few shapes
def _phi_template(start: int, height: int, columns: int, d: int) -> bytes:
    """Rows `start` and following of phi.csv for one shape and d, with places for the names and for φ."""
    chance = [_number(k / d if k <= d else math.nan).encode() for k in range(max(start + height, columns) + 1)]
    return b"".join(
        b"%b%d,%d,%b,%b\n" % (_NAMES, i, j, _CELL, chance[max(i, j)])
        for i in range(start + 1, start + height + 1)
        for j in range(1, columns + 1)
    )


def _names(pair: ModulePair) -> bytes:
    """The columns that name a module, and the comma after them."""
    path, out = pair.path, io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerow((path.tower, path.layer_label, path.projection, path.name, ""))
    return valid_text(out.getvalue()[:-1]).encode()


def _write_array(archive: zipfile.ZipFile, name: str, array: np.ndarray[Any, Any]) -> None:
    entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    with archive.open(entry, "w") as file:
        np.lib.format.write_array(file, array, allow_pickle=False)


def _number(value: float) -> str:
    return "" if math.isnan(value) else repr(value)


def _written(value: float | int | str | None) -> str:
    """A number of a finding as it is written, empty where it is undefined."""
    if value is None:
        return ""
    return _number(value) if isinstance(value, float) else str(value)
