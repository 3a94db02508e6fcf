"""The menu entry in a home of its own: valid for the desktop's tools, and gone without a trace afterwards."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytestqt.qtbot import QtBot

from gui.desktop import integration as desktop_integration
from gui.desktop.integration import desktop_entry, install, quoted_argument, uninstall
from gui.state.notice import Severity
from gui.window.main_window import MainWindow
from tests.conftest import REPOSITORY

COMMAND = [sys.executable, str(REPOSITORY / "main.py")]
NASTY = [
    "a b",
    "a=b",
    "100%",
    "é ü φ",
    "100% %F",
    'say "hi"',
    "it's",
    "$HOME `id`",
    "back\\slash",
    "semi;colon & more",
    "new\nline",
]
MAIN = REPOSITORY / "main.py"


def read_argument(value: str) -> list[str]:
    """What a desktop makes of an Exec key of quoted arguments, by the specification."""
    escapes = {"s": " ", "n": "\n", "t": "\t", "r": "\r", "\\": "\\"}
    plain = re.sub(r"\\(.)", lambda found: escapes[found[1]], value)
    words = re.findall(r'"((?:[^"\\`$]|\\["\\`$])*)"(?: |$)', plain)
    assert " ".join(f'"{word}"' for word in words) == plain
    return [re.sub(r"\\(.)", r"\1", word).replace("%%", "%") for word in words]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1), min_size=1, max_size=3))
def test_any_path_survives_the_quoting(arguments: list[str]) -> None:
    assert read_argument(" ".join(map(quoted_argument, arguments))) == arguments


@pytest.mark.parametrize("name", NASTY)
def test_a_desktop_starts_a_program_in_a_folder_of_any_name(name: str, tmp_path: Path) -> None:
    _require("gio")
    folder = tmp_path / name
    folder.mkdir()
    program, file = folder / "program", folder / "file of é.safetensors"
    file.touch()
    program.write_text(f'#!/bin/sh\nfor word; do echo "$word"; done > "{tmp_path.as_posix()}/said"\n')
    program.chmod(0o755)
    entry = tmp_path / "phiscope.desktop"
    entry.write_text(desktop_entry([str(program), str(folder / "main.py")]), encoding="utf-8")
    subprocess.run(["gio", "launch", entry, file], check=True, timeout=20, stdin=subprocess.DEVNULL)
    _wait_for_file(tmp_path / "said")
    assert (tmp_path / "said").read_text() == f"{folder / 'main.py'}\n{file}\n"


def _wait_for_file(path: Path) -> None:
    import time  # noqa: PLC0415

    until = time.monotonic() + 10
    while not (path.exists() and path.read_text()) and time.monotonic() < until:
        time.sleep(0.05)


def _require(tool: str) -> None:
    if shutil.which(tool) is None:
        if os.environ.get("PHISCOPE_NEEDS_DISPLAY"):
            pytest.fail(f"{tool} is missing")
        pytest.skip(f"{tool} is missing")


def test_what_is_written_is_valid(tmp_path: Path) -> None:
    home = tmp_path / "data of é"
    written = install(home, COMMAND)
    assert {path.suffix for path in written} == {".desktop", ".xml", ".svg", ".png"}
    _require("desktop-file-validate")
    check = subprocess.run(
        ["desktop-file-validate", home / "applications/phiscope.desktop"],
        text=True, capture_output=True, check=False, timeout=30,
    )  # fmt: skip
    assert (check.returncode, check.stdout) == (0, "")
    _require("appstreamcli")
    check = subprocess.run(
        ["appstreamcli", "validate", "--no-net", home / "metainfo/phiscope.metainfo.xml"],
        text=True, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert check.returncode == 0, check.stdout


def test_the_type_of_a_file_is_known_and_the_program_offered(tmp_path: Path) -> None:
    for tool in ("update-mime-database", "update-desktop-database", "xdg-mime", "gio"):
        _require(tool)
    environment = _environment(tmp_path)
    assert _phiscope(tmp_path, "--install-desktop").returncode == 0
    file = tmp_path / "an adapter.safetensors"
    file.write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    assert _ask(environment, "xdg-mime", "query", "filetype", str(file)) == "application/x-safetensors"
    assert _ask(environment, "xdg-mime", "query", "default", "application/x-safetensors") == "phiscope.desktop"
    assert "phiscope.desktop" in _ask(environment, "gio", "mime", "application/x-safetensors")


@pytest.mark.parametrize("theirs", ["chosen by the user", "of the system"])
def test_another_default_stays(theirs: str, tmp_path: Path) -> None:
    for tool in ("update-desktop-database", "gio"):
        _require(tool)
    environment = _environment(tmp_path)
    applications = tmp_path / ("home/.local/share" if theirs == "chosen by the user" else "system") / "applications"
    applications.mkdir(parents=True)
    (applications / "other.desktop").write_text(
        "[Desktop Entry]\nType=Application\nName=Other\nExec=true %f\nMimeType=application/x-safetensors;\n"
    )
    subprocess.run(["update-desktop-database", applications], check=True, timeout=30)
    choices = tmp_path / "home/.config/mimeapps.list"
    before = "[Added Associations]\ntext/plain=a.desktop;\n"
    choices.parent.mkdir(parents=True)
    choices.write_text(before)
    if theirs == "chosen by the user":
        before = f"[Default Applications]\napplication/x-safetensors=other.desktop\n\n{before}"
        choices.write_text(before)
    assert _phiscope(tmp_path, "--install-desktop").returncode == 0
    assert _ask(environment, "gio", "mime", "application/x-safetensors").splitlines()[0].endswith("other.desktop")
    assert "phiscope.desktop" in _ask(environment, "gio", "mime", "application/x-safetensors")
    assert _phiscope(tmp_path, "--uninstall-desktop").returncode == 0
    assert choices.read_text() == before


@pytest.mark.parametrize("others", [False, True], ids=["a new user", "a user with files"])
def test_everything_is_removed_again_and_nothing_else(others: bool, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    if others:
        data = home / ".local/share"
        for name in ("applications/mine.desktop", "icons/hicolor/48x48/apps/mine.png", "mime/packages/mine.xml"):
            (data / name).parent.mkdir(parents=True, exist_ok=True)
            (data / name).write_text("[Desktop Entry]\n" if name.endswith("desktop") else "")
        (data / "mime/packages/mine.xml").write_text(
            '<mime-info xmlns="http://www.freedesktop.org/standards/shared-mime-info">'
            '<mime-type type="text/x-mine"><glob pattern="*.mine"/></mime-type></mime-info>'
        )
        (data / "metainfo").mkdir()
        for tool, folder in (("update-mime-database", "mime"), ("update-desktop-database", "applications")):
            _require(tool)
            subprocess.run([tool, data / folder], check=True, timeout=30)
    before = _tree(home)
    for _ in range(2):
        assert _phiscope(tmp_path, "--install-desktop").returncode == 0
    assert _tree(home) != before
    for sentence in ("The menu entry and the file association are removed.", "There was no menu entry."):
        done = _phiscope(tmp_path, "--uninstall-desktop")
        assert (done.returncode, done.stdout.strip(), done.stderr) == (0, sentence, "")
        assert _tree(home) == before


def test_without_the_desktops_tools_it_works_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    home = tmp_path / "data"
    install(home, COMMAND)
    assert (home / "applications/phiscope.desktop").is_file()
    uninstall(home)
    assert not home.exists()


def test_a_folder_that_cannot_be_written_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home/.local").write_text("a file where a folder should be")
    done = _phiscope(tmp_path, "--install-desktop")
    assert done.returncode == 1
    assert done.stderr.startswith("The menu entry cannot be written: ")
    assert len(done.stderr.splitlines()) == 1


def test_elsewhere_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert desktop_integration.run(remove=False) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_the_help_menu_does_the_same(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    window.add_to_desktop()
    assert (tmp_path / "data/applications/phiscope.desktop").exists()
    window.remove_from_desktop()
    assert not (tmp_path / "data").exists()
    assert [notice.severity for notice in window.notices.notices] == [Severity.NEWS, Severity.NEWS]


def _environment(folder: Path) -> dict[str, str]:
    """A user whose home is in this folder, and a system with nothing installed but what is there."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("XDG_")}
    system = f"{folder / 'system'}:/usr/share"
    return kept | {"HOME": str(folder / "home"), "XDG_DATA_DIRS": system, "XDG_CURRENT_DESKTOP": "GNOME"}


def _phiscope(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "home").mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, str(MAIN), *arguments],
        env=_environment(folder), text=True, capture_output=True, check=False, timeout=60,
    )  # fmt: skip


def _ask(environment: dict[str, str], *command: str) -> str:
    done = subprocess.run(command, env=environment, text=True, capture_output=True, check=False, timeout=30)
    return done.stdout.strip()


def _tree(folder: Path) -> dict[str, bytes]:
    """Every file and folder with its contents, the caches' too."""
    return {str(path.relative_to(folder)): b"" if path.is_dir() else path.read_bytes() for path in folder.rglob("*")}
