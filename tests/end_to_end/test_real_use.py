"""Real use: drags from another program, everything by keyboard, closes during runs, files that go, screens."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from cmap import Colormap

from tests.adapters import llama_modules, write_peft_adapter
from tests.conftest import REPOSITORY
from tests.end_to_end import drag_source
from tests.end_to_end.desktop import Desktop, desktop, panel_areas, wait_for

DEMO = [REPOSITORY / "resources" / "demo" / f"r64_alpha8_seed{seed}" for seed in (0, 1)]
ROCKET = np.rint(Colormap("seaborn:rocket").lut(256) * 255).astype(np.uint8)
_MODULES = llama_modules(4)


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desktop]:
    with desktop(tmp_path_factory.mktemp("home"), "1600x900x24") as made:
        yield made


@pytest.fixture
def adapters(tmp_path: Path) -> list[Path]:
    """Two small adapters, named `one` and `two`."""
    return [
        write_peft_adapter(tmp_path / name, _MODULES, 4, seed=seed, d_in=80, d_out=60)
        for seed, name in enumerate(("one", "two"))
    ]


@contextmanager
def running(screen: Desktop, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """The program, which must end cleanly, without a word on standard error, as its window is closed by Ctrl+Q."""
    program = screen.start(*arguments)
    try:
        screen.xdotool("windowactivate", "--sync", screen.window("PhiScope"))  # or the first key goes nowhere
        yield program
        assert program.poll() is None, "it ended by itself"
        screen.xdotool("key", "ctrl+q")
        assert program.wait(timeout=30) == 0
    finally:
        program.kill()
        _, errors = program.communicate()
    assert errors == ""


def log(screen: Desktop) -> str:
    """What the program has written to its log in this home."""
    return "".join(
        path.read_text(encoding="utf-8") for path in Path(screen.environment["HOME"]).rglob("phiscope.log")
    )


# --- drags ---


@contextmanager
def source_of(screen: Desktop, paths: Sequence[Path]) -> Iterator[tuple[int, int]]:
    """Another program's window in the right lower corner; the point where its files are taken up."""
    program = subprocess.Popen(
        [sys.executable, drag_source.__file__, *map(str, paths)], env=screen.environment, cwd=REPOSITORY
    )
    try:
        window = screen.window(drag_source.TITLE)
        screen.xdotool("windowmove", window, "1380", "740")
        time.sleep(0.3)
        yield 1470, 810
    finally:
        program.terminate()
        program.wait(timeout=30)


def drag(screen: Desktop, start: tuple[int, int], end: tuple[int, int]) -> None:
    """Press at `start`, move as a hand does, and let go at `end`."""
    screen.xdotool("mousemove", *map(str, start))
    time.sleep(0.1)
    screen.xdotool("mousedown", "1")
    for step in range(1, 13):
        x, y = (round(a + (b - a) * step / 12) for a, b in zip(start, end, strict=True))
        screen.xdotool("mousemove", str(x), str(y))
        time.sleep(0.04)
    time.sleep(0.3)
    screen.xdotool("mousemove", str(end[0] + 1), str(end[1]))
    time.sleep(0.2)
    screen.xdotool("mouseup", "1")


def place(screen: Desktop) -> None:
    """Put the window where its parts are known to be."""
    window = screen.window("PhiScope")
    screen.xdotool("windowsize", window, "1360", "820")
    screen.xdotool("windowmove", window, "0", "0")
    time.sleep(0.5)


def test_drags_land_in_the_half_they_are_over(screen: Desktop, adapters: list[Path]) -> None:
    with running(screen, "--fresh"):
        place(screen)
        with source_of(screen, adapters[1:]) as start:
            drag(screen, start, (1200, 450))
            screen.window("^two – PhiScope")
        with source_of(screen, adapters[:1]) as start:
            drag(screen, start, (500, 450))
            screen.window("^one and two – PhiScope")
        with source_of(screen, adapters[:1]) as start:
            drag(screen, start, (1200, 450))  # the figure is there: its halves take drops too
            screen.window("^one and one – PhiScope")


def test_a_drag_of_two_files_fills_both_places(screen: Desktop, adapters: list[Path]) -> None:
    with running(screen, "--fresh"):
        place(screen)
        with source_of(screen, [path / "adapter_model.safetensors" for path in adapters]) as start:
            drag(screen, start, (700, 450))
            screen.window("^one and two – PhiScope")


def test_a_drag_onto_a_card_replaces_its_adapter(screen: Desktop, adapters: list[Path]) -> None:
    with running(screen, "--fresh", adapters[0], adapters[0]):
        place(screen)
        screen.window("^one and one – PhiScope")
        with source_of(screen, adapters[1:]) as start:
            drag(screen, start, (150, 285))
            screen.window("^one and two – PhiScope")
            drag(screen, start, (150, 165))
            screen.window("^two and two – PhiScope")


# --- the keyboard ---


def choose(screen: Desktop, key: str, title: str, path: Path) -> None:
    """Open a file dialog by its key, type a path, and press Enter."""
    screen.xdotool("key", key)
    screen.window(title)
    time.sleep(0.3)
    screen.xdotool("type", "--delay", "4", str(path))
    screen.xdotool("key", "Return")
    wait_for(lambda: not screen.xdotool("search", "--onlyvisible", "--name", title), 10)


def test_everything_by_keyboard(screen: Desktop, adapters: list[Path]) -> None:
    with running(screen, "--fresh"):
        choose(screen, "ctrl+o", "^Open the first adapter$", adapters[0] / "adapter_model.safetensors")
        screen.window("^one – PhiScope")
        choose(screen, "ctrl+shift+l", "^Open the folder of the second adapter$", adapters[1])
        screen.window("^one and two – PhiScope")
        before = still(screen)
        for keys in (["alt+2"], ["alt+3"], ["alt+1", "ctrl+i"]):
            screen.xdotool("key", *keys)
            after = still(screen)
            assert (after != before).any(), f"{keys} shows something else"
            before = after
        screen.xdotool("key", "ctrl+e")
        screen.window("^Export$")
        screen.xdotool("key", "Return")
        home = Path(screen.environment["HOME"])
        names = ("comparison.json", "phi.csv", "findings.csv", "phi.npz", "figure.png", "figure.pdf")
        wait_for(lambda: all((home / "phiscope" / "one-two" / name).exists() for name in names), 60)
        time.sleep(0.5)  # the dialog hears of the last file a moment later, until when Escape only stops
        screen.xdotool("key", "Escape")
        wait_for(lambda: not screen.xdotool("search", "--onlyvisible", "--name", "^Export$"), 10)
        screen.xdotool("key", "ctrl+shift+x")
        screen.window("^two and one – PhiScope")
        screen.xdotool("key", "ctrl+shift+w")
        screen.window("^PhiScope$")


def still(screen: Desktop) -> npt.NDArray[np.uint8]:
    """The screen, once it no longer changes."""
    shots = [screen.screenshot()]

    def settled() -> bool:
        time.sleep(0.3)
        shots.append(screen.screenshot())
        return bool((shots[-1] == shots[-2]).all())

    wait_for(settled, 10)
    return shots[-1]


def test_help_and_about_open_and_close_by_keyboard(screen: Desktop) -> None:
    with running(screen, "--fresh"):
        screen.xdotool("key", "F1")
        screen.window("^About φ – PhiScope$")
        screen.xdotool("key", "Escape")
        wait_for(lambda: not screen.xdotool("search", "--onlyvisible", "--name", "^About φ"), 10)
        screen.xdotool("key", "alt+h")
        time.sleep(0.3)
        screen.xdotool("key", "Up")
        screen.xdotool("key", "Return")
        screen.window("^About PhiScope$")
        screen.xdotool("key", "Escape")
        wait_for(lambda: not screen.xdotool("search", "--onlyvisible", "--name", "^About PhiScope"), 10)


# --- runs and files that end early ---


def test_a_large_run_is_closed_in_its_midst(screen: Desktop, tmp_path: Path) -> None:
    modules = llama_modules(96)
    paths = [
        write_peft_adapter(tmp_path / f"large{seed}", modules, 64, seed=seed, d_in=1024, d_out=8) for seed in (0, 1)
    ]
    for pause in (0.0, 0.3):
        with running(screen, "--fresh", *paths):
            screen.window("large0 and large1")
            time.sleep(pause)


def test_a_file_that_goes_before_it_is_computed_is_said(screen: Desktop, adapters: list[Path]) -> None:
    with running(screen, "--fresh", adapters[0]) as program:
        screen.window("^one – PhiScope")
        shutil.rmtree(adapters[0])
        choose(screen, "ctrl+shift+l", "^Open the folder of the second adapter$", adapters[1])
        screen.window("^one and two – PhiScope")
        still(screen)
        assert program.poll() is None
        screen.xdotool("key", "alt+3", "alt+1", "ctrl+shift+x")
        screen.window("^two and one – PhiScope")
    assert "Traceback" not in log(screen)
    assert "unexpected" not in log(screen)


# --- screens ---


def _eight_panels(screen: Desktop, step: int) -> list[list[tuple[slice, slice]]]:
    """The panels, once all of them are there, in every `step`th pixel."""
    try:
        areas = panel_areas(screen.screenshot()[::step, ::step], ROCKET)
    except (IndexError, ValueError):
        return []
    return areas if [len(row) for row in areas] == [4, 4] else []


SCREENS: dict[str, tuple[str, str]] = {
    "1280x720": ("1280x720", "1"), "1920x1080": ("1920x1080", "1"), "3840x2160": ("3840x2160", "1"),
    "3840x2160 at 2": ("3840x2160", "2"),
}  # fmt: skip


@pytest.mark.parametrize("name", SCREENS)
def test_the_window_fits_and_fills_the_screen(name: str, tmp_path: Path) -> None:
    size, scale = SCREENS[name]
    width, height = map(int, size.split("x"))
    step = width // 640
    with desktop(tmp_path, f"{size}x24") as screen:
        screen.environment["QT_SCALE_FACTOR"] = scale
        with running(screen, *DEMO):
            window = screen.window("seed0 and")
            areas: Callable[[], list[list[tuple[slice, slice]]]] = lambda: _eight_panels(screen, step)  # noqa: E731
            wait_for(areas, 30)
            lit = np.asarray(screen.screenshot().any(axis=2))  # what is no window is black
            assert not (lit[[0, -1]].any() or lit[:, [0, -1]].any()), "the window and its frame are inside the screen"
            screen.xdotool("key", "F11")
            wait_for(lambda: f"Geometry: {size}" in screen.xdotool("getwindowgeometry", window), 10)
            time.sleep(0.5)
            rows = wait_for(areas, 10)
            wide = step * (rows[0][-1][1].stop - rows[0][0][1].start) / (width - 304 * int(scale))
            high = step * (rows[-1][0][0].stop - rows[0][0][0].start) / height
            assert max(wide, high) > 0.75, "the panels take what room there is"
