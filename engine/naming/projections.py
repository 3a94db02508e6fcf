"""The last parts of a module's name, read as the projection that it is in its family of models."""

from __future__ import annotations

from engine.wording import natural_key

PROJECTION_ORDER = ("qkv", "q", "k", "v", "kv", "o", "gate_up", "gate", "up", "down", "fc1", "fc2")

# Names that mean one projection wherever they stand.
_ALONE = {
    "q_proj": "q", "k_proj": "k", "v_proj": "v", "o_proj": "o",
    "query_proj": "q", "key_proj": "k", "value_proj": "v",
    "q_lin": "q", "k_lin": "k", "v_lin": "v", "out_lin": "o",
    "to_q": "q", "to_k": "k", "to_v": "v", "to_out": "o", "to_qkv": "qkv", "to_kv": "kv",
    "query": "q", "q": "q", "k": "k", "v": "v", "o": "o", "wq": "q", "wk": "k", "wv": "v", "wqkv": "qkv",
    "linear_q": "q", "linear_k": "k", "linear_v": "v", "linear_out": "o",
    "c_attn": "qkv", "q_attn": "q", "query_key_value": "qkv", "qkv_proj": "qkv", "Wqkv": "qkv", "qkv": "qkv",
    "W_pack": "qkv", "att_proj": "qkv", "attn_out": "o", "linear_qkv": "qkv", "kv_proj": "kv",
    "add_q_proj": "add_q", "add_k_proj": "add_k", "add_v_proj": "add_v", "to_add_out": "add_o",
    "output_proj": "o", "linear_proj": "o",
    "gate_up_proj": "gate_up", "gate_proj": "gate", "up_proj": "up", "down_proj": "down",
    "ff_proj": "gate_up", "ff_out": "down",
    "c_fc": "fc1", "fc_in": "fc1", "fc_out": "fc2", "fc1": "fc1", "fc2": "fc2",
    "fc_1": "gate", "fc_2": "up",
    "dense_h_to_4h": "fc1", "dense_4h_to_h": "fc2", "linear_fc1": "fc1", "linear_fc2": "fc2",
    "intermediate_dense": "fc1", "output_dense": "fc2",
    "lin1": "fc1", "lin2": "fc2",
    "w1": "gate", "w2": "down", "w3": "up",
    "wi": "fc1", "wi_0": "gate", "wi_1": "up", "Wi": "fc1",
    "lora_kqv_adapter": "qkv", "lora_dense_attention_adapter": "o", "lora_hto4h_adapter": "fc1",
    "lora_4htoh_adapter": "fc2", "lora_q_adapter": "q", "lora_kv_adapter": "kv",
}  # fmt: skip

# Names that mean something only with the part before them.
_AFTER = {
    ("output", "dense"): "fc2",
    ("intermediate", "dense"): "fc1",
    ("mlp", "c_proj"): "fc2",
    ("mlp", "proj"): "down",
    ("mlp", "fc"): "fc1",
    ("mlp", "Wo"): "fc2",
    ("DenseReluDense", "wo"): "down",
    ("mixer", "out_proj"): "o",
    ("crossattention", "c_attn"): "kv",
    ("self", "in_proj"): "qkv",
    ("self", "key"): "k",
    ("self", "value"): "v",
    ("img_attn", "qkv"): "qkv",
    ("txt_attn", "qkv"): "add_qkv",
    ("img_attn", "proj"): "o",
    ("txt_attn", "proj"): "add_o",
    ("img_mlp", "0"): "fc1",
    ("img_mlp", "2"): "fc2",
    ("txt_mlp", "0"): "add_fc1",
    ("txt_mlp", "2"): "add_fc2",
    ("ffn", "0"): "fc1",
    ("ffn", "2"): "fc2",
    ("processor", "qkv_lora1"): "qkv",
    ("processor", "qkv_lora2"): "add_qkv",
    ("processor", "proj_lora1"): "o",
    ("processor", "proj_lora2"): "add_o",
    ("processor", "qkv_lora"): "qkv",
    ("processor", "proj_lora"): "o",
}

# What an attention calls its keys, values and output, where those words alone mean nothing.
_ATTENTION = {
    "attn", "attention", "self_attn", "self_attention", "crossattention", "cross_attn", "cross_attention",
    "encoder_attn", "inter_attention", "core_attention", "multihead_attn", "attn1", "attn2",
}  # fmt: skip
_IN_ATTENTION = {
    "dense": "o", "c_proj": "o", "proj": "o", "out_proj": "o", "Wo": "o", "wo": "o", "key": "k", "value": "v",
}  # fmt: skip
_MOE = {"mlp", "block_sparse_moe", "feed_forward", "moe", "ffn"}


def projection_of(parts: list[str]) -> str:
    """The projection of a module, by the last parts of its dotted name; its own name where no family knows it."""
    last = parts[-1]
    before = parts[-2] if len(parts) > 1 else ""
    if last.isdecimal() and before == "to_out":
        return "o"
    if before in _ATTENTION and last in _IN_ATTENTION:
        return _IN_ATTENTION[last]
    if (before, last) == ("output", "dense") and len(parts) > 2 and parts[-3] in _ATTENTION:
        return "o"
    if before in _MOE and last in {"gate", "router"}:
        return "router"
    if "net" in parts[-3:]:
        return _feed_forward(parts) or _ALONE.get(last, last)
    return _AFTER.get((before, last)) or _ALONE.get(last, last)


def _feed_forward(parts: list[str]) -> str:
    """Diffusers' `ff.net.0.proj` and `ff.net.2`; `ff_context` is that of the text."""
    tail = parts[len(parts) - 1 - parts[::-1].index("net") :]
    which = {("net", "0", "proj"): "fc1", ("net", "2"): "fc2"}.get(tuple(tail), "")
    return f"add_{which}" if which and "ff_context" in parts else which


def projection_key(projection: str) -> tuple[int, str]:
    """Order of projections as papers list them: q, k, v, o, then the MLP, then the rest by name, naturally."""
    known = projection in PROJECTION_ORDER
    return (PROJECTION_ORDER.index(projection) if known else len(PROJECTION_ORDER), natural_key(projection))
