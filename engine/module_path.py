"""A module's name in a checkpoint, read as layer, tower and projection."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise

# The integer after one of these is the layer, counted from 0; the first one in the path counts.
_LAYER_LISTS = {
    "layers", "layer", "h", "block", "blocks",
    "transformer_blocks", "single_transformer_blocks", "double_blocks", "single_blocks", "joint_blocks", "blk",
}  # fmt: skip

# Names that mean one projection wherever they stand.
_PROJECTIONS = {
    "q_proj": "q", "k_proj": "k", "v_proj": "v", "o_proj": "o",
    "query_proj": "q", "key_proj": "k", "value_proj": "v",
    "q_lin": "q", "k_lin": "k", "v_lin": "v", "out_lin": "o",
    "to_q": "q", "to_k": "k", "to_v": "v", "to_out": "o",
    "query": "q", "q": "q", "k": "k", "v": "v", "o": "o",
    "c_attn": "qkv", "query_key_value": "qkv", "qkv_proj": "qkv", "Wqkv": "qkv", "qkv": "qkv",
    "linear_qkv": "qkv",
    "add_q_proj": "add_q", "add_k_proj": "add_k", "add_v_proj": "add_v", "to_add_out": "add_o",
    "output_proj": "o", "linear_proj": "o",
    "gate_up_proj": "gate_up", "gate_proj": "gate", "up_proj": "up", "down_proj": "down",
    "c_fc": "fc1", "fc_in": "fc1", "fc_out": "fc2", "fc1": "fc1", "fc2": "fc2",
    "fc_1": "gate", "fc_2": "up",
    "dense_h_to_4h": "fc1", "dense_4h_to_h": "fc2", "linear_fc1": "fc1", "linear_fc2": "fc2",
    "lin1": "fc1", "lin2": "fc2",
    "w1": "gate", "w2": "down", "w3": "up",
    "wi": "fc1", "wi_0": "gate", "wi_1": "up", "Wi": "fc1",
}  # fmt: skip

# Names that mean something only with the part before them.
_PROJECTIONS_IN = {
    ("output", "dense"): "fc2",
    ("intermediate", "dense"): "fc1",
    ("attention", "dense"): "o",
    ("self_attention", "dense"): "o",
    ("self_attn", "dense"): "o",
    ("attn", "c_proj"): "o",
    ("crossattention", "c_proj"): "o",
    ("mlp", "c_proj"): "fc2",
    ("attn", "proj"): "o",
    ("mlp", "proj"): "down",
    ("self_attn", "out_proj"): "o",
    ("encoder_attn", "out_proj"): "o",
    ("attn", "out_proj"): "o",
    ("attention", "out_proj"): "o",
    ("attn", "Wo"): "o",
    ("mlp", "Wo"): "fc2",
    ("DenseReluDense", "wo"): "down",
    ("self", "key"): "k",
    ("self", "value"): "v",
    ("attention", "key"): "k",
    ("attention", "value"): "v",
    ("mlp", "gate"): "router",
    ("block_sparse_moe", "gate"): "router",
}

# Towers, by the parts of the path that tell them; longer (more telling) names first.
_TOWERS = {
    "encoder": "encoder", "decoder": "decoder",
    "text_model": "text", "vision_model": "vision", "language_model": "text", "vision_tower": "vision",
    "visual": "vision", "text_encoder": "te1", "text_encoder_2": "te2", "text_encoder_3": "te3", "unet": "unet",
    "single_transformer_blocks": "single", "transformer_blocks": "double",
    "single_blocks": "single", "double_blocks": "double",
}  # fmt: skip
_CROSS_ATTENTION = {"EncDecAttention", "encoder_attn", "crossattention", "cross_attn", "attn2"}
# Where `layers.0` counts something inside a layer: T5's decoder.block.2.layer.1, DeepSeek's experts.
_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True)
class ModulePath:
    """Where a module sits in its model.

    `name` is the path in the checkpoint without wrappers; `layer` its index counted from 0 as in the file, None
    where the model has no single count; `block` the label then (`down.1.0`), else empty; `tower` which of
    several stacks (`encoder`, `vision`, `decoder.cross`, `expert.3`), empty where there is one; `projection`
    the canonical name (q, k, v, o, qkv, gate, up, down, gate_up, fc1, fc2), else the module's own.
    """

    name: str
    layer: int | None
    block: str
    tower: str
    projection: str

    @property
    def layer_label(self) -> str:
        """The layer as people count it, from 1; the block's label, or empty, where there is no count."""
        return str(self.layer + 1) if self.layer is not None else self.block

    @property
    def sort_key(self) -> tuple[object, ...]:
        """Natural order: outside the layers first, then tower by tower, layer by layer, projection by projection."""
        order = PROJECTION_ORDER.index(self.projection) if self.projection in PROJECTION_ORDER else 99
        return (
            self.layer is None and not self.block,
            _natural(self.tower),
            self.layer if self.layer is not None else -1,
            _natural(self.block),
            order,
            _natural(self.name),
        )


PROJECTION_ORDER = ("qkv", "q", "k", "v", "kv", "o", "gate_up", "gate", "up", "down", "fc1", "fc2")


def parse_module_path(name: str) -> ModulePath:
    """Read a dotted module name (`model.layers.0.self_attn.q_proj`) as a place in the model."""
    parts = name.split(".")
    layer = _layer(parts)
    return ModulePath(name, layer, "", _tower(parts), _projection(parts))


def without_common_tower(paths: Iterable[ModulePath]) -> list[ModulePath]:
    """The same paths with the towers' first part left out where all modules inside layers share it.

    A BERT has one stack that happens to be called `encoder`: no reader needs to be told.
    """
    found = list(paths)
    first_parts = {path.tower.split(".")[0] for path in found if path.layer is not None or path.block}
    first_parts -= {"expert", "cross"} if len(first_parts) > 1 else set()
    if len(first_parts) != 1 or first_parts & {"expert", "cross", ""}:
        return found
    common = first_parts.pop()
    return [
        replace(path, tower=path.tower.removeprefix(common).removeprefix("."))
        if path.tower.split(".")[0] == common else path
        for path in found
    ]  # fmt: skip


def _natural(text: str) -> tuple[tuple[int, int, str], ...]:
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in _DIGITS.split(text) if part)


def _layer(parts: list[str]) -> int | None:
    for list_name, index in pairwise(parts):
        if list_name in _LAYER_LISTS and index.isdecimal():
            return int(index)
    return None


def _tower(parts: list[str]) -> str:
    towers = [_TOWERS[part] for part in parts if part in _TOWERS]
    # A vision model's encoder is a vision tower: the first name says which, the rest is structure.
    found = towers[:1]
    if any(part in _CROSS_ATTENTION for part in parts):
        found.append("cross")
    for list_name, index in pairwise(parts):
        if list_name == "experts" and index.isdecimal():
            found.append(f"expert.{index}")
    return ".".join(found)


def _projection(parts: list[str]) -> str:
    last = parts[-1]
    before = parts[-2] if len(parts) > 1 else ""
    if last.isdecimal() and before in _PROJECTIONS:  # to_out.0
        return _PROJECTIONS[before]
    if parts[-3:] == ["attention", "output", "dense"]:
        return "o"
    return _PROJECTIONS_IN.get((before, last)) or _PROJECTIONS.get(last, last)
