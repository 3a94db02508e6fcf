"""Tables are written in pieces by a library, and hold the very bytes that Python's own writers gave before."""

from __future__ import annotations

import csv
import io
import json
import math
import tracemalloc
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from engine.checkpoints.storage_types import Float64Array
from engine.comparison.outcome import SideResult
from engine.document import tables as export_tables
from engine.document.export_size import tables_size
from engine.document.spool import spooled_results
from engine.document.tables import PHI_COLUMNS, matrix_csv, phi_csv, write_phi_npz
from engine.matching.pairing import ModulePair
from engine.measures.chance import expected_similarity
from engine.naming.module_path import ModulePath
from engine.side import Side
from engine.sources.matrices import Factors, StoredMatrix
from engine.sources.source import Module
from engine.subspaces.facts import SideFacts
from engine.subspaces.overlap import Overlap, Spectrum

# What is near the ends of what the library writes as Python does, and what rounding makes of 0 and 1.
NUMBERS = st.floats(-1e-16, 1.0000000000000002) | st.sampled_from(
    [0.0, -0.0, 1.0, 5e-324, 1e-5, 9.999999999999999e-05, 1e-4, 0.1 + 0.2, 1 / 3, math.nan, math.inf, -math.inf,
     1e16, 9999999999999998.0, 1e22, 1.7976931348623157e308, 123456789012345.67, -1e-17]
) | st.floats()  # fmt: skip
MATRICES = arrays.arrays(np.float64, arrays.array_shapes(min_dims=2, max_dims=2, max_side=9), elements=NUMBERS)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ['a,b', 'say "q"', "line\nbreak", "é", "\x00\x01", "", " "]
)  # fmt: skip


# --- the writers as they were ---


def number(value: float) -> str:
    return "" if math.isnan(value) else repr(value)


def old_phi_csv(results: Iterable[SideResult]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(PHI_COLUMNS)
    for result in results:
        path = result.pair.path
        values = result.phi
        chance = expected_similarity(*result.pair.shape, result.facts.dimension)
        start = (path.tower, path.layer_label, path.projection, path.name)
        for i, (row, chance_row) in enumerate(zip(values.tolist(), chance.tolist(), strict=True), 1):
            writer.writerows(
                (*start, i, j, number(phi), number(expected))
                for j, (phi, expected) in enumerate(zip(row, chance_row, strict=True), 1)
            )
    return out.getvalue().encode()


def old_matrix_csv(values: Float64Array) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["i\\j", *range(1, values.shape[1] + 1)])
    writer.writerows([i, *map(number, row)] for i, row in enumerate(values.tolist(), 1))
    return out.getvalue().encode()


def old_phi_npz(results: Iterable[SideResult], facts: dict[str, Any]) -> bytes:
    array_of: dict[str, Any] = {result.pair.slug: result.phi for result in results}
    array_of["meta_json"] = np.array(json.dumps(facts, ensure_ascii=False))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in array_of.items():
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w") as file:
                np.lib.format.write_array(file, array, allow_pickle=False)
    return out.getvalue()


# --- results without adapters ---


@dataclass(frozen=True, eq=False)
class Stated(SideResult):
    """A result whose φ is any numbers at all, whatever its facts: the writers do not ask where they come from."""

    values: Float64Array = field(default_factory=lambda: np.empty((0, 0)))

    @property
    def phi(self) -> Float64Array:
        return self.values


def result_of(
    values: Float64Array, d: int, path: ModulePath = ModulePath("model.x", 0, "", "", "q"), slug: str = "1_q"
) -> SideResult:
    """A result with this φ."""
    known = overlapping(np.zeros(values.shape), d, path, slug)
    return Stated(known.pair, known.facts, values=values)


def overlapping(
    matrix: Float64Array, d: int, path: ModulePath = ModulePath("model.x", 0, "", "", "q"), slug: str = "1_q"
) -> SideResult:
    """A result with this M."""
    rows, columns = matrix.shape
    sides = [Module(path, Factors(StoredMatrix(("A",), (rank, d), "float32"))) for rank in matrix.shape]
    first, second = (Spectrum(np.ones(rank), rank) for rank in matrix.shape)
    facts = SideFacts(Side.A, Overlap(matrix, (rows, columns), first, second, d, "Gram"))
    return SideResult(ModulePair(sides[0], sides[1], slug), facts)


@given(
    values=MATRICES, d=st.integers(1, 12), names=st.tuples(NAMES, NAMES, NAMES), layer=st.none() | st.integers(0, 99)
)
def test_phi_csv_has_the_same_bytes(
    values: Float64Array, d: int, names: tuple[str, str, str], layer: int | None
) -> None:
    path = ModulePath(names[0], layer, "down.1" if layer is None else "", names[1], names[2])
    results = [result_of(values, d, path), result_of(values[:, :1], d)]
    assert b"".join(phi_csv(results)) == old_phi_csv(results)


@given(values=MATRICES)
def test_matrices_have_the_same_bytes(values: Float64Array) -> None:
    assert b"".join(matrix_csv(values)) == old_matrix_csv(values)


@given(values=st.lists(MATRICES, min_size=1, max_size=4), note=NAMES)
def test_the_archive_has_the_same_bytes(values: list[Float64Array], note: str) -> None:
    results = [result_of(each, 9, slug=f"{k}_q") for k, each in enumerate(values)]
    facts, out = {"note": note}, io.BytesIO()
    write_phi_npz(results, json.dumps(facts, ensure_ascii=False), out)
    assert out.getvalue() == old_phi_npz(results, facts)


@pytest.mark.parametrize("at_a_time", [1, 7, 50])
def test_where_a_table_is_cut_makes_no_difference(at_a_time: int, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).random((11, 5))
    values[3:, 2:] = np.nan
    monkeypatch.setattr(export_tables, "_CELLS_AT_A_TIME", at_a_time)
    assert b"".join(phi_csv([result_of(values, 8)])) == old_phi_csv([result_of(values, 8)])
    assert b"".join(matrix_csv(values)) == old_matrix_csv(values)


def test_a_name_that_utf8_cannot_hold() -> None:
    path = ModulePath("model.\udcff", 0, "", "", "q")
    text = b"".join(phi_csv([result_of(np.ones((1, 1)), 4, path)])).decode("utf-8")
    assert text.splitlines()[1] == ",1,q,model.\ufffd,1,1,1.0,0.25"


def test_a_large_panel_takes_little_memory() -> None:
    values = np.random.default_rng(0).random((1500, 1500))
    result = result_of(values, 8192)
    tracemalloc.start()
    size = sum(map(len, phi_csv([result]))) + sum(map(len, matrix_csv(values)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size > 100e6
    assert peak < 60e6


def test_the_size_is_known_before() -> None:
    results = [result_of(np.random.default_rng(k).random((40, 64)), 8192, slug=f"{k}_q") for k in range(3)]
    size = len(b"".join(phi_csv(results))) + sum(len(b"".join(matrix_csv(r.phi))) for r in results)
    archive = io.BytesIO()
    write_phi_npz(results, "{}", archive)
    pairs = [result.pair for result in results]
    assert tables_size(pairs, Side.A, ("csv",)) == pytest.approx(size, rel=0.03)
    assert tables_size(pairs, Side.A, ("npz", "json")) == pytest.approx(len(archive.getvalue()), rel=0.05)


def test_spooled_results_are_those_that_were_kept(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    kept = [overlapping(rng.random(shape), 16, slug=f"{k}_q") for k, shape in enumerate([(3, 4), (5, 2), (1, 1)])]
    with spooled_results(tmp_path, tmp_path) as results:
        for result in kept:
            results.append(result)
        assert len(results) == 3
        for result, again in zip(kept, [*results[:2], results[-1]], strict=True):
            assert np.array_equal(again.phi, result.phi)
            assert not again.phi.flags.writeable
            assert np.array_equal(again.facts.overlap.matrix, result.facts.overlap.matrix)
            assert not again.facts.overlap.matrix.flags.writeable
            assert replace(again, facts=result.facts).pair == result.pair
    assert list(tmp_path.iterdir()) == []
