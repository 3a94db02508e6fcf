"""kohya's names, which have `_` where the module's path had dots, back to dotted paths by a vocabulary.

The flattening loses which underscores were dots; so a name is read word by word, the longest known word first. What
no vocabulary knows stays together up to the next known word or number.
"""

from __future__ import annotations

# Prefix → tower. The longest that fits counts.
PREFIXES = {
    "lora_unet_": "unet", "lora_te_": "te1", "lora_te1_": "te1", "lora_te2_": "te2", "lora_te3_": "te3",
    "lora_transformer_": "transformer", "lora_prior_unet_": "prior", "lora_prior_te_": "te1",
    "lora_prior_": "prior", "lycoris_": "", "lora_": "",
}  # fmt: skip

# The part of a diffusion pipeline that a dotted name starts with → the same towers.
_PIPELINE = {
    "unet": "unet",
    "transformer": "unet",
    "diffusion_model": "unet",
    "text_encoder": "te1",
    "text_encoder_2": "te2",
    "text_encoder_3": "te3",
    "prior": "prior",
}

# Every module name with an underscore in it, as the libraries' models declare them.
_COMPOUND_WORDS = """
down_blocks up_blocks mid_block transformer_blocks single_transformer_blocks motion_modules
temporal_transformer_blocks input_blocks middle_block output_blocks in_layers out_layers emb_layers skip_connection
time_embed label_emb double_blocks single_blocks joint_blocks x_block context_block final_layer img_attn txt_attn
img_mlp txt_mlp img_mod txt_mod img_in txt_in time_in vector_in guidance_in img_norm1 img_norm2 txt_norm1 txt_norm2
conv_in conv_out conv_shortcut conv_norm_out time_emb_proj time_embedding add_embedding time_embedding_proj linear_1
linear_2 proj_in proj_out proj_mlp to_q to_k to_v to_out to_qkv to_kv to_add_out to_qkv_mlp_proj add_q_proj
add_k_proj add_v_proj add_out_proj ff_context norm1_context norm_out text_model vision_model text_projection
text_encoder language_model token_embedding position_embedding self_attn cross_attn encoder_attn q_proj k_proj
v_proj out_proj o_proj qkv_proj gate_proj up_proj down_proj gate_up_proj final_layer_norm layer_norm1 layer_norm2
embed_tokens lm_head wi_0 wi_1 relative_attention_bias layer_norm time_text_embed timestep_embedder
guidance_embedder text_embedder context_embedder x_embedder caption_projection adaln_single adaLN_modulation
pos_embed patch_embed single_stream_modulation double_stream_modulation_img double_stream_modulation_txt
noise_refiner context_refiner cap_embedder t_embedder y_embedder llm_adapter token_refiner individual_token_refiner
self_attn_qkv self_attn_proj input_embedder c_embedder text_embedding time_projection img_emb k_img v_img
attention_norm1 attention_norm2 feed_forward query_key_value dense_h_to_4h dense_4h_to_h c_attn c_proj c_fc
"""
# Single words that a number or another word follows; needed so that an unknown word ends where they begin.
_SINGLE_WORDS = """
attentions resnets downsamplers upsamplers conv conv1 conv2 attn attn1 attn2 ff net proj norm norm1 norm2 norm3
encoder decoder layers layer mlp fc1 fc2 block blocks self cross qkv q k v o linear linear1 linear2 modulation lin
SelfAttention EncDecAttention DenseReluDense wi wo shared op emb attention w1 w2 w3 ffn model head
"""


def _tree(words: str) -> dict[str, list[list[str]]]:
    """First piece → the known words that start with it, as pieces, longest first."""
    found: dict[str, list[list[str]]] = {}
    for word in words.split():
        pieces = word.split("_")
        found.setdefault(pieces[0], []).append(pieces)
    for known in found.values():
        known.sort(key=len, reverse=True)
    return found


_WORDS = _tree(_COMPOUND_WORDS + _SINGLE_WORDS)


def split_prefix(name: str) -> tuple[str, str] | None:
    """The tower that a flattened name's prefix tells and the rest of it; None where no prefix is known."""
    fitting = [prefix for prefix in PREFIXES if name.startswith(prefix)]
    if not fitting:
        return None
    prefix = max(fitting, key=len)
    return PREFIXES[prefix], name[len(prefix) :]


def flattened(name: str) -> tuple[str, str]:
    """The part of a pipeline and the flattened rest of a module's name, in whatever dialect it is.

    `lora_te1_text_model_…`, `text_encoder.text_model.…` and nothing but `text_model.…` give the same rest.
    """
    if "." not in name:
        tower, flat = split_prefix(name) or ("", name)
        return {"transformer": "unet"}.get(tower, tower), flat
    model, _, rest = name.partition(".")
    if model not in _PIPELINE:
        model, rest = "", name
    return _PIPELINE.get(model, ""), rest.replace(".processor.", ".").replace(".", "_")


def dotted_name(flat: str) -> str:
    """`down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_out_0` → `down_blocks.0.….attn1.to_out.0`."""
    pieces = flat.split("_")
    parts: list[str] = []
    unknown: list[str] = []
    position = 0
    while position < len(pieces):
        word = _known_word(pieces, position)
        if word:
            if unknown:
                parts.append("_".join(unknown))
                unknown = []
            parts.append("_".join(pieces[position : position + word]))
        else:
            unknown.append(pieces[position])
        position += word or 1
    if unknown:
        parts.append("_".join(unknown))
    return ".".join(parts)


def _known_word(pieces: list[str], position: int) -> int:
    """How many pieces from here make a number or the longest known word; 0 where none does."""
    if pieces[position].isdecimal():
        return 1
    for word in _WORDS.get(pieces[position], ()):
        if pieces[position : position + len(word)] == word:
            return len(word)
    return 0
