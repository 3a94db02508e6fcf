"""What programs call layers, projections and modules, and what they hear of names that are nobody's."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from engine.errors import EngineError, InvalidSetting, UnknownName
from engine.matching.lookup import pair_called, read_layers, read_names, refuse_absent
from engine.matching.pairing import ModulePair, pair_adapters
from engine.matching.selection import parse_layers
from engine.sources.opening import open_source
from tests.adapters import llama_modules, write_peft_adapter

_UNET = ("down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q", "mid_block.attentions.0.proj_in", "proj_out")
_TOWERS = ("encoder.layer.0.attention.q_proj", "decoder.layer.0.attention.q_proj")


def pairs_of(folder: Path, modules: tuple[str, ...]) -> tuple[ModulePair, ...]:
    paths = [write_peft_adapter(folder / f"of-{seed}", modules, 2, seed=seed) for seed in (0, 1)]
    return pair_adapters(*map(open_source, paths)).pairs


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> tuple[ModulePair, ...]:
    return pairs_of(tmp_path_factory.mktemp("llama"), (*llama_modules(10), "lm_head"))


def test_a_module_goes_by_its_place_its_slug_and_its_name(llama: tuple[ModulePair, ...]) -> None:
    (wanted,) = (pair for pair in llama if pair.slug == "3_v")
    for called in (("v", 3), ("v", "3"), ("v", np.int64(3)), ("3_v",), ("model.layers.2.self_attn.v_proj",)):
        assert pair_called(llama, *called) is wanted
    assert pair_called(llama, "lm_head").path.layer_label == ""


def test_a_layer_may_have_a_label(tmp_path: Path) -> None:
    pairs = pairs_of(tmp_path, _UNET)
    labels = {pair.path.layer_label: pair for pair in pairs}
    assert "down.1.0" in labels
    assert pair_called(pairs, "q", "down.1.0") is labels["down.1.0"]


@pytest.mark.parametrize(
    ("called", "said"),
    [
        (("q",), "10 modules are called q: say the layer as well, or which of 1_q, 2_q, .*… 10_q."),
        (("k", 1), "There is no projection k to compare; there are q, v, lm_head."),
        (("q", 11), "There is no layer 11 to compare; there are 1, 2, 3, 4, 5, 6, 7, 8, … 10."),
        (("lm_head", 2), "Layer 2 has no projection lm_head; it has q, v."),
        (("nobody",), "Nothing is called nobody; there are the projections q, v, lm_head and the modules 1_q, .*"),
    ],
)
def test_a_name_that_is_nobodys_is_refused_with_what_there_is(
    llama: tuple[ModulePair, ...], called: tuple[str, int], said: str
) -> None:
    with pytest.raises(KeyError) as refusal:
        pair_called(llama, *called)
    assert isinstance(refusal.value, UnknownName)
    assert re.fullmatch(said, str(refusal.value))


def test_towers_are_told_apart_by_slugs(tmp_path: Path) -> None:
    pairs = pairs_of(tmp_path, _TOWERS)
    with pytest.raises(UnknownName, match=r"2 modules are called q in layer 1: say which of .*decoder_1_q"):
        pair_called(pairs, "q", 1)
    assert pair_called(pairs, "decoder_1_q").path.tower == "decoder"


@pytest.mark.parametrize("layers", ["1,3-5,mid.0", (1, "3-5", "mid.0"), [1, "3-5,mid.0"]])
def test_layers_are_text_or_several(layers: object) -> None:
    assert read_layers(layers) == parse_layers("1,3-5,mid.0")  # type: ignore[arg-type]


def test_layers_that_cannot_be_read_are_refused() -> None:
    assert read_layers(7) == parse_layers("7")
    for layers in ("5-3", 0, [1, ""]):
        with pytest.raises(ValueError, match=r"The layers cannot be read: .+\.") as refusal:
            read_layers(layers)  # type: ignore[arg-type]
        assert isinstance(refusal.value, InvalidSetting)


def test_names_are_text_or_several() -> None:
    assert read_names(" q, v,q") == read_names(["q", "v"]) == read_names(name for name in "qv") == ("q", "v")


def test_layers_and_projections_must_be_there(llama: tuple[ModulePair, ...]) -> None:
    refuse_absent(llama, parse_layers("1-10"), ("v", "lm_head"))
    refuse_absent(llama, None, None)
    for layers, projections in ((parse_layers("9-12"), None), (None, ("q", "gate"))):
        with pytest.raises(
            EngineError, match=r"There (are no layers 11-12|is no projection gate) to compare; there are"
        ):
            refuse_absent(llama, layers, projections)
