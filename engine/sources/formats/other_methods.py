"""Adapters that are not LoRA, by the names of their tensors: recognised to be declined in plain words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from engine.sources.formats.checkpoint import Checkpoint
from engine.sources.source import SkippedModule

# A tensor's role is among the last parts of its name: its first word → what the whole part must begin with, and
# what the method is called.
_BY_ROLE = {
    "hada": (re.compile(r"hada_[wt]"), "LoHa"),
    "lokr": (re.compile(r"lokr_[wt]"), "LoKr"),
    "boft": (re.compile(r"boft_[A-Za-z]"), "BOFT"),
    "oft": (re.compile(r"oft_[A-Za-z]"), "OFT"),
    "ia3": (re.compile(r"ia3_l"), "IA3 (IA³)"),
    "vera": (re.compile(r"vera_(A|B|lambda)"), "VeRA"),
    "randlora": (re.compile(r"randlora_"), "RandLoRA"),
    "vblora": (re.compile(r"vblora_"), "VB-LoRA"),
    "delora": (re.compile(r"delora_"), "DeLoRA"),
    "gralora": (re.compile(r"gralora_"), "GraLoRA"),
    "fourierft": (re.compile(r"fourierft_"), "FourierFT"),
    "waveft": (re.compile(r"waveft_"), "WaveFT"),
    "c3a": (re.compile(r"c3a_kernel"), "C3A"),
    "bone": (re.compile(r"bone_(block|\.|$)"), "Bone/MiSS"),
    "miss": (re.compile(r"miss_block"), "Bone/MiSS"),
    "hra": (re.compile(r"hra_u"), "HRA"),
    "shira": (re.compile(r"shira_"), "SHiRA"),
    "road": (re.compile(r"road_(theta|alpha)"), "RoAd"),
    "poly": (re.compile(r"poly_(lora_|router)"), "Poly"),
    "trainable": (re.compile(r"trainable_tokens_"), "trainable tokens"),
    "adaption": (re.compile(r"adaption_(prompt|gate)"), "LLaMA-Adapter (adaption prompt)"),
    "prompt": (re.compile(r"prompt_embeddings$"), "prompt tuning"),
    "a1": (re.compile(r"a1$"), "GLoRA"),
    "b2": (re.compile(r"b2$"), "GLoRA"),
    "adapter": (re.compile(r"adapter_(down|up)$"), "bottleneck adapters"),
    "w": (re.compile(r"w_norm$"), "full differences"),
    "diff": (re.compile(r"diff(_b)?$"), "full differences"),
}
_ROLE_WITHIN = 3

# PEFT's word for it → ours, where they differ.
_BY_CONFIG = {
    "LOHA": "LoHa", "LOKR": "LoKr", "VERA": "VeRA", "IA3": "IA3 (IA³)", "PROMPT_TUNING": "prompt tuning",
    "P_TUNING": "P-tuning", "PREFIX_TUNING": "prefix tuning", "MULTITASK_PROMPT_TUNING": "multitask prompt tuning",
    "ADAPTION_PROMPT": "LLaMA-Adapter (adaption prompt)", "FOURIERFT": "FourierFT", "VBLORA": "VB-LoRA",
    "RANDLORA": "RandLoRA", "LN_TUNING": "LayerNorm tuning", "TRAINABLE_TOKENS": "trainable tokens",
    "DELORA": "DeLoRA", "GRALORA": "GraLoRA", "SHIRA": "SHiRA", "ROAD": "RoAd", "WAVEFT": "WaveFT",
    "BONE": "Bone/MiSS", "MISS": "Bone/MiSS", "CPT": "context-aware prompt tuning",
}  # fmt: skip
_LORA_TYPES = {"LORA", "ADALORA", ""}


def method_name(checkpoint: Checkpoint) -> str:
    """What kind of adapter this is, where it is one without LoRA factors; empty where nothing tells it."""
    for name in checkpoint.tensors:
        found = _role(name)
        if found is not None:
            return found[1]
    kind = config_type(checkpoint.config)
    return "" if kind in _LORA_TYPES else _BY_CONFIG.get(kind, kind)


def config_type(config: Mapping[str, Any] | None) -> str:
    """`peft_type` of a config in capitals; empty where there is none."""
    kind = (config or {}).get("peft_type")
    return kind.upper() if isinstance(kind, str) else ""


def foreign_modules(checkpoint: Checkpoint, known: Iterable[str]) -> list[SkippedModule]:
    """Modules of another method that stand in one file with LoRA modules, which are `known`."""
    seen = set(known)
    found: dict[str, str] = {}
    for name in checkpoint.tensors:
        role = _role(name)
        if role is not None and role[0] and role[0] not in seen:
            found.setdefault(*role)
    return [
        SkippedModule(module, f"This module holds weights of {method}, which have no pair of LoRA factors.")
        for module, method in found.items()
    ]


def _role(name: str) -> tuple[str, str] | None:
    """The module that a tensor of another method belongs to, and the method; None for any other tensor."""
    end = len(name)
    for part in reversed(name.rsplit(".", _ROLE_WITHIN)[-_ROLE_WITHIN:]):
        end -= len(part) + 1
        known = _BY_ROLE.get(part.partition("_")[0])
        if known is not None and known[0].match(part):
            return name[: max(end, 0)], known[1]
    return None
