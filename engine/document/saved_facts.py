"""What the files of an export say of the comparison that they come from, before anything is made of it."""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_PNG = b"\x89PNG\r\n\x1a\n"
_ZIP = b"PK\x03\x04"
_LARGEST_TEXT = 4_000_000
_LARGEST_FILE = 64_000_000  # an adapter of 100 000 modules has a comparison.json of 55 MB


def saved_facts(path: Path) -> Mapping[str, Any] | None:
    """What a figure.png, a comparison.json or a phi.npz says of its comparison; None where it is none of ours.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        raw = file.read(_LARGEST_FILE)
    try:
        if raw.startswith(_PNG):
            text = _png_description(raw)
        elif raw.startswith(_ZIP):
            text = _npz_metadata(path)
        else:
            text = raw.decode("utf-8")
        facts = json.loads(text)
    except (ValueError, RecursionError, zlib.error, zipfile.BadZipFile, KeyError, struct.error):
        return None
    is_ours = isinstance(facts, dict) and {"version", "first", "second", "side"} <= facts.keys()
    return facts if is_ours else None


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


def _npz_metadata(path: Path) -> str:
    """The text that phi.npz holds as a NumPy array of one string, UTF-32 after a header."""
    with zipfile.ZipFile(path) as archive, archive.open("meta_json.npy") as member:
        raw = member.read(4 * _LARGEST_TEXT)
    (length,) = struct.unpack("<H", raw[8:10])
    return raw[10 + length :].decode("utf-32-le")
