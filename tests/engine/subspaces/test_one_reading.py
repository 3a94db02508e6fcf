"""All sides from one reading, against 50 digits, against ΔW formed in full, and on what spoils it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine.subspaces.one_reading
from engine.checkpoints.storage_types import FLOAT32, FLOAT64, STORAGE_TYPES, StoredArray
from engine.errors import MalformedAdapter
from engine.measures.phi import phi
from engine.side import Side
from engine.sources.opening import open_source
from engine.sources.source import FactorArrays
from engine.subspaces.algebra import NumpyAlgebra
from engine.subspaces.facts import PairFacts
from engine.subspaces.one_reading import module_rows, pair_facts, shared
from engine.subspaces.overlap import TIE_GAP, Spectrum
from tests.conftest import DATA, REPOSITORY

Matrix = npt.NDArray[np.float64]
Pair = tuple[Matrix, Matrix]  # A (r, d_in) and B (d_out, r)
BAR = 1e-9


def stored(A: Matrix, B: Matrix, name: str = "float64") -> FactorArrays:
    """Factors as a file holds them in a type, rounded to it."""
    return FactorArrays(*(_rounded(X, name) for X in (A, B)))


def _rounded(X: Matrix, name: str) -> StoredArray:
    torch = pytest.importorskip("torch")
    type_ = STORAGE_TYPES[name]
    bits = torch.from_numpy(X.flatten()).to(getattr(torch, name)).view(torch.uint8).numpy().copy()
    return StoredArray(bits.view(type_.carrier).reshape(X.shape), type_)


def widened(factors: FactorArrays) -> Pair:
    assert factors.A is not None
    assert factors.B is not None
    return factors.A.widened(), factors.B.widened()


def rows_on(side: Side, A: Any, B: Any) -> Any:
    """The matrix whose right-singular vectors a side compares; ΔW formed in full."""
    return {Side.A: A, Side.B: B.T, Side.DW_RIGHT: B @ A, Side.DW_LEFT: (B @ A).T}[side]


def by_svd(side: Side, first: Pair, second: Pair) -> tuple[Matrix, Matrix, Matrix]:
    """φ by an SVD of float64, and both spectra, up to the ranks of the factors."""
    found = [np.linalg.svd(rows_on(side, A, B), full_matrices=False)[1:] for A, B in (first, second)]
    (sigma, U), (sigma_, U_) = ((s[: A.shape[0]], V[: A.shape[0]]) for (s, V), (A, _) in zip(found, (first, second), strict=True))
    return _cumulated(U @ U_.T), sigma, sigma_


def _cumulated(M: Matrix) -> Matrix:
    i, j = np.ogrid[1 : M.shape[0] + 1, 1 : M.shape[1] + 1]
    values: Matrix = (M**2).cumsum(axis=0).cumsum(axis=1) / np.minimum(i, j)
    return values


def well_posed(spectrum: Spectrum, uncertainty: float = 2e-15) -> npt.NDArray[np.bool_]:
    """The k ≤ min(r, d) at which the span of k directions is told by numbers of float64 to about 1e-10."""
    sigma = spectrum.values
    gaps = sigma - np.append(sigma[1:], 0.0)
    told: npt.NDArray[np.bool_] = uncertainty * sigma[0] < 1e-10 * gaps
    told &= gaps > TIE_GAP * sigma
    told[spectrum.numerical_rank :] = False
    return told


def assert_right(facts: PairFacts, first: Pair, second: Pair) -> None:
    for side in Side:
        overlap = facts.on(side).overlap
        expected, sigma, sigma_ = by_svd(side, first, second)
        posed = well_posed(overlap.first)[:, None] & well_posed(overlap.second)[None, :]
        found = phi(overlap)[: posed.shape[0], : posed.shape[1]]
        padded = np.full(posed.shape, np.nan)
        padded[: expected.shape[0], : expected.shape[1]] = expected
        assert np.abs(found - padded)[posed].max(initial=0.0) <= BAR, side
        for spectrum, values in ((overlap.first, sigma), (overlap.second, sigma_)):
            k = min(len(values), len(spectrum.values))
            known = np.ldexp(spectrum.values, spectrum.exponent)
            np.testing.assert_allclose(known[:k], values[:k], rtol=0, atol=1e-9 * max(values[0], 1e-300))
            assert np.all(np.diff(spectrum.values) <= 0.0)


# --- against 50 digits ---------------------------------------------------------------------------------------


def exact(side: Side, first: Pair, second: Pair) -> tuple[Matrix, Matrix, Matrix]:
    """φ and both spectra in 50 digits, rounded at the end: of eigenvectors of X Xᵀ, never of a float64."""
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(50):
        found = []
        for A, B in (first, second):
            X = rows_on(side, mpmath.matrix(A.tolist()), mpmath.matrix(B.tolist()))
            small = X if X.rows <= A.shape[0] else None
            squares, vectors = mpmath.eigsy(X.T * X)  # ascending
            order = range(len(squares) - 1, len(squares) - 1 - A.shape[0], -1)
            assert small is None or small.rows == A.shape[0]
            sigma = [mpmath.sqrt(max(squares[k], 0)) for k in order]
            found.append((sigma, [[vectors[row, k] for row in range(X.cols)] for k in order]))
        (sigma, U), (sigma_, U_) = found
        M = np.array([[float(mpmath.fdot(u, u_)) for u_ in U_] for u in U])
        return _cumulated(M), np.array(sigma, dtype=float), np.array(sigma_, dtype=float)


@pytest.mark.parametrize("decades", [0.5, 2.0, 4.0, 6.0])
def test_every_side_agrees_with_fifty_digits(decades: float) -> None:
    """ΔW's spectrum falls over about twice as many decades as that of each factor."""
    rng = np.random.default_rng(int(10 * decades))
    made = [_graded(rng, np.logspace(0, -decades, r), 7, 6) for r in (4, 3)]
    facts = pair_facts(*(stored(*pair) for pair in made))
    for side in Side:
        expected, sigma, sigma_ = exact(side, made[0], made[1])
        overlap = facts.on(side).overlap
        posed = well_posed(overlap.first)[:, None] & well_posed(overlap.second)[None, :]
        assert posed[0, 0]
        assert np.abs(phi(overlap) - expected)[posed].max() <= BAR
        for spectrum, values in ((overlap.first, sigma), (overlap.second, sigma_)):
            np.testing.assert_allclose(spectrum.values, values, rtol=0, atol=1e-14 * values[0])


def _graded(rng: np.random.Generator, sigma: npt.ArrayLike, d_in: int, d_out: int) -> Pair:
    """Factors with these singular values and random directions, mixed by random rotations."""
    values = np.asarray(sigma, dtype=np.float64)
    r = values.size
    factors = []
    for d in (d_in, d_out):
        mixed = np.linalg.qr(rng.standard_normal((r, r)))[0] * values
        rows = np.zeros((r, d))
        m = min(r, d)
        rows[:m] = np.linalg.qr(rng.standard_normal((d, m)))[0].T
        factors.append(mixed @ rows)
    return factors[0], np.ascontiguousarray(factors[1].T)


# --- against ΔW in full ----------------------------------------------------------------------------------------


@st.composite
def spectra(draw: st.DrawFn) -> list[float]:
    """Descending singular values from 1 down to 1e-12, some of them repeated, some zero."""
    r = draw(st.integers(1, 8))
    values = sorted((10.0 ** draw(st.floats(-12.0, 0.0)) for _ in range(r)), reverse=True)
    for k in draw(st.lists(st.integers(0, r - 1), max_size=2)):
        values[k] = values[max(0, k - 1)]
    zeros = draw(st.integers(0, r)) if draw(st.booleans()) else 0
    return values[: r - zeros] + [0.0] * zeros


@settings(max_examples=120, deadline=None)
@given(
    spectra(), spectra(), st.integers(0, 2**32 - 1), st.integers(2, 16), st.integers(2, 16),
    st.sampled_from(sorted(STORAGE_TYPES)), st.sampled_from([1.0, 1e-130, 1e120, 3e-5]),
)  # fmt: skip
def test_every_side_is_right_or_undefined(
    sigma: list[float], sigma_: list[float], seed: int, d_in: int, d_out: int, name: str, scale: float
) -> None:
    """Whatever the spectrum, the storage type, the scale, and the rank beside both dimensions."""
    rng = np.random.default_rng(seed)
    scale = scale if name == "float64" else 1.0
    made = [stored(A * scale, B, name) for A, B in (_graded(rng, s, d_in, d_out) for s in (sigma, sigma_))]
    facts = pair_facts(*made)
    first, second = (widened(each) for each in made)
    assert_right(facts, (first[0] / scale, first[1]), (second[0] / scale, second[1])) if scale == 1.0 else None
    for side in Side:
        overlap = facts.on(side).overlap
        undefined = np.isnan(phi(overlap))
        assert undefined[overlap.first.numerical_rank :].all()
        assert undefined[:, overlap.second.numerical_rank :].all()
        assert not undefined[: overlap.first.numerical_rank, : overlap.second.numerical_rank].any()
        values = phi(overlap)[~undefined]
        assert values.min(initial=0.0) >= 0.0
        assert values.max(initial=0.0) <= 1.0 + BAR
