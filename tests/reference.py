"""φ by another way than the program's: NumPy's float64 singular value decomposition."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.comparison.outcome import ComparisonRequest, Outcome
from engine.matching.pairing import ModulePair, pair_adapters
from engine.side import Side
from engine.sources.opening import open_source
from engine.sources.source import Source


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


def compare(first: object, second: object, side: Side = Side.A) -> tuple[ComparisonRequest, list[Outcome]]:
    """Open, pair and compare two adapters by path, all modules."""
    from pathlib import Path  # noqa: PLC0415

    from engine.comparison.running import outcomes  # noqa: PLC0415

    pairing = pair_adapters(open_source(Path(str(first))), open_source(Path(str(second))))
    request = ComparisonRequest(1, pairing.first, pairing.second, pairing.comparable(side), side)
    return request, list(outcomes(request))
