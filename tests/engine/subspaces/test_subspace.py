"""φ against an independent float64 reference, and the laws that it obeys whatever the numbers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine.subspaces.one_reading
import engine.subspaces.stack
from engine.checkpoints.storage_types import (
    BFLOAT16,
    FLOAT16,
    FLOAT32,
    FLOAT64,
    STORAGE_TYPES,
    StorageType,
    StoredArray,
)
from engine.errors import MalformedAdapter
from engine.measures.phi import phi
from engine.side import Side
from engine.sources.source import FactorArrays
from engine.subspaces.one_reading import overlap_of, pair_facts
from engine.subspaces.overlap import Overlap
from engine.subspaces.row_matrix import RowMatrix

Matrix = npt.NDArray[np.float64]
BAR = 1e-9


def reference(X: Matrix, Y: Matrix) -> Matrix:
    """φ by its definition: one cell at a time, from NumPy's own decomposition."""
    U = np.linalg.svd(X, full_matrices=False)[2].T
    V = np.linalg.svd(Y, full_matrices=False)[2].T
    return np.array(
        [
            [float(np.linalg.norm(U[:, :i].T @ V[:, :j], "fro") ** 2) / min(i, j) for j in range(1, V.shape[1] + 1)]
            for i in range(1, U.shape[1] + 1)
        ]
    )


def overlap(X: Matrix, Y: Matrix, type_: StorageType = FLOAT64) -> Overlap:
    return overlap_of(row_matrix_of(X, type_), row_matrix_of(Y, type_))


def row_matrix_of(X: Matrix, type_: StorageType) -> RowMatrix:
    """A matrix of float64 numbers that were rounded to a type."""
    return RowMatrix(StoredArray(X, FLOAT64), type_)


def phi_of(X: Matrix, Y: Matrix) -> Matrix:
    return phi(overlap(X, Y))


def orthogonal(rng: np.random.Generator, n: int) -> Matrix:
    return np.asarray(np.linalg.qr(rng.standard_normal((n, n))).Q, dtype=np.float64)


def with_spectrum(rng: np.random.Generator, sigma: npt.ArrayLike, d: int) -> Matrix:
    """A matrix (r, d) with these singular values and random singular vectors."""
    values = np.asarray(sigma, dtype=np.float64)
    rows = np.linalg.qr(rng.standard_normal((d, values.size))).Q.T
    return np.asarray(orthogonal(rng, values.size) @ (values[:, None] * rows), dtype=np.float64)


# --- against the reference -------------------------------------------------------------------------------


@pytest.mark.parametrize(("r", "r_", "d"), [(8, 64, 96), (64, 8, 96), (16, 16, 384), (1, 1, 5), (1, 7, 9), (5, 5, 5)])
def test_random_matrices(r: int, r_: int, d: int) -> None:
    rng = np.random.default_rng(r * 1000 + r_)
    X, Y = rng.standard_normal((r, d)), rng.standard_normal((r_, d)) * 1e-3

    result = overlap(X, Y)

    assert phi(result).shape == (r, r_)
    assert result.dimension == d
    assert result.first.numerical_rank == r
    assert result.second.numerical_rank == r_
    np.testing.assert_allclose(phi(result), reference(X, Y), rtol=0, atol=BAR)
    np.testing.assert_allclose(result.first.values, np.linalg.svd(X, compute_uv=False), rtol=1e-9)


def test_ill_conditioned_spectrum() -> None:
    rng = np.random.default_rng(3)
    X, Y = (with_spectrum(rng, np.logspace(0, -12, 13), 40) for _ in range(2))

    result = overlap(X, Y)

    assert result.first.numerical_rank == result.second.numerical_rank == 13
    assert result.method == "SVD"
    # A direction of weight σ is known to about eps/σ: 1e-9 can be asked for down to σ = 1e-6.
    np.testing.assert_allclose(phi(result)[:7, :7], reference(X, Y)[:7, :7], rtol=0, atol=BAR)
    np.testing.assert_allclose(phi(result), reference(X, Y), rtol=0, atol=1e-3)


def test_more_rows_than_dimensions() -> None:
    rng = np.random.default_rng(4)
    X, Y = rng.standard_normal((9, 6)), rng.standard_normal((4, 6))

    result = overlap(X, Y)

    assert phi(result).shape == (9, 4)
    assert result.first.numerical_rank == 6
    np.testing.assert_allclose(phi(result)[:6], reference(X, Y), rtol=0, atol=BAR)
    assert np.isnan(phi(result)[6:]).all()
    np.testing.assert_allclose(phi(result)[5], 1.0, rtol=0, atol=BAR)  # six directions are all of the space


def test_past_the_numerical_rank_nothing_is_stated() -> None:
    rng = np.random.default_rng(5)
    X = rng.standard_normal((8, 3)) @ rng.standard_normal((3, 30))
    Y = rng.standard_normal((5, 30))

    result = overlap(X, Y)

    assert result.first.numerical_rank == 3
    assert result.second.numerical_rank == 5
    np.testing.assert_allclose(phi(result)[:3], reference(X, Y)[:3], rtol=0, atol=BAR)
    assert np.isnan(phi(result)[3:]).all()
    np.testing.assert_array_equal(np.isnan(phi(overlap(Y, X))), np.isnan(phi(result)).T)


def test_zero_matrix_has_no_directions() -> None:
    result = overlap(np.zeros((4, 20)), np.random.default_rng(6).standard_normal((3, 20)))

    assert result.first.numerical_rank == 0
    assert result.second.numerical_rank == 3
    assert phi(result).shape == (4, 3)
    assert np.isnan(phi(result)).all()
    assert np.isnan(phi(overlap(np.zeros((2, 9)), np.zeros((3, 9))))).all()


@pytest.mark.parametrize("scale", [1e-170, 1e160])
def test_extreme_scale_does_not_matter(scale: float) -> None:
    rng = np.random.default_rng(7)
    X, Y = rng.standard_normal((4, 12)), rng.standard_normal((3, 12))

    np.testing.assert_allclose(phi_of(X * scale, Y), phi_of(X, Y), rtol=0, atol=BAR)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("scale_B", [1e307, 1e-312, 1.0])
@pytest.mark.parametrize("scale_A", [1e307, 1e-312])
def test_finite_numbers_near_the_ends_are_compared(scale_A: float, scale_B: float, side: Side) -> None:
    """Norms and products of such numbers leave float64's range; the numbers do not."""
    rng = np.random.default_rng(21)
    made = []
    for rank in (4, 6):
        made.append((rng.standard_normal((rank, 40)) * scale_A, rng.standard_normal((30, rank)) * scale_B))
    whole = [(np.ldexp(A, -_exponent(A)), np.ldexp(B, -_exponent(B))) for A, B in made]

    result = overlap_on(side, *(factors(A, B) for A, B in made))

    assert (result.first.numerical_rank, result.second.numerical_rank) == (4, 6)
    assert result.first.ties == result.second.ties == ()
    expected = reference(*(vectors(side, A, B) for A, B in whole))[:4, :6]
    np.testing.assert_allclose(phi(result), expected, rtol=0, atol=BAR)
    sigma = np.linalg.svd(vectors(side, *whole[0]), compute_uv=False)[:4]
    moved = {Side.A: _exponent(made[0][0]), Side.B: _exponent(made[0][1])}
    exponent = moved.get(side, sum(moved.values()))
    np.testing.assert_allclose(np.ldexp(result.first.values, result.first.exponent - exponent), sigma, rtol=1e-9)


def _exponent(X: Matrix) -> int:
    """The power of two that is just above the largest number."""
    return int(np.frexp(np.abs(X).max())[1])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize(
    ("type_", "scale"), [(FLOAT32, 3e38), (FLOAT32, 1e-41), (FLOAT16, 1e4), (FLOAT16, 3e-6)],
    ids=["largest float32", "subnormal float32", "large float16", "subnormal float16"],
)  # fmt: skip
def test_the_ends_of_smaller_types_are_compared(type_: StorageType, scale: float, side: Side) -> None:
    rng = np.random.default_rng(22)
    stored, wide = [], []
    for rank in (4, 6):
        arrays = [
            StoredArray((rng.uniform(-1, 1, shape) * scale).astype(type_.carrier), type_)
            for shape in ((rank, 40), (30, rank))
        ]
        stored.append(FactorArrays(*arrays))
        wide.append([np.ldexp(array.widened(), -_exponent(array.widened())) for array in arrays])

    result = overlap_on(side, *stored)

    assert (result.first.numerical_rank, result.second.numerical_rank) == (4, 6)
    expected = reference(*(vectors(side, A, B) for A, B in wide))[:4, :6]
    np.testing.assert_allclose(phi(result), expected, rtol=0, atol=BAR)


@pytest.mark.parametrize("type_", [FLOAT16, BFLOAT16, FLOAT32])
def test_stored_precision_is_widened_before_anything_is_computed(type_: StorageType) -> None:
    rng = np.random.default_rng(8)
    stored = []
    for r in (8, 16):
        numbers = rng.standard_normal((r, 64)).astype(np.float32)
        bits = (numbers.view(np.uint32) >> 16).astype(np.uint16) if type_ is BFLOAT16 else numbers
        stored.append(StoredArray(bits.astype(type_.carrier), type_))
    result = overlap_on(Side.A, *(FactorArrays(A=array, B=None) for array in stored))

    assert result.first.numerical_rank == 8
    np.testing.assert_allclose(phi(result), reference(stored[0].widened(), stored[1].widened()), rtol=0, atol=BAR)


def test_values_cannot_be_written_over() -> None:
    with pytest.raises(ValueError, match="read-only"):
        phi_of(np.eye(2, 5), np.eye(2, 5))[0, 0] = 0.5


def test_spaces_of_different_dimension_are_refused() -> None:
    with pytest.raises(MalformedAdapter) as refused:
        phi_of(np.eye(2, 5), np.eye(2, 6))
    assert (refused.value.expected, refused.value.found) == (5, 6)


# --- the three routes --------------------------------------------------------------------------------------


def test_the_three_routes_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(9)
    X, Y = with_spectrum(rng, np.linspace(1.0, 0.1, 12), 50), with_spectrum(rng, np.linspace(3.0, 1.0, 6), 50)
    by_gram = overlap(X, Y)
    monkeypatch.setattr(engine.subspaces.one_reading, "LARGEST_ERROR", 0.0)
    by_two = overlap(X, Y)
    monkeypatch.setattr(engine.subspaces.stack, "_SMALLEST_PIVOT", 2.0)
    by_svd = overlap(X, Y)

    assert [result.method for result in (by_gram, by_two, by_svd)] == ["Gram", "CholeskyQR2", "SVD"]
    for other in (by_two, by_svd):
        np.testing.assert_allclose(phi(other), phi(by_gram), rtol=0, atol=1e-12)
        np.testing.assert_allclose(other.first.values, by_gram.first.values, rtol=1e-12)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), r=st.integers(2, 10), decades=st.floats(0.5, 7.0))
def test_the_route_taken_is_exact_enough(seed: int, r: int, decades: float) -> None:
    rng = np.random.default_rng(seed)
    sigma = np.logspace(0, -decades, r)
    X, Y = with_spectrum(rng, sigma, 24), with_spectrum(rng, sigma, 24)

    # What a float64 SVD itself can know of a direction between neighbours in a graded spectrum.
    bar = max(BAR, 1e-14 * 10.0**decades)
    np.testing.assert_allclose(phi(overlap(X, Y)), reference(X, Y), rtol=0, atol=bar)


# --- the method's laws -----------------------------------------------------------------------------------


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Matrix, Matrix, np.random.Generator]:
    """Two well-posed matrices of one space with separated singular values, and numbers to go on with."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    d = draw(st.integers(2, 20))
    ranks = draw(st.integers(1, d)), draw(st.integers(1, d))
    X, Y = (with_spectrum(rng, (np.arange(r, 0, -1) + rng.uniform(0, 0.5, r)) * 0.3, d) for r in ranks)
    return X, Y, rng


@settings(max_examples=60, deadline=None)
@given(pairs())
def test_laws(given_pair: tuple[Matrix, Matrix, np.random.Generator]) -> None:
    X, Y, rng = given_pair
    r, r_ = X.shape[0], Y.shape[0]
    values = phi_of(X, Y)
    smaller = np.minimum(np.arange(1, r + 1)[:, None], np.arange(1, r_ + 1)[None, :])

    assert values.min() >= 0.0
    assert values.max() <= 1.0 + BAR
    np.testing.assert_allclose(np.diagonal(phi_of(X, X)), 1.0, rtol=0, atol=BAR)
    np.testing.assert_allclose(phi_of(Y, X), values.T, rtol=0, atol=BAR)
    sums = smaller * values
    assert np.all(np.diff(sums, axis=0) >= -BAR)
    assert np.all(np.diff(sums, axis=1) >= -BAR)
    np.testing.assert_allclose(phi_of(-3.7 * X, 0.01 * Y), values, rtol=0, atol=BAR)
    Q = orthogonal(rng, X.shape[1])
    np.testing.assert_allclose(phi_of(X @ Q, Y @ Q), values, rtol=0, atol=BAR)
    G = with_spectrum(rng, rng.uniform(0.5, 2.0, r), r)
    np.testing.assert_allclose(phi_of(G @ X, Y)[-1, -1], values[-1, -1], rtol=0, atol=BAR)


def test_orthogonal_row_spaces_share_nothing_and_equal_ones_everything() -> None:
    rng = np.random.default_rng(10)
    Q = orthogonal(rng, 12)
    X = np.array([3.0, 2.0, 1.0])[:, None] * Q[:3]
    Y = np.array([5.0, 4.0])[:, None] * Q[3:5]

    np.testing.assert_allclose(phi_of(X, Y), 0.0, atol=1e-15)
    mixed = with_spectrum(rng, [1.0, 0.6, 0.3], 3) @ Q[:3]
    assert phi_of(X, mixed)[-1, -1] == pytest.approx(1.0, abs=BAR)


def test_known_angle() -> None:
    angle = 0.3
    X = np.array([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    Y = np.array([[2.0 * np.cos(angle), 0.0, 2.0 * np.sin(angle)], [0.0, 1.0, 0.0]])
    c = np.cos(angle) ** 2

    np.testing.assert_allclose(phi_of(X, Y), [[c, c], [0.0 + c, (1.0 + c) / 2.0]], rtol=0, atol=1e-14)


def test_rows_belong_to_the_first_matrix() -> None:
    X, Y = np.diag([3.0, 2.0, 1.0])[:2], np.diag([1.0, 2.0, 3.0])

    # X's directions in order: e1, e2; those of Y: e3, e2, e1.
    np.testing.assert_allclose(phi_of(X, Y), [[0.0, 0.0, 1.0], [0.0, 0.5, 1.0]], rtol=0, atol=1e-15)


# --- sides -----------------------------------------------------------------------------------------------


def factors(A: Matrix | None, B: Matrix | None) -> FactorArrays:
    return FactorArrays(*(None if X is None else StoredArray(X, FLOAT64) for X in (A, B)))


def side_phi(side: Side, first: FactorArrays, second: FactorArrays) -> Matrix:
    return phi(overlap_on(side, first, second))


def overlap_on(side: Side, first: FactorArrays, second: FactorArrays) -> Overlap:
    return pair_facts(first, second, (side,)).on(side).overlap


def vectors(side: Side, A: Matrix, B: Matrix) -> Matrix:
    """The matrix of which `reference` compares right-singular vectors; ΔW formed in full."""
    return {Side.A: A, Side.B: B.T, Side.DW_RIGHT: B @ A, Side.DW_LEFT: (B @ A).T}[side]


@pytest.mark.parametrize("side", list(Side))
def test_every_side_is_what_the_method_says(side: Side) -> None:
    rng = np.random.default_rng(11)
    A, B = rng.standard_normal((4, 15)), rng.standard_normal((22, 4))
    A_, B_ = rng.standard_normal((6, 15)), rng.standard_normal((22, 6))

    values = side_phi(side, factors(A, B), factors(A_, B_))

    assert values.shape == (4, 6)
    expected = reference(vectors(side, A, B), vectors(side, A_, B_))[:4, :6]
    np.testing.assert_allclose(values, expected, rtol=0, atol=BAR)


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize(("d_in", "d_out"), [(15, 3), (3, 22)], ids=["few outputs", "few inputs"])
def test_ranks_above_a_dimension_leave_the_rest_undefined(side: Side, d_in: int, d_out: int) -> None:
    """A classifier's head with two labels, say, adapted at r = 8."""
    rng = np.random.default_rng(14)
    A, B = rng.standard_normal((4, d_in)), rng.standard_normal((d_out, 4))
    A_, B_ = rng.standard_normal((6, d_in)), rng.standard_normal((d_out, 6))

    values = side_phi(side, factors(A, B), factors(A_, B_))

    assert values.shape == (4, 6)
    X, Y = vectors(side, A, B), vectors(side, A_, B_)
    rank, rank_ = np.linalg.matrix_rank(X), np.linalg.matrix_rank(Y)
    expected = np.full((4, 6), np.nan)
    expected[:rank, :rank_] = reference(X, Y)[:rank, :rank_]
    np.testing.assert_allclose(values, expected, rtol=0, atol=BAR)


@pytest.mark.parametrize("side", list(Side))
def test_change_of_gauge(side: Side) -> None:
    rng = np.random.default_rng(12)
    A, B = rng.standard_normal((4, 15)), rng.standard_normal((22, 4))
    other = factors(rng.standard_normal((5, 15)), rng.standard_normal((22, 5)))
    G = rng.standard_normal((4, 4)) + 2.0 * np.eye(4)

    before = side_phi(side, factors(A, B), other)
    after = side_phi(side, factors(G @ A, B @ np.linalg.inv(G)), other)

    if side in (Side.DW_LEFT, Side.DW_RIGHT):
        np.testing.assert_allclose(after, before, rtol=0, atol=BAR)
    else:
        assert np.abs(after - before).max() > 0.01
        assert after[-1, -1] == pytest.approx(before[-1, -1], abs=BAR)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("factor", ["A", "B"])
def test_numbers_that_are_none_are_refused_by_name(factor: str, bad: float) -> None:
    A, B = np.diag([2.0, 1.0]) @ np.eye(2, 5), np.eye(4, 2) @ np.diag([2.0, 1.0])
    good = factors(A.copy(), B.copy())
    (A if factor == "A" else B)[1, 1] = bad

    for side in Side:
        if side.needs_A if factor == "A" else side.needs_B:
            with pytest.raises(MalformedAdapter, match=f"^{factor} holds NaN or Inf"):
                side_phi(side, good, factors(A, B))
        else:
            assert np.isfinite(side_phi(side, good, factors(A, B))).all()


def test_missing_B_is_refused_where_it_is_needed() -> None:
    only_A = factors(np.eye(2, 3), None)
    assert overlap_on(Side.A, only_A, only_A).shape == (2, 2)
    for side in (Side.B, Side.DW_LEFT, Side.DW_RIGHT):
        with pytest.raises(MalformedAdapter, match="B was not read"):
            overlap_on(side, only_A, only_A)


def test_coarsest_type_decides_what_is_rounding() -> None:
    A, B = np.diag([1.0, 1e-4]) @ np.eye(2, 300), np.eye(300, 2)
    mixed = FactorArrays(StoredArray(A.astype("<f2"), FLOAT16), StoredArray(B, FLOAT64))

    facts = pair_facts(mixed, mixed)

    ranks = {side: facts.on(side).first.numerical_rank for side in Side}
    assert ranks == {Side.A: 1, Side.B: 2, Side.DW_RIGHT: 1, Side.DW_LEFT: 1}


# --- ties and rank ---------------------------------------------------------------------------------------


def test_ties_are_flagged_and_near_neighbours_are_not() -> None:
    sigma = [3.0, 2.0, 2.0 * (1 - 1e-8), 1.0, 0.9999, 0.5, 0.5]

    result = overlap(with_spectrum(np.random.default_rng(13), sigma, 20), np.diag([4.0, 3.0]) @ np.eye(2, 20))

    assert result.first.ties == (2, 6)
    assert result.second.ties == ()


def test_equal_zeros_past_the_rank_are_no_tie() -> None:
    X = np.zeros((4, 9))
    X[0, 0], X[1, 1] = 2.0, 1.0

    assert overlap(X, X).first.ties == ()


@pytest.mark.parametrize("name", sorted(STORAGE_TYPES))
def test_rounding_to_storage_is_not_taken_for_a_direction(name: str) -> None:
    """A rank-3 matrix rounded to a type has full rank; what rounding added is below the tolerance."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(14)
    exact = rng.standard_normal((8, 3)) @ rng.standard_normal((3, 64))
    rounded = torch.from_numpy(exact).to(getattr(torch, name)).to(torch.float64).numpy()

    result = overlap(rounded, rounded, STORAGE_TYPES[name])

    assert result.first.numerical_rank == 3
    full = rng.standard_normal((8, 64))
    assert overlap(full, full, STORAGE_TYPES[name]).first.numerical_rank == 8


# --- whatever the spectrum -------------------------------------------------------------------------------


@st.composite
def spectra(draw: st.DrawFn) -> list[float]:
    """Descending singular values from 1 down to 1e-12, some of them repeated, some zero."""
    r = draw(st.integers(1, 9))
    exponents = draw(st.lists(st.floats(-12.0, 0.0), min_size=r, max_size=r))
    values = sorted((10.0**exponent for exponent in exponents), reverse=True)
    for k in draw(st.lists(st.integers(0, r - 1), max_size=3)):
        values[k] = values[max(0, k - 1)]
    zeros = draw(st.integers(0, r))
    return values[: r - zeros] + [0.0] * zeros


def _stable(sigma: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """The k up to which a span is known to 1e-9 by any float64 method: far above rounding, and apart from k + 1."""
    following = np.append(sigma[1:], 0.0)
    stable: npt.NDArray[np.bool_] = (sigma > 1e-6 * sigma[0]) & (sigma - following > 1e-5 * sigma[0])
    return stable


@settings(max_examples=150, deadline=None)
@given(spectra(), spectra(), st.integers(0, 2**32 - 1), st.integers(9, 30))
def test_every_stable_cell_is_exact_and_nothing_is_made_up(
    sigma: list[float], sigma_: list[float], seed: int, d: int
) -> None:
    rng = np.random.default_rng(seed)
    X, Y = with_spectrum(rng, sigma, d), with_spectrum(rng, sigma_, d)
    result = overlap(X, Y)

    expected = reference(X, Y)
    ranks = [int(np.linalg.matrix_rank(Z)) for Z in (X, Y)]
    for spectrum, rank in zip((result.first, result.second), ranks, strict=True):
        assert abs(spectrum.numerical_rank - rank) <= 1, "NumPy's own rule, but for a value at its very edge"
    undefined = np.isnan(phi(result))
    assert undefined[result.first.numerical_rank :].all()
    assert undefined[:, result.second.numerical_rank :].all()
    assert not undefined[: result.first.numerical_rank, : result.second.numerical_rank].any()
    if not (any(sigma) and any(sigma_)):
        return
    exact = _stable(np.array(sigma))[:, None] & _stable(np.array(sigma_))[None, :]
    assert np.abs(phi(result) - expected)[exact].max(initial=0.0) <= BAR
    within = phi(result)[~undefined]
    assert (within >= -BAR).all()
    assert (within <= 1.0 + BAR).all()


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(sorted(STORAGE_TYPES)), st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 12),
    st.integers(1, 40),
)  # fmt: skip
def test_every_storage_type_at_every_shape(name: str, seed: int, r: int, r_: int, d: int) -> None:
    """Rounded random matrices, r > d among them, against an SVD of the very numbers that are stored."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    stored = []
    for rows in (r, r_):
        tensor = torch.from_numpy(rng.standard_normal((rows, d))).to(getattr(torch, name))
        bits = tensor.contiguous().view(torch.uint8).numpy().copy().view(STORAGE_TYPES[name].carrier)
        stored.append(StoredArray(bits.reshape(rows, d), STORAGE_TYPES[name]))
    X, Y = (array.widened() for array in stored)
    result = overlap_on(Side.A, *(FactorArrays(A=array, B=None) for array in stored))

    k, k_ = result.first.numerical_rank, result.second.numerical_rank
    assert np.isnan(phi(result)[k:]).all()
    assert np.isnan(phi(result)[:, k_:]).all()
    sigma, sigma_ = (np.asarray(np.linalg.svd(Z, compute_uv=False), dtype=np.float64) for Z in (X, Y))
    if sigma.max(initial=0.0) == 0.0 or sigma_.max(initial=0.0) == 0.0:
        assert np.isnan(phi(result)).all()
        return
    exact = _stable(sigma)[:k, None] & _stable(sigma_)[None, :k_]
    difference = np.abs(phi(result)[:k, :k_] - reference(X, Y)[:k, :k_])
    assert difference[exact].max(initial=0.0) <= BAR
