"""Where files are: no path leaves in an export, a copied command finds them, strange names harm nobody."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from engine.commands.program import program
from engine.commands.recipe import command_line, runnable_command
from engine.comparison.cautions import base_model_name
from engine.document.export_plan import ExportPlan, folder_name
from engine.document.former_export import former_export
from engine.sources.opening import open_source
from tests.adapters import llama_modules, write_peft_adapter
from tests.conftest import REPOSITORY
from tests.engine.document.test_export import compare
from tests.engine.document.test_safe_writing import entries
from tests.exporting import export_comparison

posix = pytest.mark.skipif(sys.platform == "win32", reason="names and shells of POSIX")
MODULES = llama_modules(2)


def run(*arguments: str | bytes | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, str(REPOSITORY / "main.py"), *arguments]
    return subprocess.run(
        command, cwd=cwd, env=os.environ | {"PYTHONIOENCODING": "utf-8"} | environment, capture_output=True,
        timeout=120, check=False,
    )  # fmt: skip


def assert_refused(answer: subprocess.CompletedProcess[bytes], *words: str) -> None:
    said = answer.stderr.decode("utf-8")
    assert (answer.returncode, answer.stdout) == (1, b""), said
    assert len(said.splitlines()) == 1, said
    assert "Errno" not in said
    for word in words:
        assert word in said


def unfolded(path: Path) -> bytes:
    """A file's bytes, with those that are compressed in it."""
    content = path.read_bytes()
    if path.suffix == ".npz":
        with zipfile.ZipFile(path) as archive:
            return b"".join(archive.read(name).replace(b"\0", b"") for name in archive.namelist())
    if path.suffix == ".pdf":
        for stream in re.findall(rb"stream\r?\n(.*?)endstream", content, re.DOTALL):
            try:
                content += zlib.decompressobj().decompress(stream)
            except zlib.error:
                continue  # a font
        return content.replace(b"\0", b"")
    return content


BASES = [
    "/home/adalovelace/models/llama-7b",
    "C:\\Users\\adalovelace\\models\\mistral",
    "~/adalovelace/qwen",
    "/home/adalovelace/.cache/huggingface/hub/models--google--gemma/snapshots/0a1b2c",
    "./adalovelace/phi",
    "\\\\server\\adalovelace\\falcon",
]


@pytest.mark.parametrize("bases", list(zip(BASES[::2], BASES[1::2], strict=True)))
@pytest.mark.parametrize("from_inside", [True, False])
def test_no_path_is_in_any_file(tmp_path: Path, bases: tuple[str, str], from_inside: bool) -> None:
    place = tmp_path / "adalovelace" / "doublyblind"
    adapters = [
        write_peft_adapter(place / name, MODULES, 3, seed=seed, config={"base_model_name_or_path": base})
        for seed, (name, base) in enumerate(zip(("one", "two"), bases, strict=True))
    ]
    answer = run(
        "export", *adapters, "--out", tmp_path / "out", "--figure", "png,pdf,svg",
        cwd=place if from_inside else REPOSITORY,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert b"different base models" in answer.stderr
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert len(files) == 11
    for path in files:
        content = unfolded(path)
        for secret in (str(tmp_path), "adalovelace", "doublyblind", *bases):
            assert secret.encode() not in content, (path.name, secret)
            assert json.dumps(secret)[1:-1].encode() not in content, (path.name, secret)


def test_names_of_base_models_stay_readable() -> None:
    names = ["llama-7b", "mistral", "qwen", "google/gemma", "phi", "falcon"]
    assert [base_model_name(base) for base in BASES] == names
    assert [base_model_name(name) for name in ("meta-llama/Llama-2-7b", "gpt2", "")] == [
        "meta-llama/Llama-2-7b", "gpt2", "",
    ]  # fmt: skip


def test_the_command_in_files_leads_through_no_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    adapters = [write_peft_adapter(tmp_path / "runs" / name, MODULES, 3, seed=k) for k, name in enumerate("ab")]
    comparison = compare(adapters[0], adapters[1])
    (tmp_path / "plots").mkdir()
    for folder, first in ((tmp_path, "runs/a"), (tmp_path / "plots", "../runs/a"), (Path("/"), "a")):
        monkeypatch.chdir(folder)
        shown = command_line(comparison, ExportPlan()).split()
        assert shown[:4] == ["python", "main.py", "export", first]


# --- the copied command ---


@posix
@pytest.mark.parametrize("name", ["plain", "a space", "it's", 'a "b"', "$HOME `x` \\", "é φ", "-dash", "a\nb", "*"])
def test_a_copied_command_runs_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    home, elsewhere = tmp_path / name, tmp_path / "elsewhere"
    elsewhere.mkdir()
    adapters = [write_peft_adapter(home / which, MODULES, 3, seed=k) for k, which in enumerate(("one", "two"))]
    monkeypatch.chdir(home)
    comparison = compare(Path("one"), Path("two"))
    plan = ExportPlan((), data=("csv", "json"))
    command = runnable_command(comparison, plan, Path("out"))
    assert "\n" not in command
    pasted = subprocess.run(
        ["bash", "-c", command], cwd=elsewhere, capture_output=True, text=True, timeout=120, check=False
    )
    assert pasted.returncode == 0, pasted.stderr
    assert list(elsewhere.iterdir()) == []
    export_comparison(compare(adapters[0], adapters[1]), tmp_path / "expected", plan)
    assert entries(home / "out") == entries(tmp_path / "expected")
    assert (home / "out" / "phi.csv").read_bytes() == (tmp_path / "expected" / "phi.csv").read_bytes()


@posix
def test_the_program_is_the_one_that_was_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert program() == [sys.executable, str(REPOSITORY / "main.py")]
    command = tmp_path / "bin" / "phiscope"
    command.parent.mkdir()
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(command.with_name("phiscope-window"))])
    assert program() == [str(command)], "a shell would not find it"
    monkeypatch.setenv("PATH", str(command.parent), prepend=os.pathsep)
    assert program() == ["phiscope"]
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert program() == [sys.executable]


# --- strange names ---


@posix
def test_a_terminal_is_told_nothing_by_names(tmp_path: Path) -> None:
    evil = "a\x1b]0;owned\x07\x9b2J\nphiscope: forged\u202e"
    adapters = [
        write_peft_adapter(
            tmp_path / f"{evil}{seed}", [*MODULES, f"model.x\x1b[31m{seed}"], 3, seed=seed, zero_B=True
        )
        for seed in (0, 1)
    ]
    commands: tuple[list[str | Path], ...] = (
        ["export", *adapters, "--out", tmp_path / evil],
        ["inspect", adapters[0]],
        ["inspect", adapters[0], "--json"],
        ["inspect", tmp_path / f"{evil}none"],
        ["export", *adapters, "--out", tmp_path / f"{evil}2", "--json"],
    )
    for arguments in commands:
        answer = run(*arguments, cwd=tmp_path)
        said = (answer.stdout + answer.stderr).decode("utf-8")
        assert said
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", said), said
        assert not any(line.startswith("phiscope: forged") for line in said.splitlines())
        if "--json" in arguments:
            json.loads(answer.stdout)
    assert (tmp_path / evil / "comparison.json").is_file()


@posix
@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has no such names")
def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    base = os.fsencode(tmp_path)
    adapters = [write_peft_adapter(tmp_path / str(seed), MODULES, 3, seed=seed) for seed in (0, 1)]
    named = [os.path.join(base, b"caf\xe9-%d" % seed) for seed in (0, 1)]  # noqa: PTH118 - bytes
    for adapter, name in zip(adapters, named, strict=True):
        os.rename(adapter, name)  # noqa: PTH104 - bytes
    out = os.path.join(base, b"out\xff")  # noqa: PTH118 - bytes
    answer = run("export", *named, "--out", out, "--figure", "png,pdf,svg", "--json", cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    folder = Path(os.fsdecode(out))
    assert entries(folder) >= {"comparison.json", "phi.csv", "figure.png", "figure.pdf", "figure.svg", "phi.npz"}
    facts = json.loads((folder / "comparison.json").read_bytes().decode("utf-8"))
    assert facts["first"]["name"] == "caf\ufffd-0"
    assert json.loads(answer.stdout) == facts
    with np.load(folder / "phi.npz") as archive:
        assert json.loads(str(archive["meta_json"])) == facts
    again = run("export", *named, "--out", out, "--figure", "png", cwd=tmp_path)
    assert again.returncode == 0, "the same pair"
    inspected = run("inspect", named[0], cwd=tmp_path)
    assert inspected.returncode == 0
    inspected.stdout.decode("utf-8")
    first, second = (open_source(Path(os.fsdecode(name))) for name in named)
    assert folder_name(first, second) == "caf-0-caf-1"


# --- what is refused, and what is said ---


def test_another_pairs_export_is_not_written_over(tmp_path: Path) -> None:
    adapters = [write_peft_adapter(tmp_path / name, MODULES, 3, seed=k) for k, name in enumerate("abc")]
    a, b, c = adapters
    assert run("export", a, b, "--out", "out", cwd=tmp_path).returncode == 0
    before = {name: (tmp_path / "out" / name).read_bytes() for name in entries(tmp_path / "out")}
    for pair in ((a, c), (b, a)):
        refused = run("export", *pair, "--out", "out", cwd=tmp_path)
        assert_refused(refused, "out: The folder holds an export of other adapters, a and b", "--out", "--force")
    assert {name: (tmp_path / "out" / name).read_bytes() for name in entries(tmp_path / "out")} == before
    assert run("export", a, b, "--out", "out", "--side", "B", cwd=tmp_path).returncode == 0
    forced = run("export", a, c, "--out", "out", "--force", "--figure", "none", "--layers", "1", cwd=tmp_path)
    assert forced.returncode == 0
    assert entries(tmp_path / "out") == {
        "comparison.json", "phi.csv", "phi.npz", "findings.csv", "matrices/1_q.csv", "matrices/1_v.csv",
    }  # fmt: skip
    shutil.rmtree(b)
    write_peft_adapter(b, MODULES, 3, seed=77)
    assert run("export", a, b, "--out", "again", cwd=tmp_path).returncode == 0
    shutil.rmtree(b)
    write_peft_adapter(b, MODULES, 3, seed=78)
    assert_refused(run("export", a, b, "--out", "again", cwd=tmp_path), "an export of other adapters, a and b")
    for name in ("comparison.json", "figure.png", "phi.npz"):
        former = former_export(tmp_path / "again")
        assert former.facts is not None
        (tmp_path / "again" / name).unlink()
    assert former_export(tmp_path / "again").facts is None


def test_files_of_somebody_else_are_not_written_over(tmp_path: Path) -> None:
    adapters = [write_peft_adapter(tmp_path / name, MODULES, 3, seed=k) for k, name in enumerate("ab")]
    (tmp_path / "out").mkdir()
    for name in ("figure.png", "phi.csv", "comparison.json"):
        (tmp_path / "out" / name).write_text("mine")
        assert_refused(run("export", *adapters, "--out", "out", cwd=tmp_path), name, "did not write", "--force")
        assert (tmp_path / "out" / name).read_text() == "mine"
        (tmp_path / "out" / name).unlink()
    (tmp_path / "out" / "phi.npz").mkdir()
    assert_refused(run("export", *adapters, "--out", "out", cwd=tmp_path), "phi.npz")
    assert entries(tmp_path / "out") == set()


def test_an_export_given_as_an_adapter_says_how_to_see_it_again(tmp_path: Path) -> None:
    adapters = [write_peft_adapter(tmp_path / name, MODULES, 3, seed=k) for k, name in enumerate("ab")]
    run("export", *adapters, "--out", "out", cwd=tmp_path)
    json_file = tmp_path / "out" / "comparison.json"
    for given, opened in (
        (json_file, json_file), (tmp_path / "out" / "figure.png", tmp_path / "out" / "figure.png"),
        (tmp_path / "out", json_file), (tmp_path / "out" / "phi.npz", json_file),
    ):  # fmt: skip
        words = ("export of a comparison, not an adapter", f"{REPOSITORY / 'main.py'} {opened}")
        assert_refused(run("inspect", given, cwd=tmp_path), *words)
        assert_refused(run("export", adapters[0], given, "--out", "no", cwd=tmp_path), *words)
    assert not (tmp_path / "no").exists()


def test_an_empty_name_is_a_wrong_argument(tmp_path: Path) -> None:
    for arguments in (["export", "a", "b", "--out", ""], ["export", "a", "", "--out", "x"], ["inspect", " "]):
        answer = run(*arguments, cwd=tmp_path)
        assert answer.returncode == 2
        assert b"empty" in answer.stderr
    assert list(tmp_path.iterdir()) == []


@posix
def test_matplotlib_says_nothing_of_its_folders(tmp_path: Path) -> None:
    adapters = [write_peft_adapter(tmp_path / name, MODULES, 3, seed=k) for k, name in enumerate("ab")]
    (tmp_path / "file").write_text("")
    answer = run("export", *adapters, "--out", "out", cwd=tmp_path, MPLCONFIGDIR=str(tmp_path / "file" / "x"))
    assert answer.returncode == 0
    assert b"atplotlib" not in answer.stderr
    assert b"MPLCONFIGDIR" not in answer.stderr


@pytest.mark.parametrize("place", ["file/out", "file", "x" * 300])
def test_a_folder_that_cannot_be_is_one_sentence(tmp_path: Path, place: str) -> None:
    adapters = [write_peft_adapter(tmp_path / name, MODULES, 3, seed=k) for k, name in enumerate("ab")]
    (tmp_path / "file").write_text("here already")
    assert_refused(run("export", *adapters, "--out", place, cwd=tmp_path), place)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "file"]


def test_much_is_said_before(tmp_path: Path) -> None:
    adapters = [
        write_peft_adapter(tmp_path / name, llama_modules(1, ("q",)), 1100, seed=k, d_in=1200)
        for k, name in enumerate("ab")
    ]
    answer = run("export", *adapters, "--out", "out", "--figure", "none", cwd=tmp_path)
    size = sum(path.stat().st_size for path in (tmp_path / "out").rglob("*") if path.is_file())
    said = re.search(rb"about (\d+) MB will be written into out", answer.stderr)
    assert said
    assert int(said[1]) == pytest.approx(size / 1e6, rel=0.05)
    assert b"about" not in run(
        "export", *adapters, "--out", "out", "--figure", "none", "--data", "npz", cwd=tmp_path
    ).stderr  # fmt: skip
