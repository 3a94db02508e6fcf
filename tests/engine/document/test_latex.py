"""The caption of a figure states what it shows, in LaTeX that compiles whatever the adapters are called."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.comparison.outcome import SideResult
from engine.document.export_plan import Comparison
from engine.document.latex import latex_figure
from engine.figures.style import FigureStyle
from engine.matching.pairing import pair_adapters
from engine.side import Side
from engine.sources.opening import open_source
from engine.subspaces.devices import CPU
from tests.adapters import llama_modules, write_peft_adapter
from tests.reference import compare, compared


def test_caption_says_what_is_shown(tmp_path: Path) -> None:
    names = ("run_1 50% & more", "b#2")
    paths = [
        write_peft_adapter(tmp_path / name, llama_modules(3), 4 + 2 * k, seed=k, d_in=48)
        for k, name in enumerate(names)
    ]
    pairing = pair_adapters(*map(open_source, paths))
    results = tuple(outcome for outcome in compared(pairing) if isinstance(outcome, SideResult))
    comparison = Comparison(pairing.first, pairing.second, Side.A, CPU, results, (), frozenset({"1_q", "3_v"}))
    text = latex_figure(comparison, FigureStyle(width=5.5, range=(0.0, 0.8)))
    for stated in (
        r"run\_1 50\% \& more", r"b\#2", "$r=4$", "$r=6$", "layers 1 and 3", "q and v", "from 0 to 0.8",
        "have 0.125 on average at full rank",
        "At full rank the median module shares $", "$ (v) of 4 directions beyond chance",
        "of 6 modules lie beyond chance (Benjamini--Hochberg, $q=0.01$).",
        "right-singular vectors of $A$", "[width=5.5in]{figure.pdf}",
    ):  # fmt: skip
        assert stated in text
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")


@pytest.mark.parametrize(
    ("layers", "projections", "said"),
    [
        (2, ("q", "k", "v", "o", "gate"), r"shares from \$-?\d\.\d\d\$ \(\w+\) to \$-?\d\.\d\d\$ \(\w+\) of 4 "),
        (1, ("q",), r"At full rank they share \$-?\d\.\d\d\$ of 4 directions beyond chance\.\}"),
    ],
)
def test_caption_has_room_for_many_projections_and_for_one_module(
    tmp_path: Path, layers: int, projections: tuple[str, ...], said: str
) -> None:
    modules = llama_modules(layers, projections)
    paths = [write_peft_adapter(tmp_path / str(seed), modules, 4, seed=seed, d_in=48) for seed in (0, 1)]
    pairing, found = compare(paths[0], paths[1])
    results = tuple(outcome for outcome in found if isinstance(outcome, SideResult))
    comparison = Comparison(pairing.first, pairing.second, Side.A, CPU, results, ())
    assert re.search(said, latex_figure(comparison, FigureStyle()))
