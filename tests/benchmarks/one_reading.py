"""How fast all sides of several adapters are compared, against a floor and against the way of other tools.

    python tests/benchmarks/one_reading.py [--case gpt3|llama|llama70|set] [--layers N] [--folder DIR] [--peak]

The adapters are written to files first; their singular values fall as 1/k. `gpt3`: 2 adapters, 96 layers × q, v,
r = 64, d = 12288, float32; `llama`: 2, 32 layers × 7 projections, r = 16, d = 4096 and 11008, bfloat16; `llama70`:
2, 10 layers × 7, r = 256, d = 8192, bfloat16; `set`: 20, 64 modules, r = 16, d = 4096, float32, all 190 pairs.

    all sides    every pair on A, B, ΔW right and ΔW left, opening left out
    A            every pair on A alone
    floor        reading the same bytes once from the warm page cache, and the symmetric product of all the rows of
                 a module in R^d_in, and of all its columns in R^d_out, at the best rate that NumPy reaches here
    peers        per pair: numpy QR of A and of B, SVD of the core, on both sides of ΔW (measured on a few pairs)

All in turns, the best of five rounds. Peak memory is that of a fresh process, above the imported libraries.
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import numpy.typing as npt

from engine.comparison.outcome import Request
from engine.comparison.running import outcomes
from engine.matching.matching import match
from engine.matching.pairing import pairing_of
from engine.side import Side
from engine.sources.opening import open_source
from tests.benchmarks.paper_size import in_turns, peak_above_libraries, write_adapter

Matrix = npt.NDArray[np.float64]
_LLAMA = {
    "q": (4096, 4096), "k": (4096, 4096), "v": (4096, 4096), "o": (4096, 4096),
    "gate": (4096, 11008), "up": (4096, 11008), "down": (11008, 4096),
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """Adapters of so many layers, with (d_in, d_out) by projection, of rank r in a storage type."""

    adapters: int
    layers: int
    projections: Mapping[str, tuple[int, int]]
    r: int
    dtype: str

    @property
    def products(self) -> float:
        """Floating-point operations of the symmetric products."""
        rows = self.adapters * self.r
        return self.layers * sum(rows * (rows + 1) * (d_in + d_out) for d_in, d_out in self.projections.values())


CASES = {
    "gpt3": Case(2, 96, {"q": (12288, 12288), "v": (12288, 12288)}, 64, "float32"),
    "llama": Case(2, 32, _LLAMA, 16, "bfloat16"),
    "llama70": Case(2, 10, dict.fromkeys(_LLAMA, (8192, 8192)), 256, "bfloat16"),
    "set": Case(20, 16, dict.fromkeys("qkvo", (4096, 4096)), 16, "float32"),
}


def main() -> None:
    """Write the adapters, measure, and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--case", choices=list(CASES), default="gpt3")
    parser.add_argument("--layers", type=int, help="other than the case has")
    parser.add_argument("--folder", type=Path, help="where the adapters are written for a while")
    parser.add_argument(
        "--peak", action="store_true", help="measure the memory too, with a quarter of the layers and all"
    )
    parser.add_argument("--in", dest="inside", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    case = CASES[options.case]
    case = replace(case, layers=options.layers or case.layers)
    if options.inside is not None:
        with peak_above_libraries():
            _compare(options.inside, case, tuple(Side), case.layers)
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for seed in range(case.adapters):
            _write(Path(folder) / str(seed), case, seed)
        _measure(Path(folder), case)
        if options.peak:
            for layers in (max(1, case.layers // 4), case.layers):
                command = [sys.executable, __file__, "--case", options.case, "--layers", str(layers), "--in", folder]
                peak = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
                sys.stdout.write(f"peak memory above the libraries with {layers} layers: {peak} MB\n")


def _write(folder: Path, case: Case, seed: int) -> None:
    """An adapter whose factors have singular values 1/k and directions of their own, and a few shared ones."""
    tensors = {}
    rng, shared = np.random.default_rng(seed), np.random.default_rng(99)
    sigma = 1.0 / np.arange(1, case.r + 1)
    turn = np.linalg.qr(rng.standard_normal((case.r, case.r)))[0]
    for layer, (projection, (d_in, d_out)) in itertools.product(range(case.layers), case.projections.items()):
        name = f"base_model.model.model.layers.{layer}.self_attn.{projection}_proj"
        for factor, d in (("A", d_in), ("B", d_out)):
            rows = rng.standard_normal((case.r, d)) / np.sqrt(d)  # nearly orthonormal
            rows[: case.r // 8] += shared.standard_normal((case.r // 8, d)) / np.sqrt(d)
            X = ((turn * sigma) @ rows).astype(np.float32)
            tensors[f"{name}.lora_{factor}.weight"] = X if factor == "A" else np.ascontiguousarray(X.T)
    write_adapter(folder, tensors, case.r, case.dtype)


def _request(folder: Path, case: Case, sides: tuple[Side, ...], layers: int) -> Request:
    matching = match([open_source(folder / str(seed)) for seed in range(case.adapters)])
    pairs = [pairing_of(matching, i, j).pairs for i, j in itertools.combinations(range(case.adapters), 2)]
    kept = tuple(pair for pair in itertools.chain.from_iterable(pairs) if (pair.path.layer or 0) < layers)
    return Request(1, matching, kept, sides)


def _compare(folder: Path, case: Case, sides: tuple[Side, ...], layers: int) -> int:
    return _run(_request(folder, case, sides, layers))


def _run(request: Request) -> int:
    """The whole comparison; a pair that failed would spoil the measurement."""
    number = 0
    for outcome in outcomes(request):
        assert not outcome.failures
        assert set(outcome.facts.overlaps) == set(request.sides)
        number += 1
    return number


def _measure(folder: Path, case: Case) -> None:
    everything = _request(folder, case, tuple(Side), case.layers)
    on_A = _request(folder, case, (Side.A,), case.layers)
    modules = case.layers * len(case.projections)
    rows = case.adapters * case.r
    blocks = [
        np.random.default_rng(k).standard_normal((rows, min(d, (1 << 21) // rows)))
        for k, d in enumerate((4096, 8192))
    ]
    repeats = max(1, int(2e9 / sum(block.shape[1] * rows * (rows + 1) for block in blocks)))
    works: dict[str, Callable[[], object]] = {
        "reading": lambda: _read(everything, ("A", "B")),
        "reading A": lambda: _read(everything, ("A",)),
        "dsyrk": lambda: [block @ block.T for _ in range(repeats) for block in blocks],
        "all sides": lambda: _run(everything),
        "A": lambda: _run(on_A),
        "peers": lambda: _by_qr(everything),
    }
    best = in_turns(works)
    rate = repeats * sum(block.shape[1] * rows * (rows + 1) for block in blocks) / best["dsyrk"]
    of_A = sum(d_in for d_in, _ in case.projections.values()) / sum(map(sum, case.projections.values()))
    floors = {
        "all sides": best["reading"] + case.products / rate,
        "A": best["reading A"] + of_A * case.products / rate,
    }
    lines = [f"{case.adapters} adapters, {modules} modules, r = {case.r}, {case.dtype}; {os.cpu_count()} processors"]
    for name, floor in floors.items():
        lines.append(
            f"{name:10} {best[name]:7.3f} s   floor {floor:7.3f} s   {best[name] / floor:5.2f} ×   "
            f"{(best[name] - floor) / modules * 1000:6.3f} ms a module beyond it"
        )
    lines.append(f"  reading {best['reading']:.3f} s, of A {best['reading A']:.3f} s; {rate / 1e9:.0f} GFLOP/s")
    per_pair = best["all sides"] / len(everything.pairs)
    lines.append(f"peers      {best['peers'] * 1000:7.1f} ms a pair   {best['peers'] / per_pair:7.0f} × ours")
    sys.stdout.write("\n".join(lines) + "\n")


def _tensors(request: Request, factors: tuple[str, ...]) -> Iterator[tuple[Any, str]]:
    """File and name of every factor, each once."""
    for source in request.matching.sources:
        for module in source.modules:
            for factor in factors:
                matrix = getattr(module.update, factor)
                yield source.file, matrix.tensors[0]


def _read(request: Request, factors: tuple[str, ...]) -> None:
    """The bytes of the factors, once."""
    buffer = bytearray(1 << 25)
    for file, tensors in itertools.groupby(_tensors(request, factors), lambda each: each[0]):
        with file.path.open("rb", buffering=0) as raw:
            for _, name in tensors:
                start, stop = file.byte_range(name)
                raw.seek(start)
                raw.readinto(memoryview(buffer)[: stop - start])


def _by_qr(request: Request) -> Matrix:
    """One pair on both sides of ΔW, as scripts do it; reading left out."""
    pair = request.pairs[0]
    found = []
    for place, module in zip(pair.places, pair.modules, strict=True):
        with request.matching.sources[place].open() as reader:
            read = reader.read(module)
        assert read.A is not None
        assert read.B is not None
        Q_A, R_A = np.linalg.qr(read.A.widened().T)
        Q_B, R_B = np.linalg.qr(read.B.widened())
        U, _, Vt = np.linalg.svd(R_B @ R_A.T)
        found.append((Q_A @ Vt.T, Q_B @ U))
    (right, left), (right_, left_) = found
    i, j = np.ogrid[1 : pair.shape[0] + 1, 1 : pair.shape[1] + 1]
    overlaps = np.stack([right.T @ right_, left.T @ left_])
    phi: Matrix = (overlaps**2).cumsum(axis=1).cumsum(axis=2) / np.minimum(i, j)
    return phi


if __name__ == "__main__":
    main()
