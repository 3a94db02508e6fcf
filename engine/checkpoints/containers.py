"""One way to read tensors: safetensors, a sharded index, .npz, or a PyTorch pickle (weights only).

Opening reads the header; a reader then reads one tensor at a time, as a copy: nothing stays mapped or locked.
"""

from __future__ import annotations

from pathlib import Path

from engine.checkpoints.npz import NpzFile
from engine.checkpoints.pickles import PickleFile
from engine.checkpoints.reading import Container, TensorFile
from engine.checkpoints.safetensors import SafetensorsFile
from engine.checkpoints.sharded import ShardedFile
from engine.checkpoints.source_files import SourceFiles, refuse_pipe
from engine.errors import UnreadableFile, UnsupportedFormat, unreadable

# In the order in which they are asked. A sharded index is told by its name, before its bytes are looked at.
CONTAINERS: tuple[type[Container], ...] = (SafetensorsFile, NpzFile, PickleFile)
# The endings of files that may be opened, those that are preferred first.
SUFFIXES = (*SafetensorsFile.SUFFIXES, *ShardedFile.SUFFIXES, *NpzFile.SUFFIXES, *PickleFile.SUFFIXES)

_LFS_POINTER = b"version https://git-lfs"
_FIRST_BYTES = 512
# Files that people take for adapters, by their first bytes.
_FOREIGN = (
    (b"GGUF", "a GGUF file of llama.cpp, which is not read here; open the adapter that it was made from."),
    (b"\x89HDF", "an HDF5 file, not a checkpoint known here."),
    (b"\x1f\x8b", "a gzip archive; unpack it and open the adapter in it."),
    (b"Rar!", "a RAR archive; unpack it and open the adapter in it."),
    (b"7z\xbc\xaf", "a 7-Zip archive; unpack it and open the adapter in it."),
    (b"\x89PNG", "a picture, not a checkpoint."),
    (b"\xff\xd8\xff", "a picture, not a checkpoint."),
    (b"%PDF", "a PDF document, not a checkpoint."),
)


def open_tensor_file(path: Path) -> TensorFile:
    """Read the header of a checkpoint, whatever its name says, by what its first bytes are.

    Raises:
        UnreadableFile: missing, forbidden, empty, cut off, or a placeholder for a file not downloaded.
        UnsupportedFormat: not a checkpoint at all, or one that only running its code could open.
        MalformedAdapter: a checkpoint whose header contradicts itself.
    """
    refuse_pipe(path)
    if path.name.endswith(ShardedFile.SUFFIXES):
        return ShardedFile(path, open_tensor_file)
    files = SourceFiles(path)
    with files.unchanged():
        return _by_first_bytes(path, files)


def _by_first_bytes(path: Path, files: SourceFiles) -> TensorFile:
    try:
        with files.open(path) as file:
            start = file.read(_FIRST_BYTES)
    except OSError as error:
        raise unreadable(path, error) from error
    if not start:
        raise UnreadableFile("The file is empty (0 bytes).", path=path)
    if start.startswith(_LFS_POINTER):
        raise UnreadableFile(
            "This is a Git LFS pointer: the weights are not downloaded yet (run `git lfs pull`).", path=path
        )
    for container in CONTAINERS:
        if container.recognises(path, start):
            return container(path, files)
    raise _foreign(path, start)


def _foreign(path: Path, start: bytes) -> UnsupportedFormat:
    for magic, what in _FOREIGN:
        if start.startswith(magic):
            return UnsupportedFormat(f"This is {what}", path=path)
    if start[257:262] == b"ustar":
        return UnsupportedFormat(
            "This is a tar archive (such as .nemo); unpack it and open the adapter in it.", path=path
        )
    if _looks_like_text(start):
        what = "a web page" if start.lstrip()[:1] == b"<" else "a text file"
        return UnsupportedFormat(f"This is {what}, not a checkpoint; download the weights again.", path=path)
    return UnsupportedFormat("This is not a safetensors file, nor any checkpoint known here.", path=path)


def _looks_like_text(start: bytes) -> bool:
    return all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in start) and len(start) > 8
