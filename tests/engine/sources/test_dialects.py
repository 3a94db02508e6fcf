"""Every family that is read: the exact names and shapes of its library in, the same A and B out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.comparison.outcome import SideResult
from engine.side import Side
from engine.sources.opening import open_source
from engine.sources.source import Source
from tests import factories as make
from tests.reference import compare, reference_phi

ATTENTION = "model.layers.0.self_attn"
LLAMA = {
    f"model.layers.{layer}.{part}": make.pair(10 * layer + k, 4, 24, 18)
    for layer in range(2)
    for k, part in enumerate(("self_attn.q_proj", "self_attn.v_proj", "mlp.down_proj"))
}
UNET = {
    f"down_blocks.0.attentions.0.transformer_blocks.0.{part}": make.pair(k, 4, 24, 18)
    for k, part in enumerate(("attn1.to_q", "attn1.to_out.0", "attn2.to_k", "ff.net.0.proj"))
}


def read(adapter: Source) -> dict[str, tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    """A and B of every module by its name."""
    found = {}
    with adapter.open() as reader:
        for module in adapter.modules:
            factors = reader.read(module)
            assert factors.A is not None
            assert factors.B is not None
            found[module.path.name] = factors.A.widened(), factors.B.widened()
    return found


def holds(adapter: Source, pairs: dict[str, make.Pair]) -> None:
    """Assert that it holds exactly these A and B under these names."""
    found = read(adapter)
    assert set(found) == set(pairs)
    for name, (A, B) in pairs.items():
        np.testing.assert_array_equal(found[name][0], A)
        np.testing.assert_array_equal(found[name][1], B)


def saved(folder: Path, tensors: make.Tensors, config: dict[str, Any] | None = None, **options: Any) -> Source:
    """Write and open."""
    if config is not None:
        make.write_config(folder, config)
    return open_source(make.write_safetensors(folder / "adapter_model.safetensors", tensors, **options))


PEFT = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj", "down_proj"]}

SAME_NAMES: dict[str, Callable[[dict[str, make.Pair]], make.Tensors]] = {
    "PEFT": make.peft,
    "PEFT with a name": lambda pairs: make.peft(pairs, adapter="default"),
    "PEFT under torch.compile": lambda pairs: make.peft(pairs, wrapper="_orig_mod.base_model.model."),
    "PEFT under FSDP": lambda pairs: make.peft(pairs, wrapper="module._fsdp_wrapped_module.base_model.model."),
    "ai-toolkit": lambda pairs: make.peft(pairs, wrapper=""),
    "loralib": make.loralib,
    "MLX": make.mlx,
    "torchtune": make.torchtune,
    "Megatron": make.megatron,
}


@pytest.mark.parametrize("family", SAME_NAMES)
def test_factors_are_found_as_they_are_stored(tmp_path: Path, family: str) -> None:
    adapter = saved(tmp_path, SAME_NAMES[family](LLAMA), PEFT if family.startswith("PEFT") else None)
    holds(adapter, LLAMA)
    assert {module.rank for module in adapter.modules} == {4}
    places = [(module.path.layer, module.path.projection) for module in adapter.modules]
    assert places == [(layer, name) for layer in range(2) for name in ("q", "v", "down")]
    assert adapter.modules[0].scaling == (2.0 if family.startswith("PEFT") else None)


@pytest.mark.parametrize("suffix", ["lora.{}", "lora_linear_layer.{}"])
@pytest.mark.parametrize("prefix", ["unet.", "text_encoder.", ""])
def test_diffusers(tmp_path: Path, prefix: str, suffix: str) -> None:
    pairs = {prefix + name: factors for name, factors in UNET.items()}
    adapter = saved(tmp_path, make.diffusers(pairs, suffix))
    found = read(adapter)
    assert len(found) == len(UNET)
    for name, (A, B) in UNET.items():
        stored = next(factors for found_name, factors in found.items() if found_name.endswith(name))
        np.testing.assert_array_equal(stored[0], A)
        np.testing.assert_array_equal(stored[1], B)
    assert {module.scaling for module in adapter.modules} == {None}
    assert any("scaling is unknown" in warning for warning in adapter.warnings)


def _attention(pairs: dict[str, make.Pair]) -> dict[str, make.Pair]:
    return {name: factors for name, factors in pairs.items() if ".to_" in name and not name.endswith(".0")}


def test_old_attention_processors(tmp_path: Path) -> None:
    pairs = _attention(UNET)
    adapter = saved(tmp_path, make.old_processors(pairs))
    stored = {module.path.projection: factors for module, factors in _with_factors(adapter)}
    for projection, (A, B) in zip(("q", "k"), pairs.values(), strict=True):
        np.testing.assert_array_equal(stored[projection][0], A)
        np.testing.assert_array_equal(stored[projection][1], B)
    assert {module.scaling for module in adapter.modules} == {1.0}


@pytest.mark.parametrize(("alpha", "scaling"), [(8.0, 2.0), (0.0, 1.0), (None, 1.0)])
def test_kohya(tmp_path: Path, alpha: float | None, scaling: float) -> None:
    adapter = saved(tmp_path, make.kohya(UNET, alpha=alpha))
    found = read(adapter)
    assert len(found) == len(UNET)
    for A, B in UNET.values():
        assert any(np.array_equal(stored[0], A) and np.array_equal(stored[1], B) for stored in found.values())
    assert {module.scaling for module in adapter.modules} == {scaling}
    assert {module.path.projection for module in adapter.modules} == {"q", "o", "k", "fc1"}


def test_mlx_square_trap(tmp_path: Path) -> None:
    """a (896, 8) and b (8, 896) would also be PEFT's of rank 896; the name decides."""
    pairs = {f"{ATTENTION}.q_proj": make.pair(0, 8, 96, 96)}
    config = {"fine_tune_type": "lora", "lora_parameters": {"rank": 8, "scale": 20.0, "dropout": 0.0}}
    adapter = saved(tmp_path, make.mlx(pairs), config)
    holds(adapter, pairs)
    assert (adapter.modules[0].rank, adapter.modules[0].scaling) == (8, 20.0)


def test_experts_of_target_parameters(tmp_path: Path) -> None:
    experts = [make.pair(seed, 3, 10, 14) for seed in range(4)]
    name = "model.layers.0.mlp.experts"
    config = PEFT | {"r": 3, "lora_alpha": 3, "target_modules": [], "target_parameters": ["mlp.experts.down_proj"]}
    holds(
        saved(tmp_path, make.stacked_experts(name, experts), config),
        {f"{name}[{number}]": factors for number, factors in enumerate(experts)},
    )


def test_sam_lora_numbers_q_and_v_of_each_block(tmp_path: Path) -> None:
    pairs = [make.pair(seed, 4, 24, 24) for seed in range(6)]
    adapter = open_source(make.write_pickle(tmp_path / "sam.pt", make.samlora(pairs)))
    places = {(m.path.layer, m.path.projection): factors for m, factors in _with_factors(adapter)}
    for block in range(3):
        np.testing.assert_array_equal(places[block, "q"][0], pairs[2 * block][0])
        np.testing.assert_array_equal(places[block, "v"][1], pairs[2 * block + 1][1])
    assert {module.scaling for module in adapter.modules} == {1.0}
    assert not adapter.warnings


def test_lora_vit_multiplies_by_what_its_file_does_not_hold(tmp_path: Path) -> None:
    tensors = make.samlora([make.pair(seed, 4, 24, 24) for seed in range(2)])
    tensors["fc_24in_10out"] = np.zeros((10, 24), dtype=np.float32)
    adapter = open_source(make.write_safetensors(tmp_path / "vit.safetensors", tensors))
    assert {module.scaling for module in adapter.modules} == {None}
    assert any("scaling is unknown" in warning for warning in adapter.warnings)


def _with_factors(adapter: Source) -> list[tuple[Any, tuple[Any, Any]]]:
    found = read(adapter)
    return [(module, found[module.path.name]) for module in adapter.modules]


def test_cloneofsimo_without_names(tmp_path: Path) -> None:
    pairs = [make.pair(seed, 4, 12, 16) for seed in range(3)]
    tensors = [matrix for A, B in pairs for matrix in (B, A)]
    listed = read(open_source(make.write_pickle(tmp_path / "lora.pt", tensors)))
    numbered = read(saved(tmp_path / "safe", make.cloneofsimo(pairs)))
    for found in (listed, numbered):
        assert len(found) == 3
        for (A, B), stored in zip(pairs, found.values(), strict=True):
            np.testing.assert_array_equal(stored[0], A)
            np.testing.assert_array_equal(stored[1], B)


def test_xlabs_flux(tmp_path: Path) -> None:
    pairs = {
        f"double_blocks.{block}.processor.{name}": make.pair(10 * block + k, 4, 24, 18)
        for block in range(2)
        for k, name in enumerate(("qkv_lora1", "qkv_lora2", "proj_lora1", "proj_lora2"))
    }
    adapter = saved(tmp_path, make.xlabs(pairs))
    assert len(adapter.modules) == 8
    assert {(module.path.layer, module.path.tower) for module in adapter.modules} == {(0, ""), (1, "")}


@pytest.mark.parametrize("container", ["state_dict", "model", "model_state_dict", "module", "adapter"])
@pytest.mark.parametrize("legacy", [False, True])
def test_containers_are_unwrapped(tmp_path: Path, container: str, legacy: bool) -> None:
    content = {container: make.peft(LLAMA), "epoch": 3, "optimizer": {"lr": 0.1}}
    holds(open_source(make.write_pickle(tmp_path / "checkpoint.pt", content, legacy=legacy)), LLAMA)


def test_shards_are_put_together(tmp_path: Path) -> None:
    import json  # noqa: PLC0415 - used here alone

    tensors = make.peft(LLAMA)
    half = len(tensors) // 2
    weight_map: dict[str, str] = {}
    for number, names in enumerate((list(tensors)[:half], list(tensors)[half:]), 1):
        shard = f"adapter_model-{number:05d}-of-00002.safetensors"
        make.write_safetensors(tmp_path / shard, {name: tensors[name] for name in names})
        weight_map |= dict.fromkeys(names, shard)
    index = tmp_path / "adapter_model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    make.write_config(tmp_path, PEFT)
    holds(open_source(index), LLAMA)
    holds(open_source(tmp_path), LLAMA)


# --- two dialects of one model ---------------------------------------------------------------------------


def _other(pairs: dict[str, make.Pair]) -> dict[str, make.Pair]:
    return {name: make.pair(1000 + k, 6, 24, 18) for k, name in enumerate(pairs)}


CROSS: dict[str, tuple[dict[str, make.Pair], Callable[..., make.Tensors], Callable[..., make.Tensors]]] = {
    "PEFT and MLX": (LLAMA, make.peft, make.mlx),
    "PEFT and torchtune": (LLAMA, make.peft, lambda pairs: make.torchtune(_as_torchtune(pairs))),
    "loralib and PEFT": (LLAMA, make.loralib, make.peft),
    "PEFT and Megatron": (LLAMA, make.peft, make.megatron),
    "PEFT and kohya": (UNET, lambda pairs: make.peft(pairs, wrapper="base_model.model."), make.kohya),
    "diffusers and kohya": (UNET, lambda pairs: make.diffusers(_under(pairs, "unet.")), make.kohya),
    "diffusers, old and new": (
        {name: UNET[name] for name in list(UNET) if ".to_" in name and not name.endswith(".0")},
        make.old_processors,
        lambda pairs: make.diffusers(_under(pairs, "unet.")),
    ),
}


def _under(pairs: dict[str, make.Pair], prefix: str) -> dict[str, make.Pair]:
    return {prefix + name: factors for name, factors in pairs.items()}


def _as_torchtune(pairs: dict[str, make.Pair]) -> dict[str, make.Pair]:
    """torchtune's own names of a LLaMA's modules."""
    words = {"model.": "", "self_attn": "attn", "down_proj": "w2"}
    renamed = {}
    for name, factors in pairs.items():
        for word, other in words.items():
            name = name.replace(word, other)  # noqa: PLW2901 - word by word
        renamed[name] = factors
    return renamed


@pytest.mark.parametrize("side", [Side.A, Side.B])
@pytest.mark.parametrize("dialects", CROSS)
def test_dialects_of_one_model_pair_with_each_other(tmp_path: Path, dialects: str, side: Side) -> None:
    pairs, one, another = CROSS[dialects]
    others = _other(pairs)
    first = make.write_safetensors(tmp_path / "first.safetensors", one(pairs))
    second = make.write_safetensors(tmp_path / "second.safetensors", another(others))
    _, found = compare(first, second, side)
    values = [outcome.phi for outcome in found if isinstance(outcome, SideResult)]
    compared = 0
    for name, (A, B) in pairs.items():
        if dialects == "PEFT and torchtune" and side is Side.B and name.endswith("q_proj"):
            continue  # torchtune orders the rows of q's and k's B by head as Meta did, not as Hugging Face does
        A_, B_ = others[name]
        X, Y = (A, A_) if side is Side.A else (B.T, B_.T)
        phi = reference_phi(X.astype(np.float64), Y.astype(np.float64))
        assert sum(np.allclose(value, phi, rtol=0, atol=1e-9) for value in values) == 1, name
        compared += 1
    assert len(values) == compared
