"""findings.csv and comparison.json against the formulas, computed again from phi.csv alone."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from engine.comparison.outcome import SideResult
from engine.document.export_plan import Comparison, ExportPlan
from engine.matching.pairing import pair_adapters
from engine.side import Side
from engine.sources.opening import open_source
from engine.subspaces.devices import CPU
from tests.adapters import Matrix, llama_modules, write_peft_adapter
from tests.conftest import DATA, REPOSITORY
from tests.exporting import export_comparison
from tests.reference import compared

Rows = list[dict[str, str]]
_DEMO = REPOSITORY / "resources" / "demo"
_R8 = DATA / "minilm" / "r8_seed0"


def _written(first: Path, second: Path, folder: Path, side: Side = Side.A) -> tuple[Rows, Rows, dict[str, Any]]:
    """The rows of phi.csv and of findings.csv, and comparison.json."""
    pairing = pair_adapters(open_source(first), open_source(second))
    results = tuple(result for result in compared(pairing, side) if isinstance(result, SideResult))
    comparison = Comparison(pairing.first, pairing.second, side, CPU, results, pairing.skipped(side))
    export_comparison(comparison, folder, ExportPlan((), data=("csv", "json")))
    tables = []
    for name in ("phi.csv", "findings.csv"):
        with (folder / name).open(encoding="utf-8", newline="") as file:
            tables.append(list(csv.DictReader(file)))
    return tables[0], tables[1], json.loads((folder / "comparison.json").read_bytes())


def _matrices(rows: Rows) -> dict[str, tuple[npt.NDArray[np.float64], int]]:
    """Module → φ (r, r') and d, which chance at (1, 1) tells."""
    cells: dict[str, dict[tuple[int, int], tuple[str, str]]] = {}
    for row in rows:
        cells.setdefault(row["module"], {})[int(row["i"]), int(row["j"])] = row["phi"], row["chance"]
    found = {}
    for module, values in cells.items():
        phi = np.full(max(values), np.nan)
        for (i, j), (text, _) in values.items():
            phi[i - 1, j - 1] = float(text) if text else math.nan
        found[module] = phi, round(1 / float(values[1, 1][1]))
    return found


def _s(phi: float, i: int, j: int, d: int) -> float:
    small, large = min(i, j), max(i, j)
    return small * (phi - large / d) / (1 - large / d) if large < d else math.nan


def _p(phi: float, i: int, j: int, d: int) -> float:
    """The Beta of φ's exact mean and variance, from Var‖UᵢᵀU'ⱼ‖² as docs/method.md states it."""
    mean = max(i, j) / d
    variance = 2 * i * j * (d - i) * (d - j) / (d**2 * (d - 1) * (d + 2)) / min(i, j) ** 2
    concentration = mean * (1 - mean) / variance - 1
    return float(stats.beta.sf(phi, mean * concentration, (1 - mean) * concentration))


def _number(text: str) -> float:
    return float(text) if text else math.nan


@pytest.mark.parametrize(
    ("first", "second", "side"),
    [
        (_DEMO / "r64_alpha8_seed0", _DEMO / "r64_alpha8_seed1", Side.A),
        (_DEMO / "r64_alpha8_seed0", _DEMO / "r64_alpha8_seed1", Side.B),
        (_R8, _DEMO / "r64_alpha8_seed1", Side.DW_RIGHT),
        (_DEMO / "r64_alpha8_seed1", _R8, Side.DW_LEFT),
        (_R8, DATA / "minilm" / "r8_seed1", Side.B),
    ],
)
def test_findings_follow_from_phi_csv(first: Path, second: Path, side: Side, tmp_path: Path) -> None:
    phi_rows, findings, facts = _written(first, second, tmp_path, side)
    matrices = _matrices(phi_rows)

    assert len(findings) == len(matrices) == len(facts["panels"]) > 1
    p_of_all = []
    for row, panel in zip(findings, facts["panels"], strict=True):
        phi, d = matrices[row["module"]]
        r, r_ = phi.shape
        along_k = [_s(phi[k - 1, k - 1], k, k, d) for k in range(1, min(r, r_) + 1)]
        assert _number(row["shared_dimensions"]) == pytest.approx(_s(phi[-1, -1], r, r_, d), abs=2e-9)
        assert _number(row["shared_best"]) == pytest.approx(max(along_k), abs=2e-9)
        assert int(row["shared_best_k"]) == 1 + int(np.argmax(along_k))
        assert _number(row["p_rr"]) == pytest.approx(_p(phi[-1, -1], r, r_, d), abs=2e-9, rel=1e-6)
        assert int(row["last_k_above_chance"]) == _last_k(phi, d)
        assert panel["shared_dimensions"] == _number(row["shared_dimensions"])
        assert panel["p_rr"] == _number(row["p_rr"])
        p_of_all.append(panel["p_rr"])
    assert [panel["beyond_chance"] for panel in facts["panels"]] == (
        stats.false_discovery_control(p_of_all) <= 0.01
    ).tolist()


def _last_k(phi: npt.NDArray[np.float64], d: int) -> int:
    deviation = [math.sqrt(2 * (d - k) ** 2 / (d**2 * (d - 1) * (d + 2))) for k in range(1, min(phi.shape) + 1)]
    above = [k for k, sd in enumerate(deviation, 1) if phi[k - 1, k - 1] > k / d + 3 * sd]
    return max(above, default=0)


def test_random_adapters_share_nothing(tmp_path: Path) -> None:
    paths = [write_peft_adapter(tmp_path / str(k), llama_modules(40), 4, seed=k, d_in=96) for k in (0, 1)]
    _, findings, facts = _written(paths[0], paths[1], tmp_path / "out")
    shared = [float(row["shared_dimensions"]) for row in findings]
    assert min(shared) < 0 < max(shared)
    assert max(map(abs, shared)) < 0.5
    assert not any(panel["beyond_chance"] for panel in facts["panels"])
    assert "0 of 80 modules lie beyond chance" in facts["sentence"]


def _one_row_less(rng: np.random.Generator, factor: str, shape: tuple[int, int]) -> Matrix:
    matrix = rng.standard_normal(shape)
    if factor == "A":
        matrix[1] = matrix[0]
    return matrix


def test_past_the_numerical_rank_the_full_rank_is_empty_and_the_best_k_is_not(tmp_path: Path) -> None:
    modules = llama_modules(1)
    first = write_peft_adapter(tmp_path / "a", modules, 4, seed=0, draw=_one_row_less)
    phi_rows, findings, facts = _written(first, write_peft_adapter(tmp_path / "b", modules, 4, seed=1), tmp_path)
    for row, panel in zip(findings, facts["panels"], strict=True):
        phi, d = _matrices(phi_rows)[row["module"]]
        assert row["shared_dimensions"] == row["p_rr"] == ""
        assert panel["shared_dimensions"] is panel["p_rr"] is panel["beyond_chance"] is None
        assert float(row["shared_best"]) == pytest.approx(max(_s(phi[k, k], k + 1, k + 1, d) for k in range(3)))
        assert row["last_k_above_chance"] in "0123"


def test_a_wholly_undefined_panel_is_empty_and_never_zero(tmp_path: Path) -> None:
    paths = [
        write_peft_adapter(tmp_path / str(k), llama_modules(1), 4, seed=k, zero_B=k == 1) for k in (0, 1)
    ]  # fmt: skip
    _, findings, facts = _written(paths[0], paths[1], tmp_path / "out", Side.B)
    for row in findings:
        names = ("shared_dimensions", "shared_best", "shared_best_k", "p_rr", "last_k_above_chance", "phi_1_1")
        assert {row[name] for name in names} == {""}
    assert facts["sentence"] == (
        "What is shared beyond chance on B has no value: in all 2 modules the full rank is past the numerical rank."
    )


def test_the_whole_space_shares_nothing_that_could_be_told(tmp_path: Path) -> None:
    paths = [write_peft_adapter(tmp_path / str(k), llama_modules(2), 8, seed=k, d_in=8) for k in (0, 1)]
    _, findings, facts = _written(paths[0], paths[1], tmp_path / "out")
    for row in findings:
        assert row["shared_dimensions"] == row["p_rr"] == ""
        assert float(row["phi_r_r"]) == pytest.approx(1.0)
        assert 1 <= int(row["shared_best_k"]) < 8
        assert int(row["last_k_above_chance"]) < 8
    assert facts["sentence"].endswith("in all 4 modules the larger rank reaches the dimension of the space.")
