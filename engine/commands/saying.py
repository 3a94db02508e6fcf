"""What a command prints, and with which status it ends."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TextIO

from engine.errors import EngineError, ExportFailure

EXIT_DONE, EXIT_UNUSABLE, EXIT_INTERRUPTED = 0, 1, 130


def refuse(error: EngineError) -> int:
    """Say why nothing came of it; the exit status."""
    say(sys.stderr, f"phiscope: {error}")
    return EXIT_UNUSABLE


def say(stream: TextIO | None, text: str) -> None:
    """Write lines to a standard stream.

    Raises:
        ExportFailure: standard output cannot be written.
    """
    if stream is None:  # started without a console
        return
    encoding = stream.encoding or "utf-8"
    try:
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        stream.flush()
    except OSError as error:  # the reader has gone, or the disk is full
        with contextlib.suppress(OSError, ValueError):  # or Python flushes it once more at its end
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if stream is not sys.stderr:
            raise ExportFailure(f"The output cannot be written ({error.strerror}).") from error
