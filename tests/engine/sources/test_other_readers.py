"""What other programs read from the CSV files: pandas' and R's conventions, and a machine with decimal commas."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.comparison.outcome import SideResult
from engine.document.export_plan import Comparison, ExportPlan
from engine.side import Side
from engine.subspaces.devices import CPU
from tests.adapters import llama_modules, write_peft_adapter
from tests.conftest import REPOSITORY
from tests.exporting import export_comparison
from tests.reference import compare

# What pandas.read_csv and R's read.csv take for a missing value where nothing else is asked of them.
PANDAS_MISSING = {
    "", " ", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A",
    "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
}  # fmt: skip
R_MISSING = {"", "NA"}


@pytest.fixture(scope="module")
def adapters(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Ranks 3 and 5 in R^24; the second repeats a row, so that its last direction is undefined."""
    folder = tmp_path_factory.mktemp("adapters")

    def repeating(rng: np.random.Generator, factor: str, shape: tuple[int, int]) -> np.ndarray:
        matrix = rng.standard_normal(shape)
        if factor == "A":
            matrix[1] = matrix[0]
        return matrix

    first = write_peft_adapter(folder / "a", llama_modules(2), 3, seed=0)
    return first, write_peft_adapter(folder / "b", llama_modules(2), 5, seed=1, draw=repeating)


@pytest.fixture(scope="module")
def written(adapters: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Comparison]:
    pairing, found = compare(*adapters)
    results = tuple(outcome for outcome in found if isinstance(outcome, SideResult))
    comparison = Comparison(pairing.first, pairing.second, Side.A, CPU, results, ())
    folder = tmp_path_factory.mktemp("out")
    export_comparison(comparison, folder, ExportPlan(()))
    return folder, comparison


@pytest.mark.parametrize("missing", [PANDAS_MISSING, R_MISSING], ids=["pandas", "R"])
def test_a_reader_that_guesses_gets_the_same_numbers(written: tuple[Path, Comparison], missing: set[str]) -> None:
    folder, comparison = written
    with (folder / "phi.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    read = {
        (row["layer"], row["projection"], int(row["i"]), int(row["j"])):
            float("nan") if row["phi"] in missing else float(row["phi"])
        for row in table
    }  # fmt: skip
    for result in comparison.results:
        path = result.pair.path
        for (i, j), value in np.ndenumerate(result.phi):
            found = read[path.layer_label, path.projection, i + 1, j + 1]
            assert found == value or (np.isnan(found) and np.isnan(value))
    assert sum(np.isnan(value) for value in read.values()) == 4 * 3, "j = 5 of every i"
    for row in table:  # no word is taken for a missing one
        assert not {row["layer"], row["projection"], row["module"]} & missing


def test_a_matrix_is_a_table_of_numbers_behind_its_row_names(written: tuple[Path, Comparison]) -> None:
    folder, comparison = written
    for result in comparison.results:
        read = np.genfromtxt(folder / "matrices" / f"{result.pair.slug}.csv", delimiter=",", skip_header=1)
        np.testing.assert_array_equal(read[:, 0], np.arange(1, 4))
        np.testing.assert_array_equal(read[:, 1:], result.phi)


@pytest.mark.skipif(
    shutil.which("localedef") is None or not Path("/usr/share/i18n/locales/de_DE").exists(),
    reason="no locale with a decimal comma can be made here",
)
def test_a_decimal_comma_changes_nothing(adapters: tuple[Path, Path], tmp_path: Path) -> None:
    made = ["localedef", "-i", "de_DE", "-f", "UTF-8", str(tmp_path / "de_DE.UTF-8")]
    subprocess.run(made, check=False, capture_output=True)
    script = (
        "import locale, sys; locale.setlocale(locale.LC_ALL, ''); "
        "assert locale.localeconv()['decimal_point'] == sys.argv[1], locale.localeconv(); "
        "from main import main; sys.exit(main(sys.argv[2:]))"
    )
    written = {}
    for name, point in (("C.UTF-8", "."), ("de_DE.UTF-8", ",")):
        out = tmp_path / name.partition(".")[0]
        command = [sys.executable, "-c", script, point, "export", *map(str, adapters), "--out", str(out)]
        environment = os.environ | {"LOCPATH": str(tmp_path), "LC_ALL": name, "SOURCE_DATE_EPOCH": "0"}
        done = subprocess.run(
            [*command, "--figure", "png,svg,pdf"],
            cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        written[point] = {
            path.relative_to(out): path.read_bytes()
            for path in out.rglob("*.*") if path.is_file() and path.name not in ("comparison.json", "phi.npz")
        }  # fmt: skip
    assert written[","] == written["."]
    assert len(written[","]) == 4 + 2 + 3
