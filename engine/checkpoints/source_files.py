"""The bytes that numbers come from: what tells a file from what it may become, and their SHA-256.

A source is read more than once: its header when it is opened, its tensors when they are compared, all of it for its
checksum. Everything must come from the same bytes, so each reading is held against the identity that the files had
before the first.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from engine.errors import EngineError, FileChanged, UnsupportedFormat, unreadable

_BLOCK = 1 << 20
_MOMENT = 0.02  # seconds
_NICENESS = 10  # of the thread that hashes: it must not hold up what computes
# Nanoseconds after which the clock of any local file system has moved on, so that a change shows in a file's times.
_CLOCK_STEP = 20_000_000
# Windows keeps the time of creation where others keep that of the last change, which no program can set.
_KEEPS_TIME_OF_CHANGE = sys.platform != "win32"


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """What a file cannot change without: inode, bytes, and when content and inode were changed last (ns)."""

    inode: int
    size: int
    modified: int
    changed: int

    @classmethod
    def of(cls, stat: os.stat_result) -> FileIdentity:
        """The identity that the operating system's answer states."""
        return cls(stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)


class SourceFiles:
    """The data files of one source, in a fixed order, as they were when it was opened.

    Bytes that are put back, or touched, are the same bytes: once their SHA-256 is known, files of another identity
    are accepted where it agrees. Safe to use from several threads.
    """

    def __init__(self, path: Path) -> None:
        """
        Raises:
            UnreadableFile: there is no such file.
        """
        self._identities: dict[Path, FileIdentity] = {path: _settled_identity(path)}
        self._others: dict[Path, FileIdentity] = {}  # of files that were found to hold other bytes
        self._checking = threading.Lock()
        self._hashing: threading.Thread | None = None
        self._no_more = threading.Event()
        self._sha256 = ""

    @classmethod
    def joined(cls, parts: Iterable[SourceFiles]) -> SourceFiles:
        """The files of several sources as those of one, with the identities that they have there."""
        first, *others = parts
        for other in others:
            first._identities |= other._identities
        return first

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files, in the order in which their bytes are hashed."""
        return tuple(self._identities)

    @property
    def size(self) -> int:
        """Bytes of all files when they were opened."""
        return sum(identity.size for identity in self._identities.values())

    # --- the same bytes ---

    def open(self, path: Path) -> BinaryIO:
        """Open one of the files for reading, unbuffered.

        Raises:
            FileChanged: it is not the file that was opened before.
            UnreadableFile: it may not be read.
        """
        try:
            file = path.open("rb", buffering=0)
        except FileNotFoundError as error:
            raise _gone(path) from error
        except OSError as error:
            raise unreadable(path, error) from error
        try:
            if _identity_of(file) != self._identities[path]:
                self.verify()
                if _identity_of(file) != self._identities[path]:
                    raise _changed(path)
        except BaseException:
            file.close()
            raise
        return file

    def verify(self) -> None:
        """Hold the files on disk against what was opened.

        Raises:
            FileChanged: one has gone or holds other bytes.
        """
        for path, identity in self._identities.items():
            if _identity(path) != identity:
                self._compare_bytes()
                return

    @contextlib.contextmanager
    def unchanged(self) -> Iterator[None]:
        """Read in this context what must come from the bytes that were opened.

        Raises:
            FileChanged: they changed meanwhile, whatever else was found wrong with them.
        """
        try:
            yield
        except EngineError:
            self.verify()
            raise
        self.verify()

    @property
    def change(self) -> str:
        """What became of the files since they were opened, in one sentence; empty where they are the same."""
        try:
            self.verify()
        except EngineError as error:
            return error.reason
        return ""

    def _compare_bytes(self) -> None:
        """Accept files of another identity where they hold the bytes that were hashed before."""
        with self._checking:
            now = {path: _settled_identity(path, was_there=True) for path in self._identities}
            are_as_long = all(now[path].size == identity.size for path, identity in self._identities.items())
            if now == self._others or not self._sha256 or not are_as_long or _sha256(now) != self._sha256:
                self._others = now
                raise _changed(next(path for path in now if now[path] != self._identities[path]))
            self._identities = now

    # --- their checksum ---

    def start_hashing(self) -> None:
        """Hash the files in a thread of its own, beside whatever else is done; a second call changes nothing."""
        with self._checking:
            if self._hashing is None and not self._sha256:
                self._hashing = threading.Thread(target=self._hash_beside, name="hashing", daemon=True)
                self._hashing.start()

    def stop_hashing(self) -> None:
        """Nobody will ask for the checksum any more: let the thread end."""
        self._no_more.set()

    def hashed(self) -> Iterator[None]:
        """Have the files hashed beside, and wait for it a moment at a time."""
        self.start_hashing()
        while self._hashing is not None and self._hashing.is_alive():
            self._hashing.join(_MOMENT)
            yield

    def sha256(self) -> str:
        """SHA-256 of the bytes that were opened, one file after the other, in hexadecimal.

        Raises:
            FileChanged: the files are not the same any more.
            UnreadableFile: one may not be read.
        """
        if self._hashing is not None:
            self._hashing.join()
        if not self._sha256:
            self._sha256 = _sha256(self._identities)
        elif _KEEPS_TIME_OF_CHANGE:
            self.verify()
        elif _sha256(self._identities) != self._sha256:
            raise _changed(self.paths[0])
        return self._sha256

    def _hash_beside(self) -> None:
        if sys.platform == "linux":
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
        # What goes wrong here is found again, and told, by whoever asks for the checksum.
        with contextlib.suppress(EngineError, OSError):
            self._sha256 = _sha256(self._identities, self._no_more)


def refuse_pipe(path: Path) -> None:
    """Refuse what a reader would wait for without end, or never see the end of.

    Raises:
        UnsupportedFormat: it is a pipe, a socket or a device.
        UnreadableFile: its folder may not be entered.
    """
    try:
        is_odd = path.exists() and not path.is_file() and not path.is_dir()
    except OSError as error:
        raise unreadable(path, error) from error
    if is_odd:
        raise UnsupportedFormat("This is a pipe, a socket or a device, not a file.", path=path)


def _sha256(identities: Mapping[Path, FileIdentity], no_more: threading.Event | None = None) -> str:
    """SHA-256 of files that have these identities before and after they are read; empty when there is `no_more`."""
    digest = hashlib.sha256()
    block = memoryview(bytearray(_BLOCK))
    for path, identity in identities.items():
        try:
            with path.open("rb", buffering=0) as file:
                if _identity_of(file) != identity:
                    raise _changed(path)
                while count := file.readinto(block):
                    digest.update(block[:count])
                    if no_more is not None and no_more.is_set():
                        return ""
                if _identity_of(file) != identity:
                    raise _changed(path)
        except FileNotFoundError as error:
            raise _gone(path) from error
        except OSError as error:
            raise unreadable(path, error) from error
    return digest.hexdigest()


def _identity_of(file: object) -> FileIdentity:
    return FileIdentity.of(os.fstat(file.fileno()))  # type: ignore[attr-defined]


def _identity(path: Path, *, was_there: bool = True) -> FileIdentity:
    try:
        return FileIdentity.of(path.stat())
    except FileNotFoundError as error:
        raise (_gone(path) if was_there else unreadable(path, error)) from error
    except OSError as error:
        raise unreadable(path, error) from error


def _settled_identity(path: Path, *, was_there: bool = False) -> FileIdentity:
    """The identity of a file that has not been written within the last step of the file system's clock.

    A file that was written just now could be written once more without its times telling.
    """
    identity = _identity(path, was_there=was_there)
    while 0 <= time.time_ns() - max(identity.modified, identity.changed) < _CLOCK_STEP:
        time.sleep(_CLOCK_STEP / 1e9)
        identity = _identity(path, was_there=was_there)
    return identity


def _changed(path: Path) -> FileChanged:
    return FileChanged("The file has changed since it was opened; open it again.", path=path)


def _gone(path: Path) -> FileChanged:
    return FileChanged("The file has gone since it was opened.", path=path)
