"""Files that come to a folder all together: written into a hidden folder first, then put in place at once.

    .phiscope-<process>-<random>/       in the folder, or beside it where it is not there yet
        lock                            held by the process that writes
        files/                          what is to come
        journal.json                    written when all of it is there: what comes, and what goes
        old/                            what was there before, until everything is in place

A folder that is not there yet is made by renaming `files`. Into one that is there the files go one by one, which a
kill may interrupt: then the journal is there, and the next export into the folder finishes what it says. A stage
whose lock is free and that has no journal belongs to a process that died before, and goes.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from engine.atomic_file import write_failure
from engine.document.export_plan import FILE_NAMES, is_matrix_name
from engine.errors import ExportFailure

# Goes first and comes last: without it a folder is no export.
MANIFEST = "comparison.json"
_STAGE = re.compile(r"\.phiscope-[0-9]+-[0-9a-f]{8}")
# What a stage consists of; where the system has no files without names, the spool has one of Python's.
_PARTS = re.compile(r"lock|files|old|journal\.(json|part)|tmp\w*")


class Stage:
    """What is written for a folder and not yet in it."""

    def __init__(self, target: Path, root: Path) -> None:
        self.target = target
        self._root = root

    @property
    def scratch(self) -> Path:
        """A folder for what is needed meanwhile."""
        return self._root

    @property
    def files(self) -> Path:
        """The folder that stands for the target until `publish`."""
        return self._root / "files"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Look at the target, and publish, in this context: no other export changes the target meanwhile."""
        with contextlib.ExitStack() as stack:
            if self._root.parent == self.target and sys.platform != "win32":  # where folders cannot be locked
                import fcntl  # noqa: PLC0415 - of these systems alone

                handle = os.open(self.target, os.O_RDONLY)
                stack.callback(os.close, handle)
                with contextlib.suppress(OSError):  # this file system has no locks
                    fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def publish(self, stale: Collection[str] = ()) -> None:
        """Put every file in place and take away those of the target's that are `stale`: all, or nothing.

        Raises:
            ExportFailure: a file cannot be put in place; the target is as it was.
        """
        if self._root.parent == self.target:
            _merge(self._root, self.target, stale)
            return
        try:
            self.files.rename(self.target)
            _sync_folder(self.target.parent)
        except OSError as error:
            raise write_failure(self.target, error) from error


@contextmanager
def staged(target: Path) -> Iterator[Stage]:
    """A stage for `target`; what was not published is gone afterwards, and so are folders made for it.

    What exports that were killed have left in this place is finished or taken away first.

    Raises:
        ExportFailure: nothing can be written there.
    """
    made: list[Path] = []  # named before they are made: a signal may come at any moment
    try:
        with _new_stage(target, made) as stage:
            yield stage
    except BaseException:
        _unmake(made)
        raise
    shutil.rmtree(made[-1], ignore_errors=True)


@contextmanager
def _new_stage(target: Path, made: list[Path]) -> Iterator[Stage]:
    """A stage whose lock is held until the context ends; `made` gets the folders that were made, itself the last."""
    try:
        if target.exists() and not target.is_dir():
            raise ExportFailure("There is a file of this name, where a folder is to be.", path=target)
        _settle(target)
        place = target if target.is_dir() else target.parent
        for folder in reversed([each for each in (place, *place.parents) if not each.exists()]):
            made.append(folder)
            folder.mkdir(exist_ok=True)
        lock = _new_root(place, made)
    except (OSError, ValueError) as error:
        raise write_failure(target, error) from error
    with lock:
        stage = Stage(target, made[-1])
        stage.files.mkdir()
        yield stage


def _unmake(made: list[Path]) -> None:
    for folder in reversed(made):
        if _STAGE.fullmatch(folder.name) and not (folder / "journal.json").exists():  # else the next finishes it
            shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):  # somebody else has put something there
            folder.rmdir()


# --- stages of processes that were killed ---


def _settle(target: Path) -> None:
    """Finish or take away what dead processes have left in the target and beside it."""
    for place in (target, target.parent):
        try:
            stages = [entry for entry in place.iterdir() if _is_stage(entry)]
        except OSError:
            continue  # not there yet, or not to be listed
        for root in stages:
            lock = _dead_lock(root)
            if lock is not None:
                with lock:
                    _finish(root)
                    shutil.rmtree(root, ignore_errors=True)
                shutil.rmtree(root, ignore_errors=True)  # on Windows an open lock stays


def _is_stage(folder: Path) -> bool:
    """Whether this is a stage, and nothing else that somebody keeps under such a name."""
    if not _STAGE.fullmatch(folder.name) or folder.is_symlink() or not folder.is_dir():
        return False
    return all(_PARTS.fullmatch(entry.name) for entry in folder.iterdir())


def _finish(root: Path) -> None:
    """Put in place what a killed process had all ready, and had begun to put in place."""
    target = root.parent  # only stages within their targets have a journal
    try:
        journal = json.loads((root / "journal.json").read_text(encoding="utf-8"))
        coming, going = [[str(name) for name in journal[key]] for key in ("coming", "going")]
    except (OSError, ValueError, TypeError, KeyError):
        return  # it had not begun
    if not all(name in FILE_NAMES or is_matrix_name(name) for name in [*coming, *going]):
        return  # not of this program
    for name in going:
        (target / name).unlink(missing_ok=True)
    for name in coming:
        if (root / "files" / name).exists():
            (target / name).parent.mkdir(exist_ok=True)
            (root / "files" / name).replace(target / name)


def _new_root(place: Path, made: list[Path]) -> IO[bytes]:
    """Make the folder of a new stage, the last of `made`; its lock, held until it is closed."""
    while True:
        root = place / f".phiscope-{os.getpid()}-{secrets.token_hex(4)}"
        made.append(root)
        root.mkdir(mode=0o700)
        try:
            lock = (root / "lock").open("wb")
        except FileNotFoundError:
            continue  # somebody took it for a dead one's in this moment
        try:
            _take_lock(lock)
        except BlockingIOError:  # as above
            lock.close()
            continue
        except OSError:
            pass  # this file system has no locks; then nobody takes stages away
        if (root / "lock").exists():
            return lock
        lock.close()


def _dead_lock(root: Path) -> IO[bytes] | None:
    """The lock of a stage, taken, where no process holds it; None where one does."""
    try:
        lock = (root / "lock").open("r+b")
    except FileNotFoundError:
        with contextlib.suppress(OSError):  # its process is about to make the lock, or died before it did
            root.rmdir()
        return None
    except OSError:
        return None
    try:
        _take_lock(lock)
    except OSError:
        lock.close()
        return None
    return lock


def _take_lock(file: IO[bytes]) -> None:
    """Lock a file for this process, until it is closed or the process ends, or raise OSError at once."""
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415 - of this system alone

        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError(*error.args) from error
    else:
        import fcntl  # noqa: PLC0415 - of these systems alone

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


# --- into a folder that is there ---


def _merge(root: Path, target: Path, stale: Collection[str]) -> None:
    """Exchange the target's files for those of a stage; as it was, where one of them cannot be."""
    files, old = root / "files", root / "old"
    coming = sorted((path.relative_to(files).as_posix() for path in files.rglob("*") if path.is_file()), key=_last)
    going = sorted(set(stale) - set(coming))
    moves = [(target / name, old / name) for name in sorted({*coming, *going}, key=_first)]
    moves += [(files / name, target / name) for name in coming]
    done: list[tuple[Path, Path]] = []
    at = target
    try:
        for name in coming:
            at = target / name
            if at.is_dir():
                raise IsADirectoryError(None, "there is a folder of this name")
        _write_journal(root, {"coming": coming, "going": going})
        for source, place in moves:
            at = place if source.is_relative_to(files) else source
            if source.exists() or source.is_symlink():
                place.parent.mkdir(parents=True, exist_ok=True)
                done.append((source, place))  # before it is: a signal may come between the two
                source.replace(place)
    except BaseException as error:
        for source, place in reversed(done):
            if not (source.exists() or source.is_symlink()):
                place.replace(source)
        (root / "journal.json").unlink(missing_ok=True)
        _remove_empty(target, coming)
        if isinstance(error, OSError):
            raise write_failure(at, error) from error
        raise
    _remove_empty(target, going)
    _sync_folder(target)


def _first(name: str) -> tuple[bool, str]:
    return name != MANIFEST, name


def _last(name: str) -> tuple[bool, str]:
    return name == MANIFEST, name


def _remove_empty(target: Path, names: Collection[str]) -> None:
    """Take away folders in the target that have lost the last of these files."""
    for folder in {(target / name).parent for name in names} - {target}:
        with contextlib.suppress(OSError):  # something else is in it
            folder.rmdir()


def _write_journal(root: Path, journal: dict[str, list[str]]) -> None:
    part = root / "journal.part"
    with part.open("w", encoding="utf-8") as file:
        json.dump(journal, file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(root / "journal.json")
    _sync_folder(root)


def _sync_folder(folder: Path) -> None:
    """Have a folder's entries on the disk; not every system can be asked."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
