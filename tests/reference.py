"""φ by another way than the program's, comparisons by path, and facts whose φ is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.comparison.outcome import Request, SideOutcome, SideResult
from engine.comparison.running import outcomes
from engine.figures.arrangement import LaidOutFigure, laid_out
from engine.figures.contents import filled
from engine.figures.presets import Preset, figure_plan
from engine.figures.style import FigureStyle
from engine.matching.pairing import ModulePair, Pairing, pair_adapters
from engine.measures.phi import phi
from engine.side import Side
from engine.sources.opening import open_source
from engine.sources.source import Source
from engine.subspaces.facts import SideFacts
from engine.subspaces.overlap import Overlap, Spectrum


def reference_phi(X: npt.NDArray[np.float64], Y: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """φ of the right-singular vectors of X (r, d) and Y (r', d), cell by cell from its definition."""
    U = np.linalg.svd(X, full_matrices=False)[2].T
    V = np.linalg.svd(Y, full_matrices=False)[2].T
    overlaps = (U.T @ V) ** 2
    return np.array(
        [[overlaps[:i, :j].sum() / min(i, j) for j in range(1, V.shape[1] + 1)] for i in range(1, U.shape[1] + 1)]
    )


def stored_matrices(adapter: Source, pair: ModulePair, *, first: bool) -> npt.NDArray[np.float64]:
    """A of one module, as it is stored, in float64."""
    module = pair.first if first else pair.second
    with adapter.open() as reader:
        A = reader.read(module, B=False).A
    assert A is not None
    return A.widened()


def compare(first: object, second: object, side: Side = Side.A) -> tuple[Pairing, list[SideOutcome]]:
    """Open, pair and compare two adapters by path, all modules."""
    pairing = pair_adapters(open_source(Path(str(first))), open_source(Path(str(second))))
    return pairing, compared(pairing, side)


def compared(pairing: Pairing, side: Side = Side.A) -> list[SideOutcome]:
    """What comes of all pairs that can be compared on a side."""
    request = Request(1, pairing.matching, pairing.comparable(side), (side,))
    return [outcome.on(side) for outcome in outcomes(request)]


def facts_of(values: npt.NDArray[np.float64], d: int, side: Side = Side.A) -> SideFacts:
    """Facts of which φ (r, r') is this, but for rounding.

    φ · min(i, j) must grow along both axes, as sums of squares do, and past a NaN there must be NaN alone: rows and
    columns of nothing else are past the numerical ranks.
    """
    i, j = np.ogrid[1 : values.shape[0] + 1, 1 : values.shape[1] + 1]
    sums = values * np.minimum(i, j)
    squares = np.diff(np.diff(sums, axis=0, prepend=0.0), axis=1, prepend=0.0)
    assert not (squares < -1e-12).any(), "no directions have this φ"
    matrix = np.sqrt(np.maximum(squares, 0.0))[:d, :d]
    spectra = [
        Spectrum(np.arange(min(n, d), 0.0, -1.0), int((~np.isnan(values)).any(axis=1 - axis).sum()))
        for axis, n in enumerate(values.shape)
    ]
    matrix.setflags(write=False)
    overlap = Overlap(matrix, (values.shape[0], values.shape[1]), spectra[0], spectra[1], d, "SVD")
    np.testing.assert_allclose(phi(overlap), values, rtol=1e-12, atol=1e-15)
    return SideFacts(side, overlap)


def figure_of(
    results: Sequence[SideResult], style: FigureStyle | None = None, preset: Preset | None = None
) -> LaidOutFigure:
    """The figure of these results, laid out as an export lays it out."""
    style = style or FigureStyle()
    pairs = [result.pair for result in results]
    plan = figure_plan(pairs, preset, control_of=pairs[-1] if style.control else None, square=style.square)
    return laid_out(filled(plan, results), style)
