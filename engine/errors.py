"""What can go wrong with what a user brings, as one family of errors that carry their facts."""

from __future__ import annotations

from pathlib import Path


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


def one_line(text: str) -> str:
    """Names in files may hold line breaks, and commands for a terminal."""
    return " ".join("".join(char if char.isprintable() or char.isspace() else "\ufffd" for char in text).split())


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


class DeviceFailure(EngineError):
    """The device asked for is not there, or failed."""


class ExportFailure(EngineError):
    """A figure or file could not be written; what was there before is untouched."""


def unreadable(path: Path, error: OSError) -> UnreadableFile:
    """The operating system's refusal in one sentence."""
    reasons: dict[type[OSError], str] = {
        FileNotFoundError: "There is no such file.",
        PermissionError: "The file may not be read (permission denied).",
        IsADirectoryError: "This is a folder, not a file.",
    }
    reason = reasons.get(type(error), f"The file cannot be read ({error.strerror or error}).")
    return UnreadableFile(reason, path=path)
