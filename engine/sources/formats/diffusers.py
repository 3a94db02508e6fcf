"""diffusers: `(unet|transformer|text_encoder…).M.lora.(down|up).weight` and its other suffixes, new and old.

Image trainers that use PEFT's names behind `diffusion_model.` or `transformer.` (ai-toolkit), and XLabs' Flux
processors (`double_blocks.N.processor.qkv_lora1.down.weight`), belong here too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from engine.checkpoints.tensors import TensorInfo
from engine.naming.module_path import ModulePath, parse_module_path
from engine.sources.formats.checkpoint import Checkpoint, FormatModules
from engine.sources.formats.factors import SCALING_UNKNOWN, ScalingOfRank, content_warnings, lora_module
from engine.sources.formats.lora_config import LoraConfig

NAME = "diffusers"

_METADATA = "lora_adapter_metadata"
_ROLE = {"down": "A", "up": "B", "A": "A", "B": "B"}
_FACTOR = re.compile(
    r"(?P<module>.+?)(?:"
    r"\.lora\.(?P<plain>down|up)\.weight|"
    r"\.lora_(?P<peft>A|B)(?:\.(?!weight$|bias$)[^.]+)?\.weight|"
    r"\.lora_linear_layer\.(?P<text>down|up)\.weight|"
    r"(?P<processor>_lora\d?)\.(?P<old>down|up)\.weight"
    r")$"
)
_ALPHA = re.compile(r"(?P<module>.+)\.(?:network_)?alpha$")
# The part of a pipeline that a name starts with, and its tower.
_PIPELINE = re.compile(r"(unet|transformer|text_encoder|text_encoder_2|text_encoder_3|diffusion_model|prior)\.")
# PEFT's suffixes are diffusers' behind one of these; `transformer.h.0` is a GPT-2 and no diffusion model.
_BEFORE_PEFT_NAMES = re.compile(
    r"(?:unet|text_encoder(?:_[23])?|prior)\.|"
    r"(?:model\.)?(?:transformer|diffusion_model)\.(?:single_)?(?:transformer_blocks|blocks|double_blocks|"
    r"single_blocks|joint_blocks|layers|context_refiner|noise_refiner)\."
)
_OLD_PROCESSOR = re.compile(r"(?P<attention>.+)\.processor\.(?P<projection>to_(?:q|k|v|out))$")


def recognises(checkpoint: Checkpoint) -> bool:
    """Whether the header carries diffusers' metadata, or any factor is named as diffusers or XLabs name theirs."""
    if _METADATA in checkpoint.file.metadata:
        return any(_FACTOR.match(name) for name in checkpoint.tensors)
    return any(_is_own(name) for name, info in checkpoint.tensors.items() if info.name == name)


def _is_own(name: str) -> bool:
    if name.endswith((".down.weight", ".up.weight")):
        return _FACTOR.match(name) is not None
    return ".lora_" in name and _BEFORE_PEFT_NAMES.match(name) is not None and _FACTOR.match(name) is not None


def read_modules(checkpoint: Checkpoint) -> FormatModules:
    """Every module; scaling from the header's metadata, else from an alpha beside the factors."""
    result = FormatModules()
    configs = _configs(checkpoint.file.metadata.get(_METADATA))
    by_module, unscaled = _by_module(checkpoint)
    alphas = _alphas(checkpoint)
    for name, tensors in by_module.items():
        scaling = _scaling(name, configs, alphas, unscaled)
        result.add([lora_module(_path(name), tensors, scaling)])
    if any(module.scaling is None for module in result.modules):
        result.warnings.append(SCALING_UNKNOWN)
    result.warnings.extend(content_warnings(checkpoint, result.modules))
    return result


def _by_module(checkpoint: Checkpoint) -> tuple[dict[str, dict[str, TensorInfo]], set[str]]:
    """Module → role → tensor, and the modules of old attention processors, which have no scaling at all."""
    found: dict[str, dict[str, TensorInfo]] = {}
    unscaled = set()
    for name, info in checkpoint.tensors.items():
        match = _FACTOR.match(name)
        if match is None:
            continue
        module = match["module"]
        if match["processor"]:
            module = module if _OLD_PROCESSOR.match(module) else module + match["processor"]
            unscaled.add(module)
        role = match["plain"] or match["peft"] or match["text"] or match["old"]
        found.setdefault(module, {})[_ROLE[role]] = info
    return found, unscaled


def _path(name: str) -> ModulePath:
    old = _OLD_PROCESSOR.match(name)
    dotted = f"{old['attention']}.{old['projection']}" if old else name
    pipeline = _PIPELINE.match(dotted)
    if pipeline and pipeline[1] == "transformer":
        return parse_module_path(name, dotted=dotted, tower="transformer")
    return parse_module_path(name, dotted=dotted)


def _alphas(checkpoint: Checkpoint) -> dict[str, float]:
    infos = {match["module"]: info for name, info in checkpoint.tensors.items() if (match := _ALPHA.match(name))}
    values = checkpoint.numbers(infos.values()) if infos else {}
    return {module: values[info.name] for module, info in infos.items() if info.name in values}


def _scaling(
    name: str, configs: Mapping[str, LoraConfig], alphas: Mapping[str, float], unscaled: set[str]
) -> ScalingOfRank:
    if name in alphas:
        return lambda rank: alphas[name] / rank if alphas[name] else 1.0
    pipeline = _PIPELINE.match(name)
    config = configs.get(pipeline[1] if pipeline else "") or configs.get("")
    if config is not None:
        bare = name[pipeline.end() :] if pipeline else name
        return config.scaling_of(bare)
    known = 1.0 if name in unscaled else None
    return lambda _rank: known


def _configs(text: str | None) -> dict[str, LoraConfig]:
    """Part of the pipeline → its PEFT config; the part is empty where the file holds one model's adapter."""
    try:
        metadata = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return {}
    if not isinstance(metadata, dict):
        return {}
    by_part: dict[str, dict[str, Any]] = {}
    for key, value in metadata.items():
        pipeline = _PIPELINE.match(key)
        part, bare = (pipeline[1], key[pipeline.end() :]) if pipeline else ("", key)
        by_part.setdefault(part, {})[bare] = value
    return {part: LoraConfig(config) for part, config in by_part.items()}
