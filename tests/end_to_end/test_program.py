"""The program as a person uses it: a process, a display, keys, files."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from cmap import Colormap

from engine.comparison.outcome import SideResult
from tests.conftest import REPOSITORY
from tests.end_to_end.desktop import MAIN, Desktop, desktop, panel_areas, wait_for
from tests.reference import compare

DEMO = [REPOSITORY / "resources" / "demo" / f"r64_alpha8_seed{seed}" for seed in (0, 1)]
ROCKET = np.rint(Colormap("seaborn:rocket").lut(256) * 255).astype(np.uint8)
FIGURE_7 = [["1_q", "1_v", "2_q", "2_v"], ["4_q", "4_v", "6_q", "6_v"]]


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desktop]:
    with desktop(tmp_path_factory.mktemp("home")) as made:
        yield made


def test_a_pair_becomes_a_figure_and_files(screen: Desktop, tmp_path: Path) -> None:
    program = screen.start(*DEMO)
    try:
        screen.window("r64_alpha8_seed0 and r64_alpha8_seed1")
        panels = wait_for(lambda: panels_of(screen), 30)
        assert_pixels_are_phi(screen, panels)
        exported = Path(screen.environment["HOME"]) / "phiscope" / "r64_alpha8_seed0-r64_alpha8_seed1"
        screen.xdotool("key", "ctrl+e")
        screen.window("^Export$")
        screen.xdotool("key", "Return")
        wait_for((exported / "figure.pdf").exists, 90)
        time.sleep(0.5)  # the dialog hears of the last file a moment later, until when Escape only stops
        screen.xdotool("key", "Escape")
        wait_for(lambda: not screen.xdotool("search", "--onlyvisible", "--name", "^Export$"), 10)
        screen.xdotool("key", "ctrl+q")
        assert program.wait(timeout=30) == 0
    finally:
        program.kill()
        _, errors = program.communicate()
    assert "Traceback" not in errors
    command = [sys.executable, str(MAIN), "export", *map(str, DEMO), "--out", str(tmp_path), "--preset", "fig7"]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    for name in ("phi.csv", "findings.csv", "matrices/1_q.csv", "matrices/6_v.csv"):
        assert (exported / name).read_bytes() == (tmp_path / name).read_bytes()


def panels_of(screen: Desktop) -> list[list[tuple[slice, slice]]]:
    """The eight panels, once all of them are there."""
    image = screen.screenshot()
    try:
        areas = panel_areas(image, ROCKET)
    except (IndexError, ValueError):
        return []
    return areas if [len(row) for row in areas] == [4, 4] else []


def assert_pixels_are_phi(screen: Desktop, panels: list[list[tuple[slice, slice]]]) -> None:
    _, found = compare(DEMO[0], DEMO[1])
    phi = {o.pair.slug: o.phi for o in found if isinstance(o, SideResult)}
    image = screen.screenshot()
    for slugs, row in zip(FIGURE_7, panels, strict=True):
        for slug, (height, width) in zip(slugs, row, strict=True):
            _assert_panel(image[height, width], phi[slug], slug)


def _assert_panel(pixels: npt.NDArray[np.uint8], phi: npt.NDArray[np.float64], slug: str) -> None:
    rows, columns = phi.shape
    for i in (1, 2, 10, 40, 64):
        for j in (1, 5, 30, 64):
            y, x = int((i - 0.5) / rows * pixels.shape[0]), int((j - 0.5) / columns * pixels.shape[1])
            near = phi[max(0, i - 2) : i + 1, max(0, j - 2) : j + 1]  # a pixel may fall on the cell beside
            steps = np.clip((near / 0.8 * 256).astype(int).ravel(), 0, 255)
            difference = np.abs(ROCKET[steps, :3].astype(int) - pixels[y, x].astype(int)).max(axis=1)
            assert difference.min() <= 3, f"{slug}: i={i}, j={j}"


def test_a_close_during_a_run_is_clean(screen: Desktop) -> None:
    for _ in range(3):
        program = screen.start(*DEMO)
        screen.window("PhiScope")
        screen.xdotool("key", "ctrl+q")
        assert program.wait(timeout=30) == 0
        _, errors = program.communicate()
        assert errors == ""


@pytest.mark.parametrize("display", [None, ":4711"])
def test_without_a_display_it_says_so_in_one_line(display: str | None, tmp_path: Path) -> None:
    done = _run_without_display(display, tmp_path)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "main.py export" in done.stderr


def test_the_demo_without_a_display_writes_its_files(tmp_path: Path) -> None:
    done = _run_without_display(None, tmp_path, "--demo")
    assert done.returncode == 0
    assert (tmp_path / "phiscope-demo" / "figure.png").stat().st_size > 10_000
    assert (tmp_path / "phiscope-demo" / "phi.csv").exists()


def _run_without_display(display: str | None, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}
    environment["XDG_DATA_HOME"] = str(folder / "data")
    if display:
        environment["DISPLAY"] = display
    return subprocess.run(
        [sys.executable, str(MAIN), *arguments],
        env=environment, cwd=folder, text=True, capture_output=True, timeout=120, check=False,
    )  # fmt: skip


def test_first_paint_needs_neither_torch_nor_matplotlib(tmp_path: Path) -> None:
    script = """
import sys
from gui.app import make_application
from gui.window.main_window import MainWindow
app = make_application()
window = MainWindow()
window.first_painted.connect(app.quit)
window.show()
app.exec()
print(sorted({"torch", "matplotlib", "numpy", "scipy", "pyqtgraph"} & set(sys.modules)))
window.close()
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=REPOSITORY, text=True, capture_output=True, timeout=60, check=True,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )  # fmt: skip
    assert done.stdout.strip() == "[]"
