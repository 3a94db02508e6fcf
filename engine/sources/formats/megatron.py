"""NeMo and Megatron: `M.adapter.linear_(in|out).weight`, older `M.adapter_layer.lora_*_adapter.linear_(in|out)`."""

from __future__ import annotations

import re

from engine.naming.module_path import parse_module_path
from engine.sources.formats.checkpoint import Checkpoint, FormatModules
from engine.sources.formats.factors import (
    SCALING_UNKNOWN,
    content_warnings,
    lora_module,
    tensors_by_role,
    unknown_scaling,
)

NAME = "Megatron"

_FACTOR = re.compile(r"(?P<module>.+?)(?:\.adapter|(?<=_adapter))\.linear_(?P<role>in|out)(?:\.weight)?$")


def recognises(checkpoint: Checkpoint) -> bool:
    """Whether any tensor is an adapter's `linear_in`."""
    return any("linear_in" in name and _FACTOR.match(name) for name in checkpoint.tensors)


def read_modules(checkpoint: Checkpoint) -> FormatModules:
    """Every module: `linear_in` is A, `linear_out` is B. Alpha is not among the tensors."""
    result = FormatModules()
    for name, tensors in tensors_by_role(checkpoint, _FACTOR, {"in": "A", "out": "B"}).items():
        result.add([lora_module(parse_module_path(name), tensors, unknown_scaling)])
    result.warnings.append(SCALING_UNKNOWN)
    result.warnings.extend(content_warnings(checkpoint, result.modules))
    return result
