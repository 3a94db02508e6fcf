"""The menu entry as a desktop uses it: PhiScope is put into a menu, and two files are opened with it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.end_to_end.desktop import Desktop, copy_of_the_checkout, desktop, panel_areas, wait_for
from tests.end_to_end.test_program import DEMO, ROCKET


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Desktop]:
    home = tmp_path / "home of é"
    home.mkdir()
    with desktop(home) as made:
        made.environment |= {"XDG_DATA_HOME": str(home / "data"), "XDG_CONFIG_HOME": str(home / ".config")}
        yield made


def test_two_files_opened_with_the_menu_entry_become_a_figure(screen: Desktop, tmp_path: Path) -> None:
    """From a checkout in a folder with a space and an accent."""
    if shutil.which("gio") is None:
        pytest.fail("gio is missing")
    checkout = copy_of_the_checkout(tmp_path / "my programs é")
    files = []
    for name, adapter in zip(("first é.safetensors", "second 2.safetensors"), DEMO, strict=True):
        files.append(tmp_path / name)
        shutil.copy(adapter / "adapter_model.safetensors", files[-1])
    installing = [sys.executable, str(checkout / "main.py"), "--install-desktop"]
    subprocess.run(installing, check=True, env=screen.environment, cwd="/", timeout=60)
    entry = Path(screen.environment["XDG_DATA_HOME"]) / "applications/phiscope.desktop"
    said = tmp_path / "said"
    with said.open("w") as errors:
        subprocess.run(
            ["gio", "launch", entry, *files], check=True, env=screen.environment, cwd="/", timeout=30,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
        )  # fmt: skip
    window = screen.window("first é.safetensors and second 2.safetensors")
    process = int(screen.xdotool("getwindowpid", window))
    try:
        assert wait_for(lambda: _rows(screen) == [4, 4], 30)
        assert str(checkout) in Path(f"/proc/{process}/cmdline").read_text()
        of_window = subprocess.run(
            ["xprop", "-id", window, "WM_CLASS"], env=screen.environment, text=True, capture_output=True, check=True
        )
        assert '"phiscope"' in of_window.stdout, "StartupWMClass names it"
        screen.xdotool("key", "ctrl+q")
        wait_for(lambda: not Path(f"/proc/{process}").exists(), 10)
    finally:
        if Path(f"/proc/{process}").exists():
            os.kill(process, signal.SIGKILL)
    log = Path(screen.environment["XDG_DATA_HOME"]) / "PhiScope/PhiScope/phiscope.log"
    assert log.read_text() == ""
    assert said.read_text() == "", "the style sheet names files by their paths"


@pytest.mark.parametrize(
    ("pretence", "logged"),
    [
        ("import gui.window.main_window as m; m.MainWindow.__init__ = lambda *_: 1 / 0", "ZeroDivisionError"),
        ("import importlib.util as u; f = u.find_spec; u.find_spec = lambda n: None if n == 'PySide6' else f(n)",
         "PySide6 is not installed"),
    ],
    ids=["a crash", "no PySide6"],
)  # fmt: skip
def test_what_cannot_start_says_so_in_a_window_and_in_the_log(pretence: str, logged: str, screen: Desktop) -> None:
    code = f"{pretence}; import main; raise SystemExit(main.main([]))"
    program = subprocess.Popen(
        [sys.executable, "-c", code], env=screen.environment, cwd=REPOSITORY, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        screen.window("^PhiScope$")
        assert program.poll() is None
        log = Path(screen.environment["XDG_DATA_HOME"]) / "PhiScope/PhiScope/phiscope.log"
        assert logged in log.read_text()
    finally:
        os.killpg(program.pid, signal.SIGKILL)
        program.wait()


def _rows(screen: Desktop) -> list[int]:
    try:
        return [len(row) for row in panel_areas(screen.screenshot(), ROCKET)]
    except (IndexError, ValueError):
        return []
