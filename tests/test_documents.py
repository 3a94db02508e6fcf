"""Documents say what is there: the files they name, the places they link to, the version, the examples."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import engine
from engine.checkpoints.containers import open_tensor_file
from engine.measures.control import gaussian_control
from engine.measures.phi import PHI
from engine.measures.view import View
from engine.measures.views import view_values
from engine.sources.formats.checkpoint import read_checkpoint
from tests.conftest import REPOSITORY
from tests.factories import pair, write_safetensors

DOCUMENTS = [
    REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", REPOSITORY / "CHANGELOG.md",
    *sorted((REPOSITORY / "docs").rglob("*.md")),
]  # fmt: skip
NAMES = [path.relative_to(REPOSITORY).as_posix() for path in DOCUMENTS]

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_PLACE = re.compile(r"(?<![\w./-])(?:engine|gui|tests|resources|docs)/[\w./-]*\w")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_every_file_that_a_document_names_is_there(document: Path) -> None:
    missing = {place for place in _PLACE.findall(_prose(document)) if not (REPOSITORY / place).exists()}
    assert not missing


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_every_link_between_documents_leads_somewhere(document: Path) -> None:
    links = [link for link in _LINK.findall(_prose(document)) if not re.match(r"https?:", link)]
    assert not [link for link in links if not _leads_somewhere(document, link)]


def test_every_document_is_linked() -> None:
    linked = {
        (document.parent / link.partition("#")[0]).resolve()
        for document in DOCUMENTS for link in _LINK.findall(_prose(document))
    }  # fmt: skip
    alone = [path for path in DOCUMENTS[1:] if not {path, path.parent} & linked]
    assert not alone


def test_the_citation_is_of_this_version() -> None:
    text = (REPOSITORY / "CITATION.cff").read_text(encoding="utf-8")
    facts = dict(re.findall(r"^([a-z-]+): *(.+)$", text, re.MULTILINE))
    assert (facts["cff-version"], facts["type"], facts["license"]) == ("1.2.0", "software", "MIT")
    assert facts["version"] == engine.__version__


def test_the_changes_tell_of_this_version_or_of_what_is_unreleased() -> None:
    headings = _HEADING.findall((REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8"))
    assert any(heading == "Unreleased" or heading.startswith(engine.__version__) for heading in headings)


def test_the_example_of_a_measure_runs() -> None:
    measure = _made("engine/measures/projection_distance.py")["PROJECTION_DISTANCE"]
    facts = gaussian_control(3, 4, 32)
    assert np.allclose(measure.values(facts), 1.0 - PHI.values(facts))
    assert view_values(facts, View.Z, measure).shape == facts.shape


def test_the_example_of_a_format_runs(tmp_path: Path) -> None:
    minlora = _made("engine/sources/formats/minlora.py")
    A, B = pair(0, 2, 6, 4)
    names = (f"layers.0.q_proj.parametrizations.weight.0.lora_{role}" for role in "AB")
    path = write_safetensors(tmp_path / "a.safetensors", dict(zip(names, (A, B), strict=True)))
    checkpoint = read_checkpoint(open_tensor_file(path))
    assert minlora["recognises"](checkpoint)
    (module,) = minlora["read_modules"](checkpoint).modules
    assert (module.path.name, module.rank, module.d_in, module.d_out) == ("layers.0.q_proj", 2, 6, 4)


def _made(place: str) -> dict[str, Any]:
    """What is in a file that an example tells to make."""
    blocks = (block for language, block in _blocks(REPOSITORY / "CONTRIBUTING.md") if language == "python")
    names: dict[str, Any] = {}
    exec(compile(next(block for block in blocks if block.startswith(f"# {place}\n")), place, "exec"), names)
    return names


def _blocks(document: Path) -> list[tuple[str, str]]:
    return _BLOCK.findall(document.read_text(encoding="utf-8"))


def _prose(document: Path) -> str:
    """A document without its examples, which name files that are yet to be made, and without places of the web."""
    text = _BLOCK.sub(
        lambda block: "" if block[1] in ("python", "diff") else block[0], document.read_text(encoding="utf-8")
    )
    return re.sub(r"https?://[^\s)]+", "https:", text)


def _leads_somewhere(document: Path, link: str) -> bool:
    place, _, heading = link.partition("#")
    target = document.parent / place if place else document
    if not target.exists():
        return False
    return not heading or heading in map(_anchor, _HEADING.findall(target.read_text(encoding="utf-8")))


def _anchor(heading: str) -> str:
    """What a heading is linked by."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
