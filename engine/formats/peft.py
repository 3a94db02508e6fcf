"""Hugging Face PEFT: `M.lora_A(.NAME)?.weight`, `M.lora_B(.NAME)?.weight`, adapter_config.json beside them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.adapter import LoraModule, SkippedModule, StoredMatrix
from engine.formats.checkpoint import CONFIG_NAME, Checkpoint, FormatModules
from engine.module_path import parse_module_path
from engine.storage_types import Array
from engine.tensor_file import TensorInfo, element_count

NAME = "PEFT"

_FACTOR = re.compile(
    r"(?P<module>.+)\.lora_(?P<embedding>embedding_)?(?P<factor>[AB])(\.(?P<adapter>[^.]+))?(\.weight)?$"
)
_EXTRA = re.compile(r"\.(lora_magnitude_vector|lora_B(\.[^.]+)?\.bias|lora_E|ranknum)(\.|$)")


@dataclass
class _Factors:
    A: TensorInfo | None = None
    B: TensorInfo | None = None
    embedding: bool = False


def recognises(checkpoint: Checkpoint) -> bool:
    """Whether any tensor is named as PEFT names its factors."""
    return any(_FACTOR.match(name) and name.endswith((".weight", "embedding_A")) for name in checkpoint.tensors)


def read_modules(checkpoint: Checkpoint) -> FormatModules:
    """Pair the factors of every module, with ranks from the tensors and scaling from the config."""
    result = FormatModules(base_model=str((checkpoint.config or {}).get("base_model_name_or_path") or ""))
    config = _LoraConfig(checkpoint.config)
    for name, factors in _factors_by_module(checkpoint).items():
        made = _module(name, factors, config)
        if isinstance(made, SkippedModule):
            result.unusable.append(made)
        else:
            result.modules.append(made)
    result.warnings.extend(_config_warnings(checkpoint, config, result.modules))
    result.warnings.extend(_content_warnings(checkpoint, result.modules))
    return result


def _factors_by_module(checkpoint: Checkpoint) -> dict[str, _Factors]:
    found: dict[str, _Factors] = {}
    for name, info in checkpoint.tensors.items():
        match = _FACTOR.match(name)
        if match is None or _EXTRA.search(name):
            continue
        factors = found.setdefault(match["module"], _Factors())
        setattr(factors, match["factor"], info)
        factors.embedding = bool(match["embedding"])
    return found


def _module(name: str, factors: _Factors, config: _LoraConfig) -> LoraModule | SkippedModule:
    A, B = factors.A, factors.B
    if A is None:
        return SkippedModule(name, "The file holds B and no A.")
    if len(A.shape) < 2 or 0 in A.shape:
        return SkippedModule(
            name,
            f"A has shape {_shape(A)}, not (rank, d_in): the adapter was saved from a sharded (FSDP, ZeRO) run.",
        )
    rank, d_in = A.shape[0], element_count(A.shape[1:])
    if B is not None and (len(B.shape) < 2 or B.shape[1] != rank or element_count(B.shape[2:]) != 1 or 0 in B.shape):
        return SkippedModule(name, f"A has shape {_shape(A)} and B {_shape(B)}: their ranks differ.")
    return LoraModule(
        path=parse_module_path(name),
        rank=rank,
        d_in=d_in,
        d_out=B.shape[0] if B is not None else None,
        dtype=A.dtype,
        scaling=config.scaling(name, rank),
        A=StoredMatrix((A.name,), (rank, d_in), A.dtype, _flattened),
        B=StoredMatrix((B.name,), (B.shape[0], rank), B.dtype, _flattened) if B is not None else None,
    )


def _flattened(data: Array) -> Array:
    """A convolution's kernel axes belong to its input: (r, in, k…) → (r, in·k…)."""
    return data.reshape(data.shape[0], -1)


def _shape(info: TensorInfo) -> str:
    return "(" + ", ".join(map(str, info.shape)) + ")"


class _LoraConfig:
    """The part of adapter_config.json that decides the scaling; tolerant of anything else in it."""

    def __init__(self, config: Mapping[str, Any] | None) -> None:
        config = config or {}
        self.rank = _number(config.get("r"))
        self.alpha = _number(config.get("lora_alpha"))
        self.rslora = config.get("use_rslora") is True
        self.dora = config.get("use_dora") is True
        self._rank_pattern = _patterns(config.get("rank_pattern"))
        self._alpha_pattern = _patterns(config.get("alpha_pattern"))

    def scaling(self, module: str, rank: int) -> float | None:
        """alpha / r, or alpha / √r with rsLoRA, r being the tensors' own rank; None without an alpha."""
        alpha = _first_match(self._alpha_pattern, module, self.alpha)
        if alpha is None:
            return None
        return alpha / (math.sqrt(rank) if self.rslora else rank)

    def expected_rank(self, module: str) -> float | None:
        return _first_match(self._rank_pattern, module, self.rank)


def _patterns(value: object) -> list[tuple[re.Pattern[str], float]]:
    """PEFT's rule: a key matches a module whose name ends with it, as a regular expression after a dot."""
    patterns = []
    for key, number in value.items() if isinstance(value, dict) else ():
        parsed = _number(number)
        if parsed is None or not isinstance(key, str):
            continue
        try:
            patterns.append((re.compile(rf"(.*\.)?({key})$"), parsed))
        except re.error:
            patterns.append((re.compile(rf"(.*\.)?({re.escape(key)})$"), parsed))
    return patterns


def _first_match(patterns: list[tuple[re.Pattern[str], float]], module: str, otherwise: float | None) -> float | None:
    return next((value for pattern, value in patterns if pattern.match(module)), otherwise)


def _number(value: object) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0:
        return float(value)
    return None


def _config_warnings(checkpoint: Checkpoint, config: _LoraConfig, modules: list[LoraModule]) -> list[str]:
    if checkpoint.config is None:
        return [checkpoint.config_problem or f"There is no {CONFIG_NAME} beside the file, so the scaling is unknown."]
    warnings = []
    if modules and config.alpha is None:
        warnings.append(f"{CONFIG_NAME} has no lora_alpha, so the scaling is unknown.")
    differing = [m for m in modules if config.expected_rank(m.path.name) not in (None, float(m.rank))]
    if differing:
        first = differing[0]
        warnings.append(
            f"{CONFIG_NAME} says r = {config.expected_rank(first.path.name):g}, the tensors have r = {first.rank} "
            f"({len(differing)} of {len(modules)} modules); the tensors' rank is used, for the scaling too."
        )
    return warnings


def _content_warnings(checkpoint: Checkpoint, modules: list[LoraModule]) -> list[str]:
    warnings = []
    without_b = [module.path.name for module in modules if module.B is None]
    if without_b:
        warnings.append(f"A without B in {len(without_b)} of {len(modules)} modules ({without_b[0]}): side A only.")
    if any("lora_magnitude_vector" in name for name in checkpoint.tensors):
        warnings.append("DoRA: φ compares the product B A; the magnitude vectors are left out.")
    return warnings
