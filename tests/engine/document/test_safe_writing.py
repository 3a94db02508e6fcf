"""Files that cannot be written, for real: a full disk, a folder that takes nothing, a kill in the middle."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from engine.document.cancellation import Cancellation
from engine.document.export import exporting
from engine.document.export_plan import Comparison, ExportPlan, file_names
from engine.document.stage import staged
from engine.errors import ExportFailure, WouldBeLost
from engine.figures.style import FigureStyle
from engine.measures.view import View
from tests.adapters import llama_modules, write_peft_adapter
from tests.conftest import REPOSITORY
from tests.engine.document.test_export import compare
from tests.exporting import export_comparison

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


def entries(folder: Path) -> set[str]:
    """Everything in a folder, hidden things too."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False
    )


@linux
@pytest.mark.parametrize("more", [[], ["--data", "csv"]])
def test_a_full_disk_is_one_sentence_and_no_half_file(
    adapters: tuple[Path, Path], small_disk: Path, more: list[str]
) -> None:
    assert_one_sentence(run(export(adapters, small_disk, *more)), "No space left")
    assert list(small_disk.iterdir()) == [], "what was begun is taken away"
    assert_one_sentence(run(export(adapters, small_disk / "new" / "folder", *more)), "No space left")
    assert list(small_disk.iterdir()) == []


@linux
def test_a_disk_that_fills_up_keeps_the_export_before(adapters: tuple[Path, Path], small_disk: Path) -> None:
    few = ["--layers", "1", "--figure", "none"]
    assert run(export(adapters, small_disk, *few)).returncode == 0
    before = {name: (small_disk / name).read_bytes() for name in entries(small_disk)}
    assert_one_sentence(run(export(adapters, small_disk)), "No space left")
    assert {name: (small_disk / name).read_bytes() for name in entries(small_disk)} == before


@linux
@pytest.mark.parametrize("data", ["npz,json", "csv"])
def test_a_limit_on_files_leaves_nothing(adapters: tuple[Path, Path], tmp_path: Path, data: str) -> None:
    """The limit is met by one file; a disk that fills up at some point ends like this."""
    script = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000)); "
        "from main import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", script, *export(adapters, tmp_path / "out", "--data", data)[2:]]
    assert_one_sentence(run(command), "File too large")
    assert list(tmp_path.iterdir()) == []


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
    """Windows refuses to replace a file that another program has open: then all are as they were."""
    comparison = compare(*adapters)
    export_comparison(comparison, tmp_path, ExportPlan(()))
    before = {name: (tmp_path / name).stat().st_mtime_ns for name in entries(tmp_path)}
    replace = Path.replace

    def refused(self: Path, target: Path) -> Path:
        if self == tmp_path / "phi.npz":
            raise PermissionError(13, "The process cannot access the file because it is being used", str(target))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refused)
    fewer = dataclasses.replace(comparison, results=comparison.results[:5])
    with pytest.raises(ExportFailure, match="being used") as failure:
        export_comparison(fewer, tmp_path, ExportPlan(()))
    assert failure.value.path == tmp_path / "phi.npz"
    assert {name: (tmp_path / name).stat().st_mtime_ns for name in entries(tmp_path)} == before


# --- kills ---

_WHOLE = {"phi.csv", "findings.csv", "phi.npz", "comparison.json"}


def whole(layers: int) -> set[str]:
    """The files of an export of this many layers without a figure."""
    return _WHOLE | {f"matrices/{layer}_{name}.csv" for layer in range(1, layers + 1) for name in "qv"}


def stages(folder: Path) -> list[Path]:
    return list(folder.glob(".phiscope-*"))


def wait_for(happened: Callable[[], object]) -> None:
    until = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.002)


MOMENTS: dict[str, Callable[[Path], object]] = {
    "computing": stages,
    "writing": lambda place: list(place.glob(".phiscope-*/files/*")),
    "late": lambda place: len(list(place.glob(".phiscope-*/files/matrices/*"))) > 20,
}


@linux
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("is_there", [False, True])
def test_a_kill_leaves_nothing_that_can_be_taken_for_an_export(
    adapters: tuple[Path, Path], tmp_path: Path, moment: str, is_there: bool
) -> None:
    out = tmp_path / "out"
    if is_there:
        out.mkdir()
        (out / "notes.txt").write_text("mine")
    process = subprocess.Popen(export(adapters, out, "--figure", "none"), stderr=subprocess.DEVNULL)
    wait_for(lambda: MOMENTS[moment](out if is_there else tmp_path) or process.poll() is not None)
    process.send_signal(signal.SIGKILL)
    assert process.wait(timeout=30) == -signal.SIGKILL, "it was killed before it was done"
    assert stages(out if is_there else tmp_path)
    assert [path.name for path in out.iterdir() if path.name[0] != "."] == ["notes.txt"] if is_there else True
    assert out.exists() is is_there
    assert run(export(adapters, out, "--figure", "none")).returncode == 0
    assert entries(tmp_path) == {f"out/{name}" for name in whole(24) | ({"notes.txt"} if is_there else set())}
    assert_every_file_is_whole(out)


@linux
@pytest.mark.parametrize("move", [2, 3, 30, 60, 74])
def test_a_kill_while_files_are_put_in_place_is_finished_by_the_next(
    adapters: tuple[Path, Path], tmp_path: Path, move: int
) -> None:
    """Nine layers over twenty-four; whichever move is the last, one export or the other is there in the end."""
    out = tmp_path / "out"
    assert run(export(adapters, out, "--figure", "none")).returncode == 0
    script = (
        "import os, pathlib, signal, sys\n"
        "replace, moves = pathlib.Path.replace, []\n"
        "def counted(self, target):\n"
        f"    moves.append(target); len(moves) == {move} + 1 and os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return replace(self, target)\n"
        "pathlib.Path.replace = counted\n"
        "from main import main; sys.exit(main(sys.argv[1:]))"
    )
    few = export(adapters, out, "--figure", "none", "--layers", "1-9")
    killed = run([sys.executable, "-c", script, *few[2:]])
    assert killed.returncode == -signal.SIGKILL
    assert stages(out)
    assert not (out / "comparison.json").exists(), "who looks now sees that it is not whole"
    with staged(out):
        pass
    assert entries(out) == whole(9)
    assert len(json.loads((out / "comparison.json").read_bytes())["panels"]) == 18
    assert (out / "phi.csv").read_text().count("\n") == 18 * 32 * 32 + 1


@contextmanager
def signals_heeded() -> Iterator[None]:
    """Whoever runs the tests in the background has them ignored, which a child that is started would inherit."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGINT, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@linux
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 143)])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_signal_to_end_leaves_nothing(
    adapters: tuple[Path, Path], tmp_path: Path, number: signal.Signals, status: int, moment: str
) -> None:
    out = tmp_path / "new" / "folder" / "out"
    command = export(adapters, out, "--figure", "none")
    with signals_heeded():
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: MOMENTS[moment](out.parent) or process.poll() is not None)
    process.send_signal(number)
    said = process.communicate(timeout=30)[1]
    assert process.returncode == status
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def test_a_living_export_is_left_alone(adapters: tuple[Path, Path], tmp_path: Path) -> None:
    comparison = compare(*adapters)
    with staged(tmp_path / "slow") as stage:
        (stage.files / "phi.csv").write_text("half of it")
        export_comparison(comparison, tmp_path / "quick", ExportPlan((), data=("json",)))
        assert (stage.files / "phi.csv").read_text() == "half of it"
        stage.publish()
    assert entries(tmp_path) == {"slow/phi.csv", "quick/comparison.json"}


# --- into the folder of an earlier export ---


def test_fewer_modules_leave_nothing_of_the_export_before(adapters: tuple[Path, Path], tmp_path: Path) -> None:
    comparison = compare(*adapters)
    export_comparison(comparison, tmp_path, ExportPlan(("svg",)))
    for name in ("notes.txt", "matrices/my own.csv", "matrices/table.csv", "figure.txt"):
        (tmp_path / name).write_text("mine")
    fewer = dataclasses.replace(comparison, results=comparison.results[:2])
    export_comparison(fewer, tmp_path, ExportPlan(()))
    mine = {"notes.txt", "matrices/my own.csv", "matrices/table.csv", "figure.txt"}
    assert entries(tmp_path) == whole(1) | mine


def test_what_still_is_true_stays(adapters: tuple[Path, Path], tmp_path: Path) -> None:
    """A figure that is written anew does not cost the numbers; other numbers cost the figure."""
    comparison = compare(*adapters)
    few = dataclasses.replace(comparison, results=comparison.results[:2])
    export_comparison(few, tmp_path, ExportPlan(("png",)))
    export_comparison(few, tmp_path, ExportPlan(("svg",), data=()))
    assert entries(tmp_path) == whole(1) | {"figure.png", "figure.svg"}
    z = FigureStyle(view=View.Z)
    in_z = ExportPlan(("svg",), z, data=("json",))
    with pytest.raises(WouldBeLost, match=r"holds figure.png of an earlier export, which would go"):
        export_comparison(few, tmp_path, in_z)
    export_comparison(few, tmp_path, in_z, replacing=True)
    assert entries(tmp_path) == whole(1) | {"figure.svg"}, "the PNG showed φ"
    numbers = ExportPlan((), data=("npz",))
    with pytest.raises(WouldBeLost, match=r"holds comparison.json and 5 more files of an earlier export"):
        export_comparison(comparison, tmp_path, numbers)
    assert entries(tmp_path) == whole(1) | {"figure.svg"}
    export_comparison(comparison, tmp_path, numbers, replacing=True)
    assert entries(tmp_path) == {"phi.npz"}


def test_what_the_user_keeps_beside_an_export_stays(adapters: tuple[Path, Path], tmp_path: Path) -> None:
    """A copy of a matrix, a figure drawn anew, and folders that are called like stages and are none."""
    comparison = compare(*adapters)
    out = tmp_path / "out"
    export_comparison(comparison, out, ExportPlan(()))
    kept = [out / "matrices/1_q_mine.csv", out / "figure.svg", out / ".phiscope-notes/thesis.txt"]
    kept += [tmp_path / ".phiscope-1-0123abcd/lock/thesis.txt", tmp_path / ".phiscope-1-0123abce/thesis.txt"]
    for path in kept:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("i\\j,1\n1,PhiScope, redrawn by me")
    fewer = dataclasses.replace(comparison, results=comparison.results[:2])
    export_comparison(fewer, out, ExportPlan(()))
    assert all(path.exists() for path in kept)
    assert not (out / "matrices/2_q.csv").exists()
    with pytest.raises(WouldBeLost, match=r"figure.svg, which PhiScope did not write"):
        export_comparison(fewer, out, ExportPlan(("svg",)))


def test_files_that_do_not_tell_of_their_adapters(adapters: tuple[Path, Path], tmp_path: Path) -> None:
    comparison, other = (
        dataclasses.replace(whole, results=whole.results[:1])
        for whole in (compare(*adapters), compare(adapters[0], adapters[0]))
    )
    tables = ExportPlan((), data=("csv",))
    out = tmp_path / "out"
    export_comparison(comparison, out, tables)
    export_comparison(comparison, out, tables)  # the same bytes
    with pytest.raises(WouldBeLost, match=r"findings.csv, which does not say of which adapters it is"):
        export_comparison(other, out, tables)
    drawn = tmp_path / "drawn"
    for kind in ("pdf", "svg"):
        figure = ExportPlan((kind,), data=())
        export_comparison(comparison, drawn, figure)
        export_comparison(comparison, drawn, figure)
        with pytest.raises(WouldBeLost, match=f"figure.{kind}, which does not say of which adapters"):
            export_comparison(other, drawn, figure)
        (drawn / f"figure.{kind}").unlink()


@pytest.mark.parametrize("after", range(1, 8))
def test_a_signal_between_a_move_and_its_note_loses_nothing(
    adapters: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    comparison = compare(*adapters)
    few = dataclasses.replace(comparison, results=comparison.results[:2])
    export_comparison(few, tmp_path, ExportPlan(()))
    before = {name: (tmp_path / name).read_bytes() for name in entries(tmp_path)}
    moves = 0
    replace = Path.replace

    def interrupted(path: Path, place: Path) -> Path:
        nonlocal moves
        moved = replace(path, place)
        moves += place.name != "journal.json"
        if moves == after:
            raise KeyboardInterrupt
        return moved

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        export_comparison(comparison, tmp_path, ExportPlan(()))
    assert {name: (tmp_path / name).read_bytes() for name in entries(tmp_path)} == before


def cancelled() -> Cancellation:
    cancellation = Cancellation()
    assert cancellation.cancel()
    return cancellation


def test_cancelling_is_too_late_once_the_files_are_put_in_place() -> None:
    assert not cancelled().may_publish()
    cancellation = Cancellation()
    assert cancellation.may_publish()
    assert not cancellation.cancel()
    assert not cancellation.is_cancelled()


def test_a_task_that_is_given_up_leaves_nothing(adapters: tuple[Path, Path], tmp_path: Path) -> None:
    """As the window's thread gives it up when it ends."""
    comparison, plan = compare(*adapters), ExportPlan(())
    steps = 0
    for give_up_after in (1, 4, 40):
        task = exporting(comparison, tmp_path / "new" / "folder", plan, "command")
        for _ in range(give_up_after):
            next(task)
            steps += 1
        task.close()
        assert list(tmp_path.iterdir()) == []
    assert steps == 45, "it is done in many slices"


def test_folders_are_made_and_unmade(adapters: tuple[Path, Path], tmp_path: Path) -> None:
    comparison = compare(*adapters)
    with pytest.raises(ExportFailure, match="cancelled; nothing was written"):
        export_comparison(comparison, tmp_path / "a" / "b", ExportPlan(()), cancellation=cancelled())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("after", [1, 5, 30])
def test_cancelling_leaves_what_was_there(adapters: tuple[Path, Path], tmp_path: Path, after: int) -> None:
    comparison, plan = compare(*adapters), ExportPlan(())
    few = dataclasses.replace(comparison, results=comparison.results[:2])
    export_comparison(few, tmp_path, plan)
    before = {name: (tmp_path / name).read_bytes() for name in entries(tmp_path)}
    written, cancellation = list[Path](), Cancellation()

    def wrote(path: Path) -> None:
        written.append(path)
        if len(written) >= after:
            cancellation.cancel()

    with pytest.raises(ExportFailure, match="cancelled; nothing was written"):
        export_comparison(comparison, tmp_path, plan, wrote, cancellation)
    assert {name: (tmp_path / name).read_bytes() for name in entries(tmp_path)} == before


def test_the_files_are_known_before_they_are_written(adapters: tuple[Path, Path], tmp_path: Path) -> None:
    comparison: Comparison = compare(*adapters)
    written: list[Path] = []
    export_comparison(comparison, tmp_path, ExportPlan(("svg",)), written.append)
    names = file_names(comparison.slugs, ExportPlan(("svg",)))
    assert sorted(path.relative_to(tmp_path).as_posix() for path in written) == sorted(names)
