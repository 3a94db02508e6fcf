"""Start the program on a large pair, close its window during the run, and see that the process ends cleanly.

    python tests/benchmarks/close_during_run.py [--times 50]

Needs Xvfb, openbox and xdotool.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.adapters import llama_modules, write_peft_adapter
from tests.end_to_end.desktop import desktop


def main() -> None:
    """Print how often it ended cleanly, and how long the slowest close took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=50)
    times = parser.parse_args().times
    clean, slowest = 0, 0.0
    with tempfile.TemporaryDirectory() as folder, desktop(Path(folder)) as screen:
        paths = [
            write_peft_adapter(Path(folder) / f"seed{seed}", llama_modules(96), 64, seed=seed, d_in=2048, d_out=8)
            for seed in (0, 1)
        ]
        for count in range(times):
            program = screen.start(*paths)
            screen.window("seed0 and seed1")
            time.sleep(0.03 * (count % 20))
            start = time.monotonic()
            screen.xdotool("key", "ctrl+q")
            status = program.wait(timeout=20)
            slowest = max(slowest, time.monotonic() - start)
            _, errors = program.communicate()
            clean += status == 0 and errors == ""
            if errors:
                sys.stdout.write(errors)
    sys.stdout.write(f"{clean} of {times} ended cleanly; the slowest close took {slowest:.2f} s\n")


if __name__ == "__main__":
    main()
