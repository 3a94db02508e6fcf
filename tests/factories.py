"""Adapters of every family made on the fly, with the exact names and shapes that the libraries write.

Each maker gives the tensors of one small adapter as its library stores them; `PAIRS` gives the A (r, d_in) and
B (d_out, r) that a reader must find in them again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file

Matrix = npt.NDArray[np.float32]
Tensors = dict[str, Matrix]
Pair = tuple[Matrix, Matrix]


def pair(seed: int, rank: int, d_in: int, d_out: int) -> Pair:
    """A (rank, d_in) and B (d_out, rank) of seeded normal numbers."""
    rng = np.random.default_rng(seed)
    return (
        rng.standard_normal((rank, d_in)).astype(np.float32),
        rng.standard_normal((d_out, rank)).astype(np.float32),
    )


def peft(pairs: Mapping[str, Pair], *, wrapper: str = "base_model.model.", adapter: str = "") -> Tensors:
    """PEFT: `base_model.model.M.lora_A.weight`, or with an adapter's name after `lora_A`."""
    infix = f".{adapter}" if adapter else ""
    return _named(pairs, f"{wrapper}{{}}.lora_A{infix}.weight", f"{wrapper}{{}}.lora_B{infix}.weight")


def diffusers(pairs: Mapping[str, Pair], suffix: str = "lora.{}") -> Tensors:
    """diffusers with `lora.down`/`lora.up`; `suffix` may be `lora_linear_layer.{}`."""
    return _named(pairs, "{}." + suffix.format("down") + ".weight", "{}." + suffix.format("up") + ".weight")


def old_processors(pairs: Mapping[str, Pair]) -> Tensors:
    """diffusers' attention processors: the module `….attn1.to_q` as `….attn1.processor.to_q_lora.down.weight`."""
    tensors: Tensors = {}
    for name, (A, B) in pairs.items():
        attention, _, projection = name.rpartition(".")
        tensors[f"{attention}.processor.{projection}_lora.down.weight"] = A
        tensors[f"{attention}.processor.{projection}_lora.up.weight"] = B
    return tensors


def kohya(pairs: Mapping[str, Pair], *, prefix: str = "lora_unet_", alpha: float | None = None) -> Tensors:
    """kohya: the module's dots as underscores behind a prefix, an alpha beside each pair."""
    tensors: Tensors = {}
    for name, (A, B) in pairs.items():
        flat = prefix + name.replace(".", "_")
        tensors |= {f"{flat}.lora_down.weight": A, f"{flat}.lora_up.weight": B}
        if alpha is not None:
            tensors[f"{flat}.alpha"] = np.asarray(alpha, dtype=np.float32)
    return tensors


def mlx(pairs: Mapping[str, Pair]) -> Tensors:
    """MLX: transposed, in lower case and without `.weight`."""
    return {
        f"{name}.lora_{letter}": np.ascontiguousarray(matrix.T)
        for name, factors in pairs.items()
        for letter, matrix in zip("ab", factors, strict=True)
    }


def torchtune(pairs: Mapping[str, Pair]) -> Tensors:
    """torchtune: lower case, with `.weight`, not transposed."""
    return _named(pairs, "{}.lora_a.weight", "{}.lora_b.weight")


def loralib(pairs: Mapping[str, Pair]) -> Tensors:
    """loralib: capitals, without `.weight`."""
    return _named(pairs, "{}.lora_A", "{}.lora_B")


def merged(name: str, parts: list[Pair]) -> Tensors:
    """loralib's MergedLinear and litgpt's LoRAQKVLinear: A's and B's of the adapted parts below each other."""
    return {
        f"{name}.lora_A": np.concatenate([A for A, _ in parts]),
        f"{name}.lora_B": np.concatenate([B for _, B in parts]),
    }


def stacked_experts(name: str, experts: list[Pair]) -> Tensors:
    """PEFT's target_parameters: A (E·r, in) expert by expert, B (out, r·E) with experts fastest."""
    stacked_B = np.stack([B for _, B in experts], axis=2)
    return {
        f"base_model.model.{name}.lora_A.weight": np.concatenate([A for A, _ in experts]),
        f"base_model.model.{name}.lora_B.weight": stacked_B.reshape(stacked_B.shape[0], -1),
    }


def samlora(pairs: list[Pair]) -> Tensors:
    """SAM-LoRA: numbered, q and v of every block in turn."""
    tensors: Tensors = {}
    for position, (A, B) in enumerate(pairs):
        tensors |= {f"w_a_{position:03d}": A, f"w_b_{position:03d}": B}
    return tensors


def cloneofsimo(pairs: list[Pair], model: str = "unet") -> Tensors:
    """cloneofsimo's safetensors: numbered within their model."""
    tensors: Tensors = {}
    for position, (A, B) in enumerate(pairs):
        tensors |= {f"{model}:{position}:down": A, f"{model}:{position}:up": B}
    return tensors


def megatron(pairs: Mapping[str, Pair]) -> Tensors:
    """NeMo and Megatron: `linear_in` and `linear_out` of an adapter in the module."""
    return _named(pairs, "{}.adapter.linear_in.weight", "{}.adapter.linear_out.weight")


def xlabs(pairs: Mapping[str, Pair]) -> Tensors:
    """XLabs' Flux: the module is `double_blocks.N.processor.qkv_lora1`."""
    return _named(pairs, "{}.down.weight", "{}.up.weight")


def _named(pairs: Mapping[str, Pair], name_A: str, name_B: str) -> Tensors:
    tensors: Tensors = {}
    for name, (A, B) in pairs.items():
        tensors |= {name_A.format(name): A, name_B.format(name): B}
    return tensors


def write_safetensors(path: Path, tensors: Mapping[str, Matrix], metadata: Mapping[str, str] | None = None) -> Path:
    """Write a `.safetensors` file, its folder made where it is missing; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(dict(tensors), path, dict(metadata) if metadata else None)
    return path


def write_pickle(path: Path, content: Any, *, legacy: bool = False) -> Path:
    """Write what `torch.save` writes, NumPy arrays as tensors; return its path."""
    import torch  # noqa: PLC0415 - heavy

    def as_torch(item: Any) -> Any:
        if isinstance(item, np.ndarray):
            return torch.from_numpy(item.copy())
        if isinstance(item, dict):
            return {key: as_torch(value) for key, value in item.items()}
        return [as_torch(value) for value in item] if isinstance(item, list) else item

    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(as_torch(content), path, _use_new_zipfile_serialization=not legacy)
    return path


def write_config(folder: Path, config: Mapping[str, Any]) -> None:
    """Write adapter_config.json."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "adapter_config.json").write_text(json.dumps(dict(config)), encoding="utf-8")
