"""The part of PEFT's adapter_config.json that decides rank and scaling; tolerant of anything else in it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

_LITERAL = re.compile(r"[\w.]+$")
# A key is a regular expression from a file: one that could take for ever on a name is taken literally.
_QUANTIFIED_GROUP = re.compile(r"\)[*+{]")
_MOST_QUANTIFIERS = 3
_LONGEST_KEY = 300


class LoraConfig:
    """Ranks, alphas and targets of a PEFT config."""

    def __init__(self, config: Mapping[str, Any] | None) -> None:
        config = config or {}
        self.rank = _number(config.get("r"))
        self.alpha = _number(config.get("lora_alpha"))
        self.rslora = config.get("use_rslora") is True
        self.adaptive = str(config.get("peft_type") or "").upper() == "ADALORA"
        self.base_model = _text(config.get("base_model_name_or_path"))
        self.targets = _texts(config.get("target_modules"))
        self.target_parameters = _texts(config.get("target_parameters"))
        self._ranks = _Patterns(config.get("rank_pattern"))
        self._alphas = _Patterns(config.get("alpha_pattern"))

    def scaling(self, module: str, rank: int) -> float | None:
        """alpha / r, or alpha / √r with rsLoRA, r being the tensors' own rank; None without an alpha."""
        alpha = self._alphas.first(module, self.alpha)
        if alpha is None or self.adaptive:  # AdaLoRA divides by a live rank that no file holds
            return None
        return alpha / (math.sqrt(rank) if self.rslora else rank)

    def scaling_of(self, module: str) -> Callable[[int], float | None]:
        """The module's scaling, given its rank."""
        return lambda rank: self.scaling(module, rank)

    def expected_rank(self, module: str) -> float | None:
        """The rank that the config promises; None where it promises none."""
        return None if self.adaptive else self._ranks.first(module, self.rank)

    def parameters_of(self, module: str) -> list[str]:
        """Names of the parameters of this module (`gate_up_proj`) that `target_parameters` lists, in its order."""
        found = []
        for target in self.target_parameters:
            owner, _, parameter = target.rpartition(".")
            if owner and (module == owner or module.endswith(f".{owner}")):
                found.append(parameter)
        return found

    def unmatched_targets(self, modules: list[str]) -> list[str]:
        """Target modules that are plain names and that no module of the file ends with."""
        ends = {end for module in modules for end in _ends(module)}
        return [target for target in self.targets if _LITERAL.match(target) and target not in ends]


def _ends(module: str) -> list[str]:
    """Every dotted end of a name, the whole name first."""
    parts = module.split(".")
    return [".".join(parts[start:]) for start in range(len(parts))]


class _Patterns:
    """PEFT's rule: the first key that the module's name ends with, as a regular expression after a dot."""

    def __init__(self, value: object) -> None:
        self._literal: dict[str, tuple[int, float]] = {}
        self._patterns: list[tuple[int, re.Pattern[str], float]] = []
        for position, (key, number) in enumerate(value.items() if isinstance(value, dict) else ()):
            parsed = _number(number)
            if parsed is None or not isinstance(key, str):
                continue
            if _LITERAL.match(key) or not _is_harmless(key):
                self._literal.setdefault(key, (position, parsed))
            else:
                self._patterns.append((position, re.compile(rf"(.*\.)?({key})$"), parsed))

    def first(self, module: str, otherwise: float | None) -> float | None:
        if not self._literal and not self._patterns:
            return otherwise
        found = [self._literal[end] for end in _ends(module) if end in self._literal]
        found += [(position, number) for position, pattern, number in self._patterns if pattern.match(module)]
        return min(found)[1] if found else otherwise


def _is_harmless(key: str) -> bool:
    if len(key) > _LONGEST_KEY or _QUANTIFIED_GROUP.search(key) or sum(map(key.count, "*+{")) > _MOST_QUANTIFIERS:
        return False
    try:
        re.compile(key)
    except (re.error, RecursionError, OverflowError):
        return False
    return True


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and number > 0 else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
