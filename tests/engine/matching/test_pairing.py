"""What two adapters have in common, and why the rest is not compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.matching.pairing import Pairing, pair_adapters
from engine.side import Side
from engine.sources.opening import open_source
from tests import factories as make
from tests.adapters import llama_modules, write_peft_adapter

Q, V = "model.layers.0.self_attn.q_proj", "model.layers.0.self_attn.v_proj"


def paired(folder: Path, first: make.Tensors, second: make.Tensors) -> Pairing:
    """Two files of tensors, matched."""
    paths = [
        make.write_safetensors(folder / f"{name}.safetensors", tensors)
        for name, tensors in (("first", first), ("second", second))
    ]
    return pair_adapters(*map(open_source, paths))


def reasons(pairing: Pairing, side: Side = Side.A) -> dict[str, str]:
    return {skip.module: skip.reason for skip in pairing.skipped(side)}


def test_zero_B_has_no_directions_where_B_is_needed(tmp_path: Path) -> None:
    modules = llama_modules(1)
    paths = [
        write_peft_adapter(tmp_path / str(seed), modules, 4, seed=seed, zero_B=seed == 1) for seed in (0, 1)
    ]  # fmt: skip
    pairing = pair_adapters(*map(open_source, paths))
    assert len(pairing.comparable(Side.A)) == 2
    for side in (Side.B, Side.DW_LEFT, Side.DW_RIGHT):
        undefined = pairing.undefined(side)
        assert len(undefined) == 2
        assert all("B is zero in the second adapter" in skip.reason for skip in undefined)
    assert not pairing.undefined(Side.A)


def test_a_missing_layer_and_projection_are_named(tmp_path: Path) -> None:
    first = make.peft({Q: make.pair(0, 4, 24, 18), V: make.pair(1, 4, 24, 18)})
    second = make.peft({Q: make.pair(2, 4, 24, 18), Q.replace("layers.0", "layers.1"): make.pair(3, 4, 24, 18)})
    pairing = paired(tmp_path, first, second)
    assert [pair.path.name for pair in pairing.comparable(Side.A)] == [Q]
    said = reasons(pairing)
    assert said[V] == "Only the first adapter has this module."
    assert said[Q.replace("layers.0", "layers.1")] == "Only the second adapter has this module."


def test_A_without_B_is_enough_for_side_A(tmp_path: Path) -> None:
    whole = make.peft({Q: make.pair(0, 4, 24, 18)})
    alone = {name: array for name, array in make.peft({Q: make.pair(1, 4, 24, 18)}).items() if "lora_A" in name}
    pairing = paired(tmp_path, whole, alone)
    assert len(pairing.comparable(Side.A)) == 1
    assert "holds A and no B" in reasons(pairing, Side.B)[Q]


def test_fused_and_split_say_so(tmp_path: Path) -> None:
    fused = make.peft({Q.replace("q_proj", "qkv_proj"): make.pair(0, 4, 24, 54)})
    split = make.peft({Q: make.pair(1, 4, 24, 18), V: make.pair(2, 4, 24, 18)})
    pairing = paired(tmp_path, fused, split)
    assert not pairing.comparable(Side.A)
    assert any("fused" in reason or "split" in reason for reason in reasons(pairing).values())


@pytest.mark.parametrize(("shape", "side", "word"), [((30, 18), Side.A, "input"), ((24, 30), Side.B, "output")])
def test_other_dimensions_are_told_with_both_numbers(
    tmp_path: Path, shape: tuple[int, int], side: Side, word: str
) -> None:
    pairing = paired(
        tmp_path, make.peft({Q: make.pair(0, 4, 24, 18)}), make.peft({Q: make.pair(1, 4, *shape)})
    )  # fmt: skip
    said = reasons(pairing, side)[Q]
    assert word in said
    assert str(30) in said
    assert len(pairing.comparable(Side.B if side is Side.A else Side.A)) == 1


def test_ranks_may_differ(tmp_path: Path) -> None:
    pairing = paired(
        tmp_path, make.peft({Q: make.pair(0, 2, 24, 18)}), make.peft({Q: make.pair(1, 30, 24, 18)})
    )  # fmt: skip
    assert pairing.comparable(Side.A)[0].shape == (2, 30)
