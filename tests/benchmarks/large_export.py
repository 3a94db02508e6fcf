"""How long a large export takes to write, and how much memory: the shape of LLaMA-70B's modules at r = 256.

    python tests/benchmarks/large_export.py [--layers 80] [--rank 256] [--width 1024] [--side A] [--folder DIR]
                                            [--program main.py …]

Two adapters in bfloat16 are written first, 7 modules a layer; `--width` is the model's width, 8192 in LLaMA-70B
itself: it decides how long the comparison takes, and nothing of what is written. Each program (this checkout's, or
those of others to hold against it) then exports them in processes of their own: once everything, once nothing, which
is what the comparison alone takes. The difference is called writing. Peak memory is that above a process that has
imported the libraries and done nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# Output and input dimensions in widths: 8192, 1024 and 28672 of LLaMA-70B.
_SHAPES = {
    "self_attn.q_proj": (8, 8), "self_attn.k_proj": (1, 8), "self_attn.v_proj": (1, 8), "self_attn.o_proj": (8, 8),
    "mlp.gate_proj": (28, 8), "mlp.up_proj": (28, 8), "mlp.down_proj": (8, 28),
}  # fmt: skip
_LIBRARIES = "import numpy, orjson, safetensors, matplotlib.figure, matplotlib.backends.backend_agg, scipy, cmap"


def main() -> None:
    """Write the adapters, export them, and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--layers", type=int, default=80)
    parser.add_argument("--rank", type=int, default=256)
    parser.add_argument("--width", type=int, default=1024)
    parser.add_argument("--side", default="A")
    parser.add_argument("--same", action="store_true", help="compare one adapter with itself")
    parser.add_argument("--folder", type=Path, help="where everything is written for a while")
    parser.add_argument("--program", type=Path, nargs="*", default=[ROOT / "main.py"])
    parser.add_argument("--write", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write:  # in a process of its own: what is measured would count this one's memory as its own
        for seed, name in enumerate(("first", "second")):
            _write(options.folder / name, options.layers, options.rank, options.width, seed)
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as place:
        folder = Path(place)
        shape = [f"--{name}={getattr(options, name)}" for name in ("layers", "rank", "width")]
        _run([__file__, "--write", "--folder", place, *shape])
        idle = _run(["-c", _LIBRARIES])[1]
        for program in options.program:
            command = [str(program), "export", str(folder / "first"), str(folder / "second"), "--side", options.side]
            if options.same:
                command[3] = command[2]
            _measure(command, folder / "out", idle)


def _measure(command: list[str], out: Path, idle: int) -> None:
    nothing, _ = _run([*command, "--out", str(out), "--data", "none", "--figure", "none"])
    shutil.rmtree(out, ignore_errors=True)
    seconds, peak = _run([*command, "--out", str(out)])
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    sys.stdout.write(
        f"{command[0]}, side {command[5]}: {seconds:.1f} s, of it writing {seconds - nothing:.1f} s for "
        f"{size / 1e9:.2f} GB; peak {(peak - idle) / 1000:.0f} MB above the libraries' {idle / 1000:.0f} MB\n"
    )
    sys.stdout.flush()
    shutil.rmtree(out)


def _run(arguments: list[str]) -> tuple[float, int]:
    """Seconds and the most memory (kB) of a process of this interpreter."""
    start = time.perf_counter()
    process = os.posix_spawn(sys.executable, [sys.executable, *arguments], os.environ)
    _, status, usage = os.wait4(process, 0)
    if status:
        raise SystemExit(f"{' '.join(arguments)} ended with {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - start, usage.ru_maxrss


def _write(folder: Path, layers: int, rank: int, width: int, seed: int) -> None:
    import torch  # noqa: PLC0415 - in the process that measures, not in those measured
    from safetensors.torch import save_file  # noqa: PLC0415

    torch.manual_seed(seed)
    tensors: dict[str, Any] = {}
    weights = torch.linspace(1.0, 0.2, rank)
    for layer in range(layers):
        for module, (rows, columns) in _SHAPES.items():
            name = f"base_model.model.model.layers.{layer}.{module}"
            A = torch.randn(rank, columns * width // 8) * weights[:, None]
            tensors[f"{name}.lora_A.weight"] = A.to(torch.bfloat16)
            tensors[f"{name}.lora_B.weight"] = torch.randn(rows * width // 8, rank).to(torch.bfloat16)
    folder.mkdir()
    save_file(tensors, folder / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "r": rank, "lora_alpha": rank, "target_modules": ["q_proj"]}
    (folder / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")


if __name__ == "__main__":
    main()
