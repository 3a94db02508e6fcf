"""The wheel holds all that the program needs, elsewhere than in a checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY


@pytest.mark.skipif(find_spec("setuptools") is None, reason="setuptools, which builds the wheel, is missing")
def test_the_demo_runs_from_a_wheel_in_a_folder_elsewhere(tmp_path: Path) -> None:
    build = ["-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", "..", "."]
    subprocess.run(
        [sys.executable, *build], cwd=_copy(tmp_path / "source"), check=True, capture_output=True, timeout=120
    )
    (wheel,) = tmp_path.glob("phiscope-*.whl")
    installed = tmp_path / "installed é"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    names = {str(path.relative_to(installed)) for path in installed.rglob("*")}
    expected = {"help.html", "phiscope.svg", "phiscope.ico", "icons/phiscope-48.png", "desktop/phiscope.desktop"}
    assert names >= {f"resources/{name}" for name in (*expected, "licences/NOTICES.md", "demo/LICENSE-APACHE.txt")}
    assert not any(name.startswith(("tests", "resources/launchers", "resources/bundle")) for name in names)
    (entries,) = installed.glob("*.dist-info/entry_points.txt")
    assert entries.read_text().split() == [
        "[console_scripts]", "phiscope", "=", "main:main", "[gui_scripts]", "phiscope-window", "=", "main:main",
    ]  # fmt: skip
    environment = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")}
    environment |= {"PYTHONPATH": str(installed), "QT_QPA_PLATFORM": ""}
    where = (
        "import main, phiscope; from gui.program.demo import DEMO_FOLDER; print(main.__file__, DEMO_FOLDER); "
        "print(phiscope.__file__, phiscope.open(DEMO_FOLDER / 'r64_alpha8_seed0').ranks); "
        "raise SystemExit(main.main(['--demo']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", where], cwd=tmp_path, env=environment, text=True, capture_output=True, check=True,
        timeout=120,
    )  # fmt: skip
    assert done.stdout.split("\n")[:2] == [
        f"{installed / 'main.py'} {installed / 'resources/demo'}", f"{installed / 'phiscope.py'} (64,)",
    ]  # fmt: skip
    assert (tmp_path / "phiscope-demo/figure.png").stat().st_size > 10_000


def _copy(folder: Path) -> Path:
    """The checkout's files; setuptools would write its build folder into the checkout itself."""
    folder.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "main.py", "phiscope.py", "engine", "gui", "resources"):
        subprocess.run(["cp", "-r", REPOSITORY / name, folder / name], check=True)
    return folder
