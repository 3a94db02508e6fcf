"""Numbers in names are counted, not spelt; one thing is not several."""

from __future__ import annotations

import pytest

from engine.naming.module_path import parse_module_path
from engine.naming.projections import projection_key
from engine.wording import count, listed, natural


@pytest.mark.parametrize(
    "names",
    [
        ["#0", "#2", "#10"],
        ["checkpoint-2", "checkpoint-10", "checkpoint-100"],
        ["expert.9", "expert.10"],
        ["a9.b2", "a9.b10", "a10.b1"],
        ["0000100_adapters", "0000200_adapters", "0001000_adapters"],
        ["9" * 5000, "1" + "0" * 5000],
    ],
)
def test_natural_order(names: list[str]) -> None:
    assert natural(reversed(names)) == names


def test_projections_with_numbers_are_in_natural_order() -> None:
    names = ["adapter_10", "adapter_2", "down", "v", "q"]
    assert sorted(names, key=projection_key) == names[::-1]


def test_a_module_whose_name_is_a_number_without_end_has_its_place() -> None:
    """It was a ValueError: Python converts no decimal of more than 4300 digits."""
    names = [f"block_{'7' * 5000}.q_proj", "block_8.q_proj"]
    ordered = sorted((parse_module_path(name) for name in names), key=lambda path: path.sort_key)
    assert [path.name for path in ordered] == names[::-1]


def test_counts_and_lists() -> None:
    assert [count(number, "module") for number in (0, 1, 2)] == ["0 modules", "1 module", "2 modules"]
    assert listed(["a", "b"], 2) == "a, b"
    assert listed(["a", "b", "c"], 2) == "a, b, …"
