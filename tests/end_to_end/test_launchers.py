"""The launchers of a checkout, on a small program of their own with a real environment and a real pip."""

from __future__ import annotations

import ast
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.end_to_end.desktop import Desktop, desktop, wait_for

# What pip needs to install a checkout without fetching anything.
BACKEND = """
import zipfile
NAME = "phiscope-0-py3-none-any.whl"
def build_editable(folder, settings=None, metadata=None):
    with zipfile.ZipFile(f"{folder}/{NAME}", "w") as wheel:
        for name, text in {
            "METADATA": "Metadata-Version: 2.1\\nName: phiscope\\nVersion: 0\\n@REQUIRES@",
            "WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
            "RECORD": "",
        }.items():
            wheel.writestr(f"phiscope-0.dist-info/{name}", text)
    return NAME
"""
PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "phiscope"
version = "0"
dependencies = [@DEPENDENCIES@]
"""
MAIN = "import pathlib, sys; pathlib.Path(__file__).with_name('started').write_text('\\n'.join(sys.argv[1:]))\n"


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desktop]:
    with desktop(tmp_path_factory.mktemp("home")) as made:
        # pip is never to wait for a network here.
        made.environment |= {
            "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
            "PIP_RETRIES": "1",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_CACHE_DIR": "1",
        }
        yield made


def checkout(folder: Path, dependency: str = "") -> Path:
    folder.mkdir()
    for name in ("PhiScope.sh", "PhiScope.command", "gui/__init__.py", "gui/program/plain_window.py"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(REPOSITORY / name, folder / name)
    shutil.copytree(REPOSITORY / "resources/launchers", folder / "resources/launchers")
    shutil.copytree(REPOSITORY / "resources/icons", folder / "resources/icons")
    (folder / "main.py").write_text(MAIN)
    (folder / "backend.py").write_text(
        BACKEND.replace("@REQUIRES@", dependency and f"Requires-Dist: {dependency}\\n")
    )
    (folder / "pyproject.toml").write_text(
        PYPROJECT.replace("@DEPENDENCIES@", f'"{dependency}"' if dependency else "")
    )
    (folder / "constraints.txt").write_text("pip>=1\n")
    return folder


def launch(screen: Desktop, folder: Path, *arguments: str, name: str = "PhiScope.sh") -> subprocess.Popen[str]:
    """Start the launcher as a file manager does: without a terminal, from elsewhere."""
    return subprocess.Popen(
        [folder / name, *arguments], env=screen.environment, cwd="/", text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def refusal(screen: Desktop, folder: Path) -> str:
    """What the launcher says in its window, which is closed then."""
    program = launch(screen, folder)
    try:
        wait_for(lambda: program.poll() is not None or _message_is_open(screen), 30)
        assert program.poll() is None, "there was no window"
        assert not (folder / "started").exists()
    finally:
        os.killpg(program.pid, signal.SIGKILL)
        _, errors = program.communicate()
    assert len(errors.splitlines()) == 1, errors
    return errors


def _message_is_open(screen: Desktop) -> bool:
    """A window that shows no progress: the one with progress goes as soon as there is something to say."""
    if re.search(r"zenity --error|xmessage -center|kdialog .*--error", _processes()):
        return True
    windows = screen.xdotool("search", "--onlyvisible", "--name", "^PhiScope$").split()
    return len(windows) == 1 and _is_dialog(screen, windows[0])


def _processes() -> str:
    return subprocess.run(["ps", "-eo", "args"], text=True, capture_output=True, check=True).stdout


def _is_dialog(screen: Desktop, window: str) -> bool:
    done = subprocess.run(
        ["xprop", "-id", window, "WM_TRANSIENT_FOR", "WM_CLASS"],
        env=screen.environment, text=True, capture_output=True, check=False,
    )  # fmt: skip
    return "Dialog" in done.stdout or "__tk__messagebox" in done.stdout


def test_it_sets_up_once_and_starts_with_the_files(screen: Desktop, tmp_path: Path) -> None:
    folder = checkout(tmp_path / "a folder é")
    program = launch(screen, folder, "one é", "two")
    screen.window("^PhiScope$")
    _, errors = program.communicate(timeout=60)
    assert (program.returncode, errors) == (0, "")
    assert (folder / "started").read_text() == "one é\ntwo"
    made = (folder / ".venv/pyvenv.cfg").stat().st_mtime_ns
    begun = time.monotonic()
    program = launch(screen, folder, "again")
    program.communicate(timeout=60)
    assert time.monotonic() - begun < 3
    assert (folder / "started").read_text() == "again"
    assert (folder / ".venv/pyvenv.cfg").stat().st_mtime_ns == made


def test_what_was_given_up_is_made_anew_and_what_changed_completed(screen: Desktop, tmp_path: Path) -> None:
    folder = checkout(tmp_path / "checkout")
    stamp, rest = folder / ".venv/phiscope-complete", folder / ".venv/rest"
    program = launch(screen, folder)
    wait_for((folder / ".venv/phiscope-unfinished").exists, 60)
    os.killpg(program.pid, signal.SIGKILL)
    program.communicate()
    assert not stamp.exists()
    rest.touch()
    launch(screen, folder).communicate(timeout=60)
    assert stamp.exists()
    assert not rest.exists(), "made anew"
    assert not (folder / ".venv/phiscope-unfinished").exists()
    before = stamp.read_text()
    rest.touch()
    (folder / "constraints.txt").write_text("pip>=2\n")
    launch(screen, folder).communicate(timeout=60)
    assert stamp.read_text() != before
    assert rest.exists(), "completed"
    (folder / ".venv/bin/python").unlink()
    launch(screen, folder).communicate(timeout=60)
    assert (folder / ".venv/bin/python").exists()


def test_an_environment_that_somebody_else_made_stays(screen: Desktop, tmp_path: Path) -> None:
    folder = checkout(tmp_path / "checkout")
    subprocess.run([sys.executable, "-m", "venv", folder / ".venv"], check=True)
    (folder / ".venv/theirs").touch()
    launch(screen, folder).communicate(timeout=60)
    assert (folder / "started").exists()
    assert (folder / ".venv/theirs").exists()


def test_no_network_is_said_in_a_window_and_it_can_be_run_again(screen: Desktop, tmp_path: Path) -> None:
    folder = checkout(tmp_path / "checkout", dependency="no-such-package-of-phiscope")
    assert "there is no network" in refusal(screen, folder)
    checkout(tmp_path / "other")
    for name in ("backend.py", "pyproject.toml"):
        shutil.copy(tmp_path / "other" / name, folder / name)
    launch(screen, folder).communicate(timeout=60)
    assert (folder / "started").exists()


@pytest.mark.skipif(find_spec("tkinter") is None, reason="without Tk the window may be one that cannot cancel")
def test_closing_the_window_cancels_and_it_can_be_run_again(screen: Desktop, tmp_path: Path) -> None:
    folder = checkout(tmp_path / "checkout")
    program = launch(screen, folder)
    window = screen.window("^PhiScope$")
    wait_for((folder / ".venv/phiscope-unfinished").exists, 60)
    screen.xdotool("windowfocus", "--sync", window)
    screen.xdotool("key", "alt+F4")
    _, errors = program.communicate(timeout=60)
    assert (program.returncode, errors) == (1, "")
    assert not (folder / "started").exists()
    launch(screen, folder).communicate(timeout=60)
    assert (folder / "started").exists()


def test_an_old_python_is_said_in_a_window(screen: Desktop, tmp_path: Path) -> None:
    folder = checkout(tmp_path / "checkout")
    _pretend(folder / "resources/launchers/start.py", "import sys; sys.version_info = (3, 9, 2, 'final', 0)")
    assert "PhiScope needs Python 3.11 or newer; this is 3.9." in refusal(screen, folder)


@pytest.mark.parametrize(
    ("pretence", "said"),
    [
        ("import importlib.util as u; f = u.find_spec; u.find_spec = lambda n: None if n == 'ensurepip' else f(n)",
         "This Python lacks its module venv"),
        ("import shutil, types; shutil.disk_usage = lambda _: types.SimpleNamespace(free=10**9)",
         "PhiScope needs about 3 GB"),
    ],
)  # fmt: skip
def test_what_is_missing_is_said_in_a_window(pretence: str, said: str, screen: Desktop, tmp_path: Path) -> None:
    folder = checkout(tmp_path / "checkout")
    _pretend(folder / "resources/launchers/start.py", pretence)
    assert said in refusal(screen, folder)


@pytest.mark.parametrize("name", ["gui/program/plain_window.py", "gui/__init__.py", "resources/launchers/start.py"])
def test_what_says_so_can_be_read_by_an_old_python(name: str) -> None:
    ast.parse((REPOSITORY / name).read_text(encoding="utf-8"), feature_version=(3, 6))


def test_what_nobody_expected_is_said_too(screen: Desktop, tmp_path: Path) -> None:
    folder = checkout(tmp_path / "checkout")
    _pretend(folder / "resources/launchers/start.py", "import importlib.util as u; u.find_spec = lambda _: 1 / 0")
    assert "PhiScope cannot be set up in" in refusal(screen, folder)


def _pretend(script: Path, line: str) -> None:
    script.write_text(f"{line}\n{script.read_text()}")


def test_no_python_at_all_is_said(screen: Desktop, tmp_path: Path) -> None:
    folder = checkout(tmp_path / "checkout")
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("sh", "dirname", "readlink"):
        (tools / tool).symlink_to(str(shutil.which(tool)))
    environment = screen.environment | {"PATH": str(tools)}
    done = subprocess.run(
        [folder / "PhiScope.sh"], env=environment, text=True, capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr == "PhiScope needs Python 3.11 or newer, and there is none. Install it and start again.\n"


def test_a_second_double_click_does_not_disturb_the_first(screen: Desktop, tmp_path: Path) -> None:
    folder = checkout(tmp_path / "checkout")
    first = launch(screen, folder)
    wait_for((folder / ".venv").exists, 60)
    environment = screen.environment | {"DISPLAY": ""}
    second = subprocess.run(
        [folder / "PhiScope.sh"], env=environment, text=True, capture_output=True, check=False, timeout=60
    )
    assert (second.returncode, "being set up already" in second.stderr) == (1, True)
    first.communicate(timeout=60)
    assert (folder / "started").exists()


def test_a_link_and_the_launcher_for_macos_start_the_same(screen: Desktop, tmp_path: Path) -> None:
    """The latter is a shell script, and runs here up to where the platforms differ."""
    folder = checkout(tmp_path / "a folder é $HOME")
    (tmp_path / "desktop").mkdir()
    (tmp_path / "desktop/PhiScope.sh").symlink_to(folder / "PhiScope.sh")
    launch(screen, tmp_path / "desktop").communicate(timeout=60)
    (folder / "started").unlink()
    launch(screen, folder, "mac", name="PhiScope.command").communicate(timeout=60)
    assert (folder / "started").read_text() == "mac"


def test_the_windows_launcher_names_files_that_are_there() -> None:
    """All that can be checked of it here."""
    content = (REPOSITORY / "PhiScope.bat").read_bytes()
    assert content.count(b"\r\n") == content.count(b"\n"), "cmd.exe wants its own line ends"
    named = re.findall(r"%~dp0([\w\\.]+)", content.decode("ascii"))
    assert named
    assert all((REPOSITORY / name.replace("\\", "/")).is_file() for name in named)
