"""From an exported figure or comparison.json back to the comparison: what was compared, and where it is now."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.checkpoints.source_files import refuse_pipe
from engine.document.saved_facts import saved_facts
from engine.errors import EngineError, UnsupportedFormat, unreadable
from engine.figures.presets import Preset
from engine.measures.view import View
from engine.side import Side
from engine.slices import finished
from engine.sources.opening import adapters_in, open_source


@dataclass(frozen=True)
class SavedAdapter:
    """How an export names an adapter: what people call it, its file, and the SHA-256 of its data."""

    name: str
    file: str
    sha256: str


@dataclass(frozen=True)
class SavedComparison:
    """What an export says it shows; `panels` are the slugs of the figure's panels, `colours` names its map."""

    first: SavedAdapter
    second: SavedAdapter
    side: Side
    panels: tuple[str, ...]
    preset: Preset | None = None
    view: View = View.PHI
    colours: str = ""


@dataclass(frozen=True)
class FoundAdapter:
    """What became of an adapter that an export names: where one of its name is, and what that holds.

    `path` is None where there is none, `sha256` the checksum of what is there.
    """

    saved: SavedAdapter
    path: Path | None = None
    sha256: str = ""

    @property
    def is_same(self) -> bool:
        """Whether it holds what it held when it was exported."""
        return self.path is not None and self.sha256 == self.saved.sha256

    @property
    def difference(self) -> str:
        """What is not as it was, in one sentence; empty where all is."""
        if self.path is None:
            return f"{self.saved.name} ({self.saved.file}) is not where it was."
        if self.is_same:
            return ""
        return (
            f"{self.saved.name} holds other data than when the figure was made "
            f"(SHA-256 {self.sha256[:8]}… now, {self.saved.sha256[:8]}… then)."
        )


def read_saved(path: Path) -> SavedComparison:
    """Read what a figure.png or a comparison.json of this program says of itself.

    Raises:
        UnreadableFile: the file cannot be read.
        UnsupportedFormat: it was not written by this program.
    """
    refuse_pipe(path)
    try:
        facts = saved_facts(path)
    except OSError as error:
        raise unreadable(path, error) from error
    if facts is None:
        raise UnsupportedFormat("This is no figure or comparison.json that PhiScope wrote.", path=path)
    try:
        figure = facts.get("figure") or facts  # earlier versions had nothing but the panels
        return SavedComparison(
            _saved_adapter(facts["first"]), _saved_adapter(facts["second"]), Side(facts["side"]),
            tuple(panel if isinstance(panel, str) else str(panel["slug"]) for panel in figure["panels"]),
            Preset(figure["preset"]) if figure.get("preset") else None, View(figure.get("view", View.PHI.value)),
            str(figure.get("colours", "")),
        )  # fmt: skip
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UnsupportedFormat("This is no figure or comparison.json that PhiScope wrote.", path=path) from error


def _saved_adapter(facts: Any) -> SavedAdapter:
    return SavedAdapter(str(facts["name"]), str(facts["file"]), str(facts["sha256"]))


def find_adapter(saved: SavedAdapter, places: Iterable[Path]) -> FoundAdapter:
    """`finding_adapter`, all at once."""
    return finished(finding_adapter(saved, places))


def finding_adapter(saved: SavedAdapter, places: Iterable[Path]) -> Generator[None, None, FoundAdapter]:
    """Look for the adapter that an export names among `places`: adapters, or folders that hold some.

    One that holds the same data is preferred to one that has its name alone. A file name that every library uses is
    no name: what has only that in common is taken where its data is the same, and else passed over.
    """
    other = FoundAdapter(saved)
    for path in _candidates(saved, places):
        try:
            found = yield from checking_adapter(saved, path)
        except EngineError:
            continue  # not the one that is looked for
        if found.is_same:
            return found
        if other.path is None and saved.name in (path.name, path.parent.name):
            other = found
    return other


def checking_adapter(saved: SavedAdapter, path: Path) -> Generator[None, None, FoundAdapter]:
    """What is at `path`, taken for the adapter that an export names.

    Raises:
        EngineError: it is no adapter that can be opened.
    """
    files = open_source(path).file.files
    yield from files.hashed()
    return FoundAdapter(saved, path, files.sha256())


def _candidates(saved: SavedAdapter, places: Iterable[Path]) -> Iterable[Path]:
    """Adapters that may be the one saved: by their name, or, beside the export, by that of their file."""
    seen = set()
    for place in places:
        for path in (place, place / saved.name, place / saved.file):
            named = saved.name in (path.name, path.parent.name) or path.name == saved.file
            if named and path not in seen and _exists(path):
                seen.add(path)
                yield path
        if place not in seen and _exists(place) and place.is_dir():
            seen.add(place)
            try:
                found = adapters_in(place)
            except EngineError:
                continue  # a folder that may not be read
            yield from (path for path in found if path.name == saved.name)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that no file can have, or a folder that may not be entered
        return False
