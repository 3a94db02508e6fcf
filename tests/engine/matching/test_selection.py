"""Layers as people type them, and what a selection picks."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.matching.pairing import ModulePair, pair_adapters
from engine.matching.selection import parse_layers, renumbered, select_pairs, unmatched
from engine.sources.opening import open_source
from tests.adapters import llama_modules, write_peft_adapter


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("1", ["1"], ["2", "10", "11", ""]),
        ("1,32,64-96", ["1", "32", "64", "80", "96"], ["2", "31", "33", "63", "97", "6"]),
        (" 2 , 4 - 5 ", ["2", "4", "5"], ["1", "3", "6"]),
        ("3–4", ["3", "4"], ["2", "5"]),
        ("7-7", ["7"], ["6", "8"]),
        ("down.1.0,2", ["down.1.0", "2"], ["down.1", "down.1.0.0", "1"]),
    ],
)
def test_typed_layers(text: str, inside: list[str], outside: list[str]) -> None:
    selection = parse_layers(text)

    assert [label for label in [*inside, *outside] if selection.holds(label)] == inside


@pytest.mark.parametrize("text", ["", " ", "1,", ",1", "1,,2", "0", "0-3", "5-2", "64-32,1"])
def test_what_is_no_layer_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"empty item|no range of layers"):
        parse_layers(text)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> tuple[ModulePair, ...]:
    folder: Path = tmp_path_factory.mktemp("adapters")
    made = [
        write_peft_adapter(folder / str(seed), llama_modules(3, ("q", "k", "v")), 2, seed=seed) for seed in (0, 1)
    ]
    return pair_adapters(open_source(made[0]), open_source(made[1])).pairs


def test_selected_pairs_keep_their_order(pairs: tuple[ModulePair, ...]) -> None:
    assert select_pairs(pairs, None, None) == pairs
    assert [pair.slug for pair in select_pairs(pairs, parse_layers("3,1"), ["v", "q"])] == [
        "1_q", "1_v", "3_q", "3_v",
    ]  # fmt: skip
    assert [pair.slug for pair in select_pairs(pairs, None, ["k"])] == ["1_k", "2_k", "3_k"]
    assert [pair.slug for pair in select_pairs(pairs, parse_layers("2"), None)] == ["2_q", "2_k", "2_v"]
    assert select_pairs(pairs, parse_layers("4-9"), None) == ()
    assert select_pairs(pairs, None, ["o"]) == ()


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("1,9", ["9"]),
        ("9,1,9", ["9"]),
        ("2-5", ["4-5"]),
        ("4-6,8", ["4-6", "8"]),
        ("1-3", []),
        ("down.1.0,2", ["down.1.0"]),
        ("1,99999999999999", ["99999999999999"]),
    ],
)
def test_what_is_not_there_is_named(text: str, missing: list[str]) -> None:
    assert parse_layers(text).missing(["1", "2", "3", "mid.0"]) == missing


def test_gaps_within_a_range_are_named() -> None:
    assert parse_layers("1-12").missing(["1", "2", "4", "8", "9"]) == ["3", "5-7", "10-12"]


@pytest.mark.parametrize(
    ("text", "before", "now", "after"),
    [
        ("1, 32,64-96", 1, 0, "0, 31,63-95"),
        ("0, 31,63-95", 0, 1, "1, 32,64-96"),
        ("down.1.0, 2 – 3", 1, 0, "down.1.0, 1 – 2"),
        ("5-2", 1, 0, "5-2"),
        ("0", 1, 0, "0"),
        ("", 1, 0, ""),
    ],
)
def test_typed_text_means_the_same_where_layers_are_counted_otherwise(
    text: str, before: int, now: int, after: str
) -> None:
    assert renumbered(text, before, now) == after


def test_what_a_selection_asks_for_in_vain_is_said(pairs: tuple[ModulePair, ...]) -> None:
    assert unmatched(pairs, parse_layers("1,3"), ["q", "v"]) == []
    assert unmatched(pairs, parse_layers("1,9"), None) == ["There is no layer 9 to compare."]
    assert unmatched(pairs, parse_layers("2-5,7"), ["q", "x", "y"]) == [
        "There are no layers 4-5, 7 to compare.", "There are no projections x, y to compare.",
    ]  # fmt: skip
    without = tuple(pair for pair in pairs if pair.slug != "2_q")
    assert unmatched(without, parse_layers("1-3"), ["q"]) == ["Layer 2 has none of these projections."]
