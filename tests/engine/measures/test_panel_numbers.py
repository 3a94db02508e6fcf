"""The numbers of a panel: what they compare, and with what."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.comparison.findings import findings
from engine.comparison.outcome import SideResult
from engine.matching.pairing import pair_adapters
from engine.sources.opening import open_source
from tests.adapters import llama_modules, write_peft_adapter
from tests.reference import compared


def _results(tmp_path: Path, layers: int, ranks: tuple[int, int] = (4, 4), d_in: int = 64) -> list[SideResult]:
    first, second = (
        open_source(write_peft_adapter(tmp_path / str(k), llama_modules(layers), rank, seed=k, d_in=d_in))
        for k, rank in enumerate(ranks)
    )
    return [outcome for outcome in compared(pair_adapters(first, second)) if isinstance(outcome, SideResult)]


def test_the_longer_of_row_and_column_does_not_dominate_by_its_length(tmp_path: Path) -> None:
    """Chance grows along both: of random adapters of ranks 4 and 48, about as many rows as columns dominate."""
    found = findings(_results(tmp_path, 40, ranks=(4, 48)))
    share = float(np.mean([finding.dominant == "rows" for finding in found]))
    assert 0.25 < share < 0.75


def test_a_change_is_from_the_layer_before_alone(tmp_path: Path) -> None:
    results = _results(tmp_path, 4)
    whole = {finding.pair.slug: finding for finding in findings(results)}
    some = {finding.pair.slug: finding for finding in findings([r for r in results if r.pair.path.layer != 1])}
    assert np.isnan(whole["1_q"].corner_change)
    assert whole["3_q"].corner_change == whole["3_q"].mean_corner - whole["2_q"].mean_corner
    assert np.isnan(some["3_q"].corner_change), "layer 2 is not among them"
    assert some["4_q"].corner_change == whole["4_q"].corner_change
