"""From one reading of A and B of modules: what every two of their sources have in common, on every side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from engine.checkpoints.storage_types import Float64Array
from engine.errors import EngineError, MalformedAdapter
from engine.side import Side
from engine.sources.source import FactorArrays
from engine.subspaces.algebra import Algebra, NumpyAlgebra
from engine.subspaces.directions import (
    METHODS,
    Directions,
    Factor,
    Update,
    directions_of_factors,
    directions_of_updates,
)
from engine.subspaces.facts import PairFacts
from engine.subspaces.overlap import Overlap
from engine.subspaces.row_matrix import RowMatrix, rows_of_A, rows_of_B
from engine.subspaces.stack import Stack, decompose, decompose_again, grouped

# What rounding may do to φ before a stack is multiplied a second time.
LARGEST_ERROR = 2e-10

Places = tuple[int, int]


@dataclass(frozen=True, eq=False)
class ModuleRows:
    """What has been read of one module: A, Bᵀ, and AdaLoRA's diagonal E (r,), by the places of the sources.

    `wanted` says which two of them are to be compared on which sides; what that takes is there, and the two matrices
    of a pair are of one dimension.
    """

    A: Mapping[int, RowMatrix]
    B: Mapping[int, RowMatrix]
    E: Mapping[int, Float64Array]
    wanted: Mapping[Side, Sequence[Places]]

    def places(self, side: Side) -> list[int]:
        """The places of what is compared on a side, ascending."""
        return sorted({place for pair in self.wanted.get(side, ()) for place in pair})


@dataclass(frozen=True, eq=False)
class Shared:
    """What is found of the pairs of one module on each side, and why nothing is."""

    overlaps: dict[Places, dict[Side, Overlap]] = field(default_factory=dict)
    failures: dict[Places, dict[Side, EngineError]] = field(default_factory=dict)


def module_rows(
    factors: Mapping[int, FactorArrays],
    wanted: Mapping[Side, Sequence[Places]],
    paths: Mapping[int, Path] | None = None,
) -> ModuleRows:
    """What has been read of a module, as its matrices.

    Raises:
        MalformedAdapter: a factor that a side needs was not read.
    """
    for side, pairs in wanted.items():
        for place in {place for pair in pairs for place in pair}:
            for name, is_needed, array in (
                ("A", side.needs_A, factors[place].A), ("B", side.needs_B, factors[place].B),
            ):  # fmt: skip
                if is_needed and array is None:
                    raise MalformedAdapter(f"{name} was not read.", path=(paths or {}).get(place))
    path = (paths or {}).get
    return ModuleRows(
        {place: rows_of_A(each.A, path(place)) for place, each in factors.items() if each.A is not None},
        {place: rows_of_B(each.B, path(place)) for place, each in factors.items() if each.B is not None},
        {place: each.E.widened().reshape(-1) for place, each in factors.items() if each.E is not None},
        wanted,
    )


_ALONE = (0, 1)
_Factors = Mapping[bool, Mapping[int, Factor]]  # whether it is A, and its place
_Found = dict[tuple[int, Side, int], Directions | EngineError]  # the module's number, the side, the place


def shared(modules: Sequence[ModuleRows], algebra: Algebra) -> list[Shared]:
    """What the pairs of each module have in common, exact to 1e-9 in every well-posed cell of φ.

    Each matrix is multiplied once, with all others of its space; a second time where it shows that rounding may have
    moved φ by more than `LARGEST_ERROR`.

    Raises:
        DeviceFailure: the algebra's device failed, or a decomposition does not converge.
    """
    factors = [_stacked(module, algebra) for module in modules]
    decompose(list(dict.fromkeys(factor.stack for each in factors for factor in _all(each))), algebra)
    found = _found(modules, factors, range(len(modules)), algebra)
    rough = dict.fromkeys(
        directions.factor.stack
        for directions in found.values()
        if isinstance(directions, Directions)
        and directions.error > LARGEST_ERROR
        and directions.factor.known.method == "Gram"
    )
    if rough:
        decompose_again({stack: {} for stack in rough}, algebra)
        touched = [k for k, each in enumerate(factors) if any(factor.stack in rough for factor in _all(each))]
        found |= _found(modules, factors, touched, algebra)
    results = [Shared() for _ in modules]
    for side in Side:
        _compare(modules, side, found, results)
    return results


def _stacked(module: ModuleRows, algebra: Algebra) -> _Factors:
    """The matrices of a module, those of one space in one stack."""
    factors: dict[bool, dict[int, Factor]] = {True: {}, False: {}}
    for is_A, matrices in ((True, module.A), (False, module.B)):
        needed = {place for side in Side if (side.needs_A if is_A else side.needs_B) for place in module.places(side)}
        of_one_space: dict[int, list[int]] = {}
        for place in sorted(needed):
            of_one_space.setdefault(matrices[place].shape[1], []).append(place)
        for places in of_one_space.values():
            stack = Stack({place: matrices[place] for place in places}, algebra)
            factors[is_A] |= {place: Factor(stack, place) for place in places}
    return factors


def _all(factors: _Factors) -> list[Factor]:
    return [factor for each in factors.values() for factor in each.values()]


def _found(
    modules: Sequence[ModuleRows], factors: Sequence[_Factors], which: Iterable[int], algebra: Algebra
) -> _Found:
    """The directions of some of the modules, or why there are none."""
    found: _Found = {}
    single: list[tuple[tuple[int, Side, int], Factor]] = []
    updates: list[tuple[tuple[int, int], Update]] = []
    for k in which:
        module, own = modules[k], factors[k]
        for side in (Side.A, Side.B):
            for place in module.places(side):
                factor = own[side is Side.A][place]
                error = _fault(factor)
                if error is None:
                    single.append(((k, side, place), factor))
                else:
                    found[k, side, place] = error
        for place in sorted({*module.places(Side.DW_RIGHT), *module.places(Side.DW_LEFT)}):
            update = Update(own[True][place], own[False][place], module.E.get(place))
            error = _fault(update.A) or _fault(update.B) or _diagonal_fault(update)
            if error is None:
                updates.append(((k, place), update))
            else:
                found |= {(k, side, place): error for side in (Side.DW_RIGHT, Side.DW_LEFT)}
    found |= zip((key for key, _ in single), directions_of_factors([factor for _, factor in single]), strict=True)
    both = directions_of_updates([update for _, update in updates], algebra)
    for ((k, place), _), (right, left) in zip(updates, both, strict=True):
        found[k, Side.DW_RIGHT, place], found[k, Side.DW_LEFT, place] = right, left
    return found


def _fault(factor: Factor) -> EngineError | None:
    found = factor.stack.found[factor.place]
    return found if isinstance(found, EngineError) else None


def _diagonal_fault(update: Update) -> EngineError | None:
    if update.E is None or np.isfinite(update.E).all():
        return None
    path = update.A.stack.matrices[update.A.place].path
    return MalformedAdapter("AdaLoRA's diagonal holds NaN or Inf, so ΔW has no singular vectors.", path=path)


def _compare(modules: Sequence[ModuleRows], side: Side, found: _Found, results: Sequence[Shared]) -> None:
    """Add what the pairs have in common on a side."""
    pairs: list[tuple[dict[Side, Overlap], Directions, Directions]] = []
    for k, module in enumerate(modules):
        overlaps, failures = results[k].overlaps, results[k].failures
        on_side = {place: found[k, side, place] for place in module.places(side)}
        for places in module.wanted.get(side, ()):
            first, second = on_side[places[0]], on_side[places[1]]
            if isinstance(first, EngineError):
                failures.setdefault(places, {})[side] = first
            elif isinstance(second, EngineError):
                failures.setdefault(places, {})[side] = second
            else:
                pairs.append((overlaps.setdefault(places, {}), first, second))
    for alike in grouped(pairs, lambda pair: (pair[1].W.shape, pair[2].W.shape)):
        W, W_ = _stacked_W([one for _, one, _ in alike]), _stacked_W([other for *_, other in alike])
        blocks = np.stack([one.factor.stack.block(one.factor.place, other.factor.place) for _, one, other in alike])
        M = W @ blocks @ W_.mT
        M.setflags(write=False)
        for matrix, (overlaps_of_pair, one, other) in zip(M, alike, strict=True):
            (r, d), (r_, _) = one.shape, other.shape
            method = max(one.method, other.method, key=METHODS.index)
            overlaps_of_pair[side] = Overlap(matrix, (r, r_), one.spectrum, other.spectrum, d, method)


def _stacked_W(directions: Sequence[Directions]) -> Float64Array:
    """W of each, (n, k, z); of many pairs the few sources that they are of are gathered once."""
    places: dict[Directions, int] = {}
    which = [places.setdefault(each, len(places)) for each in directions]
    W = np.stack([each.W for each in places])
    return W if len(places) == len(which) else W[which]


def overlap_of(first: RowMatrix, second: RowMatrix) -> Overlap:
    """What two matrices have in common, by NumPy.

    Raises:
        MalformedAdapter: the two live in spaces of different dimension, or one holds NaN or Inf.
        DeviceFailure: a decomposition does not converge.
    """
    if first.shape[1] != second.shape[1]:
        raise MalformedAdapter(
            "The two matrices live in spaces of different dimension.", expected=first.shape[1], found=second.shape[1]
        )
    return _alone(ModuleRows({0: first, 1: second}, {}, {}, {Side.A: [_ALONE]})).overlaps[Side.A]


def pair_facts(first: FactorArrays, second: FactorArrays, sides: Sequence[Side] = tuple(Side)) -> PairFacts:
    """What is known of two modules of the same dimensions, by NumPy.

    Raises:
        MalformedAdapter: a factor that a side needs was not read, or holds NaN or Inf.
        DeviceFailure: a decomposition does not converge.
    """
    return _alone(module_rows({0: first, 1: second}, {side: [_ALONE] for side in sides}))


def _alone(module: ModuleRows) -> PairFacts:
    (found,) = shared([module], NumpyAlgebra())
    for error in found.failures.get(_ALONE, {}).values():
        raise error
    return PairFacts(found.overlaps[_ALONE])
