"""What a format sees of a checkpoint: names, shapes and the files beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.adapter import LoraModule, SkippedModule
from engine.tensor_file import TensorFile, TensorInfo

CONFIG_NAME = "adapter_config.json"


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A tensor file's header with its names freed of wrappers, and the adapter_config.json beside it.

    `tensors` maps the cleaned name to the header facts, which keep the name in the file. `config` is None where
    there is none or it cannot be read; `config_problem` then says what is wrong with it, if anything.
    """

    file: TensorFile
    tensors: Mapping[str, TensorInfo]
    config: Mapping[str, Any] | None
    config_problem: str = ""


@dataclass(frozen=True)
class FormatModules:
    """What a format makes of a checkpoint."""

    modules: list[LoraModule] = field(default_factory=list)
    unusable: list[SkippedModule] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    base_model: str = ""


# Wrappers that training frameworks put around or between the parts of a name; PEFT's comes last, so that
# Lightning's `model.` in front of it is known to be one.
_WRAPPER_PARTS = {
    "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "_forward_module",
}  # fmt: skip
_PEFT_PREFIX = "base_model.model."


def without_wrappers(name: str) -> str:
    """A tensor's name without what `torch.compile`, FSDP, DDP, Lightning and PEFT wrap around the model."""
    parts = [part for part in name.split(".") if part not in _WRAPPER_PARTS]
    while parts and parts[0] == "module":
        parts = parts[1:]
    cleaned = ".".join(parts)
    before, found, after = cleaned.partition(_PEFT_PREFIX)
    if found and (not before or before.strip(".").split(".")[-1] in {"model", "module"}):
        return without_wrappers(after)
    return cleaned


def read_checkpoint(file: TensorFile) -> Checkpoint:
    """Clean the names of a tensor file and read the config beside it."""
    tensors = {without_wrappers(name): info for name, info in file.tensors.items()}
    config, problem = _read_config(file.path.with_name(CONFIG_NAME))
    return Checkpoint(file, tensors, config, problem)


def _read_config(path: Path) -> tuple[Mapping[str, Any] | None, str]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None, ""
    except (OSError, ValueError, RecursionError):
        return None, f"{CONFIG_NAME} is not valid JSON, so the scaling is unknown."
    if not isinstance(config, dict):
        return None, f"{CONFIG_NAME} is not a JSON object, so the scaling is unknown."
    return config, ""
