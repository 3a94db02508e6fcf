"""What the hand feels with 192 modules loaded: milliseconds from a gesture until its paint is finished.

    python tests/benchmarks/hand.py              # on a real display (Xvfb with a window manager), then offscreen
    python tests/benchmarks/hand.py --here       # on the display of this environment
    python tests/benchmarks/hand.py --swaps 200  # and how much memory 200 swaps of the adapters leave behind

Every line gives the median and the longest of its repetitions. Repainting is part of each.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QMouseEvent
from PySide6.QtWidgets import QApplication, QPushButton, QScrollArea, QWidget

from engine.figures.colour_maps import COLOUR_MAPS, RangeMode
from engine.measures.view import View
from engine.side import Side
from gui.app import make_application
from gui.style.theme import choose_theme
from gui.window.main_window import MainWindow
from tests.adapters import llama_modules, write_peft_adapter

_QUIET = 0.02  # seconds without a paint after which a gesture's painting is over
_PATIENCE = 2.0
_WARM_UP = 10  # swaps before memory is looked at
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 0


class Painted(QObject):
    """Counts the paints of a window and of everything in it."""

    def __init__(self, app: QApplication) -> None:
        super().__init__()
        self.count = 0
        self._app = app
        app.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            self.count += 1
        return False

    def milliseconds(self, act: Callable[[], object]) -> float:
        """From the start of `act` until the last paint that it brings about is finished."""
        self.settle()
        start = end = time.perf_counter()
        before = self.count
        act()
        while time.perf_counter() - max(start, end) < _QUIET or (
            end == start and time.perf_counter() - start < _PATIENCE
        ):
            self._app.processEvents()
            if self.count != before:
                before, end = self.count, time.perf_counter()
        return (end - start) * 1000

    def held_up_milliseconds(self, act: Callable[[], object]) -> float:
        """The longest time that `act` with its paint, or anything it starts for later, holds up the window."""
        self.settle()
        start = time.perf_counter()
        act()
        self._app.processEvents()  # the paint that it asks for at once belongs to it
        longest = time.perf_counter() - start
        seen, until = self.count, time.perf_counter() + 2 * _QUIET
        while time.perf_counter() < until:
            start = time.perf_counter()
            self._app.processEvents()
            longest = max(longest, time.perf_counter() - start)
            if self.count != seen:
                seen, until = self.count, time.perf_counter() + 2 * _QUIET
        return longest * 1000

    def settle(self) -> None:
        """Let everything be painted that waits for it."""
        until, seen = time.perf_counter() + 2 * _QUIET, self.count
        while time.perf_counter() < until:
            self._app.processEvents()
            if self.count != seen:
                until, seen = time.perf_counter() + 2 * _QUIET, self.count


def main() -> None:
    """Run on both platforms, or on the one that is there."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--here", action="store_true")
    parser.add_argument("--layers", type=int, default=96)
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--many", type=int, default=143, help="layers of the atlas of 7 projections; 0: left out")
    parser.add_argument("--swaps", type=int, default=0)
    options = parser.parse_args()
    if not options.here:
        _on_both_platforms(sys.argv[1:])
        return
    app = make_application()
    choose_theme(app, "light")
    _say(f"--- {app.platformName()}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        measure(app, _pair(folder / "two", options.layers, ("q", "v"), 64, options.dimension), options.swaps)
        if options.many:
            seven = ("q", "k", "v", "o", "gate", "up", "down")
            measure_atlas(app, _pair(folder / "seven", options.many, seven, 8, 64))


def _on_both_platforms(arguments: Sequence[str]) -> None:
    from tests.end_to_end.desktop import desktop  # noqa: PLC0415 - it makes Qt offscreen where it is imported

    again = [sys.executable, __file__, "--here", *arguments]
    with tempfile.TemporaryDirectory() as folder, desktop(Path(folder), "1920x1080x24") as screen:
        subprocess.run(again, env=screen.environment, check=True)
    subprocess.run(again, env={**os.environ, "QT_QPA_PLATFORM": "offscreen"}, check=True)


def _pair(folder: Path, layers: int, projections: Sequence[str], rank: int, d: int) -> list[Path]:
    names = llama_modules(layers, projections)
    return [write_peft_adapter(folder / str(seed), names, rank, seed=seed, d_in=d, d_out=d) for seed in (0, 1)]


def _open(app: QApplication, paths: Sequence[Path]) -> MainWindow:
    window = MainWindow()
    window.resize(1600, 950)
    window.show()
    window.load_figure()
    window.session.places.open_paths(paths)
    _wait(app, window)
    until = time.monotonic() + 1.5  # for what a window does once a comparison is there: cautions, panels in reserve
    while time.monotonic() < until:
        app.processEvents()
    return window


def _wait(app: QApplication, window: MainWindow) -> None:
    """Until everything is compared."""
    session = window.session
    until = time.monotonic() + 300
    while time.monotonic() < until:
        app.processEvents()
        progress = session.tasks.progress
        if session.pairing is not None and progress.total and progress.done == progress.total:
            return
        time.sleep(0.001)
    raise TimeoutError("the comparison does not end")


# --- the grid ---


def measure(app: QApplication, paths: Sequence[Path], swaps: int) -> None:
    """Print what changing, hovering and resizing take, and what swapping leaves behind."""
    painted, window = Painted(app), _open(app, paths)
    pairs = window.session.comparable
    everything = [pair.slug for pair in pairs]
    for wanted in (8, 32, len(pairs)):
        step = max(1, len(pairs) // wanted)
        chosen, others = everything[::step][:wanted], everything[1::step][:4]

        def show(chosen: list[str] = chosen) -> None:
            window.session.select(chosen)

        _report(f"selection of {wanted} panels", (_after(window, others, painted, show) for _ in range(9)))
    _measure_scale(window, painted)
    sides = iter((*Side, *Side, Side.A))
    next(sides)
    change = window.session.store.change
    _report(f"side, {len(pairs)} panels", (painted.milliseconds(lambda: change(side=next(sides))) for _ in range(8)))
    for wanted in (8, len(pairs)):
        window.session.select(everything[:: len(pairs) // wanted])
        _measure_hover(window, painted, f"hover among {wanted} panels")
    window.toggle_inspector()
    _measure_hover(window, painted, "the same, inspector shown")
    window.toggle_inspector()
    for wanted in (8, len(pairs)):
        window.session.select(everything[:: len(pairs) // wanted])
        _measure_resize(window, painted, f"resize step, {wanted} panels")
        _say(f"{_blank_frames(app, window):8d}  blank frames while resizing with {wanted} panels")
    _measure_atlas(window, painted, f"{len(pairs)} modules")
    if swaps:
        window.show_page(0)
        _measure_swaps(app, window, swaps)
    window.close()


def _after(window: MainWindow, others: list[str], painted: Painted, show: Callable[[], None]) -> float:
    window.session.select(others)
    return painted.milliseconds(show)


def _measure_scale(window: MainWindow, painted: Painted) -> None:
    scale = window.pane.scale
    shown = len(window.figure.panels)
    tops = iter(np.linspace(0.3, 0.9, 15))
    _report(
        f"colour range, {shown} panels",
        (painted.milliseconds(lambda: scale.set_typed(0.0, float(next(tops)))) for _ in range(15)),
    )
    names = iter(COLOUR_MAPS[1:] + COLOUR_MAPS[:1])
    _report(
        f"colour map, {shown} panels",
        (painted.milliseconds(lambda: scale.set_map(next(names))) for _ in COLOUR_MAPS),
    )
    views = iter((View.ABOVE_CHANCE, View.Z, View.PHI))
    _report(f"view, {shown} panels", (painted.milliseconds(lambda: scale.set_view(next(views))) for _ in View))
    scale.set_mode(RangeMode.AUTOMATIC)


def _measure_hover(window: MainWindow, painted: Painted, name: str) -> None:
    figure, viewport = window.figure, window.figure.viewport()
    seen = figure.visibleRegion().boundingRect()
    panels = [panel for panel in figure.panels if seen.contains(panel.area.toAlignedRect())]

    def moves() -> Iterator[float]:
        for number in range(40):
            area = panels[number * 7 % len(panels)].area
            part = (number * 13 % 64 + 0.5) / 64
            point = QPoint(int(area.left() + part * area.width()), int(area.top() + (1 - part) * area.height()))
            yield painted.held_up_milliseconds(lambda at=point: _move(viewport, at))  # type: ignore[misc]

    _report(name, moves())


def _move(target: QWidget, at: QPoint) -> None:
    none = Qt.MouseButton.NoButton
    place = QPointF(at)
    event = QMouseEvent(
        QEvent.Type.MouseMove, place, QPointF(target.mapToGlobal(at)), none, none, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(target, event)


def _measure_resize(window: MainWindow, painted: Painted, name: str) -> None:
    sizes = [(1600 - 23 * step, 950 - 11 * step) for step in range(1, 12)]
    _report(name, (painted.milliseconds(lambda to=size: window.resize(*to)) for size in sizes))  # type: ignore[misc]
    window.resize(1600, 950)
    painted.settle()


def _blank_frames(app: QApplication, window: MainWindow) -> int:
    """How many of the frames on the screen, looked at after each round of events, show no panel."""
    blank = 0
    for step in range(1, 16):
        window.resize(1600 - 17 * step, 950 - 9 * step)
        for _ in range(4):
            app.processEvents()
            blank += not _shows_panels(window)
    window.resize(1600, 950)
    return blank


def _shows_panels(window: MainWindow) -> bool:
    figure = window.figure
    seen = figure.visibleRegion().boundingRect()
    corner = figure.mapTo(window, seen.topLeft())
    picture = window.screen().grabWindow(window.winId(), corner.x(), corner.y(), seen.width(), seen.height())
    image = picture.toImage().convertToFormat(QImage.Format.Format_RGB32)
    rows = np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), image.bytesPerLine() // 4)
    return len(np.unique(rows[:: max(1, len(rows) // 60), ::7])) > 40


# --- the atlas ---


def measure_atlas(app: QApplication, paths: Sequence[Path]) -> None:
    """Print what the atlas of these adapters takes."""
    painted, window = Painted(app), _open(app, paths)
    _measure_atlas(window, painted, f"{len(window.session.comparable)} modules")
    window.close()


def _measure_atlas(window: MainWindow, painted: Painted, size: str) -> None:
    window.resize(1280, 720)
    _report(f"atlas opened, {size}", [painted.milliseconds(lambda: window.show_page(1))])
    atlas = window.pane.widget_of("Atlas")
    mosaic = atlas.mosaic
    for button in [button for button in atlas.findChildren(QPushButton) if button.isCheckable()]:
        _report(f"atlas as {button.text()}, {size}", [painted.milliseconds(button.click)])
    geometry = mosaic.geometry_shown
    if geometry is not None:
        seen = mosaic.visibleRegion().boundingRect()
        areas = [geometry.area(place).center().toPoint() for place in geometry.places]
        points = [point for point in areas if seen.contains(point)][:: max(1, len(areas) // 30)]
        moves = (painted.held_up_milliseconds(lambda at=point: _move(mosaic, at)) for point in points)  # type: ignore[misc]
        _report(f"atlas hover, {size}", moves)
    bar = next(area for area in atlas.findChildren(QScrollArea) if area.widget() is mosaic).verticalScrollBar()
    if bar.maximum() > 0:
        steps = np.linspace(0, bar.maximum(), 12).astype(int).tolist()[1:]
        _report(f"atlas scrolled, {size}", (painted.milliseconds(lambda to=at: bar.setValue(to)) for at in steps))  # type: ignore[misc]
    window.resize(1600, 950)


# --- memory ---


def _measure_swaps(app: QApplication, window: MainWindow, swaps: int) -> None:
    sizes = []
    for _ in range(swaps):
        window.session.places.swap()
        _wait(app, window)
        gc.collect()
        sizes.append(_resident())
    grown = (sizes[-1] - sizes[_WARM_UP - 1]) / 1e6
    _say(f"{grown:8.1f}  MB more after {swaps} swaps than after {_WARM_UP} (most: {max(sizes) / 1e6:.0f} MB in all)")


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * _PAGE


def _report(name: str, milliseconds: Iterator[float] | Sequence[float]) -> None:
    found = list(milliseconds)
    _say(f"{statistics.median(found):8.1f}{max(found):8.1f}  ms  {name}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
