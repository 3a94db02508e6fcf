"""How long the window's event loop is ever held up while 192 modules are computed, and how fast a run ends.

    python tests/benchmarks/responsiveness.py [--layers 96] [--dimension 768]

A timer of 1 ms measures the gaps between its own ticks. The first gap, in which pyqtgraph is loaded and the figure
built for the first time, is told apart from those while computing.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from PySide6.QtCore import QTimer

from gui.app import make_application
from gui.window.main_window import MainWindow
from tests.adapters import llama_modules, write_peft_adapter


def main() -> None:
    """Run the comparison once in a window and print the largest gaps."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--layers", type=int, default=96)
    parser.add_argument("--dimension", type=int, default=768)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        names = llama_modules(options.layers)
        d = options.dimension
        paths = [
            write_peft_adapter(Path(folder) / str(seed), names, 64, seed=seed, d_in=d, d_out=d) for seed in (0, 1)
        ]
        _measure(paths)


def _measure(paths: list[Path]) -> None:
    app = make_application()
    window = MainWindow()
    gaps: list[tuple[float, float, str]] = []
    last = time.perf_counter()
    start = last

    def tick() -> None:
        nonlocal last
        now = time.perf_counter()
        progress = window.session.tasks.progress
        gaps.append((now - last, now - start, f"{progress.done} of {progress.total}"))
        last = now

    timer = QTimer()
    timer.setInterval(1)
    timer.timeout.connect(tick)

    def on_progress(progress: object) -> None:
        reached = window.session.tasks.progress
        if reached.total and reached.done == reached.total:
            QTimer.singleShot(200, app.quit)

    window.session.tasks.progress_changed.connect(on_progress)
    window.load_figure()  # pyqtgraph is loaded before the clock starts

    def begin() -> None:
        timer.start()
        window.session.places.open_paths(paths)

    window.first_painted.connect(begin)
    window.show()
    app.exec()
    window.close()
    largest = sorted(gaps[1:], reverse=True)[:6]
    sys.stdout.write(f"{len(gaps)} ticks in {gaps[-1][1]:.2f} s; the largest gaps:\n")
    for gap, at, done in largest:
        sys.stdout.write(f"  {gap * 1000:6.1f} ms at {at:5.2f} s ({done} modules)\n")


if __name__ == "__main__":
    main()
