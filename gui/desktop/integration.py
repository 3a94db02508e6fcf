"""The menu entry, file association and icons of a Linux desktop: put into the user's own folders, and removed again.

Everything lies below one folder, $XDG_DATA_HOME. What was not there before is written down in a record beside it, so
that removing leaves the folder as it was, the caches that the desktop's own tools make included.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.wording import own_words
from gui.desktop.default_program import choices_path, choose, default_program, take_back
from gui.program.plain_window import complain, say
from gui.program.resources import RESOURCES

MIME_TYPE = "application/x-safetensors"
_TEMPLATES = RESOURCES / "desktop"
_ENTRY_NAME = "phiscope.desktop"
_RECORD = "phiscope/desktop-integration.json"
_ICON_THEME = "icons/hicolor"
# Folders whose caches the desktop's tools rewrite, with the tools. All of them may be missing.
_TOOLS = {"mime": "update-mime-database", "applications": "update-desktop-database"}
_CACHES = {
    "applications": ("mimeinfo.cache",),
    "mime": (
        "XMLnamespaces", "aliases", "generic-icons", "globs", "globs2", "icons", "magic", "mime.cache", "subclasses",
        "treemagic", "types", "version", "application/x-safetensors.xml", "application",
    ),
}  # fmt: skip
_SOURCES = {"applications": "*.desktop", "mime": "packages/*.xml"}  # what the caches are made from
_ABOVE = (".", "..")  # a new user has no data folder yet, nor the folder around it


class IntegrationFailure(Exception):
    """The menu entry could not be made or removed: a sentence."""


@dataclass(frozen=True)
class Record:
    """What installing brought into being below the data folder, and whose default it wrote down as the user's."""

    created: tuple[str, ...] = ()
    kept_default: str = ""


@dataclass(frozen=True)
class Done:
    """What became of a wish, in a sentence."""

    sentence: str
    succeeded: bool = True


def data_home(environment: Mapping[str, str] = os.environ) -> Path:
    """The user's data folder: $XDG_DATA_HOME, which counts only where it is absolute."""
    given = Path(environment.get("XDG_DATA_HOME", ""))
    return given if given.is_absolute() else Path.home() / ".local/share"


def run(*, remove: bool) -> int:
    """Make or remove the menu entry of the user who asks, and say so in a sentence; the exit status."""
    done = carry_out(remove=remove)
    (say if done.succeeded else complain)(done.sentence)
    return 0 if done.succeeded else 1


def carry_out(*, remove: bool) -> Done:
    """Make or remove the menu entry of the user who asks."""
    try:
        if remove:
            found = uninstall(data_home())
            removed = "The menu entry and the file association are removed."
            return Done(removed if found else "There was no menu entry.")
        install(data_home(), start_command())
    except IntegrationFailure as failure:
        return Done(str(failure), succeeded=False)
    return Done("PhiScope is in the menu of applications now, and offered for .safetensors files.")


def start_command() -> list[str]:
    """How to start this very program by absolute paths, whether it runs from a checkout, a wheel or a bundle."""
    if getattr(sys, "frozen", False):
        return [sys.executable]
    return [sys.executable, str(RESOURCES.parent / "main.py")]


def install(home: Path, command: Sequence[str]) -> tuple[Path, ...]:
    """Write every file below the data folder `home`, for a program that `command` starts; what was written.

    Installing again replaces what was there. Raises IntegrationFailure.
    """
    _require_linux()
    try:
        files = _files(command)
        before, default = _existing(home), default_program(MIME_TYPE)
        for place, content in files.items():
            path = home / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        _refresh(home)
        record = _read_record(home)
        kept = record.kept_default
        if default not in ("", _ENTRY_NAME, default_program(MIME_TYPE)):
            choose(choices_path(), MIME_TYPE, default)
            kept = default
        _write_record(home, Record(tuple(sorted((_candidates() - before).union(record.created))), kept))
    except (OSError, UnicodeError) as error:
        raise IntegrationFailure(f"The menu entry cannot be written: {own_words(error)}.") from error
    return tuple(home / place for place in files)


def uninstall(home: Path) -> tuple[Path, ...]:
    """Remove what `install` put below `home`, and nothing else; what was removed. Raises IntegrationFailure."""
    _require_linux()
    try:
        record = _read_record(home)
        created = set(record.created)
        removed = tuple(path for path in map(home.joinpath, _places()) if path.is_file())
        _remove([*removed, home / _RECORD])
        _refresh(home)
        for folder, sources in _SOURCES.items():
            if not any((home / folder).glob(sources)):  # no other program has anything in these caches
                _remove([home / folder / name for name in _CACHES[folder] if f"{folder}/{name}" in created])
        if record.kept_default:
            take_back(choices_path(), MIME_TYPE, record.kept_default)
        folders = sorted(created.difference(_ABOVE), key=len, reverse=True)
        paths = [Path(os.path.normpath(home / place)) for place in (*folders, *_ABOVE) if place in created]
        _remove(path for path in paths if path.is_dir())
    except OSError as error:
        raise IntegrationFailure(f"The menu entry cannot be removed: {own_words(error)}.") from error
    return removed


# --- what is written ---


def _places() -> list[str]:
    icons = [f"{_ICON_THEME}/{size}x{size}/apps/phiscope.png" for size in _png_sizes()]
    return [
        f"applications/{_ENTRY_NAME}", "mime/packages/phiscope.xml", "metainfo/phiscope.metainfo.xml",
        f"{_ICON_THEME}/scalable/apps/phiscope.svg", *icons,
    ]  # fmt: skip


def _files(command: Sequence[str]) -> dict[str, bytes]:
    contents = [
        desktop_entry(command).encode(),  # a path that is not UTF-8 cannot stand in a desktop entry
        (_TEMPLATES / "phiscope.xml").read_bytes(),
        (_TEMPLATES / "phiscope.metainfo.xml").read_bytes(),
        (RESOURCES / "phiscope.svg").read_bytes(),
        *((RESOURCES / "icons" / f"phiscope-{size}.png").read_bytes() for size in _png_sizes()),
    ]
    return dict(zip(_places(), contents, strict=True))


def _png_sizes() -> list[int]:
    return sorted(int(path.stem.partition("-")[2]) for path in (RESOURCES / "icons").glob("phiscope-*.png"))


def desktop_entry(command: Sequence[str]) -> str:
    """The desktop entry of a program that `command` starts, its paths absolute."""
    template = (_TEMPLATES / "phiscope.desktop").read_text(encoding="utf-8")
    if set("%=") & set(command[0]):  # neither may stand in a program's path there: GLib looks for it with %% in it
        quoted = " ".join(map(quoted_argument, ["/bin/sh", "-c", 'exec "$@"', "sh", *command]))
    else:
        quoted = " ".join(map(quoted_argument, command))
    return template.replace("@TRY_EXEC@", _value(command[0])).replace("@EXEC@", quoted)


def quoted_argument(argument: str) -> str:
    r"""An argument as it stands in an Exec key: quoted for the command line, and once more as a value.

    The specification escapes " ` $ and \ within quotes, doubles %, and then escapes the value as any other.
    """
    escaped = "".join(f"\\{character}" if character in '"`$\\' else character for character in argument)
    return _value(f'"{escaped}"'.replace("%", "%%"))


def _value(text: str) -> str:
    for character, escape in (("\\", r"\\"), ("\n", r"\n"), ("\t", r"\t"), ("\r", r"\r")):
        text = text.replace(character, escape)
    return text


# --- caches, and the record of what was there before ---


def _refresh(home: Path) -> None:
    for folder in _TOOLS:
        _run_tool(home, folder)
    _touch_icon_theme(home)


def _run_tool(home: Path, folder: str) -> None:
    """Have the desktop notice; without the tool it does so at the next login, so its absence is no failure."""
    tool = shutil.which(_TOOLS[folder])
    if tool is not None:
        subprocess.run([tool, str(home / folder)], check=False, capture_output=True, timeout=60)


def _touch_icon_theme(home: Path) -> None:
    """A cache of icons that is older than its folder is not believed."""
    theme = home / _ICON_THEME
    if theme.is_dir():
        os.utime(theme)


def _candidates() -> set[str]:
    """Every path below the data folder that installing may bring into being, caches and folders included."""
    files = [*_places(), _RECORD]
    files += [f"{folder}/{name}" for folder, names in _CACHES.items() for name in names]
    folders = {str(parent) for name in files for parent in Path(name).parents if str(parent) != "."}
    return {*files, *folders, *_ABOVE}


def _existing(home: Path) -> set[str]:
    return {place for place in _candidates() if (home / place).exists()}


def _write_record(home: Path, record: Record) -> None:
    path = home / _RECORD
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(record), indent=1), encoding="utf-8")


def _read_record(home: Path) -> Record:
    """The record; of `created` only names are believed that installing can have made."""
    try:
        found = Record(**json.loads((home / _RECORD).read_text(encoding="utf-8")))
        return Record(tuple(sorted(_candidates().intersection(found.created))), str(found.kept_default))
    except (OSError, ValueError, TypeError):
        return Record()  # not installed, or written by hand


def _remove(paths: Iterable[Path]) -> None:
    """Remove files, and those folders that are empty."""
    for path in paths:
        if not path.is_dir():
            path.unlink(missing_ok=True)
        elif not any(path.iterdir()):
            path.rmdir()


def _require_linux() -> None:
    if not sys.platform.startswith("linux"):
        raise IntegrationFailure("Menu entries are made on Linux only; docs/install.md says how to start elsewhere.")
