"""What can go wrong with what a user brings, as one family of errors that carry their facts."""

from __future__ import annotations

import errno
from pathlib import Path

from engine.plain_text import one_line


class EngineError(Exception):
    """An expected failure, told in one plain sentence.

    `reason` is that sentence; `path`, `module`, `expected` and `found` say what it is about, where known.
    `str()` puts them on one line: file, module, sentence.
    """

    def __init__(
        self,
        reason: str,
        *,
        path: Path | None = None,
        module: str | None = None,
        expected: object = None,
        found: object = None,
    ) -> None:
        super().__init__(reason)
        self.reason = one_line(reason)
        self.path = path
        self.module = module
        self.expected = expected
        self.found = found

    def __str__(self) -> str:
        parts = [str(self.path) if self.path is not None else None, self.module, self.reason]
        return one_line(": ".join(part for part in parts if part))


class UnreadableFile(EngineError):
    """The file is missing, not downloaded, not permitted, or damaged."""


class FileChanged(UnreadableFile):
    """The file is not the one that was opened: it holds other bytes, or has gone."""


class UnsupportedFormat(EngineError):
    """The file is sound, but holds no pair of LoRA factors that could be compared."""


class MalformedAdapter(EngineError):
    """An adapter, or one module of it, contradicts itself or holds NaN or Inf."""


class NothingComparable(EngineError):
    """The two adapters, or the selection made of them, share no module that can be compared."""


class UnknownName(EngineError, KeyError):
    """What was asked for by name is not there, or the name is not of it alone; the sentence says what there is."""


class InvalidSetting(EngineError, ValueError):
    """A setting cannot have the value that it was given; the sentence says which it can have."""


class DeviceFailure(EngineError):
    """The device asked for is not there, or failed."""


class ExportFailure(EngineError):
    """A figure or file could not be written; what was there before is untouched."""


class WouldBeLost(ExportFailure):
    """Something in the folder would be written over or taken away that nobody said may go."""


_REFUSALS = {
    errno.ENOENT: "There is no such {what}.",
    errno.EACCES: "The {what} may not be read (permission denied).",
    errno.EPERM: "The {what} may not be read (permission denied).",
    errno.EISDIR: "This is a folder, not a file.",
    errno.ENOTDIR: "A part of this path is a file, not a folder.",
    errno.ENAMETOOLONG: "The path is longer than the system allows.",
    errno.ELOOP: "This is a link that leads back to itself.",
    errno.EIO: "The disk failed while the {what} was read (input/output error).",
}
# Libraries raise some of these without the system's number.
_NUMBERS = ((FileNotFoundError, errno.ENOENT), (PermissionError, errno.EACCES), (IsADirectoryError, errno.EISDIR))


def unreadable(path: Path, error: OSError, what: str = "file") -> UnreadableFile:
    """The operating system's refusal to read a file or folder, in one sentence."""
    number = error.errno or next((number for kind, number in _NUMBERS if isinstance(error, kind)), 0)
    words = f" ({error.strerror})" if error.strerror else ""
    return UnreadableFile(_REFUSALS.get(number, f"The {{what}} cannot be read{words}.").format(what=what), path=path)
