"""Files that cannot be written, for real: a full disk, a folder that takes nothing, a kill in the middle."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.errors import ExportFailure
from engine.export import export_comparison, file_names
from engine.export_plan import Comparison, ExportPlan
from tests.adapters import llama_modules, write_peft_adapter
from tests.conftest import REPOSITORY
from tests.engine.test_export import compare

linux = pytest.mark.skipif(sys.platform != "linux", reason="this is how Linux refuses")


@pytest.fixture(scope="module")
def adapters(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("adapters")
    modules = llama_modules(24)
    first, second = (write_peft_adapter(folder / str(k), modules, 32, seed=k, d_in=64) for k in (0, 1))
    return first, second


def export(adapters: tuple[Path, Path], out: Path, *more: str) -> list[str]:
    return [sys.executable, str(REPOSITORY / "main.py"), "export", *map(str, adapters), "--out", str(out), *more]


def assert_one_sentence(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("phiscope: ")
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in last


def assert_every_file_is_whole(folder: Path) -> None:
    """Whatever is there under its own name can be read to its end."""
    for path in folder.rglob("*"):
        if path.name.startswith(".") or path.is_dir():
            continue
        if path.suffix == ".csv":
            lines = path.read_text().splitlines()
            assert len({line.count(",") for line in lines}) == 1, path
            assert len(lines) in (33, 49, 48 * 32 * 32 + 1), path
        elif path.suffix == ".npz":
            with np.load(path) as archive:
                assert len([archive[name] for name in archive.files]) == 49
        elif path.suffix == ".json":
            json.loads(path.read_bytes())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 300 kB, where one may be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no disk may be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@linux
def test_a_full_disk_is_one_sentence_and_no_half_file(adapters: tuple[Path, Path], small_disk: Path) -> None:
    done = subprocess.run(export(adapters, small_disk), capture_output=True, text=True, timeout=120, check=False)
    assert_one_sentence(done, "phi.csv", "No space left")
    assert list(small_disk.iterdir()) == [], "what was begun is taken away"


@linux
def test_a_limit_on_files_keeps_those_before_it(adapters: tuple[Path, Path], tmp_path: Path) -> None:
    """The limit is met by phi.npz alone; a disk that fills up at some point ends like this."""
    script = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000)); "
        "from main import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", script, *export(adapters, tmp_path / "out", "--data", "npz,json")[2:]]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False)
    assert_one_sentence(done, "phi.npz", "File too large")
    assert list((tmp_path / "out").iterdir()) == []


@linux
def test_a_folder_that_takes_nothing(adapters: tuple[Path, Path], tmp_path: Path) -> None:
    if os.geteuid() == 0:
        folder = Path("/proc/phiscope")  # even root cannot write there
    else:
        folder = tmp_path / "locked" / "out"
        folder.parent.mkdir(mode=0o555)
    done = subprocess.run(export(adapters, folder), capture_output=True, text=True, timeout=120, check=False)
    assert_one_sentence(done, "cannot be written")


def test_a_file_in_use(adapters: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows refuses to replace a file that another program has open."""
    (tmp_path / "phi.csv").write_text("open in a spreadsheet")

    def refused(self: Path, target: Path) -> Path:
        raise PermissionError(13, "The process cannot access the file because it is being used", str(target))

    monkeypatch.setattr(Path, "replace", refused)
    with pytest.raises(ExportFailure, match="being used") as failure:
        export_comparison(compare(*adapters), tmp_path, ExportPlan(()))
    assert failure.value.path == tmp_path / "phi.csv"
    assert [path.name for path in tmp_path.iterdir()] == ["phi.csv"]
    assert (tmp_path / "phi.csv").read_text() == "open in a spreadsheet"


@linux
@pytest.mark.parametrize("after", [0.0, 0.15, 0.4])
def test_a_kill_in_the_middle_leaves_no_half_file(adapters: tuple[Path, Path], tmp_path: Path, after: float) -> None:
    out = tmp_path / "out"
    process = subprocess.Popen(export(adapters, out, "--figure", "none"), stderr=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while not out.exists() and time.monotonic() < until:
        time.sleep(0.002)
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=30)
    assert out.exists()
    assert_every_file_is_whole(out)


def test_cancelling_says_how_far_it_came(adapters: tuple[Path, Path], tmp_path: Path) -> None:
    comparison, plan = compare(*adapters), ExportPlan(())
    written: list[Path] = []
    with pytest.raises(ExportFailure, match=r"cancelled; 5 of 52 files were written"):
        export_comparison(comparison, tmp_path, plan, written.append, lambda: len(written) >= 5)
    assert len(list(tmp_path.rglob("*.csv"))) == 5
    assert_every_file_is_whole(tmp_path)


def test_the_files_are_known_before_they_are_written(adapters: tuple[Path, Path], tmp_path: Path) -> None:
    comparison: Comparison = compare(*adapters)
    written: list[Path] = []
    export_comparison(comparison, tmp_path, ExportPlan(("svg",)), written.append)
    assert [path.relative_to(tmp_path).as_posix() for path in written] == file_names(comparison, ExportPlan(("svg",)))
