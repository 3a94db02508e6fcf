"""A module's name in a checkpoint, read as layer, tower and projection."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from engine.naming.projections import PROJECTION_ORDER, projection_of
from engine.wording import natural_key

# The integer after one of these is the layer, counted from 0; the first one in the path counts. `experts` is
# none of them, nor are `net` and `to_out`.
_LAYER_LISTS = {
    "layers", "layer", "h", "block", "blocks",
    "transformer_blocks", "single_transformer_blocks", "double_blocks", "single_blocks", "joint_blocks", "blk",
}  # fmt: skip

# Towers, by the part of the path that tells them; the first that is found counts.
_TOWERS = {
    "encoder": "encoder", "decoder": "decoder",
    "text_model": "text", "vision_model": "vision", "language_model": "text", "vision_tower": "vision",
    "visual": "vision", "audio_tower": "audio", "qformer": "qformer",
    "text_encoder": "te1", "text_encoder_2": "te2", "text_encoder_3": "te3",
    "unet": "unet", "diffusion_model": "unet", "prior": "prior",
    "down_blocks": "unet", "mid_block": "unet", "up_blocks": "unet",
    "input_blocks": "unet", "middle_block": "unet", "output_blocks": "unet",
    "single_transformer_blocks": "single", "transformer_blocks": "double",
    "single_blocks": "single", "double_blocks": "double",
}  # fmt: skip
# In a diffusion transformer these stacks count their layers each on its own.
_STACKS = {
    "single_transformer_blocks": "single", "single_blocks": "single",
    "transformer_blocks": "double", "double_blocks": "double",
}  # fmt: skip
_CROSS_ATTENTION = {
    "EncDecAttention", "encoder_attn", "crossattention", "cross_attn", "cross_attention", "attn2", "multihead_attn",
}  # fmt: skip
_SHARED_EXPERTS = {"shared_expert", "shared_experts"}
# Parts of a tower that tell modules of one layer apart, rather than stacks of layers.
_WITHIN_LAYER = {"cross", "expert", "shared"}

_UNET_BLOCKS = {"down_blocks": "down", "up_blocks": "up", "mid_block": "mid"}
_SGM_BLOCKS = {"input_blocks", "output_blocks", "middle_block"}
_STAGES = {("stages", "blocks"), ("stages", "layers"), ("layers", "blocks"), ("stage", "blocks")}
# Names that a layer, stage or block may follow, and names that tell a tower: most parts of a path are neither.
_COUNTED = {*_LAYER_LISTS, *_UNET_BLOCKS, *_SGM_BLOCKS, "stages", "stage"}
_TELLING = {*_TOWERS, *_CROSS_ATTENTION, *_SHARED_EXPERTS, "experts"}


@dataclass(frozen=True, slots=True)
class ModulePath:
    """Where a module sits in its model.

    `name` is the path in the checkpoint without wrappers, with `[part]` after it where one module of the file
    holds several; `layer` its index counted from 0 as in the file, None where the model has no single count;
    `block` the label then (`down.1.0`), else empty; `tower` which of several stacks (`encoder`, `vision`,
    `decoder.cross`, `expert.3`), empty where there is one; `projection` the canonical name (q, k, v, o, qkv,
    gate, up, down, gate_up, fc1, fc2), else the module's own. `home` is the tower spelt out even where the
    adapter has only one, so that two adapters can be matched.
    """

    name: str
    layer: int | None
    block: str
    tower: str
    projection: str
    home: str = ""

    @property
    def layer_label(self) -> str:
        """The layer as people count it, from 1; the block's label, or empty, where there is no count."""
        return self.layer_name()

    def layer_name(self, count_from: int = 1) -> str:
        """`layer_label` where layers are counted from another number, such as 0, as files do."""
        return str(self.layer + count_from) if self.layer is not None else self.block

    @property
    def stack(self) -> str:
        """The tower without what tells modules of one layer apart: whose layers are counted together."""
        first = self.tower.partition(".")[0]
        return "" if first in _WITHIN_LAYER else first

    @property
    def sort_key(self) -> tuple[object, ...]:
        """Natural order: outside the layers first, then tower by tower, layer by layer, projection by projection."""
        return (
            self.layer is None and not self.block,
            _natural_place(self.tower),
            self.layer if self.layer is not None else -1,
            _natural_place(self.block),
            _ORDER.get(self.projection, 99),
            natural_key(self.name),
        )


_ORDER = {projection: position for position, projection in enumerate(PROJECTION_ORDER)}


def parse_module_path(
    name: str, *, dotted: str | None = None, tower: str = "", part: str = "", projection: str = ""
) -> ModulePath:
    """Read a dotted module name (`model.layers.0.self_attn.q_proj`) as a place in the model.

    `dotted` stands in for a name that a tool has flattened; `tower` is one that the file tells otherwise; `part`
    is the part of a module that holds several (`q`, `3`) and `projection` that part's own.
    """
    parts = (dotted or name).split(".")
    layer, block = _place(parts)
    home = _tower(parts, tower)
    return ModulePath(
        f"{name}[{part}]" if part else name, layer, block, home, projection or projection_of(parts), home
    )


def expert_path(path: ModulePath, expert: int) -> ModulePath:
    """The place of one expert of a module that stacks them all."""
    tower = ".".join(filter(None, (path.tower, f"expert.{expert}")))
    return replace(path, name=f"{path.name}[{expert}]", tower=tower, home=tower)


def without_common_tower(paths: Iterable[ModulePath]) -> list[ModulePath]:
    """The same paths with the towers' first part left out where all modules inside layers share it.

    A BERT has one stack that happens to be called `encoder`: no reader needs to be told. `home` keeps it.
    """
    found = list(paths)
    first_parts = {path.tower.partition(".")[0] for path in found if path.layer is not None or path.block}
    if len(first_parts) != 1 or first_parts & {*_WITHIN_LAYER, ""}:
        return found
    common = first_parts.pop()
    return [
        replace(path, tower=path.tower.removeprefix(common).removeprefix("."))
        if path.tower.partition(".")[0] == common else path
        for path in found
    ]  # fmt: skip


_natural_place = lru_cache(maxsize=4096)(natural_key)


def _index(parts: list[str], position: int) -> int | None:
    """The integer at a position; None where there is none, or one so long that no model counts so far."""
    if position < len(parts) and parts[position].isdecimal() and len(parts[position]) < 7:
        return int(parts[position])
    return None


def _place(parts: list[str]) -> tuple[int | None, str]:
    """Layer, or else the label of a block in a model that has no single count of layers."""
    if _COUNTED.isdisjoint(parts):
        return None, ""
    for position, part in enumerate(parts):
        if part not in _COUNTED:
            continue
        if part in _UNET_BLOCKS:
            return None, _unet_label(parts, position)
        if part in _SGM_BLOCKS:
            return None, _sgm_label(parts, position)
        index = _index(parts, position + 1)
        if index is None:
            continue
        inner = _index(parts, position + 3)
        if inner is not None and (part, parts[position + 2]) in _STAGES:
            return None, f"stage.{index}.{inner}"
        nested = _index(parts, position + 2)
        if part == "block" and nested is not None and len(parts) > position + 3:  # Segformer's encoder.block.0.1
            return None, f"stage.{index}.{nested}"
        if part in _LAYER_LISTS:
            return index, ""
    return None, ""


def _unet_label(parts: list[str], position: int) -> str:
    """`down.1.0`: block, attention or resnet, and the transformer block where it is not the first."""
    kind = _UNET_BLOCKS[parts[position]]
    label = [kind]
    if kind != "mid":
        block = _index(parts, position + 1)
        label.append("" if block is None else str(block))
        position += 1
    inner = _index(parts, position + 2)
    if inner is not None:
        label.append(str(inner))
    return ".".join(filter(None, [*label, _later_transformer_block(parts)]))


def _sgm_label(parts: list[str], position: int) -> str:
    """The same label for Stability's own names, which count the layers of all blocks through (two per block)."""
    index = _index(parts, position + 1)
    kind = parts[position]
    if index is None:
        return ""
    if kind == "middle_block":  # resnet, attention, resnet
        label = f"mid.{index // 2}"
    elif kind == "input_blocks":  # the first is the convolution that comes in; a block ends with its downsampler
        label = f"down.{(index - 1) // 3}.{(index - 1) % 3}" if index else ""
    else:
        label = f"up.{index // 3}.{index % 3}"
    return ".".join(filter(None, (label, _later_transformer_block(parts))))


def _later_transformer_block(parts: list[str]) -> str:
    if "transformer_blocks" not in parts:
        return ""
    index = _index(parts, parts.index("transformer_blocks") + 1)
    return str(index) if index else ""


def _tower(parts: list[str], given: str) -> str:
    if _TELLING.isdisjoint(parts):
        return given
    found = [given] if given else []
    unet_like = any(part in _UNET_BLOCKS or part in _SGM_BLOCKS for part in parts)
    if not unet_like:  # a diffusion transformer: its stack says more than that it is one
        stack = next((_STACKS[part] for part in parts if part in _STACKS), "")
        if stack:
            found = [stack]
    if not found:
        # A vision model's encoder is a vision tower: the first name says which, the rest is structure.
        found = [_TOWERS[part] for part in parts if part in _TOWERS][:1]
    if not _CROSS_ATTENTION.isdisjoint(parts):
        found.append("cross")
    if not _SHARED_EXPERTS.isdisjoint(parts):
        found.append("shared")
    if "experts" in parts:
        expert = _index(parts, parts.index("experts") + 1)
        if expert is not None:
            found.append(f"expert.{expert}")
    return ".".join(found)
