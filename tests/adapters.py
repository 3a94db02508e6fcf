"""Adapters for tests, written as PEFT writes them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file

Matrix = npt.NDArray[Any]
Draw = Callable[[np.random.Generator, str, tuple[int, int]], Matrix]


def llama_modules(layers: int, projections: Sequence[str] = ("q", "v")) -> list[str]:
    """Module names of a Llama-like model with this many layers."""
    return [f"model.layers.{layer}.self_attn.{name}_proj" for layer in range(layers) for name in projections]


def gaussian(rng: np.random.Generator, _factor: str, shape: tuple[int, int]) -> Matrix:
    """Independent standard normal numbers."""
    return rng.standard_normal(shape)


def peft_tensors(
    modules: Sequence[str],
    rank: int,
    *,
    seed: int,
    d_in: int = 24,
    d_out: int = 24,
    dtype: npt.DTypeLike = np.float32,
    draw: Draw = gaussian,
    zero_B: bool = False,
) -> dict[str, Matrix]:
    """Both factors of every module under PEFT's names; `draw` makes the matrix of factor "A" or "B"."""
    rng = np.random.default_rng(seed)
    tensors: dict[str, Matrix] = {}
    for module in modules:
        for factor, shape in (("A", (rank, d_in)), ("B", (d_out, rank))):
            matrix = draw(rng, factor, shape)
            if zero_B and factor == "B":
                matrix = np.zeros(shape)
            tensors[f"base_model.model.{module}.lora_{factor}.weight"] = np.ascontiguousarray(matrix, dtype=dtype)
    return tensors


def peft_config(modules: Sequence[str], rank: int, *, alpha: float = 16, **changes: Any) -> dict[str, Any]:
    """adapter_config.json, with `changes` made to it."""
    return {
        "peft_type": "LORA",
        "base_model_name_or_path": "tests/base",
        "task_type": "CAUSAL_LM",
        "r": rank,
        "lora_alpha": alpha,
        "lora_dropout": 0.0,
        "bias": "none",
        "use_rslora": False,
        "use_dora": False,
        "rank_pattern": {},
        "alpha_pattern": {},
        "target_modules": sorted({module.rsplit(".", 1)[-1] for module in modules}),
        "fan_in_fan_out": False,
        "inference_mode": True,
    } | changes


def write_tensors(folder: Path, tensors: Mapping[str, Matrix], config: Mapping[str, Any] | None) -> Path:
    """Write tensors, and a config unless None, into `folder`, which is made; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(dict(tensors), folder / "adapter_model.safetensors", metadata={"format": "pt"})
    if config is not None:
        (folder / "adapter_config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")
    return folder


def write_peft_adapter(
    folder: Path,
    modules: Sequence[str],
    rank: int,
    *,
    seed: int,
    d_in: int = 24,
    d_out: int = 24,
    dtype: npt.DTypeLike = np.float32,
    alpha: float = 16,
    draw: Draw = gaussian,
    zero_B: bool = False,
    config: Mapping[str, Any] | None = None,
) -> Path:
    """Write a PEFT adapter of seeded numbers into `folder`, `config` changing entries of its config."""
    tensors = peft_tensors(modules, rank, seed=seed, d_in=d_in, d_out=d_out, dtype=dtype, draw=draw, zero_B=zero_B)
    return write_tensors(folder, tensors, peft_config(modules, rank, alpha=alpha, **(config or {})))
