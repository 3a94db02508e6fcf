"""What is read, hashed and exported comes from the bytes that were opened, whatever happens to files meanwhile."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from engine.checkpoints.source_files import SourceFiles
from engine.comparison.outcome import Request, SideOutcome, SideResult
from engine.comparison.running import outcomes
from engine.document.export_plan import Comparison, ExportPlan
from engine.errors import EngineError, FileChanged, UnreadableFile
from engine.matching.pairing import pair_adapters
from engine.side import Side
from engine.sources.opening import open_source
from engine.sources.source import Source
from engine.subspaces.devices import CPU
from tests.adapters import llama_modules, peft_tensors, write_peft_adapter
from tests.exporting import export_comparison
from tests.factories import mlx, pair, write_pickle

MODULES = llama_modules(6)
Change = Callable[[Path, bytes], None]


def _replaced(path: Path, content: bytes) -> None:
    """A new file takes the place of the old one, as a download or `torch.save` to a temporary name does."""
    other = path.with_name("other")
    other.write_bytes(content)
    other.replace(path)


def _rewritten(path: Path, content: bytes) -> None:
    """The same length and the same time, in place: only the bytes tell, and the time of the inode's change."""
    before = path.stat()
    with path.open("r+b") as file:
        file.write(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert path.stat().st_mtime_ns == before.st_mtime_ns


def _truncated(path: Path, _content: bytes) -> None:
    os.truncate(path, path.stat().st_size * 3 // 4)


CHANGES = {"replaced": _replaced, "rewritten": _rewritten, "truncated": _truncated}
changes = pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())


def _safetensors(folder: Path, seed: int) -> Path:
    return write_peft_adapter(folder, MODULES, 4, seed=seed) / "adapter_model.safetensors"


def _pickle(folder: Path, seed: int) -> Path:
    return write_pickle(folder / "adapter_model.bin", peft_tensors(MODULES, 4, seed=seed))


def _npz(folder: Path, seed: int) -> Path:
    folder.mkdir()
    tensors: dict[str, Any] = {**mlx({name: pair(seed + k, 4, 24, 24) for k, name in enumerate(MODULES)})}
    np.savez(folder / "adapters.npz", **tensors)
    return folder / "adapters.npz"


def _shard(folder: Path, seed: int) -> Path:
    folder.mkdir()
    tensors = peft_tensors(MODULES, 4, seed=seed)
    weight_map = {name: f"part-{k % 2}.safetensors" for k, name in enumerate(tensors)}
    for shard in set(weight_map.values()):
        save_file({name: tensors[name] for name in tensors if weight_map[name] == shard}, folder / shard)
    index = folder / "adapter_model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": weight_map}), encoding="utf-8")
    return folder / "part-1.safetensors"


MAKERS = {"safetensors": _safetensors, "pickle": _pickle, "npz": _npz, "sharded": _shard}
containers = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())


def _run(first: Source, second: Source, side: Side = Side.A) -> Iterator[SideOutcome]:
    pairing = pair_adapters(first, second)
    request = Request(1, pairing.matching, pairing.comparable(side), (side,))
    return (outcome.on(side) for outcome in outcomes(request))


def _comparison(first: Source, second: Source) -> Comparison:
    results = tuple(outcome for outcome in _run(first, second) if isinstance(outcome, SideResult))
    return Comparison(first, second, Side.A, CPU, results, ())


@containers
@changes
def test_a_changed_file_is_neither_read_nor_exported(
    tmp_path: Path, make: Callable[[Path, int], Path], change: Change
) -> None:
    file, other = make(tmp_path / "first", 1), make(tmp_path / "other", 2)
    first, second = open_source(tmp_path / "first"), open_source(tmp_path / "other")
    comparison = _comparison(first, second)
    change(file, other.read_bytes())
    for side in (Side.A, Side.B):
        with pytest.raises(FileChanged) as refusal:
            list(_run(first, second, side))
        assert refusal.value.path == file
        assert "has changed since it was opened" in refusal.value.reason
    with pytest.raises(FileChanged):
        export_comparison(comparison, tmp_path / "out", ExportPlan(()))
    assert not (tmp_path / "out").exists()


@containers
def test_a_file_that_has_gone_is_called_that(tmp_path: Path, make: Callable[[Path, int], Path]) -> None:
    file = make(tmp_path / "first", 1)
    adapter = open_source(tmp_path / "first")
    file.unlink()
    with pytest.raises(FileChanged, match="has gone since it was opened"):
        list(_run(adapter, adapter))


@containers
def test_the_checksum_is_of_the_bytes_that_were_read(tmp_path: Path, make: Callable[[Path, int], Path]) -> None:
    make(tmp_path / "first", 1)
    adapter = open_source(tmp_path / "first")
    expected = hashlib.sha256(b"".join(path.read_bytes() for path in adapter.file.files.paths)).hexdigest()
    facts = export_comparison(_comparison(adapter, adapter), tmp_path / "out", ExportPlan(()))
    assert facts["first"]["sha256"] == facts["second"]["sha256"] == expected


@changes
def test_a_change_between_two_modules_ends_the_run(tmp_path: Path, change: Change) -> None:
    """Nothing of the new file is mixed with what was read of the old one, nor does one failure follow another."""
    file, other = (  # more modules than are read ahead
        write_peft_adapter(tmp_path / name, llama_modules(400), 4, seed=seed) / "adapter_model.safetensors"
        for seed, name in enumerate(("first", "other"))
    )
    first, second = open_source(file), open_source(other)
    run = _run(first, second)
    assert isinstance(next(run), SideResult)
    change(file, other.read_bytes())
    with pytest.raises(FileChanged):
        list(run)


def test_a_file_that_shrinks_while_its_tensors_are_read(tmp_path: Path) -> None:
    file = _safetensors(tmp_path / "first", 1)
    adapter = open_source(file)
    with adapter.open() as reader:
        _truncated(file, b"")
        with pytest.raises(FileChanged):
            reader.read(adapter.modules[-1])


def test_a_file_that_changes_while_its_header_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, other = (_safetensors(tmp_path / name, seed) for seed, name in enumerate(("first", "other")))
    content = other.read_bytes()
    open_once = SourceFiles.open

    def open_and_replace(files: SourceFiles, path: Path) -> object:
        opened = open_once(files, path)
        _replaced(file, content)
        return opened

    monkeypatch.setattr(SourceFiles, "open", open_and_replace)
    with pytest.raises(FileChanged):
        open_source(file)


def test_the_same_bytes_put_back_are_the_same_file(tmp_path: Path) -> None:
    file = _safetensors(tmp_path / "first", 1)
    adapter = open_source(file)
    facts = export_comparison(_comparison(adapter, adapter), tmp_path / "out", ExportPlan(()))
    content = file.read_bytes()
    file.unlink()
    assert "has gone" in adapter.file.files.change
    file.write_bytes(content)
    assert not adapter.file.files.change
    os.utime(file)
    assert not adapter.file.files.change
    again = export_comparison(_comparison(adapter, adapter), tmp_path / "again", ExportPlan(()))
    assert again["first"]["sha256"] == facts["first"]["sha256"]


def test_bytes_that_were_never_hashed_are_not_taken_for_the_same(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"1234")
    files = SourceFiles(file)
    os.utime(file, ns=(1, 1))
    assert "has changed" in files.change
    with pytest.raises(FileChanged):
        files.sha256()


def test_hashing_beside_ends_when_nobody_will_ask(tmp_path: Path) -> None:
    file = tmp_path / "file"
    with file.open("wb") as out:
        out.truncate(1 << 33)  # a hole: 8 GB of zeros that take no room
    files = SourceFiles(file)
    files.start_hashing()
    assert any(thread.name == "hashing" for thread in threading.enumerate())
    files.stop_hashing()
    for thread in threading.enumerate():
        if thread.name == "hashing":
            thread.join(10)
            assert not thread.is_alive()


def test_there_must_be_a_file(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="no such file"):
        SourceFiles(tmp_path / "nothing")


@pytest.mark.parametrize("sharded_first", (True, False))
def test_every_shard_counts(tmp_path: Path, sharded_first: bool) -> None:
    changed = _shard(tmp_path / "sharded", 1)
    adapter = open_source(tmp_path / "sharded")
    assert adapter.file.files.size == sum(path.stat().st_size for path in adapter.file.files.paths)
    assert len(adapter.file.files.paths) == 2
    victim = changed if sharded_first else changed.with_name("part-0.safetensors")
    _rewritten(victim, bytes(victim.stat().st_size))
    with pytest.raises(EngineError):
        list(_run(adapter, adapter))


def test_the_source_is_found_again_by_its_bytes_elsewhere(tmp_path: Path) -> None:
    """A folder that is moved and linked back is the same source."""
    file = _safetensors(tmp_path / "first", 1)
    adapter = open_source(file)
    adapter.file.files.sha256()
    shutil.move(tmp_path / "first", tmp_path / "moved")
    (tmp_path / "first").symlink_to(tmp_path / "moved")
    assert all(isinstance(outcome, SideResult) for outcome in _run(adapter, adapter))
