"""How fast a whole model of the paper's size is compared, against what researchers' scripts do and against a floor.

    python tests/benchmarks/paper_size.py [--case gpt3|gpt3-bf16|llama] [--layers N] [--folder DIR] [--quick]

Two adapters are written to files first (`gpt3`: 96 layers × q, v, r = 64, d = 12288, 1.2 GB of A; `llama`: 32
layers × 7 projections, r = 8, d = 4096) and then compared, all in one run on one machine:

    (a) the loop over (i, j) of public scripts: after one SVD of each matrix, a product and a norm for each cell
    (b) numpy.linalg.svd once per matrix, in float64, and cumulative sums
    (c) torch.linalg.svd once per matrix, in float32, and cumulative sums
    (d) the floor: reading the same bytes once from the warm page cache, and three r × r Gram products per module
        at the machine's rate for float64 products, the better one of dgemm and dsyrk

(a) to (c) are measured on a few panels, the rest on the whole model, all in turns, the best of five rounds.
Peak memory is that of fresh processes, above the imported libraries, with a quarter of the layers and with all.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file

from engine.checkpoints.storage_types import StoredArray
from engine.comparison.outcome import Request, SideResult
from engine.comparison.running import outcomes
from engine.matching.pairing import pair_adapters
from engine.side import Side
from engine.sources.opening import open_source

Matrix = npt.NDArray[np.float64]
_ROUNDS = 5
_B_ROWS = 8  # B lies beside A in the files, and is not read for side A


@dataclass(frozen=True)
class Case:
    """What is written: layers × projections of rank r in R^d, in a storage type."""

    layers: int
    projections: tuple[str, ...]
    r: int
    d: int
    dtype: str


CASES = {
    "gpt3": Case(96, ("q", "v"), 64, 12288, "float32"),
    "gpt3-bf16": Case(96, ("q", "v"), 64, 12288, "bfloat16"),
    "llama": Case(32, ("q", "k", "v", "o", "gate", "up", "down"), 8, 4096, "float32"),
}


def main() -> None:
    """Write the adapters, measure, and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--case", choices=list(CASES), default="gpt3")
    parser.add_argument("--layers", type=int, help="fewer layers than the case has")
    parser.add_argument("--folder", type=Path, help="where the adapters are written for a while")
    parser.add_argument("--quick", action="store_true", help="leave out (a) to (c) and the memory")
    parser.add_argument("--peak", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        _print_peak(options.folder, options.layers)
        return
    case = CASES[options.case]
    case = replace(case, layers=options.layers or case.layers)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for seed, name in enumerate(("first", "second")):
            _write(Path(folder) / name, case, seed)
        _measure(case, Path(folder), quick=options.quick)


def _write(folder: Path, case: Case, seed: int) -> None:
    """An adapter of graded spectra that shares its strongest directions with that of another seed."""
    own = np.random.default_rng(seed)
    weights = np.linspace(1.0, 0.2, case.r, dtype=np.float32)[:, None]
    shared = np.random.default_rng(99).standard_normal((max(1, case.r // 8), case.d), dtype=np.float32)
    tensors: dict[str, Any] = {}
    for layer in range(case.layers):
        for projection in case.projections:
            A = own.standard_normal((case.r, case.d), dtype=np.float32) * weights
            A[: len(shared)] += 2.0 * shared
            name = f"base_model.model.model.layers.{layer}.self_attn.{projection}_proj"
            tensors[f"{name}.lora_A.weight"] = A
            tensors[f"{name}.lora_B.weight"] = own.standard_normal((_B_ROWS, case.r), dtype=np.float32)
    write_adapter(folder, tensors, case.r, case.dtype)


def write_adapter(folder: Path, tensors: dict[str, Any], r: int, dtype: str) -> None:
    """Write float32 arrays as a PEFT adapter of rank r, in a storage type."""
    folder.mkdir()
    path = folder / "adapter_model.safetensors"
    if dtype == "bfloat16":
        import torch  # noqa: PLC0415 - its memory would hide that of the comparison
        from safetensors.torch import save_file as save_torch_file  # noqa: PLC0415

        save_torch_file({name: torch.from_numpy(array).to(torch.bfloat16) for name, array in tensors.items()}, path)
    else:
        save_file(tensors, path)
    config = {"peft_type": "LORA", "r": r, "lora_alpha": r, "target_modules": ["q_proj"]}
    (folder / "adapter_config.json").write_text(json.dumps(config))


def _request(folder: Path, layers: int | None = None) -> Request:
    pairing = pair_adapters(open_source(folder / "first"), open_source(folder / "second"))
    pairs = pairing.comparable(Side.A)
    kept = tuple(pair for pair in pairs if layers is None or (pair.path.layer or 0) < layers)
    return Request(1, pairing.matching, kept)


def _measure(case: Case, folder: Path, *, quick: bool) -> None:
    request = _request(folder)
    panels = len(request.pairs)
    stored = _matrices(request, 0)
    X, Y = (matrix.widened() for matrix in stored)
    X_again, Z = X.copy(), np.concatenate((X, Y))
    works: dict[str, Callable[[], object]] = {
        "reading": lambda: _read(request),
        "dgemm": lambda: [X_again @ X.T for _ in range(3 * panels)],  # NumPy would see the symmetry of X Xᵀ
        "dsyrk": lambda: [Z @ Z.T for _ in range(panels)],
        "ours": lambda: _check(request),
    }
    if not quick:
        works |= {
            "(a)": lambda: _loop(X, Y),
            "(b)": lambda: _by_numpy(X, Y),
            "(c)": lambda: _by_torch(X, Y),
        }
    best = in_turns(works)
    operations = 3 * 2 * case.r**2 * case.d * panels
    symmetric = 2 * case.r * (2 * case.r + 1) * case.d * panels
    rate = max(operations / best["dgemm"], symmetric / best["dsyrk"])
    floor = best["reading"] + operations / rate
    each = best["ours"] / panels
    rows = [
        f"{panels} panels, r = {case.r}, d = {case.d}, {case.dtype}",
        f"NumPy {np.__version__}, torch {version('torch')}, {os.cpu_count()} processors",
        f"ours         {best['ours']:8.3f} s   {each * 1000:8.3f} ms a panel   {best['ours'] / floor:.2f} × floor",
        f"floor (d)    {floor:8.3f} s   {floor / panels * 1000:8.3f} ms a panel   {rate / 1e9:.0f} GFLOP/s",
        f"  of it reading {best['reading']:.3f} s",
        f"beyond the floor: {(best['ours'] - floor) / panels * 1000:.3f} ms a panel",
    ]
    for name in ("(a)", "(b)", "(c)"):
        if name in best:
            rows.append(f"{name}            {best[name] * 1000:23.1f} ms a panel   {best[name] / each:6.0f} × ours")
    if not quick:
        quarter, whole = (_peak(folder, layers) for layers in (max(1, case.layers // 4), case.layers))
        rows.append(f"peak memory above the libraries: {whole} MB; with a quarter of the layers {quarter} MB")
    sys.stdout.write("\n".join(rows) + "\n")


def in_turns(works: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """The best time of each, all in turns, so that a slow moment of the machine meets none of them alone."""
    best = dict.fromkeys(works, float("inf"))
    for _ in range(_ROUNDS):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            best[name] = min(best[name], time.perf_counter() - start)
    return best


def _matrices(request: Request, index: int) -> tuple[StoredArray, StoredArray]:
    pair = request.pairs[index]
    one, other = request.matching.sources
    with one.open() as first, other.open() as second:
        A, A_ = first.read(pair.first, B=False).A, second.read(pair.second, B=False).A
    assert A is not None
    assert A_ is not None
    return A, A_


def _check(request: Request) -> None:
    """The whole comparison; a module that failed would spoil the measurement."""
    for outcome in outcomes(request):
        assert isinstance(outcome.on(Side.A), SideResult)


def _read(request: Request) -> None:
    """The bytes that side A needs, once."""
    buffer = bytearray(max(8 * pair.first.rank * pair.first.d_in for pair in request.pairs))
    for place, source in enumerate(request.matching.sources):
        file: Any = source.file
        with file.path.open("rb", buffering=0) as raw:
            for pair in request.pairs:
                start, stop = file.byte_range(pair.modules[place].update.A.tensors[0])
                raw.seek(start)
                raw.readinto(memoryview(buffer)[: stop - start])


def _loop(X: Matrix, Y: Matrix) -> Matrix:
    U = np.linalg.svd(X, full_matrices=False)[2].T
    V = np.linalg.svd(Y, full_matrices=False)[2].T
    phi = np.empty((len(X), len(Y)))
    for i in range(1, len(X) + 1):
        for j in range(1, len(Y) + 1):
            phi[i - 1, j - 1] = np.linalg.norm(U[:, :i].T @ V[:, :j]) ** 2 / min(i, j)
    return phi


def _by_numpy(X: Matrix, Y: Matrix) -> Matrix:
    U = np.linalg.svd(X, full_matrices=False)[2]
    V = np.linalg.svd(Y, full_matrices=False)[2]
    return _cumulated(U @ V.T)


def _by_torch(X: Matrix, Y: Matrix) -> Matrix:
    import torch  # noqa: PLC0415 - as above

    U, V = (torch.linalg.svd(torch.from_numpy(Z).to(torch.float32), full_matrices=False)[2] for Z in (X, Y))
    return _cumulated((U @ V.T).numpy().astype(np.float64))


def _cumulated(overlaps: Matrix) -> Matrix:
    i, j = np.ogrid[1 : overlaps.shape[0] + 1, 1 : overlaps.shape[1] + 1]
    cumulated: Matrix = (overlaps**2).cumsum(axis=0).cumsum(axis=1) / np.minimum(i, j)
    return cumulated


def _peak(folder: Path, layers: int) -> int:
    """MB that a comparison of this many layers takes in a fresh process, above its imports."""
    command = [sys.executable, __file__, "--peak", "--folder", str(folder), "--layers", str(layers)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _print_peak(folder: Path, layers: int) -> None:
    with peak_above_libraries():
        for _ in outcomes(_request(folder, layers)):
            pass


@contextmanager
def peak_above_libraries() -> Iterator[None]:
    """Print the MB that are taken in this context in a fresh process."""
    before = _high_water()
    yield
    sys.stdout.write(f"{(_high_water() - before) // 1024}\n")


def _high_water() -> int:
    """The most memory that this process has held, in KB; getrusage would count that of its parent."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])


if __name__ == "__main__":
    main()
