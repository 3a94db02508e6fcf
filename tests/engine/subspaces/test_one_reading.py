"""All sides from one reading, against 50 digits, against ΔW formed in full, and on what spoils it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine.subspaces.one_reading
from engine.checkpoints.storage_types import FLOAT64, STORAGE_TYPES, StoredArray
from engine.errors import MalformedAdapter
from engine.measures.phi import phi
from engine.side import Side
from engine.sources.opening import open_source
from engine.sources.source import FactorArrays
from engine.subspaces import directions
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
    found = []
    for A, B in (first, second):
        _, sigma, U = np.linalg.svd(rows_on(side, A, B), full_matrices=False)
        found.append((sigma[: A.shape[0]], U[: A.shape[0]]))
    (sigma, U), (sigma_, U_) = found
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


def assert_right(facts: PairFacts, first: Pair, second: Pair, sides: Iterable[Side] = Side) -> None:
    for side in sides:
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
            squares, vectors = mpmath.eigsy(X.T * X)  # ascending
            order = range(len(squares) - 1, len(squares) - 1 - A.shape[0], -1)
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
    facts = pair_facts(stored(*made[0]), stored(*made[1]))
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
    st.sampled_from(sorted(STORAGE_TYPES)),
)  # fmt: skip
def test_every_side_is_right_or_undefined(
    sigma: list[float], sigma_: list[float], seed: int, d_in: int, d_out: int, name: str
) -> None:
    """Whatever the spectrum, the storage type, and the rank beside both dimensions."""
    rng = np.random.default_rng(seed)
    made = [stored(A, B, name) for A, B in (_graded(rng, s, d_in, d_out) for s in (sigma, sigma_))]
    facts = pair_facts(made[0], made[1])
    assert_right(facts, widened(made[0]), widened(made[1]))
    for side in Side:
        overlap = facts.on(side).overlap
        undefined = np.isnan(phi(overlap))
        assert undefined[overlap.first.numerical_rank :].all()
        assert undefined[:, overlap.second.numerical_rank :].all()
        assert not undefined[: overlap.first.numerical_rank, : overlap.second.numerical_rank].any()
        values = phi(overlap)[~undefined]
        assert values.min(initial=0.0) >= 0.0
        assert values.max(initial=0.0) <= 1.0 + BAR


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1e-130, 1e120, 2.0**-500]), st.sampled_from([1e-130, 1e120]))
def test_a_scale_changes_no_number(seed: int, scale_A: float, scale_B: float) -> None:
    rng = np.random.default_rng(seed)
    made = [_graded(rng, np.linspace(2.0, 1.0, r), 9, 11) for r in (3, 4)]
    plain = pair_facts(stored(*made[0]), stored(*made[1]))
    A, B = made[0]
    moved = pair_facts(stored(A * scale_A, B * scale_B), stored(*made[1]))
    for side in Side:
        np.testing.assert_allclose(phi(moved.on(side).overlap), phi(plain.on(side).overlap), rtol=0, atol=1e-12)
    assert moved.update is not None
    assert plain.update is not None
    assert moved.update.cosine == pytest.approx(plain.update.cosine, abs=1e-13)


@pytest.mark.parametrize("decades", [1.0, 3.0, 5.0, 7.0, 9.0])
def test_what_the_first_product_does_not_tell_the_next_one_does(decades: float) -> None:
    rng = np.random.default_rng(int(decades))
    made = [_graded(rng, np.logspace(0, -decades, 12), 40, 50) for _ in range(2)]
    facts = pair_facts(stored(*made[0]), stored(*made[1]))
    assert facts.on(Side.A).method == {1.0: "Gram", 3.0: "Gram", 9.0: "SVD"}.get(decades, "CholeskyQR2")
    assert_right(facts, made[0], made[1])
    for side in (Side.A, Side.B):
        np.testing.assert_allclose(facts.on(side).first.values, np.logspace(0, -decades, 12), rtol=0, atol=1e-14)


def test_rows_of_any_length_are_as_good_as_equal_ones() -> None:
    """How long each row is says nothing of how well the directions are told apart."""
    rng = np.random.default_rng(5)
    lengths = np.logspace(0, -6, 8)[:, None]
    A, A_ = (np.linalg.qr(rng.standard_normal((30, 8)))[0].T * lengths for _ in range(2))
    B = rng.standard_normal((20, 8))
    facts = pair_facts(stored(A, B), stored(A_, B))
    assert facts.on(Side.A).method == "Gram"
    assert_right(facts, (A, B), (A_, B))


def test_zero_B_leaves_A_as_it_is_and_has_no_direction() -> None:
    rng = np.random.default_rng(6)
    A, B = _graded(rng, [3.0, 2.0, 1.0], 9, 8)
    facts = pair_facts(stored(A, B), stored(A, 0.0 * B))
    assert_right(facts, (A, B), (A, 0.0 * B))
    assert [facts.on(side).second.numerical_rank for side in Side] == [3, 0, 0, 0]
    assert facts.update is not None
    assert np.isnan(facts.update.cosine)
    assert facts.update.norms[1] == 0.0


def _scaled_by_rows(A: Matrix, B: Matrix, exponents: npt.ArrayLike) -> Pair:
    """Another pair of factors of exactly the same ΔW: powers of two change no digit."""
    moved = np.asarray(exponents)
    return np.ldexp(A, moved[:, None]), np.ldexp(B, -moved)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("copies", [False, True], ids=["independent rows", "two rows alike"])
@pytest.mark.parametrize("places", [30, 45, 130, 400, 515])
def test_short_rows_that_long_columns_make_up_for_cost_no_digit(places: int, copies: bool) -> None:
    rng = np.random.default_rng(11)
    A, B = rng.standard_normal((6, 30)), rng.standard_normal((25, 6))
    if copies:
        A[1] = A[0]
    other = stored(rng.standard_normal((6, 30)), rng.standard_normal((25, 6)))
    plain = pair_facts(stored(A, B), other)
    moved = pair_facts(stored(*_scaled_by_rows(A, B, [0, 0, -places, places // 3, 0, -places])), other)
    for side in (Side.DW_RIGHT, Side.DW_LEFT):
        assert moved.on(side).first.numerical_rank == plain.on(side).first.numerical_rank == 6 - copies
        np.testing.assert_allclose(phi(moved.on(side).overlap), phi(plain.on(side).overlap), rtol=0, atol=1e-12)
    assert moved.update is not None
    assert plain.update is not None
    assert moved.update.cosine == pytest.approx(plain.update.cosine, abs=1e-13)
    assert moved.update.norms[0] == pytest.approx(plain.update.norms[0], rel=1e-12)


@pytest.mark.parametrize(("n", "least"), [(48, 2e-6), (64, 1e-5), (96, 3e-5)])
def test_pivots_that_hide_the_condition_are_found_out(n: int, least: float) -> None:
    """Kahan's matrix: every pivot is above the bound, and its inverse is far larger than they tell."""
    s = least ** (1 / (n - 1))
    c = np.sqrt(1 - s * s)
    kahan = np.diag(s ** np.arange(n)) @ (np.eye(n) - c * np.triu(np.ones((n, n)), 1))
    rng = np.random.default_rng(0)
    A = np.asarray(kahan.T @ np.linalg.qr(rng.standard_normal((200, n)))[0].T)
    B = rng.standard_normal((8, n))
    other = rng.standard_normal((5, 200)), rng.standard_normal((8, 5))
    facts = pair_facts(stored(A, B), stored(*other), (Side.A,))
    expected, *_ = by_svd(Side.A, (A, B), other)
    overlap = facts.on(Side.A).overlap
    posed = well_posed(overlap.first)[:, None] & well_posed(overlap.second)[None, :]
    assert np.abs(phi(overlap) - expected)[posed].max() <= BAR


def test_clusters_beside_a_gap_are_counted_in_full() -> None:
    """Each of 11 directions is turned towards each of 17."""
    rng = np.random.default_rng(12)
    sigma = np.concatenate(
        [[1.0, 1.0 - 1e-3], 6e-4 * (1 - 1e-4 * np.arange(11)), 5.88e-4 * (1 - 1e-4 * np.arange(17))]
    )
    made = [_graded(rng, sigma, 60, 50) for _ in range(2)]
    shared_part = stored(made[0][0], made[0][1]), stored(made[0][0] + 1e-5 * made[1][0], made[1][1])
    assert_right(pair_facts(*shared_part, (Side.A,)), widened(shared_part[0]), widened(shared_part[1]), (Side.A,))


def test_an_update_that_cancels_has_no_direction() -> None:
    """Two adapters added with weights 1 and −1: what is left is rounding, and none of it is told."""
    rng = np.random.default_rng(13)
    a, b = rng.standard_normal((3, 40)), rng.standard_normal((30, 3))
    nothing = stored(np.vstack([a, a]), np.hstack([b, -b]))
    facts = pair_facts(nothing, stored(rng.standard_normal((4, 40)), rng.standard_normal((30, 4))))
    for side in (Side.DW_RIGHT, Side.DW_LEFT):
        assert facts.on(side).first.numerical_rank == 0
        assert np.isnan(phi(facts.on(side).overlap)).all()
    assert facts.on(Side.A).first.numerical_rank == 3


# --- the updates as a whole ------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 6), st.integers(1, 12), st.integers(1, 12))
def test_cosine_and_norms_are_those_of_the_matrices(seed: int, r: int, r_: int, d_in: int, d_out: int) -> None:
    rng = np.random.default_rng(seed)
    (A, B), (A_, B_) = ((rng.standard_normal((n, d_in)), rng.standard_normal((d_out, n))) for n in (r, r_))
    update = pair_facts(stored(A, B), stored(A_, B_)).update
    assert update is not None
    first, second = B @ A, B_ @ A_
    norms = float(np.linalg.norm(first)), float(np.linalg.norm(second))
    assert update.norms == pytest.approx(norms, rel=1e-12)
    assert update.cosine == pytest.approx(float((first * second).sum()) / (norms[0] * norms[1]), abs=1e-12)


def test_another_gauge_is_the_same_update() -> None:
    """A comparison of A and B laid flat gives −0.07 for such a copy in place of 1."""
    rng = np.random.default_rng(7)
    A, B = rng.standard_normal((8, 40)), rng.standard_normal((30, 8))
    Q = np.linalg.qr(rng.standard_normal((8, 8)))[0]
    G = rng.standard_normal((8, 8))
    for turned in ((Q @ A, B @ Q.T), (G @ A, B @ np.linalg.inv(G))):
        facts = pair_facts(stored(A, B), stored(*turned))
        assert facts.update is not None
        assert facts.update.cosine == pytest.approx(1.0, abs=1e-9)
        for side in (Side.DW_RIGHT, Side.DW_LEFT):
            np.testing.assert_allclose(np.diagonal(phi(facts.on(side).overlap)), 1.0, rtol=0, atol=1e-9)
    opposite = pair_facts(stored(A, B), stored(A, -B)).update
    assert opposite is not None
    assert opposite.cosine == pytest.approx(-1.0, abs=1e-12)


def test_nothing_is_said_of_updates_where_one_side_of_them_is_unknown() -> None:
    made = stored(np.eye(2, 4), np.eye(5, 2))
    for sides in ((Side.A,), (Side.A, Side.B), (Side.DW_RIGHT,), (Side.B, Side.DW_LEFT)):
        assert pair_facts(made, made, sides).update is None
    assert pair_facts(made, made, (Side.DW_RIGHT, Side.DW_LEFT)).update is not None


# --- several sources -------------------------------------------------------------------------------------------


def test_every_pair_of_several_sources_is_as_if_alone() -> None:
    """Of other ranks, of spectra that need another product, one of them zero, one that holds NaN."""
    rng = np.random.default_rng(8)
    spectra_ = ([3.0, 2.0, 1.0], np.logspace(0, -5, 4), np.logspace(0, -10, 5), [1.0, 0.5])
    made = dict(enumerate(stored(*_graded(rng, sigma, 20, 16)) for sigma in spectra_))
    made[4] = stored(np.eye(2, 20), np.zeros((16, 2)))
    made[5] = stored(np.full((2, 20), np.nan), np.eye(16, 2))
    pairs = [(i, j) for i in made for j in made if i != j]
    (found,) = shared([module_rows(made, dict.fromkeys(Side, pairs))], NumpyAlgebra())
    for i, j in pairs:
        for side in Side:
            if 5 in (i, j) and side.needs_A:
                assert isinstance(found.failures[i, j][side], MalformedAdapter)
                continue
            alone = pair_facts(made[i], made[j], (side,)).on(side).overlap
            overlap = found.overlaps[i, j][side]
            posed = well_posed(alone.first)[:, None] & well_posed(alone.second)[None, :]
            difference = np.abs(phi(overlap) - phi(alone))[: posed.shape[0], : posed.shape[1]]
            assert difference[posed].max(initial=0.0) <= BAR
    assert found.failures.keys() == {pair for pair in pairs if 5 in pair}


def test_a_diagonal_that_is_no_number_spoils_the_update_alone() -> None:
    made = stored(np.diag([2.0, 1.0]) @ np.eye(2, 4), np.eye(5, 2))
    bad = FactorArrays(made.A, made.B, StoredArray(np.array([[1.0], [np.inf]]), FLOAT64))
    (found,) = shared([module_rows({0: made, 1: bad}, {side: [(0, 1)] for side in Side})], NumpyAlgebra())
    assert set(found.overlaps[0, 1]) == {Side.A, Side.B}
    assert {error.reason for error in found.failures[0, 1].values()} == {
        "AdaLoRA's diagonal holds NaN or Inf, so ΔW has no singular vectors."
    }


@pytest.mark.parametrize("scale", [1.0, 1e-200, 1e200])
def test_a_diagonal_stands_between_the_factors(scale: float) -> None:
    rng = np.random.default_rng(9)
    (A, B), (A_, B_) = (_graded(rng, [2.0, 1.5, 1.0], 8, 7) for _ in range(2))
    E = np.array([1.0, -0.5, 0.25])
    first = FactorArrays(*(StoredArray(X, FLOAT64) for X in (A, B, scale * E[:, None])))
    facts = pair_facts(first, stored(A_, B_))
    for side in (Side.DW_RIGHT, Side.DW_LEFT):
        np.testing.assert_allclose(
            phi(facts.on(side).overlap), by_svd(side, (A, B * E), (A_, B_))[0], rtol=0, atol=1e-12
        )
    np.testing.assert_allclose(phi(facts.on(Side.B).overlap), by_svd(Side.B, (A, B), (A_, B_))[0], rtol=0, atol=1e-12)


# --- trained adapters ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "folders",
    [
        [REPOSITORY / "resources" / "demo" / f"r64_alpha8_seed{seed}" for seed in (0, 1)],
        [DATA / "minilm" / f"r8_seed{seed}" for seed in (0, 1)],
    ],
    ids=["r64", "r8"],
)
def test_trained_adapters_agree_with_their_updates_formed_in_full(folders: list[Path]) -> None:
    first, second = map(open_source, folders)
    with first.open() as reader, second.open() as other:
        for module, again in zip(first.modules, second.modules, strict=True):
            factors = reader.read(module), other.read(again)
            facts = pair_facts(*factors)
            for side in Side:
                expected, *_ = by_svd(side, widened(factors[0]), widened(factors[1]))
                np.testing.assert_allclose(phi(facts.on(side).overlap), expected, rtol=0, atol=1e-11)
                assert facts.on(side).method == "Gram"


def test_the_bound_on_rounding_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """φ of one product is off by no more than is said of it, beside φ of two."""
    said: list[float] = []
    as_it_is = directions._rounding

    def listened_to(*given: Any) -> Any:
        found = as_it_is(*given)
        said.extend(found)
        return found

    monkeypatch.setattr(directions, "_rounding", listened_to)
    rng = np.random.default_rng(10)
    checked = 0
    for _ in range(60):
        r, power = int(rng.integers(2, 24)), rng.uniform(1.0, 4.0)
        A, A_ = (_graded(rng, np.arange(1.0, r + 1) ** -power, 60, 3)[0] for _ in range(2))
        pair = stored(A, np.eye(3, r)), stored(0.7 * A + 0.3 * A_, np.eye(3, r))
        overlaps = []
        for largest in (np.inf, 0.0):
            monkeypatch.setattr(engine.subspaces.one_reading, "LARGEST_ERROR", largest)
            said.clear()
            overlaps.append((pair_facts(*pair, (Side.A,)).on(Side.A).overlap, max(said)))
        (one, bound), (two, _) = overlaps[0], overlaps[1]
        if (one.method, two.method) == ("Gram", "CholeskyQR2"):
            posed = well_posed(two.first)[:, None] & well_posed(two.second)[None, :]
            assert np.abs(phi(one) - phi(two))[posed].max(initial=0.0) <= 2.0 * bound + 1e-13
            checked += 1
    assert checked > 40
