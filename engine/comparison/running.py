"""A frozen request → the outcomes of its pairs, module by module, in the order asked for."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, nullcontext
from copy import copy
from dataclasses import dataclass, field
from typing import Any

from engine.checkpoints.reading import Scratch
from engine.checkpoints.storage_types import Float64Array
from engine.comparison.outcome import PairOutcome, Request
from engine.errors import DeviceFailure, EngineError, FileChanged, NothingComparable
from engine.matching.pairing import ModulePair
from engine.side import Side
from engine.sources.source import FactorArrays, Module, SourceReader
from engine.subspaces.algebra import NumpyAlgebra, algebra_for
from engine.subspaces.facts import PairFacts
from engine.subspaces.overlap import Overlap, Stack, stacked
from engine.subspaces.processors import processors, products_on_one_processor
from engine.subspaces.row_matrix import RowMatrix, row_matrix

# Each thread holds the matrices of one module.
_MOST_THREADS = 8
# Operations in a module below which Python itself takes most of the time, which several threads only disturb.
_WORTH_ANOTHER_THREAD = 3 * 10**7


def outcomes(request: Request, cancelled: Callable[[], bool] = lambda: False) -> Generator[PairOutcome, None, None]:
    """Compute module by module; `cancelled` is asked before each one. Memory does not grow with their number.

    Of each module every source is read once, whatever the number of its pairs and sides. On the CPU as many modules
    are on their way as there are processors, each product on one of them, which is faster than one product on all
    (docs/performance.md). A GPU is given several modules at once, the next being read meanwhile; those that it
    fails on are computed on the CPU, and say so.

    The sources' files are hashed meanwhile: exports state the checksum of the bytes that the numbers come from.

    Raises:
        FileChanged: a source's file has gone or changed since it was opened; nothing that it holds now is compared.
        UnreadableFile: it cannot be opened any more.
    """
    threads = _threads(request)
    places = sorted({place for pair in request.pairs for place in pair.places})
    sources = {place: request.matching.sources[place] for place in places}
    for source in sources.values():
        source.file.files.start_hashing()
    with (
        ExitStack() as open_files,
        nullcontext() if request.device.is_cuda else products_on_one_processor(),
        ThreadPoolExecutor(threads, thread_name_prefix="compute") as pool,
    ):
        readers = {place: open_files.enter_context(source.open()) for place, source in sources.items()}
        run = _Run(request, readers)
        ahead: deque[Future[list[PairOutcome]]] = deque()
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


def _threads(request: Request) -> int:
    """How many batches are on their way at once: on a GPU, one being computed while another is read."""
    if request.device.is_cuda:
        return 2
    work = max((_rows(group) ** 2 * _dimension(group[0], request.sides) for group in _groups(request)), default=0)
    return min(_MOST_THREADS, processors()) if work > _WORTH_ANOTHER_THREAD else 1


def _groups(request: Request) -> list[list[ModulePair]]:
    """The pairs of each module together, in the order in which the modules come first."""
    groups: dict[str, list[ModulePair]] = {}
    for pair in request.pairs:
        groups.setdefault(pair.slug, []).append(pair)
    return list(groups.values())


def _members(group: Sequence[ModulePair]) -> dict[int, Module]:
    """The modules of the pairs of one module, by the places of their sources, ascending."""
    members = {place: module for pair in group for place, module in zip(pair.places, pair.modules, strict=True)}
    return dict(sorted(members.items()))


def _rows(group: Sequence[ModulePair]) -> int:
    return sum(module.rank for module in _members(group).values())


def _dimension(pair: ModulePair, sides: Sequence[Side]) -> int:
    return max((pair.dimension(side) or 1 for side in sides), default=1)


@dataclass(eq=False)
class _Loaded:
    """The pairs of one module whose factors have been read, by place; what is found of them gathers here."""

    group: Sequence[ModulePair]
    factors: Mapping[int, FactorArrays | EngineError]
    overlaps: dict[tuple[int, int], dict[Side, Overlap]] = field(default_factory=dict)
    failures: dict[tuple[int, int], dict[Side, EngineError]] = field(default_factory=dict)
    device_failures: dict[tuple[int, int], str] = field(default_factory=dict)

    def open_pairs(self, side: Side) -> list[ModulePair]:
        """The pairs that have not failed on a side."""
        return [pair for pair in self.group if side not in self.failures.get(pair.places, {})]

    def outcomes(self) -> Iterator[PairOutcome]:
        """What came of the pairs."""
        for pair in self.group:
            places = pair.places
            facts = PairFacts(self.overlaps.get(places, {}))
            yield PairOutcome(pair, facts, self.failures.get(places, {}), self.device_failures.get(places, ""))


@dataclass(frozen=True, eq=False)
class _Staged:
    """The matrices of one module on one side and in one space, by place; `product` is what is to become of them on
    the device, or why nothing is."""

    loaded: _Loaded
    side: Side
    matrices: Mapping[int, RowMatrix]
    pairs: Sequence[ModulePair]
    product: Any | DeviceFailure

    @property
    def shape(self) -> tuple[int, int]:
        """Rows of all matrices, and the dimension of their space."""
        shapes = [matrix.shape for matrix in self.matrices.values()]
        return sum(rows for rows, _ in shapes), shapes[0][1]


class _Run:
    """The way of the modules of one request: read, staged on the device, multiplied there, decomposed here.

    Batches are computed by several threads at once; what each of them needs for itself is in `_own`.
    """

    def __init__(self, request: Request, readers: Mapping[int, SourceReader]) -> None:
        self._request = request
        self._readers = readers
        self._reading = threading.Lock()
        self._own = threading.local()
        self._algebra = algebra_for(request.device)

    def batches(self) -> Iterator[list[list[ModulePair]]]:
        """The modules in their order: as many of one shape together as the device wants."""
        for (rows, d), alike in itertools.groupby(_groups(self._request), self._kind):
            size = self._algebra.batch_size(rows, d)
            while batch := list(itertools.islice(alike, size)):
                yield batch

    def _kind(self, group: Sequence[ModulePair]) -> tuple[int, int]:
        return _rows(group), _dimension(group[0], self._request.sides)

    def results(self, batch: Sequence[Sequence[ModulePair]], cancelled: Callable[[], bool]) -> list[PairOutcome]:
        """The outcomes of a batch, in its order; none when it is cancelled while it is read."""
        arrived: list[_Loaded] = []
        for group in batch:
            if cancelled():
                return []
            arrived.append(self._read(group))
        for side in self._request.sides:
            staged = [each for loaded in arrived for each in self._staged(loaded, side)]
            for each, gram in self._grams(staged):
                self._compare(each, gram)
        self._scratch().recycle()
        return [outcome for loaded in arrived for outcome in loaded.outcomes()]

    def _scratch(self) -> Scratch:
        if not hasattr(self._own, "scratch"):
            self._own.scratch = Scratch()
        scratch: Scratch = self._own.scratch
        return scratch

    def _read(self, group: Sequence[ModulePair]) -> _Loaded:
        """Each source's factors of one module, read once; a file that has changed ends the run."""
        A, B = (any(needs) for needs in zip(*((s.needs_A, s.needs_B) for s in self._request.sides), strict=True))
        factors: dict[int, FactorArrays | EngineError] = {}
        with self._reading:
            for place, module in _members(group).items():
                try:
                    factors[place] = self._readers[place].read(
                        module, A=A, B=B and module.has_B, scratch=self._scratch()
                    )
                except FileChanged:
                    raise
                except EngineError as error:
                    factors[place] = error
        return _Loaded(group, factors)

    def _staged(self, loaded: _Loaded, side: Side) -> Iterator[_Staged]:
        """What of a module can be compared on a side, sent to the device: a stack for each dimension."""
        for pair in loaded.group:
            if obstacle := pair.obstacle(side):
                self._fail(loaded, pair, side, NothingComparable(obstacle))
        matrices: dict[int, RowMatrix] = {}
        for place in _members(loaded.open_pairs(side)):
            try:
                matrices[place] = self._row_matrix(loaded.factors[place], side, place)
            except EngineError as error:
                for pair in loaded.open_pairs(side):
                    if place in pair.places:
                        self._fail(loaded, pair, side, error)
        alike: dict[int, list[ModulePair]] = {}
        for pair in loaded.open_pairs(side):
            alike.setdefault(matrices[pair.places[0]].shape[1], []).append(pair)
        for pairs in alike.values():
            stack = {place: matrices[place] for place in _members(pairs)}
            yield _Staged(loaded, side, stack, pairs, self._sent(stack.values()))

    def _row_matrix(self, factors: FactorArrays | EngineError, side: Side, place: int) -> RowMatrix:
        if isinstance(factors, EngineError):
            raise factors
        return row_matrix(factors, side, self._request.matching.sources[place].path)

    def _sent(self, matrices: Iterable[RowMatrix]) -> Any | DeviceFailure:
        try:
            return self._algebra.stage([matrix.stored for matrix in matrices])
        except DeviceFailure as failure:
            return failure

    def _grams(self, staged: Sequence[_Staged]) -> Iterator[tuple[_Staged, Float64Array | DeviceFailure]]:
        """Each stack with its Gram matrix, or why the device has none; those of one shape at once."""
        alike: dict[tuple[int, int], list[_Staged]] = {}
        for each in staged:
            if isinstance(each.product, DeviceFailure):
                yield each, each.product
            else:
                alike.setdefault(each.shape, []).append(each)
        for stacks in alike.values():
            try:
                grams = self._algebra.grams([each.product for each in stacks])
            except DeviceFailure as failure:
                yield from ((each, failure) for each in stacks)
            else:
                yield from zip(stacks, grams, strict=True)

    def _compare(self, staged: _Staged, gram: Float64Array | DeviceFailure) -> None:
        """The overlaps of the pairs of one stack."""
        order = {place: position for position, place in enumerate(staged.matrices)}
        matrices = list(staged.matrices.values())
        loaded, side = staged.loaded, staged.side
        stack = gram if isinstance(gram, DeviceFailure) else Stack(matrices, gram, self._algebra)
        for pair in staged.pairs:
            first, second = (order[place] for place in pair.places)
            try:
                try:
                    if isinstance(stack, DeviceFailure):
                        raise stack
                    overlap = stack.overlap(first, second)
                except DeviceFailure as failure:
                    overlap = stacked([matrices[first], matrices[second]], NumpyAlgebra()).overlap(0, 1)
                    loaded.device_failures[pair.places] = failure.reason
                loaded.overlaps.setdefault(pair.places, {})[side] = overlap
            except EngineError as error:
                self._fail(loaded, pair, side, error)

    def _fail(self, loaded: _Loaded, pair: ModulePair, side: Side, error: EngineError) -> None:
        """Keep the first failure of a pair on a side; its reason says which of the two adapters it speaks of."""
        failures = loaded.failures.setdefault(pair.places, {})
        if side not in failures:
            failures[side] = self._told(pair, error)

    def _told(self, pair: ModulePair, error: EngineError) -> EngineError:
        told = copy(error)
        told.module = error.module or pair.path.name
        for which, place in zip(("first", "second"), pair.places, strict=True):
            source = self._request.matching.sources[place]
            if error.path in (source.path, source.file.path, *source.file.files.paths):
                told.reason = f"In the {which} adapter: {error.reason}"
                break
        return told
