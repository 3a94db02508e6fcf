"""The families of adapter files, one module each, tried in this order: the more telling names first."""

from __future__ import annotations

from typing import Protocol

from engine.sources.formats import (
    cloneofsimo,
    diffusers,
    kohya,
    litgpt,
    loralib,
    megatron,
    mlx,
    peft,
    samlora,
    torchtune,
)
from engine.sources.formats.checkpoint import Checkpoint, FormatModules


class SourceFormat(Protocol):
    """What each module of this package offers."""

    NAME: str

    def recognises(self, checkpoint: Checkpoint) -> bool:
        """Whether the names and shapes of the checkpoint are this family's."""
        ...

    def read_modules(self, checkpoint: Checkpoint) -> FormatModules:
        """The modules of a checkpoint that it recognises."""
        ...


FORMATS: tuple[SourceFormat, ...] = (
    kohya, diffusers, mlx, torchtune, samlora, cloneofsimo, megatron, peft, litgpt, loralib,
)  # fmt: skip
