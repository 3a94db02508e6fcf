"""The licences of everything that a bundle contains: Python's packages, Python itself and the system's libraries."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from importlib.metadata import Distribution, distribution, packages_distributions
from pathlib import Path

_LICENCE = re.compile(r"(licen[cs]e|copying|notice|authors|copyright)", re.IGNORECASE)
Entry = tuple[str, str, str]  # name in the bundle, where it came from, kind


def collect_licences(entries: Iterable[Entry], folder: Path) -> None:
    """Copy the licences of what `entries` came from into `folder`, a folder each, and list them in CONTENTS.txt."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    entries = list(entries)
    lines = [
        f"Python {sys.version.split()[0]}: PSF-2.0",
        "PyInstaller's starter: GPL 2 or later, with an exception that lets programs of any licence be started by it",
    ]
    shutil.copy(Path(sysconfig.get_path("stdlib")) / "LICENSE.txt", folder / "Python.txt")
    for found in sorted(_distributions(entries), key=lambda each: each.name.lower()):
        name = f"{found.name} {found.version}"
        copied = _copy_from(found, folder / name.replace(" ", "-"))
        words = "" if copied else " (its package brings no text; see resources/licences)"
        lines.append(f"{name}: {_licence_of(found)}{words}")
    for package, copyright_file in sorted(_system_packages(entries).items()):
        shutil.copy(copyright_file, folder / f"system-{package}.txt")
        lines.append(f"{package}, a library of the system it was built on: see system-{package}.txt")
    (folder / "CONTENTS.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _distributions(entries: list[Entry]) -> list[Distribution]:
    of_package = {**packages_distributions(), "PySide6": ["PySide6_Essentials"]}
    tops = {re.split(r"[./\\]", name)[0] for name, _, _ in entries}
    names = {name for top in tops for name in of_package.get(top, ()) if name != "phiscope"}
    return [distribution(name) for name in names]


def _copy_from(found: Distribution, folder: Path) -> int:
    """Copy the texts that a package brings; how many there were."""
    texts = [file for file in found.files or () if _LICENCE.search(file.name) or "licenses" in file.parts]
    texts = [file for file in texts if file.suffix not in (".py", ".pyc") and Path(str(file.locate())).is_file()]
    for number, file in enumerate(texts):
        folder.mkdir(exist_ok=True)
        prefix = f"{number}-" if (folder / file.name).exists() else ""
        shutil.copy(str(file.locate()), folder / f"{prefix}{file.name}")
    return len(texts)


def _licence_of(found: Distribution) -> str:
    facts = found.metadata
    expression = str(facts.json.get("license_expression", ""))
    classified = [text.split("::")[-1].strip() for text in facts.get_all("Classifier", []) if "License ::" in text]
    return expression or ", ".join(classified) or "see its folder"


def _system_packages(entries: list[Entry]) -> dict[str, Path]:
    """Debian's packages that libraries were taken from, with their copyright files."""
    ours = (sys.prefix, sys.base_prefix)
    paths = [source for _, source, _ in entries if source and ".so" in source and not source.startswith(ours)]
    if not paths or shutil.which("dpkg-query") is None:
        return {}
    both = {
        path
        for source in paths
        for path in (source, str(Path(source).resolve()), source.replace("/lib/", "/usr/lib/", 1))
    }
    done = subprocess.run(["dpkg-query", "-S", *both], text=True, capture_output=True, check=False)
    packages = {line.partition(":")[0].strip() for line in done.stdout.splitlines()}
    files = {package: Path("/usr/share/doc", package, "copyright") for package in packages}
    return {package: file for package, file in files.items() if file.is_file()}
