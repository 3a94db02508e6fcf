"""What a command prints, and with which status it ends."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from types import FrameType
from typing import NoReturn, TextIO

from engine.errors import EngineError, ExportFailure
from engine.plain_text import escaped_json, printable

EXIT_DONE, EXIT_UNUSABLE, EXIT_INTERRUPTED, EXIT_TERMINATED = 0, 1, 130, 143


class Terminated(KeyboardInterrupt):
    """The process was asked to end, by SIGTERM or by its terminal's going."""


def exit_status(command: Callable[[argparse.Namespace], None], arguments: argparse.Namespace) -> int:
    """Run a command to its end, be it a failure, Ctrl+C or SIGTERM; the exit status."""
    try:
        with _ended_by_signals():
            command(arguments)
    except EngineError as error:
        say(f"phiscope: {error}")
        return EXIT_UNUSABLE
    except Terminated:
        return EXIT_TERMINATED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return EXIT_DONE


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end what is done as Ctrl+C does, so that it takes away what it has begun."""

    def end(number: int, _frame: FrameType | None) -> NoReturn:
        signal.signal(number, signal.SIG_IGN)  # once is enough: what cleans up is not to be interrupted
        raise Terminated

    ours = []
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            with contextlib.suppress(ValueError):  # this is not the main thread
                signal.signal(number, end)
                ours.append(number)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def say(*lines: str) -> None:
    """Write lines to standard error, if it can be; what a terminal might obey in the names of files shows as �."""
    with contextlib.suppress(OSError):
        _write(sys.stderr, _plain(lines))


def say_each(lines: Iterable[str]) -> None:
    """Say lines one by one as they come: what keeps one from coming leaves those before it said."""
    for line in lines:
        say(line)


def answer(*lines: str) -> None:
    """Write lines, as above, to standard output.

    Raises:
        ExportFailure: it cannot be written.
    """
    _answer(_plain(lines))


def answer_json(text: str) -> None:
    """Write JSON to standard output; what a terminal might obey is escaped.

    Raises:
        ExportFailure: it cannot be written.
    """
    _answer(escaped_json(text))


def _plain(lines: Iterable[str]) -> str:
    return "\n".join(map(printable, lines))


def _answer(text: str) -> None:
    try:
        _write(sys.stdout, text)
    except OSError as error:
        raise ExportFailure(f"The output cannot be written ({error.strerror}).") from error


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:  # started without a console
        return
    encoding = stream.encoding or "utf-8"
    try:
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        stream.flush()
    except OSError:  # the reader has gone, or the disk is full
        with contextlib.suppress(OSError, ValueError):  # or Python flushes it once more at its end
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        raise
