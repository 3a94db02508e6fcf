"""Files that the libraries wrote, against values computed from the libraries' own live objects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.comparison.outcome import SideResult
from engine.errors import UnsupportedFormat
from engine.sources.opening import open_source
from tests.conftest import DATA
from tests.reference import compare

FOLDERS = sorted(path.parent for path in DATA.glob("*/*/expected.json"))
PEFT_WRAPPER = "base_model.model."


def _expected(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    return loaded


def _adapter(folder: Path, which: str) -> Path:
    return folder / which if (folder / which).is_dir() else next(folder.glob(f"{which}.*"))


def _shown_name(module: dict[str, Any]) -> str:
    name: str = module["name"].removeprefix(PEFT_WRAPPER)
    return f"{name}[{module['part']}]" if "part" in module else name


COMPARED = [folder for folder in FOLDERS if _expected(folder)["modules"]]
DECLINED = [folder for folder in FOLDERS if _expected(folder)["expect"] == "refuse"]


@pytest.mark.parametrize("folder", COMPARED, ids=lambda folder: folder.name)
def test_every_module_is_found_and_compared(folder: Path) -> None:
    pairing, found = compare(_adapter(folder, "a"), _adapter(folder, "b"))
    results = {outcome.pair.path.name: outcome for outcome in found}
    modules = [module for module in _expected(folder)["modules"] if "experts" not in module]
    assert modules
    for module in modules:
        outcome = results[_shown_name(module)]
        assert isinstance(outcome, SideResult)
        first, second = outcome.pair.first, outcome.pair.second
        assert (first.rank, second.rank) == (module["rank_a"], module["rank_b"])
        assert (first.d_in, first.d_out) == (module["d_in"], module["d_out"])
        if module["layer"] is not None:
            assert first.path.layer == module["layer"]
        for which, adapted in (("scaling_a", first), ("scaling_b", second)):
            assert (adapted.scaling is None) == (module[which] is None)
            if adapted.scaling is not None:
                assert adapted.scaling == pytest.approx(module[which], rel=1e-8)
        for cell, value in module["phi"].items():
            i, j = map(int, cell.split(","))
            assert abs(outcome.phi[i - 1, j - 1] - value) <= 2e-9
        for i, row in enumerate(module.get("phi_matrix", [])):
            for j, value in enumerate(row):
                assert abs(outcome.phi[i, j] - value) <= 2e-9
    if len(modules) == len(_expected(folder)["modules"]):
        assert len(results) == len(modules)
    if any(module["scaling_a"] is None for module in modules) and "adalora" not in folder.name:
        assert any("scaling is unknown" in warning for warning in pairing.first.warnings)


@pytest.mark.parametrize("folder", DECLINED, ids=lambda folder: folder.name)
def test_other_methods_are_named(folder: Path) -> None:
    method = folder.name.partition("_")[2].replace("_", " ")
    for which in ("a", "b"):
        with pytest.raises(UnsupportedFormat) as caught:
            open_source(_adapter(folder, which))
        assert method.casefold() in caught.value.reason.casefold()


def test_experts_of_a_stack_are_compared_one_by_one() -> None:
    folder = next(folder for folder in COMPARED if "target_parameters" in folder.name)
    adapter = open_source(folder / "a")
    names = {module.path.name for module in adapter.modules}
    assert {f"model.layers.0.mlp.experts[{expert}]" for expert in range(4)} <= names
    experts = [module for module in adapter.modules if "[" in module.path.name]
    assert len(experts) == 16
    assert {module.rank for module in experts} == {3}
    assert all(module.scaling == pytest.approx(16 / 3) for module in experts)
    by_name = {module.path.name: module for module in experts}
    assert by_name["model.layers.0.mlp.experts[1]"].path.projection == "down"
    assert by_name["model.layers.0.mlp.experts.base_layer[1]"].path.projection == "gate_up"
    assert by_name["model.layers.0.mlp.experts[1]"].path.tower == "expert.1"
    assert any("expert" in warning for warning in adapter.warnings)
