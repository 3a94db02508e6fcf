"""A file that is written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from engine.errors import ExportFailure


def write_atomically(path: Path, content: bytes) -> None:
    """Write a temporary file beside `path`, then put it in place: all of the file or none of it.

    Raises:
        ExportFailure: it could not be written; whatever was at `path` is still there.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.stem[:40]}-", suffix=f".part{path.suffix}", dir=path.parent)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        raise write_failure(path, error) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def write_failure(path: Path, error: OSError | ValueError) -> ExportFailure:
    """Why a file or folder could not be written."""
    refusal = error.strerror or type(error).__name__ if isinstance(error, OSError) else "no file can have this name"
    return ExportFailure(f"The file cannot be written ({refusal}).", path=path)


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
