"""From an exported figure or comparison.json back to the comparison: what was compared, and where it is now."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.adapter import Adapter
from engine.errors import EngineError, UnreadableFile, UnsupportedFormat
from engine.export import checksum
from engine.opening import adapters_in, open_adapter
from engine.side import Side
from engine.tensor_info import unreadable

_PNG = b"\x89PNG\r\n\x1a\n"
_LARGEST_TEXT = 4_000_000


@dataclass(frozen=True)
class SavedAdapter:
    """How an export names an adapter: what people call it, its file, and the SHA-256 of its data."""

    name: str
    file: str
    sha256: str


@dataclass(frozen=True)
class SavedComparison:
    """What an export says it shows; `panels` are the slugs of the figure's panels."""

    first: SavedAdapter
    second: SavedAdapter
    side: Side
    panels: tuple[str, ...]


def read_saved(path: Path) -> SavedComparison:
    """Read what a figure.png or a comparison.json of this program says of itself.

    Raises:
        UnreadableFile: the file cannot be read.
        UnsupportedFormat: it was not written by this program.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST_TEXT * 4)
    except OSError as error:
        raise unreadable(path, error) from error
    text = _png_description(raw) if raw.startswith(_PNG) else raw.decode("utf-8", "replace")
    try:
        facts = json.loads(text)
        return SavedComparison(
            _saved_adapter(facts["first"]), _saved_adapter(facts["second"]), Side(facts["side"]),
            tuple(panel if isinstance(panel, str) else str(panel["slug"]) for panel in facts["panels"]),
        )  # fmt: skip
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise UnsupportedFormat("This is no figure or comparison.json that PhiScope wrote.", path=path) from error


def _saved_adapter(facts: Any) -> SavedAdapter:
    return SavedAdapter(str(facts["name"]), str(facts["file"]), str(facts["sha256"]))


def _png_description(raw: bytes) -> str:
    """The text chunk named Description; empty where there is none. W3C PNG, 11.3.3."""
    at = len(_PNG)
    while at + 8 <= len(raw):
        (length,) = struct.unpack(">I", raw[at : at + 4])
        kind, content = raw[at + 4 : at + 8], raw[at + 8 : at + 8 + length]
        if kind in (b"tEXt", b"iTXt") and content.startswith(b"Description\0"):
            return _chunk_text(kind, content.partition(b"\0")[2])
        at += 12 + length
    return ""


def _chunk_text(kind: bytes, rest: bytes) -> str:
    if kind == b"tEXt":
        return rest.decode("latin-1")
    compressed, text = rest[:1] == b"\1", rest[2:].split(b"\0", 2)[-1]
    if compressed:
        text = zlib.decompressobj().decompress(text, _LARGEST_TEXT)
    return text.decode("utf-8", "replace")


def find_adapter(saved: SavedAdapter, places: Iterable[Path]) -> Adapter:
    """The adapter that an export names, among `places`: adapters, or folders that hold some.

    Raises:
        UnreadableFile: none of them is of that name, or those that are have other contents than was exported.
    """
    others = []
    for path in _candidates(saved, places):
        try:
            adapter = open_adapter(path)
            if checksum(adapter) == saved.sha256:
                return adapter
            others.append(path)
        except EngineError:
            continue  # not the one that is looked for
    if others:
        raise UnreadableFile(f"{saved.name} has changed since the export: its contents are others.", path=others[0])
    raise UnreadableFile(f"The adapter {saved.name} ({saved.file}) is not where it was; open it by hand.")


def _candidates(saved: SavedAdapter, places: Iterable[Path]) -> Iterable[Path]:
    seen = set()
    for place in places:
        for path in (place, place / saved.name, place / saved.file):
            named = path.name in (saved.name, saved.file) or path.parent.name == saved.name
            if named and path not in seen and path.exists():
                seen.add(path)
                yield path
        if place.is_dir() and place not in seen:
            seen.add(place)
            yield from (path for path in adapters_in(place) if path.name == saved.name)
