"""`.bin`, `.pt`, `.pth`, `.ckpt` as `torch.save` writes them, read with `weights_only=True`: no code is ever run."""

from __future__ import annotations

import pickle
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.checkpoints.reading import Container, TensorReader
from engine.checkpoints.source_files import SourceFiles
from engine.checkpoints.storage_types import STORAGE_TYPES, StoredArray
from engine.checkpoints.tensors import MOST_TENSORS, Rows, TensorInfo, not_floating_point, too_many_tensors
from engine.errors import EngineError, FileChanged, MalformedAdapter, UnsupportedFormat, unreadable

if TYPE_CHECKING:
    import torch

# What training scripts put a state dict into.
_CONTAINERS = ("state_dict", "model", "model_state_dict", "module", "adapter")
_DEEPEST = 4
# The whole file is read where it is no larger: a mapped file that is cut off kills the process that touches it.
_LARGEST_IN_MEMORY = 1 << 30
# What a pickle calls to make tensors without numbers, quantised or nested ones.
_MAKERS_ON_CPU = (b"_rebuild_meta_tensor_no_storage", b"_rebuild_qtensor", b"_nested_tensor")
_ZIP = b"PK\x03\x04"
# How much of a file of before 1.6 its pickle fills at most; the numbers come after it.
_LARGEST_PICKLE = 1 << 25
# What torch says of a pickle that asks for more than tensors.
_CODE = ("GLOBAL", "reduce for unrecognized", "Can only create new object", "Can only build", "whose module")


class PickleFile(Container):
    """A checkpoint of `torch.save`; opening it reads the pickle and no tensor."""

    SUFFIXES = (".bin", ".pt", ".pth", ".ckpt", ".lora")

    @classmethod
    def recognises(cls, _path: Path, start: bytes) -> bool:
        """Whether it is a zip archive, or a bare pickle as torch wrote before 1.6."""
        return start.startswith(_ZIP) or (start[:1] == b"\x80" and start[1:2] <= b"\x05")

    def __init__(self, path: Path, files: SourceFiles) -> None:
        """
        Raises:
            UnreadableFile: the file has gone.
            UnsupportedFormat: a pickle that only running its code could open, or without named tensors.
            MalformedAdapter: damaged, or not by torch.save.
        """
        self.path, self.files = path, files
        self.metadata = {}
        self.tensors = {
            name: TensorInfo(name, _dtype(tensor), _shape(tensor), problem)
            for name, (tensor, problem) in _load(path, header_only=True).items()
        }

    @contextmanager
    def open(self) -> Iterator[TensorReader]:
        with self.files.unchanged():
            tensors = _load(self.path, header_only=False)
        readable = {name: tensor for name, (tensor, problem) in tensors.items() if not problem}
        yield _PickleReader(self.path, self.files, readable)


class _PickleReader(TensorReader):
    def __init__(self, path: Path, files: SourceFiles, tensors: Mapping[str, torch.Tensor]) -> None:
        self._path = path
        self._files = files
        self._tensors = tensors

    def read(self, name: str, rows: Rows | None = None) -> StoredArray:
        import torch  # noqa: PLC0415 - heavy, and needed for pickles only

        tensor = self._tensor(name, rows)
        type_ = STORAGE_TYPES.get(_dtype(tensor))
        if type_ is None:
            raise not_floating_point(self._path, TensorInfo(name, _dtype(tensor), tuple(tensor.shape)))
        bits = tensor.contiguous()
        if type_.carrier.kind == "u":
            bits = bits.view(torch.uint16 if type_.carrier.itemsize == 2 else torch.uint8)
        return StoredArray(bits.numpy().copy(), type_)

    def number(self, name: str) -> float | None:
        if name not in self._tensors:
            return None
        tensor = self._tensor(name, None)
        return float(tensor.item()) if tensor.numel() == 1 and not tensor.is_complex() else None

    def is_zero(self, name: str, rows: Rows | None = None) -> bool:
        tensor = self._tensor(name, rows)
        return tensor.numel() == 0 or not bool(tensor.to(dtype=_any_float(tensor)).any())

    def _tensor(self, name: str, rows: Rows | None) -> torch.Tensor:
        self._files.verify()  # before it is touched: a mapped file that was cut off kills the process
        tensor = self._tensors.get(name)
        if tensor is None:
            raise FileChanged("The file has changed since it was opened; open it again.", path=self._path)
        return tensor.detach() if rows is None else tensor.detach()[slice(*rows)]


def _any_float(tensor: torch.Tensor) -> torch.dtype:
    """A type in which torch can ask whether anything is not zero; float8 has no such question."""
    import torch  # noqa: PLC0415

    return torch.float32 if tensor.dtype.itemsize == 1 and tensor.is_floating_point() else tensor.dtype


def _dtype(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


_Tensors = dict[str, tuple["torch.Tensor", str]]


def _load(path: Path, *, header_only: bool) -> _Tensors:
    """Every tensor by dotted name, with its numbers or, `header_only`, on torch's device without any.

    Beside each why its numbers cannot be had, empty where they can.
    """
    import torch  # noqa: PLC0415 - heavy, and needed for pickles only

    try:
        is_zip = _is_sound_zip(path)
        mapped = is_zip and (header_only or path.stat().st_size > _LARGEST_IN_MEMORY)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pickle protocols, which the user cannot mend
            where = "meta" if header_only and not _needs_cpu(path, is_zip) else "cpu"
            content = torch.load(path, weights_only=True, map_location=where, mmap=mapped)
        return _named_tensors(content, path, on_meta=where == "meta")
    except EngineError:
        raise
    except OSError as error:
        raise unreadable(path, error) from error
    except pickle.UnpicklingError as error:
        if any(word in str(error) for word in _CODE):
            raise UnsupportedFormat(
                "This pickle holds more than tensors and opening it could run code, so it is refused; "
                "convert it to safetensors with the program that wrote it.",
                path=path,
            ) from error
        raise _damaged(path) from error
    except Exception as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> MalformedAdapter:
    return MalformedAdapter("This is no PyTorch checkpoint that can be read: damaged, or another pickle.", path=path)


def _is_sound_zip(path: Path) -> bool:
    """Whether this is a zip, as torch.save writes since 1.6; one that unfolds to more than it holds is refused."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    if any(member.filename.endswith("/constants.pkl") for member in members):
        raise UnsupportedFormat("This is a TorchScript program, not an adapter's weights.", path=path)
    if not any(member.filename.endswith("/data.pkl") for member in members):
        raise UnsupportedFormat("This is a zip archive without a PyTorch checkpoint in it.", path=path)
    if len(members) > MOST_TENSORS + 100:
        raise too_many_tensors(path, len(members))
    if sum(member.file_size for member in members) > path.stat().st_size:
        raise MalformedAdapter("The archive would unfold to more than it holds, as no torch.save does.", path=path)
    return True


def _needs_cpu(path: Path, is_zip: bool) -> bool:
    """Whether the pickle makes tensors that the meta device does not have, or that are on it for good."""
    if is_zip:
        with zipfile.ZipFile(path) as archive:
            name = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
            start = archive.read(name)
    else:
        with path.open("rb") as file:
            start = file.read(_LARGEST_PICKLE)
    return any(maker in start for maker in _MAKERS_ON_CPU)


def _named_tensors(content: Any, path: Path, *, on_meta: bool) -> _Tensors:
    if isinstance(content, list | tuple):
        content = {str(position): item for position, item in enumerate(content)}
    tensors: _Tensors = {}
    for name, tensor in _walk(content, "", _DEEPEST):
        tensors.setdefault(name, (tensor, _problem(tensor, path, name, on_meta=on_meta)))
        if len(tensors) > MOST_TENSORS:
            raise too_many_tensors(path, len(tensors))
    if not tensors:
        raise UnsupportedFormat("The file holds no tensors by name.", path=path)
    return tensors


def _walk(content: Any, prefix: str, depth: int) -> Iterator[tuple[str, torch.Tensor]]:
    """Tensors from nested dicts by dotted name; containers such as `state_dict` give no part of it."""
    import torch  # noqa: PLC0415

    if not isinstance(content, dict) or depth == 0:
        return
    for key, item in content.items():
        if not isinstance(key, str):  # an optimizer's state; or a tuple built to fill the memory as text
            continue
        if isinstance(item, torch.Tensor):
            yield prefix + key, item
        elif isinstance(item, dict):
            yield from _walk(item, prefix if key in _CONTAINERS else f"{prefix}{key}.", depth - 1)


def _problem(tensor: torch.Tensor, path: Path, name: str, *, on_meta: bool) -> str:
    """Why the numbers of a tensor cannot be had; empty where it lies in its storage as strides say.

    Raises:
        MalformedAdapter: it claims more elements than its storage holds, and would fill the memory when read.
    """
    import torch  # noqa: PLC0415

    if tensor.is_nested:
        return "is stored as a nested tensor: save its parts by names of their own"
    if tensor.layout is not torch.strided:
        layout = str(tensor.layout).removeprefix("torch.sparse").removeprefix("_").upper() or "COO"
        return f"is stored as a sparse tensor ({layout}): save it as a dense one"
    if tensor.is_quantized:
        return "is stored quantised: save it as floating-point numbers"
    if tensor.is_meta and not on_meta:
        return "has a shape and no numbers: it was saved from PyTorch's meta device"
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise MalformedAdapter(f"The tensor {name} claims more elements than the file holds.", path=path)
    return ""


def _shape(tensor: torch.Tensor) -> tuple[int, ...]:
    return () if tensor.is_nested else tuple(tensor.shape)
