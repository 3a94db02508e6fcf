"""φ of real adapters against an independent reference: values in the files, and an SVD written here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.comparison.outcome import SideResult
from tests.adapters import llama_modules, peft_config, peft_tensors, write_tensors
from tests.conftest import DATA, REPOSITORY
from tests.reference import compare, reference_phi, stored_matrices

SHARED = REPOSITORY.parent / "shared" / "adapters" / "minilm"
FORMATS = sorted(path.parent for path in (DATA / "formats").glob("peft_*/expected.json"))


def _minilm(name: str) -> Path:
    places = [DATA / "minilm" / name, REPOSITORY / "resources" / "demo" / name, SHARED / name]
    found = next((place for place in places if place.is_dir()), None)
    if found is None:
        pytest.skip(f"{name} is not beside this checkout")
    return found


def _expected() -> dict[str, Any]:
    pairs: dict[str, Any] = json.loads((DATA / "minilm" / "expected_phi.json").read_text())["pairs"]
    return pairs


@pytest.mark.parametrize("pair", _expected())
def test_minilm_agrees_with_its_reference(pair: str) -> None:
    first, second = (_minilm(name.strip()) for name in pair.split("/"))
    expected = _expected()[pair]
    _, found = compare(first, second)
    assert {outcome.pair.path.name for outcome in found} == set(expected)
    for outcome in found:
        assert isinstance(outcome, SideResult)
        for cell, value in expected[outcome.pair.path.name].items():
            i, j = map(int, cell.split(","))
            assert abs(outcome.phi[i - 1, j - 1] - value) <= 2e-9


@pytest.mark.parametrize(
    ("first", "second"),
    [("r64_alpha8_seed0", "r64_alpha8_seed1"), ("r8_seed0", "r64_alpha8_seed1"), ("r8_seed0", "r8_seed1")],
)
def test_every_cell_agrees_with_an_svd(first: str, second: str) -> None:
    pairing, found = compare(_minilm(first), _minilm(second))
    assert len(found) == 12
    for outcome in found:
        assert isinstance(outcome, SideResult)
        X = stored_matrices(pairing.first, outcome.pair, first=True)
        Y = stored_matrices(pairing.second, outcome.pair, first=False)
        np.testing.assert_allclose(outcome.phi, reference_phi(X, Y), atol=1e-9, rtol=0)


@pytest.mark.parametrize("folder", FORMATS, ids=lambda folder: folder.name)
def test_peft_files_of_the_libraries(folder: Path) -> None:
    expected = json.loads((folder / "expected.json").read_text())
    _, found = compare(folder / "a", folder / "b")
    by_name = {f"base_model.model.{outcome.pair.path.name}": outcome for outcome in found}
    assert len(by_name) == len(expected["modules"])
    for module in expected["modules"]:
        outcome = by_name[module["name"]]
        assert isinstance(outcome, SideResult)
        assert outcome.pair.shape == (module["rank_a"], module["rank_b"])
        assert outcome.pair.first.d_in == module["d_in"]
        if module["layer"] is not None:
            assert outcome.pair.path.layer == module["layer"]
        for side, adapted in (("scaling_a", outcome.pair.first), ("scaling_b", outcome.pair.second)):
            assert adapted.scaling == pytest.approx(module[side], rel=1e-8)
        for cell, value in module["phi"].items():
            i, j = map(int, cell.split(","))
            assert abs(outcome.phi[i - 1, j - 1] - value) <= 2e-9


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_an_untrained_adapter_is_said_to_be_one(tmp_path: Path, zero: float) -> None:
    tensors = peft_tensors(llama_modules(2), 4, seed=1)
    for name, tensor in tensors.items():
        if "lora_B" in name:
            tensor[:] = zero
    write_tensors(tmp_path / "a", tensors, peft_config(llama_modules(2), 4))
    pairing, found = compare(tmp_path / "a", tmp_path / "a")
    assert "untrained" in pairing.first.warnings[0]
    assert all(isinstance(outcome, SideResult) and "untrained" in outcome.warnings[0] for outcome in found)
