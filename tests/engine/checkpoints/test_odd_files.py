"""What a path can lead to: pipes, loops, links to nowhere, forbidden folders, tensors without numbers."""

from __future__ import annotations

import errno
import io
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.document.reopening import read_saved
from engine.errors import EngineError, MalformedAdapter, UnreadableFile, UnsupportedFormat, unreadable
from engine.side import Side
from engine.sources.opening import adapters_in, open_source
from engine.wording import own_words
from tests import factories as make
from tests.adapters import llama_modules, write_peft_adapter

Q, K = "model.layers.0.self_attn.q_proj", "model.layers.1.self_attn.q_proj"
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="of POSIX file systems")


def sentence(path: Path) -> str:
    """Why a path cannot be opened."""
    with pytest.raises(EngineError) as refused:
        open_source(path)
    assert "Errno" not in str(refused.value)
    assert refused.value.path is not None
    return refused.value.reason


# --- tensors that cannot be read ---


def pickled(path: Path, change: Callable[[Any], Any], *, every: bool, legacy: bool = False) -> Path:
    """Two sound PEFT modules in a .pt, A of the first or all tensors changed by a function of torch."""
    import torch  # noqa: PLC0415 - heavy

    tensors = {
        name: torch.from_numpy(matrix)
        for name, matrix in make.peft({n: make.pair(1, 4, 24, 18) for n in (Q, K)}).items()
    }
    changed = {
        name: change(tensor) if every or name == f"base_model.model.{Q}.lora_A.weight" else tensor
        for name, tensor in tensors.items()
    }
    torch.save(changed, path, _use_new_zipfile_serialization=not legacy)
    return path


def to_meta(tensor: Any) -> Any:
    return tensor.to("meta")


def to_csr(tensor: Any) -> Any:
    return tensor.to_sparse_csr()


def to_coo(tensor: Any) -> Any:
    return tensor.to_sparse()


def to_quantised(tensor: Any) -> Any:
    import torch  # noqa: PLC0415

    return torch.quantize_per_tensor(tensor, 0.1, 0, torch.qint8)


def to_nested(tensor: Any) -> Any:
    import torch  # noqa: PLC0415

    return torch.nested.nested_tensor([tensor, tensor])


WITHOUT_NUMBERS = {
    "meta": (to_meta, "A has a shape and no numbers: it was saved from PyTorch's meta device."),
    "csr": (to_csr, "A is stored as a sparse tensor (CSR): save it as a dense one."),
    "coo": (to_coo, "A is stored as a sparse tensor (COO): save it as a dense one."),
    "quantised": (to_quantised, "A is stored quantised: save it as floating-point numbers."),
    "nested": (to_nested, "A is stored as a nested tensor: save its parts by names of their own."),
}


@pytest.mark.filterwarnings("ignore")  # torch's, of what it takes back some day
@pytest.mark.parametrize(
    ("kind", "legacy"),
    [(kind, legacy) for kind in WITHOUT_NUMBERS for legacy in (False, True) if not (kind == "nested" and legacy)],
)
def test_tensors_without_numbers_have_their_own_reason(tmp_path: Path, kind: str, legacy: bool) -> None:
    change, reason = WITHOUT_NUMBERS[kind]
    every = sentence(pickled(tmp_path / "all.pt", change, every=True, legacy=legacy))
    assert every == f"None of the 2 modules can be used: {reason.removesuffix('.')} ({Q}, {K})."
    adapter = open_source(pickled(tmp_path / "one.pt", change, every=False, legacy=legacy))
    assert [module.path.name for module in adapter.modules] == [K]
    assert [(skip.module, skip.reason) for skip in adapter.unusable] == [(Q, reason)]
    assert not adapter.zero_update


@pytest.mark.parametrize("shape", [(), (4, 24)])
def test_an_npz_of_objects_is_no_sharded_run(tmp_path: Path, shape: tuple[int, ...]) -> None:
    arrays = {f"{Q}.lora_a": np.empty(shape, dtype=object), f"{Q}.lora_b": np.zeros((4, 8), np.float32)}
    out = io.BytesIO()
    np.savez(out, allow_pickle=True, **arrays)
    (tmp_path / "adapters.npz").write_bytes(out.getvalue())
    assert sentence(tmp_path / "adapters.npz") == (
        "A holds Python objects, which only running the file's code could read. It is the only module."
    )


def test_a_type_comes_before_a_shape(tmp_path: Path) -> None:
    arrays = {f"{Q}.lora_a": np.array(["a"]), f"{Q}.lora_b": np.zeros((4, 8), np.float32)}
    np.savez(tmp_path / "adapters.npz", **arrays)  # type: ignore[arg-type]
    assert "cannot be read as numbers" in sentence(tmp_path / "adapters.npz")


# --- paths ---


@POSIX
def test_paths_that_lead_to_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.safetensors")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "nowhere.safetensors").symlink_to("gone")
    (tmp_path / "empty.safetensors").touch()
    (tmp_path / "x.safetensors").mkdir()
    with socket.socket(socket.AF_UNIX) as made:
        home = Path.cwd()
        os.chdir(tmp_path)  # a socket's path has a hundred characters at most
        try:
            made.bind("socket.pt")
        finally:
            os.chdir(home)
    said = {
        "fifo.safetensors": "This is a pipe, a socket or a device, not a file.",
        "socket.pt": "This is a pipe, a socket or a device, not a file.",
        "loop": "This is a link that leads back to itself.",
        "loop/inside": "This is a link that leads back to itself.",
        "nowhere.safetensors": "This is a link to a file that is not there.",
        "empty.safetensors": "The file is empty (0 bytes).",
        "empty.safetensors/inside": "A part of this path is a file, not a folder.",
        "x.safetensors": "The folder holds no adapter file (.safetensors, .npz, .bin or .pt).",
        "a\0b": "There is no such file or folder.",
        "x" * 5000: "The path is longer than the system allows.",
        "not there": "There is no such file or folder.",
    }
    assert {name: sentence(tmp_path / name) for name in said} == said


@POSIX
def test_no_pipe_is_waited_for_whatever_it_is_called(tmp_path: Path) -> None:
    """An index was opened before it was looked at, and so was an export: the program hung."""
    for name in ("model.safetensors.index.json", "comparison.json", "figure.png"):
        os.mkfifo(tmp_path / name)
        for read in (open_source, read_saved):
            with pytest.raises(UnsupportedFormat, match="This is a pipe, a socket or a device"):
                read(tmp_path / name)


def test_archives_that_cannot_be_unpacked_are_not_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "adapters.npz"
    np.savez(path, **{f"{Q}.lora_a": np.zeros((24, 4)), f"{Q}.lora_b": np.zeros((4, 8))})  # type: ignore[arg-type]
    sound = bytearray(path.read_bytes())
    for flags, method, reason in (
        (1, 0, "The .npz archive is protected by a password."),
        (0, 99, "The .npz archive is packed in a way that is not read here."),
    ):
        content = bytearray(sound)
        for start, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # headers of members, and of the archive
            position = -1
            while (position := content.find(start, position + 1)) >= 0:
                content[position + at : position + at + 4] = bytes((flags, 0, method, 0))
        path.write_bytes(content)
        assert sentence(path) == reason


@POSIX
@pytest.mark.parametrize("kind", ["folder", "fifo", "loop"])
def test_a_folder_whose_weights_are_no_file(tmp_path: Path, kind: str) -> None:
    weights = tmp_path / "adapter_model.safetensors"
    if kind == "folder":
        weights.mkdir()
    elif kind == "fifo":
        os.mkfifo(weights)
    else:
        weights.symlink_to(weights.name)
    assert sentence(tmp_path) == "adapter_model.safetensors in the folder is no file that can be read."


@POSIX
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="nothing is forbidden to root")
def test_what_may_not_be_read_says_so(tmp_path: Path) -> None:
    adapter = write_peft_adapter(tmp_path / "adapter", llama_modules(1), 2, seed=0)
    weights = adapter / "adapter_model.safetensors"
    weights.chmod(0)
    assert sentence(weights) == "The file may not be read (permission denied)."
    for mode in (0o000, 0o444):
        adapter.chmod(mode)
        try:
            assert "permission denied" in sentence(adapter)
            assert "permission denied" in sentence(weights)
        finally:
            adapter.chmod(0o755)


def test_a_forbidden_folder_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As root, too: the refusal is made up."""
    adapter = write_peft_adapter(tmp_path / "adapter", llama_modules(1), 2, seed=0)
    refusal = PermissionError(errno.EACCES, "Permission denied", str(adapter))

    def forbidden(_path: Path) -> bool:
        raise refusal

    monkeypatch.setattr(Path, "is_file", forbidden)
    with pytest.raises(UnreadableFile) as refused:
        adapters_in(adapter)
    assert str(refused.value) == f"{adapter}: The folder may not be read (permission denied)."


@pytest.mark.parametrize("at", ["header", "data"])
def test_a_failing_disk_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    adapter = open_source(write_peft_adapter(tmp_path / "adapter", llama_modules(1), 2, seed=0))
    failure = OSError(errno.EIO, os.strerror(errno.EIO), str(adapter.file.path))

    class Failing(io.FileIO):
        def readinto(self, _buffer: Any) -> int:
            raise failure

        def read(self, _size: int | None = -1) -> bytes:
            raise failure

    monkeypatch.setattr(Path, "open", lambda path, *_mode, **_more: Failing(str(path)))
    with pytest.raises(UnreadableFile) as refused:
        if at == "header":
            open_source(adapter.path)
        else:
            with adapter.open() as reader:
                reader.read(adapter.modules[0], B=Side.A.needs_B)
    assert refused.value.reason == "The disk failed while the file was read (input/output error)."


def test_a_config_that_may_not_be_read_is_not_called_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    adapter = write_peft_adapter(tmp_path / "adapter", llama_modules(1), 2, seed=0)
    usual = Path.open

    def guarded(path: Path, *arguments: Any, **more: Any) -> Any:
        if path.name == "adapter_config.json":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return usual(path, *arguments, **more)

    monkeypatch.setattr(Path, "open", guarded)
    assert open_source(adapter).warnings == ("adapter_config.json cannot be read, so the scaling is unknown.",)


@pytest.mark.parametrize("number", sorted(errno.errorcode))
def test_no_number_of_the_system_is_in_a_sentence(number: int) -> None:
    for error in (OSError(number, os.strerror(number), "/x"), OSError(f"text of {number}")):
        for what in ("file", "folder"):
            said = unreadable(Path("x"), error, what).reason
            assert "Errno" not in said
            assert "{" not in said
        assert "Errno" not in own_words(error)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (b'{"a": 1', "it is not valid JSON"),
        (b'{"a": "\xff"}', "it is not text"),
        (b'{"a":{"dtype":"Q3","shape":[2],"data_offsets":[0,8]}}', "a type that is not known here"),
        (b'{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}', "do not fill its bytes"),
        (b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', "tensors overlap, or leave gaps"),
    ],
)
def test_a_damaged_header_is_told_in_plain_words(tmp_path: Path, header: bytes, words: str) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(8))
    with pytest.raises(MalformedAdapter) as refused:
        open_source(path)
    assert words in refused.value.reason
    assert not {"line", "column", "deserializing"} & set(refused.value.reason.split())


@POSIX
@pytest.mark.parametrize("name", ["new\nline", "esc\x1b[31mape", os.fsdecode(b"not\xff\xfeutf-8")])
def test_odd_names_open(tmp_path: Path, name: str) -> None:
    try:
        adapter = write_peft_adapter(tmp_path / name, llama_modules(1), 2, seed=0)
    except (OSError, UnicodeError):
        pytest.skip("no file can have this name here")
    assert len(open_source(adapter).modules) == 2
    (adapter / "adapter_model.safetensors").write_bytes(b"")
    with pytest.raises(UnreadableFile) as refused:
        open_source(adapter)
    assert str(refused.value).isprintable()
