"""kohya and LyCORIS LoCon: `lora_unet_FLAT.(lora_down|lora_up|lora_mid).weight`, `.alpha`, `.dora_scale`."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping

import numpy as np

from engine.checkpoints.storage_types import Float64Array
from engine.checkpoints.tensors import TensorInfo, element_count
from engine.naming.flat_names import dotted_name, split_prefix
from engine.naming.module_path import ModulePath, parse_module_path
from engine.sources.formats.checkpoint import Checkpoint, FormatModules
from engine.sources.formats.factors import (
    ScalingOfRank,
    content_warnings,
    factor_problem,
    lora_module,
    shape_text,
    tensors_by_role,
)
from engine.sources.matrices import Factors, StoredMatrix
from engine.sources.source import Module, SkippedModule

NAME = "kohya"

_TENSOR = re.compile(r"(?P<module>.+)\.(?P<role>lora_down\.weight|lora_up\.weight|lora_mid\.weight|alpha|scalar)$")
_ROLES = {
    "lora_down.weight": "A", "lora_up.weight": "B", "lora_mid.weight": "mid", "alpha": "alpha", "scalar": "scalar",
}  # fmt: skip


def recognises(checkpoint: Checkpoint) -> bool:
    """Whether any tensor is named `….lora_down.weight`."""
    return any(name.endswith(".lora_down.weight") for name in checkpoint.tensors)


def read_modules(checkpoint: Checkpoint) -> FormatModules:
    """Every module, its name read by vocabulary where it is flattened; scaling from its own alpha."""
    result = FormatModules()
    by_module = {
        name: tensors
        for name, tensors in tensors_by_role(checkpoint, _TENSOR, _ROLES).items()
        if "A" in tensors or "B" in tensors
    }
    numbers = checkpoint.numbers(
        tensors[role] for tensors in by_module.values() for role in ("alpha", "scalar") if role in tensors
    )
    stabilised = _is_rank_stabilised(checkpoint.file.metadata)
    for name, tensors in by_module.items():
        scaling = _scaling(tensors, numbers, stabilised)
        result.add([_module(_path(name), tensors, scaling)])
    result.warnings.extend(content_warnings(checkpoint, result.modules))
    return result


def _path(name: str) -> ModulePath:
    split = None if "." in name else split_prefix(name)
    if split is None:
        return parse_module_path(name)
    tower, flat = split
    return parse_module_path(name, dotted=dotted_name(flat), tower=tower)


def _scaling(tensors: Mapping[str, TensorInfo], numbers: Mapping[str, float], stabilised: bool) -> ScalingOfRank:
    """alpha / r; 1 where alpha is missing or 0, as kohya's own loader has it. LyCORIS may multiply by a scalar."""

    def scaling(rank: int) -> float | None:
        alpha = numbers.get(tensors["alpha"].name, 0.0) if "alpha" in tensors else 0.0
        factor = numbers.get(tensors["scalar"].name, 1.0) if "scalar" in tensors else 1.0
        value = factor * (alpha / (math.sqrt(rank) if stabilised else rank) if alpha else 1.0)
        return value if math.isfinite(value) else None

    return scaling


def _is_rank_stabilised(metadata: Mapping[str, str]) -> bool:
    try:
        arguments = json.loads(metadata.get("ss_network_args") or "{}")
    except (ValueError, RecursionError):
        return False
    return isinstance(arguments, dict) and str(arguments.get("rs_lora")).lower() == "true"


def _module(path: ModulePath, tensors: Mapping[str, TensorInfo], scaling: ScalingOfRank) -> Module | SkippedModule:
    if "mid" not in tensors:
        return lora_module(path, tensors, scaling)
    return _tucker_module(path, tensors, scaling)


def _tucker_module(
    path: ModulePath, tensors: Mapping[str, TensorInfo], scaling: ScalingOfRank
) -> Module | SkippedModule:
    """A convolution in Tucker form: down (r', in, 1, 1), mid (r, r', k…), up (out, r, 1, 1).

    mid and down together are A: (r, in·k…).
    """
    A, B, mid = tensors.get("A"), tensors.get("B"), tensors["mid"]
    problem = factor_problem(A, B) or factor_problem(mid, None)
    if problem or A is None:
        return SkippedModule(path.name, problem)
    fits = mid.shape[1] == A.shape[0] and element_count(A.shape[2:]) == 1
    if not fits or (B is not None and (B.shape[1] != mid.shape[0] or element_count(B.shape[2:]) != 1)):
        return SkippedModule(path.name, f"lora_mid has shape {shape_text(mid)}, which fits neither A nor B.")
    rank, d_in = mid.shape[0], A.shape[1] * element_count(mid.shape[2:])
    factors = Factors(
        A=StoredMatrix((mid.name, A.name), (rank, d_in), A.dtype, compose=_composed),
        B=StoredMatrix((B.name,), (B.shape[0], rank), B.dtype) if B is not None else None,
        scaling=scaling(rank),
    )
    return Module(path, factors)


def _composed(mid: Float64Array, down: Float64Array) -> Float64Array:
    """(r, r', k…) and (r', in, 1…) → (r, in·k…), the kernel's axes last, as in a plain convolution."""
    composed: Float64Array = np.einsum("abk,bi->aik", mid.reshape(*mid.shape[:2], -1), down.reshape(down.shape[:2]))
    return composed.reshape(mid.shape[0], -1)
