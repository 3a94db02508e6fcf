"""An exported figure or comparison.json leads back to what was compared."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from engine.comparison.outcome import SideResult
from engine.document.export_plan import Comparison, ExportPlan
from engine.document.reopening import find_adapter, read_saved
from engine.errors import UnsupportedFormat
from engine.matching.pairing import pair_adapters
from engine.measures.view import View
from engine.side import Side
from engine.sources.opening import open_source
from engine.subspaces.devices import CPU
from tests.adapters import llama_modules, write_peft_adapter
from tests.exporting import export_comparison
from tests.reference import compared


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """A folder with the files of a comparison of `ädapter one` and `two`, on side B."""
    modules = llama_modules(3)
    paths = [write_peft_adapter(tmp_path / name, modules, 4, seed=k) for k, name in enumerate(("ädapter one", "two"))]
    pairing = pair_adapters(*map(open_source, paths))
    results = tuple(outcome for outcome in compared(pairing, Side.B) if isinstance(outcome, SideResult))
    shown = frozenset({"1_q", "3_v"})
    comparison = Comparison(pairing.first, pairing.second, Side.B, CPU, results, (), shown)
    export_comparison(comparison, tmp_path / "out", ExportPlan(("png",)))
    return tmp_path / "out"


def test_figure_and_json_name_what_they_show(exported: Path) -> None:
    figure, whole = read_saved(exported / "figure.png"), read_saved(exported / "comparison.json")
    assert figure.first == whole.first
    assert figure.second == whole.second
    assert (figure.first.name, figure.second.name) == ("ädapter one", "two")
    assert figure.side is whole.side is Side.B
    assert set(figure.panels) == {"1_q", "3_v"}
    assert whole.panels == figure.panels
    assert (whole.preset, whole.view) == (None, View.PHI)


def test_no_path_of_the_machine_is_in_the_figure(exported: Path) -> None:
    content = (exported / "figure.png").read_bytes()
    assert str(exported.parent).encode() not in content
    assert exported.parent.name.encode() not in content


def test_adapters_are_found_by_what_they_hold(exported: Path) -> None:
    saved = read_saved(exported / "figure.png")
    folder = exported.parent
    assert find_adapter(saved.first, [folder / "ädapter one"]).path == folder / "ädapter one"
    second = find_adapter(saved.second, [folder / "ädapter one", folder])
    assert second.path == folder / "two"
    assert second.is_same
    assert second.difference == ""


def test_a_changed_or_missing_adapter_is_told(exported: Path) -> None:
    saved, folder = read_saved(exported / "comparison.json"), exported.parent
    shutil.rmtree(folder / "two")
    missing = find_adapter(saved.second, [folder])
    assert missing.path is None
    assert missing.difference == "two (adapter_model.safetensors) is not where it was."
    write_peft_adapter(folder / "two", llama_modules(3), 4, seed=77)
    changed = find_adapter(saved.second, [folder])
    assert changed.path == folder / "two"
    assert not changed.is_same
    assert "two holds other data than when the figure was made" in changed.difference
    assert saved.second.sha256[:8] in changed.difference


def test_data_counts_more_than_a_name(exported: Path) -> None:
    saved, folder = read_saved(exported / "comparison.json"), exported.parent
    (folder / "else").mkdir()
    (folder / "two").rename(folder / "else" / "two")
    write_peft_adapter(folder / "two", llama_modules(3), 4, seed=77)
    found = find_adapter(saved.second, [folder, folder / "else"])
    assert found.is_same
    assert found.path == folder / "else" / "two"


def test_exports_of_the_first_version_still_open(exported: Path) -> None:
    facts = json.loads((exported / "comparison.json").read_bytes())
    del facts["figure"]
    (exported / "comparison.json").write_text(json.dumps(facts))
    assert len(read_saved(exported / "comparison.json").panels) == 6


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\x89PNG\r\n\x1a\n", b'{"first": 1, "second": 2}'])
def test_other_files_are_declined(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(UnsupportedFormat, match="that PhiScope wrote"):
        read_saved(path)


def test_a_config_is_no_comparison(tmp_path: Path) -> None:
    path = tmp_path / "adapter_config.json"
    path.write_text(json.dumps({"peft_type": "LORA"}))
    with pytest.raises(UnsupportedFormat):
        read_saved(path)


def test_a_file_name_that_every_library_uses_is_no_name(exported: Path) -> None:
    saved, folder = read_saved(exported / "comparison.json"), exported.parent
    shutil.rmtree(folder / "two")
    unrelated = write_peft_adapter(folder / "unrelated", llama_modules(3), 4, seed=5)
    assert find_adapter(saved.second, [unrelated, folder]).path is None
    renamed = write_peft_adapter(folder / "renamed", llama_modules(3), 4, seed=1)
    assert find_adapter(saved.second, [unrelated, renamed]).is_same


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", ""])
def test_names_that_no_file_can_have_are_not_found(exported: Path, name: str) -> None:
    saved = replace(read_saved(exported / "comparison.json").first, name=name, file=name)
    assert find_adapter(saved, [exported, exported.parent]).path is None


def test_a_damaged_picture_is_declined(exported: Path) -> None:
    chunk = b"Description\0\1\0\0\0not compressed at all"
    raw = b"\x89PNG\r\n\x1a\n" + len(chunk).to_bytes(4, "big") + b"iTXt" + chunk + b"\0\0\0\0"
    (exported / "figure.png").write_bytes(raw)
    with pytest.raises(UnsupportedFormat):
        read_saved(exported / "figure.png")
