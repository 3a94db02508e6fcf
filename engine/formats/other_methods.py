"""Adapters that are not LoRA, by the names of their tensors: recognised to be declined in plain words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from engine.adapter import SkippedModule
from engine.formats.checkpoint import Checkpoint

# Any of these in a tensor's name → what the method is called.
_BY_NAME = (
    (re.compile(r"(^|\.)(hada_[wt]\d?|hada_t\d)"), "LoHa"),
    (re.compile(r"(^|\.)lokr_[wt]"), "LoKr"),
    (re.compile(r"(^|\.)boft_"), "BOFT"),
    (re.compile(r"(^|\.)oft_"), "OFT"),
    (re.compile(r"(^|\.)ia3_l"), "IA3 (IA³)"),
    (re.compile(r"(^|\.)vera_"), "VeRA"),
    (re.compile(r"(^|\.)randlora_"), "RandLoRA"),
    (re.compile(r"(^|\.)vblora_"), "VB-LoRA"),
    (re.compile(r"(^|\.)delora_"), "DeLoRA"),
    (re.compile(r"(^|\.)fourierft_"), "FourierFT"),
    (re.compile(r"(^|\.)waveft_"), "WaveFT"),
    (re.compile(r"(^|\.)c3a_kernel"), "C3A"),
    (re.compile(r"(^|\.)(bone_|miss_block)"), "Bone/MiSS"),
    (re.compile(r"(^|\.)hra_u"), "HRA"),
    (re.compile(r"(^|\.)shira_"), "SHiRA"),
    (re.compile(r"(^|\.)road_(theta|alpha)"), "RoAd"),
    (re.compile(r"(^|\.)gralora_"), "GraLoRA"),
    (re.compile(r"(^|\.)(poly_lora_|poly_router)"), "Poly"),
    (re.compile(r"(^|\.)trainable_tokens_"), "trainable tokens"),
    (re.compile(r"(^|\.)(adaption_prompt|adaption_gate)"), "LLaMA-Adapter (adaption prompt)"),
    (re.compile(r"(^|\.)(prompt_embeddings|prompt_encoder)"), "prompt tuning"),
    (re.compile(r"\.(a1|a2|b1|b2)\.weight$"), "GLoRA"),
    (re.compile(r"\.(adapter_down|adapter_up|down_project|up_project)(\.|$)"), "bottleneck"),
    (re.compile(r"\.(w_norm|b_norm|diff|diff_b)$"), "full difference"),
)  # fmt: skip

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
        method = _method_of(name)
        if method and method != "full difference":
            return method
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
        for pattern, method in _BY_NAME:
            match = pattern.search(name)
            if match is None:
                continue
            module = name[: match.start()]
            if module and module not in seen:
                found.setdefault(module, method)
            break
    return [
        SkippedModule(module, f"This module holds {method} weights, which have no pair of LoRA factors.")
        for module, method in found.items()
    ]


def _method_of(name: str) -> str:
    return next((method for pattern, method in _BY_NAME if pattern.search(name)), "")
