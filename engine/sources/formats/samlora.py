"""SAM-LoRA and LoRA-ViT: `w_a_NNN`, `w_b_NNN`, two per block of a vision transformer: 2i is q, 2i + 1 is v.

SAM-LoRA adds B A x as it is: its scaling is 1. LoRA-ViT came to multiply it by alpha // r, which its files do not
hold; they are told by the classifier that it saves beside the factors.
"""

from __future__ import annotations

import re

from engine.checkpoints.tensors import TensorInfo
from engine.naming.module_path import ModulePath
from engine.sources.formats.checkpoint import Checkpoint, FormatModules
from engine.sources.formats.factors import SCALING_UNKNOWN, content_warnings, lora_module, no_scaling, unknown_scaling

NAME = "SAM-LoRA"

_FACTOR = re.compile(r"w_(?P<role>[ab])_(?P<number>\d{1,6})(?:\.weight)?$")
_CLASSIFIER = re.compile(r"fc_\d+in_\d+out$")


def recognises(checkpoint: Checkpoint) -> bool:
    """Whether any tensor is named `w_a_NNN`."""
    return any(name.startswith("w_") and _FACTOR.match(name) for name in checkpoint.tensors)


def read_modules(checkpoint: Checkpoint) -> FormatModules:
    """Every pair, with its place by its number."""
    result = FormatModules()
    has_alpha = any(_CLASSIFIER.match(name) for name in checkpoint.tensors)
    by_number: dict[str, dict[str, TensorInfo]] = {}
    for name, info in checkpoint.tensors.items():
        match = _FACTOR.match(name)
        if match is not None:
            by_number.setdefault(match["number"], {})[match["role"].upper()] = info
    for number, tensors in by_number.items():
        result.add([lora_module(_path(number), tensors, unknown_scaling if has_alpha else no_scaling)])
    if has_alpha:
        result.warnings.append(SCALING_UNKNOWN)
    result.warnings.extend(content_warnings(checkpoint, result.modules))
    return result


def _path(number: str) -> ModulePath:
    block, is_value = divmod(int(number), 2)
    return ModulePath(f"w_{number}", block, "", "", "v" if is_value else "q")
