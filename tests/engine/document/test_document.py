"""The document as JSON, and what is resolved of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.comparison.outcome import SideFailure
from engine.document.document import Document, Scale, from_json
from engine.document.resolve import resolve
from engine.errors import EngineError
from engine.figures.colour_maps import COLOUR_MAPS, DIVERGING_MAPS, RangeMode
from engine.figures.presets import Preset
from engine.measures.view import View
from engine.side import Side
from tests.adapters import llama_modules, write_peft_adapter
from tests.reference import compare

_TEXTS = st.lists(st.text(max_size=8), max_size=3).map(tuple)
_NUMBERS = st.floats(-1e9, 1e9)
_SCALES = st.builds(
    Scale, mode=st.sampled_from([mode for mode in RangeMode if mode is not RangeMode.TYPED]),
    sequential=st.sampled_from(COLOUR_MAPS), diverging=st.sampled_from([*DIVERGING_MAPS, *COLOUR_MAPS]),
) | st.builds(Scale, mode=st.just(RangeMode.TYPED), typed=st.tuples(_NUMBERS, _NUMBERS))  # fmt: skip
DOCUMENTS = st.builds(
    Document, sources=_TEXTS, side=st.sampled_from(Side), view=st.sampled_from(View), selection=_TEXTS,
    preset=st.none() | st.sampled_from(Preset), control=st.booleans(), square=st.booleans(),
    count_from=st.integers(0, 1), scale=_SCALES, page=st.text(max_size=8),
)  # fmt: skip


@given(document=DOCUMENTS)
def test_it_comes_back_from_json(document: Document) -> None:
    assert from_json(document.to_json()) == document


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "{}", '{"document": 0}', "not JSON", '{"document": 99, "side": "B"}']
)
def test_other_text_is_no_document(text: str) -> None:
    assert from_json(text) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("side", "C"), ("view", 3), ("selection", "1_q"), ("selection", [1]), ("preset", "fig99"), ("control", "yes"),
        ("count_from", 7), ("scale", []), ("scale", {"mode": "Typed"}), ("sources", {"a": 1}), ("page", None),
    ],
)  # fmt: skip
def test_a_field_that_cannot_be_read_has_its_usual_value(field: str, value: object) -> None:
    facts = {**json.loads(Document(selection=("1_q",), page="Atlas").to_json()), field: value}
    usual = getattr(Document(), field)
    found = from_json(json.dumps(facts))
    assert found is not None
    assert getattr(found, field) == usual
    assert found.selection == (usual if field == "selection" else ("1_q",))


def test_a_range_that_was_meant_for_one_view_is_given_up_for_another() -> None:
    typed = Scale(RangeMode.TYPED, (0.1, 0.2), "magma")
    assert typed.suited_to(View.Z) == Scale(sequential="magma")
    assert Scale(RangeMode.UNIT).suited_to(View.Z) == Scale()
    assert Scale(RangeMode.UNIT).suited_to(View.ABOVE_CHANCE) == Scale(RangeMode.UNIT)


def test_what_is_shown_and_what_is_missing(tmp_path: Path) -> None:
    modules = llama_modules(3, ("q", "v"))
    paths = [write_peft_adapter(tmp_path / str(seed), modules, 4, seed=seed, d_in=16) for seed in (0, 1)]
    pairing, outcomes = compare(paths[0], paths[1])
    known = {outcome.pair.key: outcome for outcome in outcomes}
    document = Document(selection=("3_v", "1_q", "gone"), control=True)
    nothing = resolve(document, None, {})
    assert (nothing.comparable, nothing.pairs, nothing.plan.panels, nothing.missing) == ((), (), (), ())
    shown = resolve(document, pairing, {})
    assert [pair.slug for pair in shown.comparable] == ["1_q", "1_v", "2_q", "2_v", "3_q", "3_v"]
    assert [pair.slug for pair in shown.pairs] == ["1_q", "3_v"], "in natural order"
    assert [pair.slug for pair in shown.missing] == ["1_q", "3_v", "1_v", "2_q", "2_v", "3_q"], "those shown first"
    assert [(spec.pair.slug, spec.is_control) for spec in shown.plan.panels] == [
        ("1_q", False), ("3_v", False), ("3_v", True),
    ]  # fmt: skip
    last = shown.pairs[-1]
    failed = resolve(document, pairing, {**known, last.key: SideFailure(last, EngineError("It failed."))})
    assert failed.missing == ()
    assert failed.plan.panels[-1].pair.slug == "1_q", "a control stands for a module that there is"
    assert resolve(document.with_(preset=Preset.FIG7), pairing, known).plan.paper == "Figure 7"
