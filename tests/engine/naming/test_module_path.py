"""Names of modules as layer, tower and projection: every row of the naming table."""

from __future__ import annotations

import pytest

from engine.naming.flat_names import dotted_name, flattened, split_prefix
from engine.naming.module_path import ModulePath, parse_module_path, without_common_tower

# name → (layer label, tower, projection)
NAMES = {
    # LLaMA, Mistral, Qwen, Gemma
    "model.layers.0.self_attn.q_proj": ("1", "", "q"),
    "model.layers.31.self_attn.o_proj": ("32", "", "o"),
    "model.layers.7.mlp.gate_proj": ("8", "", "gate"),
    "model.layers.7.mlp.up_proj": ("8", "", "up"),
    "model.layers.7.mlp.down_proj": ("8", "", "down"),
    # GPT-2, GPT-J
    "transformer.h.3.attn.c_attn": ("4", "", "qkv"),
    "transformer.h.3.attn.c_proj": ("4", "", "o"),
    "transformer.h.3.mlp.c_fc": ("4", "", "fc1"),
    "transformer.h.3.mlp.c_proj": ("4", "", "fc2"),
    "transformer.h.0.attn.k_proj": ("1", "", "k"),
    "transformer.h.0.attn.out_proj": ("1", "", "o"),
    "transformer.h.0.mlp.fc_in": ("1", "", "fc1"),
    "transformer.h.0.mlp.fc_out": ("1", "", "fc2"),
    # OPT, BART, Whisper, CLIP
    "model.decoder.layers.1.self_attn.out_proj": ("2", "decoder", "o"),
    "model.decoder.layers.1.encoder_attn.v_proj": ("2", "decoder.cross", "v"),
    "model.encoder.layers.1.fc1": ("2", "encoder", "fc1"),
    "text_model.encoder.layers.0.self_attn.q_proj": ("1", "text", "q"),
    "vision_model.encoder.layers.0.mlp.fc2": ("1", "vision", "fc2"),
    # NeoX, BLOOM, Falcon, ChatGLM
    "gpt_neox.layers.2.attention.query_key_value": ("3", "", "qkv"),
    "gpt_neox.layers.2.attention.dense": ("3", "", "o"),
    "transformer.h.2.self_attention.dense": ("3", "", "o"),
    "transformer.h.2.mlp.dense_h_to_4h": ("3", "", "fc1"),
    "transformer.encoder.layers.2.mlp.dense_4h_to_h": ("3", "encoder", "fc2"),
    # Phi
    "model.layers.0.self_attn.qkv_proj": ("1", "", "qkv"),
    "model.layers.0.mlp.gate_up_proj": ("1", "", "gate_up"),
    "model.layers.0.self_attn.dense": ("1", "", "o"),
    # BERT and its kin
    "bert.encoder.layer.11.attention.self.query": ("12", "encoder", "q"),
    "bert.encoder.layer.11.attention.self.key": ("12", "encoder", "k"),
    "bert.encoder.layer.11.attention.self.value": ("12", "encoder", "v"),
    "bert.encoder.layer.11.attention.output.dense": ("12", "encoder", "o"),
    "bert.encoder.layer.11.intermediate.dense": ("12", "encoder", "fc1"),
    "bert.encoder.layer.11.output.dense": ("12", "encoder", "fc2"),
    "bert.encoder.layer.1.crossattention.self.query": ("2", "encoder.cross", "q"),
    "vit.encoder.layer.0.attention.attention.value": ("1", "encoder", "v"),
    "distilbert.transformer.layer.5.attention.q_lin": ("6", "", "q"),
    "distilbert.transformer.layer.5.attention.out_lin": ("6", "", "o"),
    "distilbert.transformer.layer.5.ffn.lin1": ("6", "", "fc1"),
    "deberta.encoder.layer.0.attention.self.in_proj": ("1", "encoder", "qkv"),
    "deberta.encoder.layer.0.attention.self.query_proj": ("1", "encoder", "q"),
    # ModernBERT, MPT
    "model.layers.0.attn.Wqkv": ("1", "", "qkv"),
    "model.layers.0.attn.Wo": ("1", "", "o"),
    "model.layers.0.mlp.Wi": ("1", "", "fc1"),
    "model.layers.0.mlp.Wo": ("1", "", "fc2"),
    "transformer.blocks.0.attn.out_proj": ("1", "", "o"),
    # T5: the layer is the block, never the `layer` inside it
    "encoder.block.5.layer.0.SelfAttention.q": ("6", "encoder", "q"),
    "decoder.block.5.layer.1.EncDecAttention.o": ("6", "decoder.cross", "o"),
    "decoder.block.5.layer.2.DenseReluDense.wi_0": ("6", "decoder", "gate"),
    "decoder.block.5.layer.2.DenseReluDense.wi_1": ("6", "decoder", "up"),
    "decoder.block.5.layer.2.DenseReluDense.wo": ("6", "decoder", "down"),
    # timm, SAM
    "blocks.9.attn.qkv": ("10", "", "qkv"),
    "blocks.9.attn.proj": ("10", "", "o"),
    "blocks.9.mlp.fc1": ("10", "", "fc1"),
    "image_encoder.blocks.9.mlp.lin2": ("10", "", "fc2"),
    # Mixtures of experts: never the number of the expert
    "model.layers.3.block_sparse_moe.experts.7.w1": ("4", "expert.7", "gate"),
    "model.layers.3.block_sparse_moe.experts.7.w2": ("4", "expert.7", "down"),
    "model.layers.3.block_sparse_moe.experts.7.w3": ("4", "expert.7", "up"),
    "model.layers.3.block_sparse_moe.gate": ("4", "", "router"),
    "model.layers.3.mlp.experts.60.gate_proj": ("4", "expert.60", "gate"),
    "model.layers.3.mlp.gate": ("4", "", "router"),
    "model.layers.3.mlp.shared_expert.up_proj": ("4", "shared", "up"),
    "model.layers.0.self_attn.q_a_proj": ("1", "", "q_a_proj"),
    "model.layers.0.self_attn.kv_a_proj_with_mqa": ("1", "", "kv_a_proj_with_mqa"),
    # UNets have no single count of layers
    "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q": ("down.1.0", "unet", "q"),
    "down_blocks.1.attentions.0.transformer_blocks.1.attn1.to_q": ("down.1.0.1", "unet", "q"),
    "unet.up_blocks.2.attentions.1.transformer_blocks.0.attn2.to_out.0": ("up.2.1", "unet.cross", "o"),
    "mid_block.attentions.0.transformer_blocks.0.ff.net.0.proj": ("mid.0", "unet", "fc1"),
    "mid_block.attentions.0.transformer_blocks.0.ff.net.2": ("mid.0", "unet", "fc2"),
    "down_blocks.0.resnets.1.conv1": ("down.0.1", "unet", "conv1"),
    "down_blocks.0.downsamplers.0.conv": ("down.0.0", "unet", "conv"),
    "input_blocks.4.1.transformer_blocks.0.attn1.to_k": ("down.1.0", "unet", "k"),
    "middle_block.1.transformer_blocks.3.attn2.to_v": ("mid.0.3", "unet.cross", "v"),
    "output_blocks.5.1.transformer_blocks.0.attn1.to_v": ("up.1.2", "unet", "v"),
    # Flux and its kin
    "transformer_blocks.4.attn.to_q": ("5", "double", "q"),
    "transformer_blocks.4.attn.add_q_proj": ("5", "double", "add_q"),
    "transformer_blocks.4.attn.to_add_out": ("5", "double", "add_o"),
    "transformer_blocks.4.ff_context.net.2": ("5", "double", "add_fc2"),
    "single_transformer_blocks.4.attn.to_v": ("5", "single", "v"),
    "diffusion_model.double_blocks.4.img_attn.qkv": ("5", "double", "qkv"),
    "diffusion_model.double_blocks.4.txt_attn.proj": ("5", "double", "add_o"),
    "diffusion_model.single_blocks.4.linear1": ("5", "single", "linear1"),
    "double_blocks.4.processor.qkv_lora1": ("5", "double", "qkv"),
    "double_blocks.4.processor.proj_lora2": ("5", "double", "add_o"),
    "joint_blocks.4.x_block.attn.qkv": ("5", "", "qkv"),
    # torchtune, litgpt, Megatron
    "layers.0.attn.output_proj": ("1", "", "o"),
    "layers.0.mlp.w2": ("1", "", "down"),
    "transformer.h.0.attn.qkv": ("1", "", "qkv"),
    "transformer.h.0.attn.proj": ("1", "", "o"),
    "transformer.h.0.mlp.fc_1": ("1", "", "gate"),
    "transformer.h.0.mlp.fc_2": ("1", "", "up"),
    "transformer.h.0.mlp.proj": ("1", "", "down"),
    "decoder.layers.0.self_attention.linear_qkv": ("1", "decoder", "qkv"),
    "decoder.layers.0.self_attention.linear_proj": ("1", "decoder", "o"),
    "decoder.layers.0.mlp.linear_fc1": ("1", "decoder", "fc1"),
    # Mamba
    "backbone.layers.0.mixer.in_proj": ("1", "", "in_proj"),
    "backbone.layers.0.mixer.x_proj": ("1", "", "x_proj"),
    "backbone.layers.0.mixer.out_proj": ("1", "", "o"),
    # Stages of convolutional and hierarchical models
    "stages.2.blocks.7.mlp.fc1": ("stage.2.7", "", "fc1"),
    "convnext.encoder.stages.1.layers.2.pwconv1": ("stage.1.2", "encoder", "pwconv1"),
    "swin.encoder.layers.2.blocks.5.attention.self.query": ("stage.2.5", "encoder", "q"),
    # Names that mean nothing alone, and modules outside any layer
    "classifier.dense": ("", "", "dense"),
    "classifier.out_proj": ("", "", "out_proj"),
    "model.embed_tokens": ("", "", "embed_tokens"),
    "lm_head": ("", "", "lm_head"),
    "patch_embed.proj": ("", "", "proj"),
    "layers.0.2": ("1", "", "2"),
    "model.Schicht_ü_層.0.self_attn.q_proj": ("", "", "q"),
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_place_of_a_name(name: str) -> None:
    path = parse_module_path(name)
    assert (path.layer_label, path.tower, path.projection) == NAMES[name]
    assert path.name == name
    assert path.home == path.tower


FLAT = {
    "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_out_0": (
        "unet", "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0",
    ),
    "lora_unet_mid_block_attentions_0_transformer_blocks_0_ff_net_0_proj": (
        "unet", "mid_block.attentions.0.transformer_blocks.0.ff.net.0.proj",
    ),
    "lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k": (
        "unet", "input_blocks.4.1.transformer_blocks.0.attn2.to_k",
    ),
    "lora_unet_up_blocks_1_resnets_0_time_emb_proj": ("unet", "up_blocks.1.resnets.0.time_emb_proj"),
    "lora_te_text_model_encoder_layers_0_self_attn_q_proj": ("te1", "text_model.encoder.layers.0.self_attn.q_proj"),
    "lora_te2_text_model_encoder_layers_31_mlp_fc1": ("te2", "text_model.encoder.layers.31.mlp.fc1"),
    "lora_te3_encoder_block_0_layer_1_DenseReluDense_wi_0": ("te3", "encoder.block.0.layer.1.DenseReluDense.wi_0"),
    "lora_unet_double_blocks_0_img_attn_qkv": ("unet", "double_blocks.0.img_attn.qkv"),
    "lora_unet_single_blocks_37_linear1": ("unet", "single_blocks.37.linear1"),
    "lora_transformer_single_transformer_blocks_0_attn_to_q": (
        "transformer", "single_transformer_blocks.0.attn.to_q",
    ),
    "lycoris_down_blocks_1_resnets_0_conv_shortcut": ("", "down_blocks.1.resnets.0.conv_shortcut"),
    "lora_unet_blocks_3_cross_attn_k_img": ("unet", "blocks.3.cross_attn.k_img"),
    "lora_unet_never_heard_of_3_to_q": ("unet", "never_heard_of.3.to_q"),
}  # fmt: skip


@pytest.mark.parametrize("name", FLAT)
def test_flattened_names_are_read_by_vocabulary(name: str) -> None:
    split = split_prefix(name)
    assert split is not None
    tower, flat = split
    dotted = dotted_name(flat)
    assert (tower, dotted) == FLAT[name]
    assert dotted.replace(".", "_") == flat


def test_flattening_brings_dialects_together() -> None:
    for kohya, dotted in (
        ("lora_te1_text_model_encoder_layers_0_mlp_fc1", "text_encoder.text_model.encoder.layers.0.mlp.fc1"),
        ("lora_unet_mid_block_resnets_0_conv1", "unet.mid_block.resnets.0.conv1"),
        ("lora_transformer_proj_out", "transformer.proj_out"),
    ):
        assert flattened(kohya) == flattened(dotted)


def test_the_only_tower_is_not_shown() -> None:
    paths = [parse_module_path(f"bert.encoder.layer.{layer}.attention.self.query") for layer in range(3)]
    shown = without_common_tower([*paths, parse_module_path("bert.pooler.dense")])
    assert [path.tower for path in shown] == ["", "", "", ""]
    assert [path.home for path in shown] == ["encoder", "encoder", "encoder", ""]


def test_towers_that_tell_modules_apart_stay() -> None:
    for names in (
        ["encoder.block.0.layer.0.SelfAttention.q", "decoder.block.0.layer.0.SelfAttention.q"],
        ["model.layers.0.mlp.experts.0.up_proj", "model.layers.0.mlp.experts.1.up_proj"],
    ):
        paths = [parse_module_path(name) for name in names]
        assert without_common_tower(paths) == paths


def test_natural_order() -> None:
    names = [
        "model.layers.10.self_attn.q_proj", "model.layers.2.self_attn.v_proj", "model.layers.2.self_attn.q_proj",
        "lm_head",
    ]  # fmt: skip
    ordered = sorted((parse_module_path(name) for name in names), key=lambda path: path.sort_key)
    assert [path.name for path in ordered] == [names[2], names[1], names[0], names[3]]


def test_stack_leaves_out_what_lies_within_a_layer() -> None:
    towers = {"decoder.cross": "decoder", "expert.3": "", "cross": "", "unet.cross": "unet", "": "", "shared": ""}
    for tower, stack in towers.items():
        assert ModulePath("m", 0, "", tower, "q").stack == stack


def test_a_number_that_no_model_counts_to_is_no_layer() -> None:
    assert parse_module_path("layers." + "9" * 5000 + ".q_proj").layer is None
    assert parse_module_path("layers.²." + "q_proj").layer is None
