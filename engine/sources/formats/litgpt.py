"""litgpt's `.lora` and `.pth`: loralib's names inside litgpt's own GPT (`transformer.h.N.attn.qkv`)."""

from __future__ import annotations

import re

from engine.sources.formats import loralib
from engine.sources.formats.checkpoint import Checkpoint, FormatModules

NAME = "litgpt"

_OWN = re.compile(r"(?:.+\.)?h\.\d+\.(attn\.(qkv|attn|proj)|mlp\.(fc|fc_1|fc_2|proj|experts\.\d+\..+))\.lora_A$")


def recognises(checkpoint: Checkpoint) -> bool:
    """Whether any factor belongs to a module that only litgpt's GPT has."""
    return any(_OWN.match(name) for name in checkpoint.tensors)


def read_modules(checkpoint: Checkpoint) -> FormatModules:
    """Every module; `attn.qkv` comes as its parts, `M[q]` and `M[v]`."""
    return loralib.read_modules(checkpoint)
