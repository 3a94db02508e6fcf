"""Hugging Face PEFT: `M.lora_A(.NAME)?.weight`, `M.lora_B(.NAME)?.weight`, adapter_config.json beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from engine.checkpoints.tensors import TensorInfo
from engine.naming.module_path import parse_module_path
from engine.sources.formats.checkpoint import CONFIG_NAME, Checkpoint, FormatModules
from engine.sources.formats.factors import (
    content_warnings,
    factor_problem,
    lora_module,
    ranks_differ,
    stacked_experts,
)
from engine.sources.formats.lora_config import LoraConfig
from engine.sources.matrices import StoredMatrix
from engine.sources.source import Module, SkippedModule
from engine.wording import count, listed, natural

NAME = "PEFT"

_FACTOR = re.compile(
    r"(?P<module>.+)\.lora_(?P<role>embedding_A|embedding_B|A|B|E)"
    r"(?:\.(?P<adapter>(?!weight$|bias$)[^.]+))?(?:\.weight)?$"
)
_ROLES = {"A": "A", "B": "B", "E": "E", "embedding_A": "A", "embedding_B": "B"}
_NESTED = ".base_layer"


def recognises(checkpoint: Checkpoint) -> bool:
    """Whether any tensor is named as PEFT names its factors, or a PEFT config stands beside bare ones."""
    has_config = str((checkpoint.config or {}).get("peft_type") or "").upper() in {"LORA", "ADALORA"}
    for name, info in checkpoint.tensors.items():
        match = _FACTOR.match(name)
        if match is not None and match["role"] != "E":
            ends = name.endswith((".weight", "embedding_A", "embedding_B")) or match["adapter"] is not None
            wrapped = "base_model.model." in info.name
            if ends or has_config or wrapped or f"{match['module']}.lora_E" in checkpoint.tensors:
                return True
    return False


def read_modules(checkpoint: Checkpoint) -> FormatModules:
    """Pair the factors of every module, with ranks from the tensors and scaling from the config."""
    config = LoraConfig(checkpoint.config)
    result = FormatModules(base_model=config.base_model)
    by_module, warnings = _by_module(checkpoint)
    result.warnings.extend(warnings)
    stacks = _expert_stacks(by_module, config)
    for name, tensors in by_module.items():
        if name in stacks:
            result.add(_experts(name, tensors, config, *stacks[name]))
        else:
            result.add([_module(name, tensors, config)])
    if stacks:
        result.warnings.append(_stacks_warning(stacks))
    result.warnings.extend(_config_warnings(checkpoint, config, result.modules))
    result.warnings.extend(content_warnings(checkpoint, result.modules))
    if any(module.update.E is not None for module in result.modules):
        result.warnings.append("AdaLoRA: sides A and B compare the factors as stored, ΔW is B diag(E) A.")
    return result


def _by_module(checkpoint: Checkpoint) -> tuple[dict[str, dict[str, TensorInfo]], list[str]]:
    """Module → role → tensor, of one adapter where the file holds several by name, and a warning about those."""
    by_adapter: dict[str, dict[str, dict[str, TensorInfo]]] = {}
    for name, info in checkpoint.tensors.items():
        match = _FACTOR.match(name)
        if match is not None:
            modules = by_adapter.setdefault(match["adapter"] or "", {})
            modules.setdefault(match["module"], {})[_ROLES[match["role"]]] = info
    names = natural(by_adapter)
    chosen = next((name for name in ("", "default") if name in by_adapter), names[0])
    if len(names) == 1:
        return by_adapter[chosen], []
    others = ", ".join(name for name in names if name != chosen)
    return by_adapter[chosen], [
        f"The file holds several adapters; {chosen or 'the unnamed one'} is read, not {others}."
    ]


def _module(name: str, tensors: Mapping[str, TensorInfo], config: LoraConfig) -> Module | SkippedModule:
    made = lora_module(parse_module_path(name), tensors, config.scaling_of(name))
    diagonal = tensors.get("E")
    if isinstance(made, SkippedModule) or diagonal is None:
        return made
    if diagonal.problem:
        return SkippedModule(name, f"AdaLoRA's diagonal {diagonal.problem}.")
    if diagonal.shape not in {(made.rank, 1), (made.rank,)}:
        return SkippedModule(name, f"AdaLoRA's diagonal has another length than the rank {made.rank}.")
    E = StoredMatrix((diagonal.name,), (made.rank, 1), diagonal.dtype)
    return replace(made, update=replace(made.update, E=E))


# --- target_parameters: one pair of factors for all experts ---------------------------------------------


def _expert_stacks(
    by_module: Mapping[str, Mapping[str, TensorInfo]], config: LoraConfig
) -> dict[str, tuple[int, str]]:
    """Modules whose A stacks r rows per expert → the number of experts, and the parameter that is adapted.

    The file does not tell the number; it follows from the config's rank.
    """
    stacks = {}
    for name, tensors in by_module.items():
        owner = name
        while owner.endswith(_NESTED):
            owner = owner.removesuffix(_NESTED)
        if not config.target_parameters and not owner.endswith(".experts"):
            continue
        parameters = config.parameters_of(owner)
        A, B = tensors.get("A"), tensors.get("B")
        rank = config.expected_rank(owner)
        is_stack = bool(parameters) or owner.endswith(".experts")
        if not is_stack or A is None or rank is None or factor_problem(A, B):
            continue
        experts, rest = divmod(A.shape[0], int(rank))
        if rest == 0 and experts > 1 and len(A.shape) == 2 and (B is None or B.shape[1:] == (A.shape[0],)):
            stacks[name] = (experts, _parameter(name, owner, parameters, by_module))
    return stacks


def _parameter(
    name: str, owner: str, parameters: list[str], by_module: Mapping[str, Mapping[str, TensorInfo]]
) -> str:
    """Which parameter a wrapper adapts. PEFT wraps the one declared first innermost, and names it last."""
    declared = sorted(parameters, key=lambda parameter: (parameter != "gate_up_proj", parameters.index(parameter)))
    depth = (len(name) - len(owner)) // len(_NESTED)
    wrappers = sum(owner + _NESTED * level in by_module for level in range(len(declared) + 1))
    if wrappers != len(declared) or depth >= len(declared):
        return ""
    return declared[len(declared) - 1 - depth]


def _experts(
    name: str, tensors: Mapping[str, TensorInfo], config: LoraConfig, experts: int, parameter: str
) -> list[Module] | list[SkippedModule]:
    A, B = tensors["A"], tensors.get("B")
    path = parse_module_path(name)
    if B is not None and len(B.shape) != 2:
        return [ranks_differ(path, A, B)]
    if parameter:
        path = replace(path, projection=parse_module_path(f"{name}.{parameter}").projection)
    return stacked_experts(path, A, B, experts, config.scaling_of(name))


def _stacks_warning(stacks: Mapping[str, tuple[int, str]]) -> str:
    name, (experts, _) = next(iter(stacks.items()))
    return (
        f"target_parameters: {count(len(stacks), 'module')} {'stacks' if len(stacks) == 1 else 'stack'} the factors "
        f"of all experts ({name}); each of the {experts} experts is compared on its own."
    )


# --- what a reader should know --------------------------------------------------------------------------


def _config_warnings(checkpoint: Checkpoint, config: LoraConfig, modules: list[Module]) -> list[str]:
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
            f"({len(differing)} of {count(len(modules), 'module')}); the tensors' rank is used, for the scaling too."
        )
    missing = config.unmatched_targets([module.path.name.partition("[")[0] for module in modules])
    if modules and missing:
        warnings.append(f"{CONFIG_NAME} names target modules that the file does not hold: {listed(missing)}.")
    return warnings
