"""Checkpoints that are spread over several files, named by an index."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath

from engine.checkpoints.reading import TensorFile, TensorReader
from engine.checkpoints.source_files import SourceFiles
from engine.checkpoints.storage_types import StoredArray
from engine.checkpoints.tensors import MOST_TENSORS, Rows, too_many_tensors
from engine.errors import MalformedAdapter, unreadable

_LARGEST_INDEX = 8_000_000


class ShardedFile(TensorFile):
    """`*.index.json`: tensors spread over several files beside it."""

    SUFFIXES = (".index.json",)

    def __init__(self, path: Path, open_shard: Callable[[Path], TensorFile]) -> None:
        """
        Raises:
            UnreadableFile, UnsupportedFormat, MalformedAdapter: as `open_shard`, for the index or a shard.
        """
        self.path = path
        self.metadata = {}
        self._shard_of = self._weight_map()
        self._shards: dict[str, TensorFile] = {}
        self.tensors = {}
        for name, shard_name in self._shard_of.items():
            if shard_name not in self._shards:
                self._shards[shard_name] = open_shard(self._shard_path(shard_name))
            info = self._shards[shard_name].tensors.get(name)
            if info is None:
                raise MalformedAdapter(
                    f"The index promises {name} in {shard_name}, which does not hold it.", path=path
                )
            self.tensors[name] = info
        self.files = SourceFiles.joined(self._shards[name].files for name in sorted(self._shards))
        for shard in self._shards.values():
            shard.files = self.files

    def _weight_map(self) -> dict[str, str]:
        try:
            with self.path.open("rb") as file:
                raw = file.read(_LARGEST_INDEX + 1)
            index = json.loads(raw) if len(raw) <= _LARGEST_INDEX else None
        except OSError as error:
            raise unreadable(self.path, error) from error
        except (ValueError, RecursionError) as error:
            raise MalformedAdapter("The shard index is not valid JSON.", path=self.path) from error
        weight_map = index.get("weight_map") if isinstance(index, dict) else None
        if (
            not isinstance(weight_map, dict)
            or not weight_map
            or not all(isinstance(shard, str) for shard in weight_map.values())
        ):
            raise MalformedAdapter("The shard index has no weight_map of file names.", path=self.path)
        if len(weight_map) > MOST_TENSORS:
            raise too_many_tensors(self.path, len(weight_map))
        return weight_map

    def _shard_path(self, shard_name: str) -> Path:
        parts = PurePosixPath(shard_name).parts
        unsafe = "\\" in shard_name or ":" in shard_name or not shard_name.isprintable()
        if len(parts) != 1 or unsafe or shard_name in {"", ".", ".."} or shard_name.startswith("/"):
            raise MalformedAdapter(
                f"The index names a shard outside its own folder ({shard_name[:80]}); refused.", path=self.path
            )
        if shard_name.endswith(self.SUFFIXES):
            raise MalformedAdapter(f"The index names another index as a shard ({shard_name}).", path=self.path)
        return self.path.with_name(shard_name)

    @contextmanager
    def open(self) -> Iterator[TensorReader]:
        with ExitStack() as stack:
            readers = {name: stack.enter_context(shard.open()) for name, shard in self._shards.items()}
            yield _ShardedReader({name: readers[shard] for name, shard in self._shard_of.items()})


class _ShardedReader(TensorReader):
    def __init__(self, reader_of: Mapping[str, TensorReader]) -> None:
        self._reader_of = reader_of

    def read(self, name: str, rows: Rows | None = None) -> StoredArray:
        reader = self._reader_of[name]
        reader.scratch = self.scratch
        return reader.read(name, rows)

    def number(self, name: str) -> float | None:
        return self._reader_of[name].number(name)

    def is_zero(self, name: str, rows: Rows | None = None) -> bool:
        return self._reader_of[name].is_zero(name, rows)
