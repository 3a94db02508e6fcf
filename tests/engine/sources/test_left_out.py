"""Hundreds of modules that are left out, in a few sentences."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.matching.explaining import group_text, why_nothing
from engine.matching.pairing import Pairing, pair_adapters
from engine.side import Side
from engine.sources.left_out import by_reason
from engine.sources.opening import adapters_in, open_source
from engine.sources.source import SkippedModule, told_apart
from tests import factories as make
from tests.adapters import llama_modules, write_peft_adapter


def paired(folder: Path, first: make.Tensors, second: make.Tensors) -> Pairing:
    paths = (folder / "ada.safetensors", folder / "bob.safetensors")
    for path, tensors in zip(paths, (first, second), strict=True):
        make.write_safetensors(path, tensors)
    return pair_adapters(*map(open_source, paths))


def peft(names: list[str], d_in: int = 24) -> make.Tensors:
    return make.peft({name: make.pair(0, 4, d_in, 18) for name in names})


def test_reasons_are_grouped_most_frequent_first_with_names_stripped() -> None:
    groups = by_reason(
        SkippedModule(f"model.layers.{number}.q", reason)
        for number, reason in [
            (10, "The tensor model.layers.10.q.lora_A is stored as int8."),
            (3, "Odd."),
            (2, "The tensor model.layers.2.q.lora_A is stored as int8."),
        ]
    )
    assert [(group.reason, group.modules) for group in groups] == [
        ("The tensor ….lora_A is stored as int8.", ("model.layers.2.q", "model.layers.10.q")),
        ("Odd.", ("model.layers.3.q",)),
    ]
    assert str(groups[0]) == (
        "2 modules: The tensor ….lora_A is stored as int8 (model.layers.2.q, model.layers.10.q)."
    )
    assert str(groups[1]) == "model.layers.3.q: Odd."


def test_modules_of_one_side_alone_are_told_by_counts_and_names_of_both(tmp_path: Path) -> None:
    pairing = paired(tmp_path, peft(llama_modules(28, tuple("qkv"))), peft(["one.foo", "two.foo"]))
    assert why_nothing(pairing, Side.A) == (
        "84 modules are only in ada.safetensors (for example model.layers.0.self_attn.k_proj), "
        "2 only in bob.safetensors (for example one.foo)."
    )
    texts = [group_text(group, pairing) for group in by_reason(pairing.skipped(Side.A))]
    assert texts[1] == "2 modules are only in bob.safetensors (one.foo, two.foo)"
    assert len(texts) == 2


def test_other_dimensions_come_with_what_one_side_has_alone(tmp_path: Path) -> None:
    modules = llama_modules(5)
    pairing = paired(tmp_path, peft([*modules, "lm_head"]), peft(modules, d_in=30))
    assert why_nothing(pairing, Side.A) == (
        "10 modules (for example model.layers.0.self_attn.q_proj): The input dimensions differ: 24 in the first "
        "adapter, 30 in the second. 1 module is only in ada.safetensors (for example lm_head)."
    )


def test_names_of_both_dialects_are_shown_where_they_differ(tmp_path: Path) -> None:
    split = peft(llama_modules(3))
    fused = make.peft({f"layers.{layer}.attn.qkv_proj": make.pair(1, 4, 24, 54) for layer in range(3)})
    said = why_nothing(paired(tmp_path, split, fused), Side.A)
    assert said.startswith("3 modules (for example ")
    assert "self_attn" in said
    assert "attn.qkv_proj" in said


def test_adapters_of_one_name_are_named_with_their_folders(tmp_path: Path) -> None:
    paths = [write_peft_adapter(tmp_path / f"run{n}" / "final", [f"model.m{n}.x"], 2, seed=n) for n in (0, 1)]
    said = why_nothing(pair_adapters(*map(open_source, paths)), Side.A)
    assert said == (
        "1 module is only in run0/final (for example model.m0.x), 1 only in run1/final (for example model.m1.x)."
    )


def test_what_is_unusable_is_in_natural_order(tmp_path: Path) -> None:
    names = [f"model.layers.{layer}.q_proj" for layer in range(12)]
    tensors = {**peft([*names, "model.layers.0.v_proj"])}
    for name in names:
        del tensors[f"base_model.model.{name}.lora_A.weight"]
    adapter = open_source(make.write_safetensors(tmp_path / "x.safetensors", tensors))
    assert [skip.module for skip in adapter.unusable] == names


def test_no_sound_module_is_one_sentence_with_a_count(tmp_path: Path) -> None:
    tensors = peft(llama_modules(6))
    path = make.write_safetensors(
        tmp_path / "x.safetensors", {name: matrix for name, matrix in tensors.items() if "lora_B" in name}
    )
    with pytest.raises(Exception, match=r"None of the 12 modules can be used: The file holds B and no A \("):
        open_source(path)


def test_a_folder_offers_its_adapters_in_natural_order(tmp_path: Path) -> None:
    for step in (10, 2, 100, 9):
        write_peft_adapter(tmp_path / f"checkpoint-{step}", llama_modules(1), 2, seed=step)
    assert [path.name for path in adapters_in(tmp_path)] == [f"checkpoint-{step}" for step in (2, 9, 10, 100)]
    files = tmp_path / "files"
    for step in (10, 2):
        make.write_safetensors(files / f"step_{step}.safetensors", peft(llama_modules(1)))
    assert [path.name for path in adapters_in(files)] == ["step_2.safetensors", "step_10.safetensors"]


def test_adapters_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    folders = [tmp_path / place / "final" for place in ("run1/seed", "run2/seed")]
    first, second = (open_source(write_peft_adapter(folder, llama_modules(1), 2, seed=0)) for folder in folders)
    assert told_apart(first, second) == ("run1/seed/final", "run2/seed/final")
    by_file = open_source(folders[0] / "adapter_model.safetensors")
    assert told_apart(by_file, second) == ("run1/seed/final", "run2/seed/final")
    assert told_apart(first, by_file) == ("final", "final")
    other = open_source(write_peft_adapter(tmp_path / "other", llama_modules(1), 2, seed=0))
    assert told_apart(first, other) == ("final", "other")
