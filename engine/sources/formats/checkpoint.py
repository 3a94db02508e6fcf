"""What a format sees of a checkpoint: names, shapes and the files beside it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.checkpoints.reading import TensorFile
from engine.checkpoints.tensors import TensorInfo
from engine.errors import MalformedAdapter
from engine.sources.source import Module, SkippedModule

CONFIG_NAME = "adapter_config.json"
# A config is a page of text; with a rank of its own for each of 10 000 modules it has 1 MB.
_LARGEST_CONFIG = 4_000_000
# Twice the modules of the largest adapter known; a stack of experts in a damaged file could claim any number.
_MOST_MODULES = 100_000


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

    def numbers(self, tensors: Iterable[TensorInfo]) -> dict[str, float]:
        """The values of these one-element tensors, such as alphas, by their name in the file.

        Raises:
            FileChanged, UnreadableFile, MalformedAdapter: as TensorReader.read.
        """
        with self.file.files.unchanged(), self.file.open() as reader:
            values = {info.name: reader.number(info.name) for info in tensors}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True)
class FormatModules:
    """What a format makes of a checkpoint."""

    modules: list[Module] = field(default_factory=list)
    unusable: list[SkippedModule] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    base_model: str = ""

    def add(self, made: Iterable[Module | SkippedModule]) -> None:
        """Sort modules into those that can be compared and those that cannot.

        Raises:
            MalformedAdapter: more modules than any adapter has.
        """
        for module in made:
            if isinstance(module, SkippedModule):
                self.unusable.append(module)
            else:
                self.modules.append(module)
            if len(self.modules) > _MOST_MODULES:
                raise MalformedAdapter(f"The file claims more than {_MOST_MODULES} modules; no adapter has so many.")


# Wrappers that training frameworks put around or between the parts of a name.
_WRAPPER_PARTS = {
    "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "_forward_module", "module",
}  # fmt: skip
_PEFT_PREFIX = "base_model.model."


def without_wrappers(name: str) -> str:
    """A tensor's name without what `torch.compile`, FSDP, DDP, Lightning and PEFT wrap around the model."""
    if "module" in name or "_orig" in name:
        name = ".".join(part for part in name.split(".") if part not in _WRAPPER_PARTS)
    before, found, after = name.partition(_PEFT_PREFIX)
    if not found or (before and not before.endswith(".")):
        return name
    outer = before[:-1].split(".") if before else []
    while outer and outer[-1] == "model":  # Lightning's name for what it trains
        outer.pop()
    return without_wrappers(".".join([*outer, after]))


def read_checkpoint(file: TensorFile) -> Checkpoint:
    """Clean the names of a tensor file and read the config beside it."""
    tensors = {without_wrappers(name): info for name, info in file.tensors.items()}
    config, problem = _read_config(file.path.with_name(CONFIG_NAME))
    return Checkpoint(file, tensors, config, problem)


def _read_config(path: Path) -> tuple[Mapping[str, Any] | None, str]:
    try:
        if path.exists() and not path.is_file():
            return None, f"{CONFIG_NAME} is not a file, so the scaling is unknown."
        with path.open("rb") as file:
            raw = file.read(_LARGEST_CONFIG + 1)
        if len(raw) > _LARGEST_CONFIG:
            return None, f"{CONFIG_NAME} is far too large for one, so the scaling is unknown."
        config = json.loads(raw.decode("utf-8-sig"))
    except FileNotFoundError:
        return None, ""
    except OSError:
        return None, f"{CONFIG_NAME} cannot be read, so the scaling is unknown."
    except (ValueError, RecursionError):
        return None, f"{CONFIG_NAME} is not valid JSON, so the scaling is unknown."
    if not isinstance(config, dict):
        return None, f"{CONFIG_NAME} is not a JSON object, so the scaling is unknown."
    return config, ""
