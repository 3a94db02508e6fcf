"""A frozen request → the outcomes of its pairs, module by module, in the order asked for."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, nullcontext
from copy import copy
from dataclasses import dataclass, field

from engine.checkpoints.reading import Scratch
from engine.comparison.outcome import PairOutcome, Request
from engine.errors import DeviceFailure, EngineError, FileChanged, NothingComparable
from engine.matching.pairing import ModulePair
from engine.side import Side
from engine.sources.source import FactorArrays, Module, SourceReader
from engine.subspaces.algebra import NumpyAlgebra, algebra_for
from engine.subspaces.facts import PairFacts
from engine.subspaces.one_reading import ModuleRows, Shared, module_rows, shared
from engine.subspaces.processors import processors, products_on_one_processor

# Each thread holds the matrices of one module.
_MOST_THREADS = 8
# Rows of a module's matrices that are multiplied at once: their product, 8 MB, and they themselves are in memory.
_MOST_ROWS = 1024


def outcomes(request: Request, cancelled: Callable[[], bool] = lambda: False) -> Generator[PairOutcome, None, None]:
    """Compute module by module; `cancelled` is asked before each one. Memory does not grow with their number.

    Of each module every source is read once, whatever the number of its pairs and sides, unless there are so many
    sources that only blocks of them go into memory. On the CPU as many modules
    are on their way as there are processors, each product on one of them, which is faster than one product on all
    (docs/performance.md). A GPU is given several modules at once, the next being read meanwhile; those that it
    fails on are computed on the CPU, and say so.

    The sources' files are hashed meanwhile: exports state the checksum of the bytes that the numbers come from.

    Raises:
        FileChanged: a source's file has gone or changed since it was opened; nothing that it holds now is compared.
        UnreadableFile: it cannot be opened any more.
    """
    tasks = list(_tasks(request))
    threads = 2 if request.device.is_cuda else max(1, min(_MOST_THREADS, processors(), len(tasks)))
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
        run = _Run(request, readers, tasks)
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


@dataclass(frozen=True, eq=False)
class _Task:
    """Pairs of one module whose matrices are multiplied together; `rows` of them all, in at most d dimensions."""

    pairs: Sequence[ModulePair]
    members: Mapping[int, Module]  # by place
    rows: int
    d: int


def _tasks(request: Request) -> Iterator[_Task]:
    """The pairs of each module together, in the order in which the modules come first; in blocks where they have too
    many rows."""
    groups: dict[str, list[ModulePair]] = {}
    for pair in request.pairs:
        groups.setdefault(pair.slug, []).append(pair)
    for group in groups.values():
        for pairs in _blocks(group):
            members = _members(pairs)
            d = max((pairs[0].dimension(side) or 1 for side in request.sides), default=1)
            yield _Task(pairs, members, sum(module.rank for module in members.values()), d)


def _members(pairs: Sequence[ModulePair]) -> dict[int, Module]:
    """The modules of pairs of one module, by the places of their sources, ascending."""
    members = {place: module for pair in pairs for place, module in zip(pair.places, pair.modules, strict=True)}
    return dict(sorted(members.items()))


def _blocks(group: Sequence[ModulePair]) -> list[list[ModulePair]]:
    """Pairs of one module, those between every two blocks of sources together."""
    members = _members(group)
    block_of: dict[int, int] = {}
    block, rows = 0, 0
    for place, module in members.items():
        rows += module.rank
        if 2 * rows > _MOST_ROWS and rows > module.rank:
            block, rows = block + 1, module.rank
        block_of[place] = block
    if block < 2:  # all of them fit
        return [list(group)]
    between: dict[tuple[int, ...], list[ModulePair]] = {}
    for pair in group:
        between.setdefault(tuple(sorted(block_of[place] for place in pair.places)), []).append(pair)
    return list(between.values())


@dataclass(eq=False)
class _Loaded:
    """The pairs of one module whose factors have been read, by place; why some of them fail gathers here."""

    pairs: Sequence[ModulePair]
    factors: Mapping[int, FactorArrays | EngineError]
    failures: dict[tuple[int, int], dict[Side, EngineError]] = field(default_factory=dict)

    def outcomes(self, found: Shared, device_failure: str) -> Iterator[PairOutcome]:
        """What came of the pairs."""
        for pair in self.pairs:
            facts = PairFacts(found.overlaps.get(pair.places, {}))
            yield PairOutcome(pair, facts, self.failures.get(pair.places, {}), device_failure)


class _Run:
    """The way of the modules of one request: read, multiplied on the device, decomposed.

    Batches are computed by several threads at once; what each of them needs for itself is in `_own`.
    """

    def __init__(self, request: Request, readers: Mapping[int, SourceReader], tasks: Sequence[_Task]) -> None:
        self._request = request
        self._readers = readers
        self._tasks = tasks
        self._reading = threading.Lock()
        self._own = threading.local()
        self._algebra = algebra_for(request.device)

    def batches(self) -> Iterator[list[_Task]]:
        """The tasks in their order, as many together as the device wants."""
        batch: list[_Task] = []
        share = 0.0
        for task in self._tasks:
            batch.append(task)
            share += 1.0 / self._algebra.batch_size(task.rows, task.d)
            if share > 0.999:
                yield batch
                batch, share = [], 0.0
        if batch:
            yield batch

    def results(self, batch: Sequence[_Task], cancelled: Callable[[], bool]) -> list[PairOutcome]:
        """The outcomes of a batch, in its order; none when it is cancelled while it is read."""
        arrived: list[_Loaded] = []
        for task in batch:
            if cancelled():
                return []
            arrived.append(self._read(task))
        modules = [self._module(loaded) for loaded in arrived]
        found = self._shared(modules)
        self._scratch().recycle()
        outcomes: list[PairOutcome] = []
        for loaded, (shared_by, device_failure) in zip(arrived, found, strict=True):
            for pair in loaded.pairs:
                for side, error in shared_by.failures.get(pair.places, {}).items():
                    self._fail(loaded, pair, side, error)
            outcomes += loaded.outcomes(shared_by, device_failure)
        return outcomes

    def _scratch(self) -> Scratch:
        if not hasattr(self._own, "scratch"):
            self._own.scratch = Scratch()
        scratch: Scratch = self._own.scratch
        return scratch

    def _read(self, task: _Task) -> _Loaded:
        """Each source's factors of one module, read once; a file that has changed ends the run."""
        A, B = (any(needs) for needs in zip(*((s.needs_A, s.needs_B) for s in self._request.sides), strict=True))
        factors: dict[int, FactorArrays | EngineError] = {}
        with self._reading:
            for place, module in task.members.items():
                try:
                    factors[place] = self._readers[place].read(
                        module, A=A, B=B and module.has_B, scratch=self._scratch()
                    )
                except FileChanged:
                    raise
                except EngineError as error:
                    factors[place] = error
        return _Loaded(task.pairs, factors)

    def _module(self, loaded: _Loaded) -> ModuleRows:
        """What of a module can be compared; the rest of its pairs have failed."""
        wanted: dict[Side, list[tuple[int, int]]] = {side: [] for side in self._request.sides}
        unread = {place: error for place, error in loaded.factors.items() if isinstance(error, EngineError)}
        for pair in loaded.pairs:
            error = unread.get(pair.places[0]) or unread.get(pair.places[1])
            for side, places in wanted.items():
                if obstacle := pair.obstacle(side):
                    self._fail(loaded, pair, side, NothingComparable(obstacle))
                elif error is not None:
                    self._fail(loaded, pair, side, error)
                else:
                    places.append(pair.places)
        sound = {place: read for place, read in loaded.factors.items() if isinstance(read, FactorArrays)}
        return module_rows(sound, wanted, {place: self._request.matching.sources[place].path for place in sound})

    def _shared(self, modules: Sequence[ModuleRows]) -> list[tuple[Shared, str]]:
        """What the pairs of each module have in common, and why the device did not find it, if so.

        What fails together is tried module by module: one decomposition that does not converge, or too little memory,
        leaves the others where they are.
        """
        try:
            return [(found, "") for found in shared(modules, self._algebra)]
        except DeviceFailure as failure:
            if len(modules) > 1:
                return [each for module in modules for each in self._shared([module])]
            try:
                return [(shared(modules, NumpyAlgebra())[0], failure.reason)]
            except DeviceFailure as last:
                return [(_failed(modules[0], last), failure.reason)]

    def _fail(self, loaded: _Loaded, pair: ModulePair, side: Side, error: EngineError) -> None:
        """Keep a failure of a pair on a side; its reason says which of the two adapters it speaks of."""
        loaded.failures.setdefault(pair.places, {})[side] = self._told(pair, error)

    def _told(self, pair: ModulePair, error: EngineError) -> EngineError:
        told = copy(error)
        told.module = error.module or pair.path.name
        for which, place in zip(("first", "second"), pair.places, strict=True):
            source = self._request.matching.sources[place]
            if error.path in (source.path, source.file.path, *source.file.files.paths):
                told.reason = f"In the {which} adapter: {error.reason}"
                break
        return told


def _failed(module: ModuleRows, error: EngineError) -> Shared:
    """Nothing is found of any pair."""
    failures: dict[tuple[int, int], dict[Side, EngineError]] = {}
    for side, pairs in module.wanted.items():
        for places in pairs:
            failures.setdefault(places, {})[side] = error
    return Shared(failures=failures)
