"""Several adapters at once: which modules are the same one, and any two of them as if they were matched alone."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.matching.matching import Key, match
from engine.matching.pairing import Pairing, pair_adapters, pairing_of
from engine.naming.flat_names import dotted_name, split_prefix
from engine.naming.module_path import parse_module_path
from engine.sources.matrices import Factors, StoredMatrix
from engine.sources.opening import open_source
from engine.sources.source import Module, SkippedModule, Source
from tests.adapters import llama_modules, write_peft_adapter
from tests.conftest import DATA, REPOSITORY

MODULES = llama_modules(3)
MINILM = (
    DATA / "minilm" / "r8_seed0",
    REPOSITORY / "resources" / "demo" / "r64_alpha8_seed0",
    DATA / "minilm" / "r8_seed1",
)
# How families of files call one module of a model: the projection p of block b.
DIALECTS: tuple[Callable[[int, str], str], ...] = (
    lambda b, p: f"unet.down_blocks.{b}.attentions.0.transformer_blocks.0.attn1.to_{p}",
    lambda b, p: f"down_blocks.{b}.attentions.0.transformer_blocks.0.attn1.to_{p}",
    lambda b, p: f"lora_unet_down_blocks_{b}_attentions_0_transformer_blocks_0_attn1_to_{p}",
    lambda b, p: f"model.layers.{b}.self_attn.{p}_proj",
    lambda b, p: f"transformer.h.{b}.attn.{p}_proj",
    lambda b, p: f"language_model.model.layers.{b}.self_attn.{p}_proj",
)
PLACES = tuple(itertools.product(range(3), "qv"))


# --- adapters without files ---


def module(name: str, rank: int, d_in: int, d_out: int | None) -> Module:
    """A module by its name in a file; without B where it has no d_out."""
    A = StoredMatrix(("A",), (rank, d_in), "float32")
    B = None if d_out is None else StoredMatrix(("B",), (d_out, rank), "float32")
    flat = None if "." in name else split_prefix(name)
    path = parse_module_path(name, dotted=dotted_name(flat[1]), tower=flat[0]) if flat else parse_module_path(name)
    return Module(path, Factors(A, B))


def source(
    modules: Sequence[Module], unusable: Sequence[SkippedModule] = (), zero_update: frozenset[str] = frozenset()
) -> Source:
    """An adapter whose header says this; its numbers are in no file."""
    return Source(Path("adapter"), cast("Any", None), "", tuple(modules), tuple(unusable), zero_update=zero_update)


@st.composite
def sources(draw: st.DrawFn, *, one_model: bool) -> list[Source]:
    """Adapters that hold some of the modules each, and B or not, at ranks of their own.

    Of one model, a module is of the same dimensions in all, whatever their files call it. Otherwise all call it the
    same, and it may be of other dimensions in each.
    """
    found = []
    dialects = st.sampled_from(DIALECTS) if one_model else st.just(draw(st.sampled_from(DIALECTS)))
    for _ in range(draw(st.integers(2, 4))):
        dialect = draw(dialects)
        modules, unusable, zero = [], [], set()
        for b, p in draw(st.lists(st.sampled_from(PLACES), unique=True)):
            d_in, d_out = (4 + b, "qv".index(p) + 4) if one_model else draw(st.tuples(*[st.integers(4, 6)] * 2))
            made = module(dialect(b, p), draw(st.integers(1, 9)), d_in, draw(st.sampled_from([d_out, None])))
            if draw(st.integers(0, 5)) == 0:
                unusable.append(SkippedModule(made.path.name, "It is of another method."))
                continue
            modules.append(made)
            if made.has_B and draw(st.booleans()):
                zero.add(made.path.name)
        modules.sort(key=lambda each: each.path.sort_key)
        found.append(source(modules, unusable, frozenset(zero)))
    return found


# --- any two among several ---


def facts(pairing: Pairing) -> list[tuple[int, int, str]]:
    """What a pairing says of its pairs, but for what they are called in files."""
    return [(id(pair.first), id(pair.second), pair.untrained) for pair in pairing.pairs]


def assert_any_two_are_as_if_alone(adapters: Sequence[Source]) -> None:
    matching, keys = match(adapters), []
    assert matching.sources == tuple(adapters)
    for i, j in itertools.permutations(range(len(adapters)), 2):
        among, alone = pairing_of(matching, i, j), pair_adapters(adapters[i], adapters[j])
        assert (among.first, among.second) == (adapters[i], adapters[j])
        assert facts(among) == facts(alone)
        assert among.unpaired == alone.unpaired
        assert {pair.places for pair in among.pairs} <= {(i, j)}
        keys += [pair.key for pair in among.pairs]
    assert len(set(keys)) == len(keys)
    slugs = [each.slug.casefold() for each in matching.matched]
    assert len(set(slugs)) == len(slugs)
    assert {key.slug.casefold() for key in keys} == set(slugs)


@settings(deadline=None)
@given(sources(one_model=True))
def test_of_one_model_any_two_are_as_if_alone(adapters: list[Source]) -> None:
    assert_any_two_are_as_if_alone(adapters)


@settings(deadline=None)
@given(sources(one_model=False))
def test_names_that_agree_make_pairs_whatever_the_shapes(adapters: list[Source]) -> None:
    assert_any_two_are_as_if_alone(adapters)


def test_real_adapters() -> None:
    adapters = [open_source(path) for path in MINILM]
    assert_any_two_are_as_if_alone(adapters)
    assert_any_two_are_as_if_alone([adapters[0], *adapters])
    matching = match(adapters)
    assert len(matching.matched) == 12
    assert all(None not in each.members for each in matching.matched)
    assert [pair.slug for pair in pairing_of(matching, 2, 0).pairs] == [each.slug for each in matching.matched]


def test_a_module_that_one_of_three_lacks(tmp_path: Path) -> None:
    """Only what a single adapter has is in no pair; the slugs are the same for any two."""
    held = (MODULES, [*MODULES[2:], "lm_head"], [*MODULES[:4], "lm_head", "model.embed_tokens"])
    adapters = [
        open_source(write_peft_adapter(tmp_path / str(k), modules, 2 + k, seed=k)) for k, modules in enumerate(held)
    ]
    assert_any_two_are_as_if_alone(adapters)
    matching = match(adapters)
    assert {each.slug: [member is not None for member in each.members] for each in matching.matched} == {
        "1_q": [True, False, True], "1_v": [True, False, True], "2_q": [True] * 3, "2_v": [True] * 3,
        "3_q": [True, True, False], "3_v": [True, True, False], "lm_head": [False, True, True],
    }  # fmt: skip
    pairing = pairing_of(matching, 2, 1)
    assert [pair.key for pair in pairing.pairs] == [Key(slug, 2, 1) for slug in ("2_q", "2_v", "lm_head")]
    assert {skip.module: skip.reason for skip in pairing.unpaired} == {
        **dict.fromkeys([*MODULES[:2], "model.embed_tokens"], "Only the first adapter has this module."),
        **dict.fromkeys(MODULES[4:], "Only the second adapter has this module."),
    }


def test_slugs_are_unique_among_all_though_no_two_share_the_place() -> None:
    """Two towers' layer 1 q, each in two of the adapters only."""
    text, vision = (f"{tower}.encoder.layers.0.self_attn.q_proj" for tower in ("text_model", "vision_model"))
    adapters = [source([module(name, 2, 4, 4)]) for name in (text, vision, text, vision)]
    assert_any_two_are_as_if_alone(adapters)
    assert [each.slug for each in match(adapters).matched] == ["text_1_q", "vision_1_q"]


def test_names_that_agree_are_one_module_whatever_another_adapter_calls_it() -> None:
    """A text encoder by itself, the first of a pipeline's, and both: the last two agree by name."""
    alone = "text_model.encoder.layers.0.self_attn.q_proj"
    te1, te2 = (f"lora_te{k}_text_model_encoder_layers_0_self_attn_q_proj" for k in (1, 2))
    adapters = [source([module(name, 2, 4, 4) for name in names]) for names in ((alone,), (te1,), (te1, te2))]
    for order in itertools.permutations(adapters):
        i, j = order.index(adapters[1]), order.index(adapters[2])
        assert [pair.path.name for pair in pairing_of(match(order), i, j).pairs] == [te1]
