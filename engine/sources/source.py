"""What holds an update of a model's weights: what its header says, and its factors when they are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import MalformedAdapter
from engine.naming.module_path import ModulePath
from engine.plain_text import one_line
from engine.sources.matrices import Factors
from engine.wording import count, listed

if TYPE_CHECKING:  # NumPy stays out of the window's first paint
    from engine.checkpoints.reading import Scratch, TensorFile, TensorReader
    from engine.checkpoints.storage_types import StoredArray


@dataclass(frozen=True, slots=True)
class Module:
    """Header facts of one module that is updated.

    `row_order` names an order of ΔW's rows other than the usual one: two modules whose orders differ have no common
    R^d_out.
    """

    path: ModulePath
    update: Factors
    row_order: str = ""

    @property
    def rank(self) -> int:
        """How many directions the update has at most."""
        return self.update.rank

    @property
    def d_in(self) -> int:
        """The dimension of what goes into the module."""
        return self.update.d_in

    @property
    def d_out(self) -> int | None:
        """The dimension of what comes out of it; None where the file does not tell."""
        return self.update.d_out

    @property
    def dtype(self) -> str:
        """The storage type of its numbers, by torch's name."""
        return self.update.dtype

    @property
    def scaling(self) -> float | None:
        """s of ΔW = s · B A; None where the file does not tell it."""
        return self.update.scaling

    @property
    def has_B(self) -> bool:
        """Whether it can be compared on the sides that need B."""
        return self.update.B is not None


@dataclass(frozen=True, slots=True)
class SkippedModule:
    """A module that is left out, and why, in one sentence."""

    module: str
    reason: str


@dataclass(frozen=True, eq=False)
class FactorArrays:
    """The factors of one module as stored: A (rank, d_in), B (d_out, rank) and the diagonal E (rank, 1) between them.

    None for one that was not read, or for a diagonal that there is not.
    """

    A: StoredArray | None
    B: StoredArray | None
    E: StoredArray | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Source:
    """An adapter whose header has been read.

    `path` is what the user named (a file or folder), `format` the family that wrote it, `modules` what can be
    compared in natural order, `unusable` what cannot and why, `warnings` what a reader should know.
    """

    path: Path
    file: TensorFile
    format: str
    modules: tuple[Module, ...]
    unusable: tuple[SkippedModule, ...] = ()
    warnings: tuple[str, ...] = ()
    base_model: str = ""
    zero_update: frozenset[str] = field(default_factory=frozenset)

    @property
    def name(self) -> str:
        """What people call it: the folder's name, or the file's where the file's is not a stock name."""
        return self.path.resolve().parent.name if has_stock_name(self.path) else self.path.name

    @property
    def ranks(self) -> tuple[int, ...]:
        """The different ranks of its modules, ascending."""
        return tuple(sorted({module.rank for module in self.modules}))

    @property
    def dtypes(self) -> tuple[str, ...]:
        """The different storage types of its modules."""
        return tuple(sorted({module.dtype for module in self.modules}))

    @property
    def layer_count(self) -> int:
        """How many different layers its modules sit in."""
        return len({(path.stack, path.layer_label) for path in _paths(self.modules) if path.layer_label})

    def __repr__(self) -> str:
        """`<Source r8_seed0: PEFT, 12 modules of rank 8>`: hundreds of modules are not for a line."""
        ranks = listed(list(map(str, self.ranks)))
        return one_line(f"<Source {self.name}: {self.format}, {count(len(self.modules), 'module')} of rank {ranks}>")

    @contextmanager
    def open(self) -> Iterator[SourceReader]:
        """A reader of its factors, holding the file open until the context ends.

        Raises:
            FileChanged: the file has gone or changed.
            UnreadableFile: it cannot be opened any more.
        """
        with self.file.open() as reader:
            yield SourceReader(self, reader)


def has_stock_name(path: Path) -> bool:
    """Whether a path is a file of a name that a library gives to every adapter, so that its folder's says more."""
    return path.stem.partition(".")[0] in _STOCK_NAMES and not path.is_dir()


def told_apart(first: Source, second: Source) -> tuple[str, str]:
    """What to call two adapters: their names, with the folders that it takes to tell two of one name apart.

    `run1/final` and `run2/final`; the same name twice where both are one place.
    """
    if first.name != second.name:
        return first.name, second.name
    return paths_told_apart(first.path, second.path) or (first.name, second.name)


def paths_told_apart(first: Path, second: Path) -> tuple[str, str] | None:
    """The ends of two adapters' paths, from as many folders on as it takes to tell them apart; None for one place."""
    places = [_place(path) for path in (first, second)]
    for depth in range(2, max(map(len, places)) + 1):
        one, other = ("/".join(place[-depth:]) for place in places)
        if one != other:
            return one, other
    return None


def _place(path: Path) -> tuple[str, ...]:
    """The parts of the path of what gives an adapter its name, from the top."""
    resolved = path.resolve()
    return (resolved.parent if has_stock_name(path) else resolved).parts[1:]


_STOCK_NAMES = {"adapter_model", "pytorch_lora_weights", "adapters", "adapter_config", "model", "lit_model"}


def _paths(modules: Iterable[Module]) -> Iterator[ModulePath]:
    return (module.path for module in modules)


class SourceReader:
    """Reads the factors of an open adapter, module by module."""

    def __init__(self, source: Source, reader: TensorReader) -> None:
        self._source = source
        self._reader = reader

    def read(self, module: Module, *, A: bool = True, B: bool = True, scratch: Scratch | None = None) -> FactorArrays:
        """Read the factors asked for, into `scratch` where it is given.

        A diagonal between the two comes where both are read.

        Raises:
            FileChanged: the bytes are not those that were opened.
            UnreadableFile: they cannot be read.
            MalformedAdapter: B is asked for and the file has none, or a factor is not of a floating-point type.
        """
        self._reader.scratch = scratch
        update = module.update
        if B and update.B is None:
            raise MalformedAdapter("The file holds A and no B.", path=self._source.path, module=module.path.name)
        with self._source.file.files.unchanged():
            has_diagonal = A and B and update.E is not None
            return FactorArrays(
                A=update.A.read(self._reader) if A else None,
                B=update.B.read(self._reader) if B and update.B is not None else None,
                E=update.E.read(self._reader) if has_diagonal and update.E is not None else None,
            )

    def zero_updates(self) -> frozenset[str]:
        """Names of the modules whose B (or the diagonal before it) is all zero, so that ΔW = 0.

        Raises:
            FileChanged, UnreadableFile: as `read`.
        """
        with self._source.file.files.unchanged():
            return frozenset(
                module.path.name
                for module in self._source.modules
                if any(
                    matrix is not None and matrix.is_zero(self._reader)
                    for matrix in (module.update.B, module.update.E)
                )
            )
