"""What a comparison says of what is shared, for one module and for hundreds, of any rank and tower."""

from __future__ import annotations

import numpy as np
import pytest

from engine.comparison.outcome import SideResult
from engine.comparison.sentence import equals, probability, shared_sentence, shared_summary
from engine.matching.pairing import ModulePair
from engine.naming.module_path import ModulePath
from engine.side import Side
from engine.sources.matrices import Factors, StoredMatrix
from engine.sources.source import Module
from tests.reference import facts_of

_D = 400


def _result(
    layer: int | None, projection: str, s: float, *, tower: str = "", ranks: tuple[int, int] = (8, 8), d: int = _D
) -> SideResult:
    """A module that shares s directions at full rank, NaN where φ there is undefined."""
    name = ".".join(filter(None, (tower, str(layer) if layer is not None else "", projection)))
    path = ModulePath(name, layer, "", tower, projection)
    first, second = (Module(path, Factors(StoredMatrix(("A",), (rank, d), "float32"))) for rank in ranks)
    small, large = min(ranks), max(ranks)
    values = np.full(ranks, large / d + s / small * (1 - large / d))
    return SideResult(ModulePair(first, second, name), facts_of(values, d))


def test_a_whole_model() -> None:
    results = [
        _result(layer, projection, s)
        for layer, both in enumerate(((3.0, -0.04), (1.5, 0.01), (2.0, 0.05)))
        for projection, s in zip("qv", both, strict=True)
    ]
    assert shared_sentence(results, Side.A) == (
        "Directions shared beyond chance on A, median (range) over 3 layers: q 2.00 of 8 (1.50 to 3.00), "
        "v 0.01 (−0.04 to 0.05). 3 of 6 modules lie beyond chance (Benjamini–Hochberg at 0.01); "
        "the strongest is layer 1 q with 3.00."
    )


def test_while_more_is_to_come_it_says_so_first() -> None:
    results = [_result(0, "q", 3.0), _result(1, "q", 2.0)]
    said = shared_sentence(results, Side.A, total=96)
    assert said.startswith("2 of 96 modules so far. Directions shared ")
    assert shared_sentence(results, Side.A, total=2) == shared_sentence(results, Side.A)
    assert shared_sentence([], Side.A, total=96) == ""


def test_layers_counted_from_0_are_said_to_be() -> None:
    said = shared_sentence([_result(0, "q", 3.0), _result(1, "q", 2.0)], Side.A, count_from=0)
    assert "the strongest is layer 0 q with 3.00. Layers are counted from 0." in said


@pytest.mark.parametrize(
    ("s", "said"),
    [
        (3.0, "in layer 1 q: 3.00 of 8, which lies beyond chance (p = "),
        (-0.02, "in layer 1 q: −0.02 of 8, which does not lie beyond chance (p = 0."),
        (8.0, "in layer 1 q: 8.00 of 8, which lies beyond chance (p < 10⁻³⁰⁷)."),
    ],
)
def test_one_module(s: float, said: str) -> None:
    assert said in shared_sentence([_result(0, "q", s)], Side.DW_RIGHT)
    assert "on ΔW (right) " in shared_sentence([_result(0, "q", s)], Side.DW_RIGHT)


def test_one_layer_has_neither_median_nor_range() -> None:
    said = shared_sentence([_result(2, "q", 3.0), _result(2, "v", 1.0)], Side.B)
    assert said.startswith("Directions shared beyond chance on B in layer 3: q 3.00 of 8, v 1.00. 2 of 2 modules lie")


def test_ranks_are_said_where_they_change() -> None:
    results = [
        _result(0, "q", 3.0, ranks=(8, 64)), _result(1, "q", 3.0, ranks=(4, 64)),
        _result(0, "v", 12.0, ranks=(64, 64)), _result(1, "v", 12.0, ranks=(64, 64)),
    ]  # fmt: skip
    said = shared_sentence(results, Side.A)
    assert "q 3.0 of 4 to 8 (3.0 to 3.0), v 12.0 of 64 (12.0 to 12.0)" in said


def test_towers_are_told_apart() -> None:
    results = [
        _result(layer, "q", s, tower=tower)
        for tower, s in (("encoder", 1.0), ("decoder.cross", 2.0)) for layer in (0, 1)
    ]  # fmt: skip
    said = shared_sentence(results, Side.A)
    assert "encoder q 1.00 of 8 (1.00 to 1.00), decoder.cross q 2.00 (2.00 to 2.00)." in said
    assert "the strongest is decoder.cross layer 1 q with 2.00." in said


def test_forty_projections_are_told_by_their_ends() -> None:
    results = [_result(layer, f"p{k}", k / 10) for layer in range(3) for k in range(40)]
    said = shared_sentence(results, Side.A)
    assert (
        "over 3 layers: of 40 projections, highest p39 3.90 of 8 (3.90 to 3.90), p38 3.80 (3.80 to 3.80), "
        "p37 3.70 (3.70 to 3.70); lowest p2 0.20 (0.20 to 0.20), p1 0.10 (0.10 to 0.10), p0 0.00 (0.00 to 0.00)."
    ) in said
    assert len(said) < 420


def test_modules_outside_the_layers_have_their_names() -> None:
    said = shared_sentence([_result(None, "lm_head", 1.0), _result(0, "q", 0.5)], Side.A)
    assert said.startswith("Directions shared beyond chance on A: lm_head 1.00 of 8, q 0.50.")
    assert "the strongest is lm_head with 1.00." in said
    several = [_result(None, "adapter", 1.0, tower=tower) for tower in ("a", "b")]
    assert "median" not in shared_sentence(several, Side.A)


def test_experts_of_one_layer_are_modules() -> None:
    results = [_result(0, "up", 1.0), _result(0, "up", 2.0), _result(1, "up", 3.0)]
    assert "median (range) over modules: up 2.00 of 8 (1.00 to 3.00)" in shared_sentence(results, Side.A)


def test_a_projection_called_by_a_number_is_told_from_the_numbers() -> None:
    said = shared_sentence([_result(0, "0", 1.0), _result(0, "conv", 0.5)], Side.A)
    assert "“0” 1.00 of 8, conv 0.50." in said
    assert "the strongest is layer 1 “0” with 1.00." in said


def test_undefined_modules_are_counted_apart() -> None:
    results = [_result(0, "q", 3.0), _result(1, "q", 2.0), _result(2, "q", np.nan), _result(3, "q", np.nan)]
    said = shared_sentence(results, Side.A)
    assert "over 2 layers: q 2.50 of 8 (2.00 to 3.00). 2 of 2 modules lie beyond chance" in said
    assert said.endswith(" 2 more modules have no value at full rank.")


@pytest.mark.parametrize(
    ("results", "said"),
    [
        ([_result(0, "q", np.nan)], "in layer 1 q the full rank is past the numerical rank."),
        ([_result(k, "q", np.nan) for k in (0, 1)], "in all 2 modules the full rank is past the numerical rank."),
        ([_result(0, "q", 1.0, d=8)], "in layer 1 q the larger rank reaches the dimension of the space."),
        (
            [_result(0, "q", 1.0, d=8), _result(1, "q", np.nan)],
            "in all 2 modules the full rank is past the numerical rank or reaches the dimension of the space.",
        ),
    ],
)
def test_what_has_no_value_is_said_with_its_reason(results: list[SideResult], said: str) -> None:
    assert shared_sentence(results, Side.B) == f"What is shared beyond chance on B has no value: {said}"


def test_names_from_a_file_stay_on_one_line() -> None:
    assert "\n" not in shared_sentence([_result(0, "q\n\x1b[31m", 1.0), _result(0, "v", 1.0)], Side.A)
    assert "\x1b" not in shared_sentence([_result(0, "q\n\x1b[31m", 1.0), _result(0, "v", 1.0)], Side.A)


def test_discoveries_are_found_among_all_modules_together() -> None:
    """One p of 0.004 among 100 would be a discovery alone and is none here."""
    alone = shared_summary([_result(0, "q", 0.08)])
    among = shared_summary([_result(0, "q", 0.08), *(_result(layer, "q", 0.0) for layer in range(1, 100))])
    assert 1e-4 < alone.least_p < 1e-2
    assert (alone.beyond, among.beyond) == (1, 0)


def test_numbers_as_they_are_read() -> None:
    numbers = [probability(p) for p in (0.212, 0.00123, 6.6e-47, 9.6e-5, 0.0, 1.0, np.nan)]
    assert numbers == ["0.21", "0.0012", "7·10⁻⁴⁷", "1·10⁻⁴", "< 10⁻³⁰⁷", "1", "–"]
    assert (equals(0.212), equals(0.0)) == ("= 0.21", "< 10⁻³⁰⁷")
