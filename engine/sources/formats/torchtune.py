"""torchtune: `layers.N.(attn|mlp).M.lora_(a|b).weight`, shaped as in the paper; alpha is not in the file."""

from __future__ import annotations

import re

from engine.naming.module_path import parse_module_path
from engine.sources.formats.checkpoint import Checkpoint, FormatModules
from engine.sources.formats.factors import SCALING_UNKNOWN, content_warnings, lora_module, tensors_by_role
from engine.sources.formats.lora_config import LoraConfig

NAME = "torchtune"

_FACTOR = re.compile(r"(?P<module>.+)\.lora_(?P<role>[ab])\.weight$")
# torchtune rotates neighbouring elements of a head (as Llama's own code does), Transformers its two halves; its
# converter permutes the rows of these two projections.
_ROTATED = {"q", "k"}
_INTERLEAVED = "rotary pairs side by side"


def recognises(checkpoint: Checkpoint) -> bool:
    """Whether any tensor is named `….lora_a.weight`, in lower case."""
    return any(name.endswith((".lora_a.weight", ".lora_b.weight")) for name in checkpoint.tensors)


def read_modules(checkpoint: Checkpoint) -> FormatModules:
    """Every module; the scaling is known only where a config stands beside the file."""
    config = LoraConfig(checkpoint.config)
    result = FormatModules(base_model=config.base_model)
    for name, tensors in tensors_by_role(checkpoint, _FACTOR, {"a": "A", "b": "B"}).items():
        path = parse_module_path(name)
        order = _INTERLEAVED if path.projection in _ROTATED else ""
        result.add([lora_module(path, tensors, config.scaling_of(name), row_order=order)])
    if config.alpha is None:
        result.warnings.append(checkpoint.config_problem or SCALING_UNKNOWN)
    result.warnings.extend(content_warnings(checkpoint, result.modules))
    return result
