"""A frozen request → the outcomes of its modules, one by one, in the order asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from engine.adapter import Adapter, AdapterReader, LoraModule
from engine.algebra import Algebra, algebra_for
from engine.errors import DeviceFailure, EngineError
from engine.outcome import ComparisonRequest, ModuleFailure, ModuleResult, Outcome
from engine.pairing import ModulePair
from engine.side import Side
from engine.subspace import RowMatrix, SubspaceSimilarity, row_matrix, subspace_similarity


def outcomes(request: ComparisonRequest, cancelled: Callable[[], bool] = lambda: False) -> Iterator[Outcome]:
    """Compute pair by pair; `cancelled` is asked before each one. Memory does not grow with their number.

    Raises:
        UnreadableFile: an adapter's file has gone or cannot be opened any more.
    """
    algebra = algebra_for(request.device)
    with request.first.open() as first, request.second.open() as second:
        for pair in request.pairs:
            if cancelled():
                return
            try:
                yield _result(request, pair, first, second, algebra)
            except EngineError as error:
                error.module = error.module or pair.path.name
                yield ModuleFailure(pair, error)


def _result(
    request: ComparisonRequest, pair: ModulePair, first: AdapterReader, second: AdapterReader, algebra: Algebra
) -> ModuleResult:
    X = _matrix(request.first, first, pair.first, request.side)
    Y = _matrix(request.second, second, pair.second, request.side)
    fallen_back: tuple[str, ...] = ()
    try:
        similarity = subspace_similarity(X, Y, algebra)
    except DeviceFailure as failure:
        similarity = subspace_similarity(X, Y)
        fallen_back = (f"{failure.reason} This module was computed on the CPU.",)
    return ModuleResult(pair, similarity, (*fallen_back, *_warnings(request, pair, similarity)))


def _matrix(adapter: Adapter, reader: AdapterReader, module: LoraModule, side: Side) -> RowMatrix:
    try:
        return row_matrix(reader.read(module, A=side.needs_A, B=side.needs_B), side)
    except EngineError as error:
        error.path = error.path or adapter.path
        raise


def _warnings(request: ComparisonRequest, pair: ModulePair, similarity: SubspaceSimilarity) -> tuple[str, ...]:
    warnings = []
    for which, adapter, module, spectrum in (
        ("first", request.first, pair.first, similarity.first),
        ("second", request.second, pair.second, similarity.second),
    ):
        if module.path.name in adapter.zero_update:
            warnings.append(f"B is zero in the {which} adapter, so its ΔW is zero: untrained.")
        if spectrum.numerical_rank < module.rank:
            warnings.append(
                f"The {which} adapter has numerical rank {spectrum.numerical_rank} of {module.rank} here; "
                "φ is undefined past it."
            )
        if spectrum.ties:
            listed = ", ".join(map(str, spectrum.ties[:5])) + (", …" if len(spectrum.ties) > 5 else "")
            warnings.append(
                f"Nearly equal singular values in the {which} adapter at k = {listed}: φ there is unstable."
            )
    return tuple(warnings)
