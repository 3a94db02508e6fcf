"""A frozen request → the outcomes of its modules, one by one, in the order asked for."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from engine.checkpoints.reading import Scratch
from engine.checkpoints.storage_types import Float64Array
from engine.comparison.outcome import ComparisonRequest, ModuleFailure, ModuleResult, Outcome
from engine.errors import DeviceFailure, EngineError, FileChanged
from engine.matching.pairing import ModulePair
from engine.sources.source import SourceReader
from engine.subspaces.algebra import algebra_for
from engine.subspaces.processors import processors, products_on_one_processor
from engine.subspaces.subspace import RowMatrix, SubspaceSimilarity, row_matrix, subspace_similarity

# Each thread holds one pair of matrices.
_MOST_THREADS = 8
# Operations in a pair below which Python itself takes most of the time, which several threads only disturb.
_WORTH_ANOTHER_THREAD = 3 * 10**7


def outcomes(request: ComparisonRequest, cancelled: Callable[[], bool] = lambda: False) -> Iterator[Outcome]:
    """Compute pair by pair; `cancelled` is asked before each one. Memory does not grow with their number.

    On the CPU as many pairs are on their way as there are processors, each product on one of them, which is
    faster than one product on all (docs/performance.md). A GPU is given several pairs at once, the next being
    read meanwhile; those that it fails on are computed on the CPU, and say so.

    The adapters' files are hashed meanwhile: exports state the checksum of the bytes that the numbers come from.

    Raises:
        FileChanged: an adapter's file has gone or changed since it was opened; nothing that it holds now is compared.
        UnreadableFile: it cannot be opened any more.
    """
    threads = _threads(request)
    for adapter in (request.first, request.second):
        adapter.file.files.start_hashing()
    with (
        request.first.open() as first,
        request.second.open() as second,
        nullcontext() if request.device.is_cuda else products_on_one_processor(),
        ThreadPoolExecutor(threads, thread_name_prefix="compute") as pool,
    ):
        run = _Run(request, (first, second))
        ahead: deque[Future[list[Outcome]]] = deque()
        try:
            for batch in run.batches():
                ahead.append(pool.submit(run.results, batch, cancelled))
                if len(ahead) > threads:
                    yield from ahead.popleft().result()
                if cancelled():
                    return
            while ahead and not cancelled():
                yield from ahead.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _threads(request: ComparisonRequest) -> int:
    """How many batches are on their way at once: on a GPU, one being computed while another is read."""
    if request.device.is_cuda:
        return 2
    work = max((sum(pair.shape) ** 2 * (pair.dimension(request.side) or 1) for pair in request.pairs), default=0)
    return min(_MOST_THREADS, processors()) if work > _WORTH_ANOTHER_THREAD else 1


@dataclass(frozen=True, eq=False)
class _Loaded:
    """A pair whose matrices have been read; `staged` is what of them is on the device, or why they are not."""

    pair: ModulePair
    first: RowMatrix
    second: RowMatrix
    staged: Any | DeviceFailure


class _Run:
    """The way of the pairs of one request: read, staged on the device, multiplied there, decomposed here.

    Batches are computed by several threads at once; what each of them needs for itself is in `_own`.
    """

    def __init__(self, request: ComparisonRequest, readers: tuple[SourceReader, SourceReader]) -> None:
        self._request = request
        self._readers = readers
        self._reading = threading.Lock()
        self._own = threading.local()
        self._algebra = algebra_for(request.device)

    def batches(self) -> Iterator[list[ModulePair]]:
        """The pairs in their order: as many of one shape together as the device wants."""
        for (shape, d), alike in itertools.groupby(self._request.pairs, self._kind):
            size = self._algebra.batch_size(sum(shape), d)
            while batch := list(itertools.islice(alike, size)):
                yield batch

    def _kind(self, pair: ModulePair) -> tuple[tuple[int, int], int]:
        return pair.shape, pair.dimension(self._request.side) or 1

    def results(self, pairs: Sequence[ModulePair], cancelled: Callable[[], bool]) -> list[Outcome]:
        """The outcomes of a batch, in its order; none when it is cancelled while it is read."""
        arrived: list[_Loaded | ModuleFailure] = []
        for pair in pairs:
            if cancelled():
                return []
            arrived.append(self._loaded(pair))
        grams = self._grams([loaded for loaded in arrived if isinstance(loaded, _Loaded)])
        outcomes: list[Outcome] = [
            loaded if isinstance(loaded, ModuleFailure) else self._outcome(loaded, next(grams)) for loaded in arrived
        ]
        self._scratch().recycle()
        return outcomes

    def _scratch(self) -> Scratch:
        if not hasattr(self._own, "scratch"):
            self._own.scratch = Scratch()
        scratch: Scratch = self._own.scratch
        return scratch

    def _loaded(self, pair: ModulePair) -> _Loaded | ModuleFailure:
        try:
            X, Y = self._read(pair)
        except FileChanged:
            raise
        except EngineError as error:
            return self._failure(pair, error)
        try:
            return _Loaded(pair, X, Y, self._algebra.stage(X.stored, Y.stored))
        except DeviceFailure as failure:
            return _Loaded(pair, X, Y, failure)

    def _read(self, pair: ModulePair) -> tuple[RowMatrix, RowMatrix]:
        request, side = self._request, self._request.side
        with self._reading:
            read = [
                reader.read(module, A=side.needs_A, B=side.needs_B, scratch=self._scratch())
                for reader, module in zip(self._readers, (pair.first, pair.second), strict=True)
            ]
        X, Y = (
            row_matrix(factors, side, adapter.path)
            for factors, adapter in zip(read, (request.first, request.second), strict=True)
        )
        return X, Y

    def _grams(self, batch: Sequence[_Loaded]) -> Iterator[Float64Array | DeviceFailure]:
        """For each pair its Gram matrix, or why the device has none."""
        there = [loaded for loaded in batch if not isinstance(loaded.staged, DeviceFailure)]
        try:
            products = iter(self._algebra.grams([loaded.staged for loaded in there]))
        except DeviceFailure as failure:
            yield from itertools.repeat(failure, len(batch))
            return
        for loaded in batch:
            yield loaded.staged if isinstance(loaded.staged, DeviceFailure) else next(products)

    def _outcome(self, loaded: _Loaded, gram: Float64Array | DeviceFailure) -> Outcome:
        try:
            return self._result(loaded, gram)
        except EngineError as error:
            return self._failure(loaded.pair, error)

    def _failure(self, pair: ModulePair, error: EngineError) -> ModuleFailure:
        """The failure of a pair, whose reason says which of the two adapters it speaks of."""
        error.module = error.module or pair.path.name
        for which, adapter in (("first", self._request.first), ("second", self._request.second)):
            if error.path in (adapter.path, adapter.file.path, *adapter.file.files.paths):
                error.reason = f"In the {which} adapter: {error.reason}"
                break
        return ModuleFailure(pair, error)

    def _result(self, loaded: _Loaded, gram: Float64Array | DeviceFailure) -> ModuleResult:
        X, Y = loaded.first, loaded.second
        said: tuple[str, ...] = ()
        failed = ""
        try:
            if isinstance(gram, DeviceFailure):
                raise gram
            similarity = subspace_similarity(X, Y, gram, self._algebra)
        except DeviceFailure as failure:
            similarity = subspace_similarity(X, Y)
            failed = failure.reason
            said = (f"{failed} This module was computed on the CPU.",)
        return ModuleResult(loaded.pair, similarity, (*said, *_warnings(loaded.pair, similarity)), failed)


def _warnings(pair: ModulePair, similarity: SubspaceSimilarity) -> tuple[str, ...]:
    warnings = []
    if pair.untrained:
        warnings.append(f"B is zero in the {pair.untrained} adapter, so ΔW is zero: untrained.")
    for which, module, spectrum in (
        ("first", pair.first, similarity.first), ("second", pair.second, similarity.second),
    ):  # fmt: skip
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
