"""Adapters made on the fly, with the very keys that PEFT writes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file

Factors = Mapping[str, npt.NDArray[Any]]


def peft_factors(
    modules: Sequence[str], rank: int, *, seed: int, d_in: int = 24, d_out: int = 24, dtype: str = "float32"
) -> dict[str, npt.NDArray[Any]]:
    """Gaussian A (rank, d_in) and B (d_out, rank) of every module, under PEFT's names."""
    rng = np.random.default_rng(seed)
    tensors: dict[str, npt.NDArray[Any]] = {}
    for module in modules:
        name = f"base_model.model.{module}"
        tensors[f"{name}.lora_A.weight"] = rng.standard_normal((rank, d_in)).astype(dtype)
        tensors[f"{name}.lora_B.weight"] = rng.standard_normal((d_out, rank)).astype(dtype)
    return tensors


def write_tensors(folder: Path, tensors: Factors, *, rank: int, alpha: float = 16, **config: object) -> Path:
    """Write tensors and an adapter_config.json into a folder, as PEFT does; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(dict(tensors), folder / "adapter_model.safetensors")
    facts = {"peft_type": "LORA", "r": rank, "lora_alpha": alpha, **config}
    (folder / "adapter_config.json").write_text(json.dumps(facts), encoding="utf-8")
    return folder


def write_peft_adapter(
    folder: Path, modules: Sequence[str], rank: int, *, seed: int, d_in: int = 24, d_out: int = 24,
    dtype: str = "float32", alpha: float = 16,
) -> Path:  # fmt: skip
    """Write an adapter of Gaussian factors; returns its folder."""
    tensors = peft_factors(modules, rank, seed=seed, d_in=d_in, d_out=d_out, dtype=dtype)
    return write_tensors(folder, tensors, rank=rank, alpha=alpha)


def attention(layers: int, projections: str = "qv") -> list[str]:
    """Names of a LLaMA's attention modules."""
    return [f"model.layers.{layer}.self_attn.{p}_proj" for layer in range(layers) for p in projections]
