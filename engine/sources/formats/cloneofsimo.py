"""cloneofsimo/lora: modules by number, `unet:i:(up|down)`; its .pt files are bare lists [up, down, up, down, …]."""

from __future__ import annotations

import re
from collections.abc import Mapping

from engine.checkpoints.tensors import TensorInfo
from engine.naming.module_path import ModulePath
from engine.sources.formats.checkpoint import Checkpoint, FormatModules
from engine.sources.formats.factors import content_warnings, lora_module, no_scaling, tensors_by_role

NAME = "cloneofsimo"

_FACTOR = re.compile(r"(?P<module>[\w.]+:\d{1,6}):(?P<role>up|down)$")
_ROLES = {"down": "A", "up": "B"}
_TOWERS = {"unet": "unet", "text_encoder": "te1", "text_encoder_2": "te2"}


def recognises(checkpoint: Checkpoint) -> bool:
    """Whether tensors are named `unet:0:up`, or are a list of pairs without names."""
    return any(":" in name and _FACTOR.match(name) for name in checkpoint.tensors) or _is_list_of_pairs(
        checkpoint.tensors
    )


def read_modules(checkpoint: Checkpoint) -> FormatModules:
    """Every pair by its number: the file does not tell layers or projections. There is no scaling."""
    result = FormatModules()
    if _is_list_of_pairs(checkpoint.tensors):
        infos = list(checkpoint.tensors.values())
        for position in range(len(infos) // 2):
            tensors = {"B": infos[2 * position], "A": infos[2 * position + 1]}
            result.add([lora_module(_path(str(position), "", position), tensors, no_scaling)])
    else:
        for name, tensors in tensors_by_role(checkpoint, _FACTOR, _ROLES).items():
            model, _, number = name.rpartition(":")
            path = _path(name, _TOWERS.get(model, model), int(number))
            result.add([lora_module(path, tensors, no_scaling)])
    result.warnings.append("The file numbers its modules and does not name them: they are matched by position.")
    result.warnings.extend(content_warnings(checkpoint, result.modules))
    return result


def _path(name: str, tower: str, position: int) -> ModulePath:
    return ModulePath(name, None, f"#{position}", tower, "lora", tower)


def _is_list_of_pairs(tensors: Mapping[str, TensorInfo]) -> bool:
    """A list [up (out, r), down (r, in), …]: every two share the length in the middle."""
    if len(tensors) < 2 or len(tensors) % 2 or any(name != str(i) for i, name in enumerate(tensors)):
        return False
    infos = list(tensors.values())
    return all(
        len(up.shape) >= 2 and len(down.shape) >= 2 and up.shape[1] == down.shape[0]
        for up, down in zip(infos[::2], infos[1::2], strict=True)
    )
