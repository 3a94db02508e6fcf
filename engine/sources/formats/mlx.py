"""MLX: `M.lora_a` (d_in, r) and `M.lora_b` (r, d_out), transposed against the paper, in .safetensors or .npz."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engine.naming.module_path import parse_module_path
from engine.sources.formats.checkpoint import Checkpoint, FormatModules
from engine.sources.formats.factors import (
    SCALING_UNKNOWN,
    ScalingOfRank,
    content_warnings,
    expert_axis,
    factor_problem,
    lora_module,
    tensors_by_role,
)

NAME = "MLX"

# The key alone decides: a (896, 8) with b (8, 896) would pass for a PEFT pair of rank 896.
_FACTOR = re.compile(r"(?P<module>.+)\.lora_(?P<role>[ab])$")


def recognises(checkpoint: Checkpoint) -> bool:
    """Whether any tensor is named `….lora_a`, in lower case and without `.weight`."""
    return any(name.endswith((".lora_a", ".lora_b")) for name in checkpoint.tensors)


def read_modules(checkpoint: Checkpoint) -> FormatModules:
    """Every module, transposed back; experts, which MLX does not transpose, one by one."""
    config = checkpoint.config or {}
    result = FormatModules(base_model=_text(config.get("model")))
    scaling = _scaling(config)
    for name, tensors in tensors_by_role(checkpoint, _FACTOR, {"a": "A", "b": "B"}).items():
        path = parse_module_path(name)
        A, B = tensors.get("A"), tensors.get("B")
        if A is not None and len(A.shape) == 3 and not factor_problem(A, B):
            result.add(expert_axis(path, A, B, scaling))
        else:
            result.add([lora_module(path, tensors, scaling, transposed=True)])
    if scaling(1) is None:
        result.warnings.append(checkpoint.config_problem or SCALING_UNKNOWN)
    result.warnings.extend(content_warnings(checkpoint, result.modules))
    return result


def _scaling(config: Mapping[str, Any]) -> ScalingOfRank:
    """MLX writes the factor itself, `scale`, whatever an `alpha` beside it says."""
    parameters = config.get("lora_parameters")
    scale = parameters.get("scale") if isinstance(parameters, dict) else None
    known = (
        float(scale) if isinstance(scale, int | float) and not isinstance(scale, bool) and abs(scale) < 1e30 else None
    )
    return lambda _rank: known


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
