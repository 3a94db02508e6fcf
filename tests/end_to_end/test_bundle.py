"""A bundle, once it has been made: PHISCOPE_BUNDLE=dist/PhiScope python -m pytest tests/end_to_end/test_bundle.py"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from engine import __version__
from tests.end_to_end.desktop import Desktop, desktop, wait_for
from tests.end_to_end.test_program import DEMO, assert_pixels_are_phi, panels_of

BUNDLE = os.environ.get("PHISCOPE_BUNDLE", "")
PROGRAM = Path(BUNDLE).resolve() / "phiscope"
pytestmark = [pytest.mark.bundle, pytest.mark.skipif(not BUNDLE, reason="PHISCOPE_BUNDLE names no bundle")]


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Desktop]:
    """A display of a user without Python: nothing but the system's own tools is found."""
    with desktop(tmp_path) as made:
        made.environment = {
            name: value for name, value in made.environment.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))
        } | {"PATH": "/usr/bin:/bin", "XDG_DATA_HOME": str(tmp_path / "data")}
        yield made


def test_the_demo_opens_and_exports(screen: Desktop, tmp_path: Path) -> None:
    program = subprocess.Popen(
        [PROGRAM, "--demo"], env=screen.environment, cwd="/", text=True, stderr=subprocess.PIPE
    )
    try:
        screen.window("r64_alpha8_seed0 and r64_alpha8_seed1", 60)
        assert_pixels_are_phi(screen, wait_for(lambda: panels_of(screen), 60))
        screen.xdotool("key", "ctrl+e")
        screen.window("^Export$")
        screen.xdotool("key", "Return")
        wait_for((tmp_path / "phiscope" / "r64_alpha8_seed0-r64_alpha8_seed1" / "figure.pdf").exists, 90)
        screen.xdotool("key", "Escape")
        wait_for(lambda: not screen.xdotool("search", "--onlyvisible", "--name", "^Export$"), 10)
        screen.xdotool("key", "ctrl+q")
        assert program.wait(timeout=30) == 0
    finally:
        program.kill()
        _, errors = program.communicate()
    assert "Traceback" not in errors


@pytest.mark.parametrize("kind", ["safetensors", "bin"])
def test_it_exports_on_the_command_line(kind: str, screen: Desktop, tmp_path: Path) -> None:
    """A pickle takes torch, which nothing else here does."""
    adapters = list(DEMO)
    if kind == "bin":
        adapters = [tmp_path / "first.bin", tmp_path / "second.bin"]
        for file, adapter in zip(adapters, DEMO, strict=True):
            torch.save(load_file(adapter / "adapter_model.safetensors"), file)
    done = _run(screen, "export", *adapters, "--out", tmp_path / "out", "--figure", "png,pdf,svg")
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {
        "figure.png",
        "figure.pdf",
        "figure.svg",
        "phi.csv",
    }


def test_it_says_its_version_and_brings_its_licences(screen: Desktop) -> None:
    assert _run(screen, "--version").stdout == f"PhiScope {__version__}\n"
    (contents,) = PROGRAM.parent.rglob("licences/CONTENTS.txt")
    for name in ("Python", "torch", "PySide6_Essentials", "numpy", "pyqtgraph", "matplotlib", "safetensors"):
        assert f"\n{name} " in "\n" + contents.read_text(encoding="utf-8")
    assert list(PROGRAM.parent.rglob("resources/licences/LGPL-3.0.txt"))


def test_its_menu_entry_starts_it(screen: Desktop, tmp_path: Path) -> None:
    assert _run(screen, "--install-desktop").returncode == 0
    entry = (tmp_path / "data/applications/phiscope.desktop").read_text(encoding="utf-8")
    assert f'Exec="{PROGRAM}" %F' in entry
    assert _run(screen, "--uninstall-desktop").returncode == 0


def _run(screen: Desktop, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAM, *map(str, arguments)], env=screen.environment, cwd="/", text=True, capture_output=True, check=False,
        timeout=120,
    )  # fmt: skip
