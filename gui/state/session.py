"""The program's only mutable state: two adapters, their pairing, what is selected, and what is known of it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from engine.comparison.outcome import ComparisonRequest, ModuleFailure, ModuleResult, Outcome
from engine.errors import EngineError
from engine.matching.first_selection import first_selection
from engine.matching.pairing import ModulePair, Pairing, pair_adapters
from engine.side import Side
from engine.sources.source import SkippedModule, told_apart
from engine.subspaces.devices import CPU, Device
from engine.wording import count
from gui.state.notice import Notice, Scope
from gui.state.session_values import Place, Progress, Which
from gui.state.worker import ComputeThread, Job, JobAnswer, OpenAnswer, OpenRequest, OutcomeBatch

if TYPE_CHECKING:  # NumPy stays out of the window's first paint
    from engine.figures.presets import Preset

# Bytes of results that are kept; above, the sides that were not looked at for longest are forgotten. The side shown
# is always kept: atlas and findings show all of it.
MOST_KEPT = 512 * 2**20
_FIGURE_KEY = "figure of the paper"  # presets tried one after the other leave one notice
# Milliseconds in which the empty panels are painted, before the compute thread wants the interpreter's lock too.
_PANELS_FIRST = 40


class Session(QObject):
    """Holds what is shown, and has it computed. Panels read it and listen to its signals."""

    adapter_changed = Signal(object)  # Which
    pairing_changed = Signal()
    selection_changed = Signal()
    numbering_changed = Signal()
    outcomes_changed = Signal(object)  # tuple of slugs
    progress_changed = Signal(object)  # Progress
    devices_changed = Signal()
    notice_raised = Signal(object)  # Notice
    notices_ended = Signal(object)  # tuple of Scope: what has gone, and what was said of it with it
    export_dropped = Signal(object)  # Path of a figure or comparison.json, to be opened again

    def __init__(self, compute: ComputeThread, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._compute = compute
        self._ids = itertools.count(1)
        self._places = {which: Place() for which in Which}
        self._pairing: Pairing | None = None
        self._comparable: tuple[ModulePair, ...] | None = None  # None: not asked for since pairing or side changed
        self._selected: tuple[str, ...] = ()
        self._outcomes: dict[Side, dict[str, Outcome]] = {}  # the side looked at last comes last
        self._side = Side.A
        self._preset: Preset | None = None
        self._control = False
        self._zooms_to_square = False
        self._count_from = 1
        self._looked_at: Pairing | None = None
        self._initialisation_caution = ""
        self._computed_on: dict[Side, Device] = {}
        self._device: Device | None = None
        self._devices: tuple[Device, ...] | None = None
        self._run_id = 0
        self._failed = False  # the last run ended by itself, before all was known
        self._run_total = 0
        self._run_known = 0
        self._run_start = 0.0
        self._progress = Progress(0, 0, 0.0, running=False)
        self._jobs: dict[int, Callable[[JobAnswer], None]] = {}
        self._start = QTimer(self)  # one for all pairings: a start for the pairing before would be a second run
        self._start.setSingleShot(True)
        self._start.setInterval(_PANELS_FIRST)
        self._start.timeout.connect(self._compute_missing)
        compute.adapter_opened.connect(self._on_adapter_opened)
        compute.outcomes_arrived.connect(self._on_outcomes)
        compute.job_finished.connect(self._on_job_finished)
        compute.devices_found.connect(self._on_devices_found)

    # --- what panels read ---

    def place(self, which: Which) -> Place:
        """What is in one place."""
        return self._places[which]

    @property
    def pairing(self) -> Pairing | None:
        """The matched modules of both adapters; None until both are there."""
        return self._pairing

    def name(self, which: Which) -> str:
        """What to call the adapter in one place, told apart from one of the same name in the other; or empty."""
        first, second = (self._places[place].adapter for place in Which)
        if first is not None and second is not None:
            return told_apart(first, second)[which.value]
        adapter = self._places[which].adapter
        return adapter.name if adapter is not None else ""

    @property
    def side(self) -> Side:
        """Whose singular vectors are shown."""
        return self._side

    @property
    def device(self) -> Device | None:
        """The device chosen; None stands for the best there is."""
        return self._device

    @property
    def device_in_use(self) -> Device:
        """The device that computes."""
        if self._device is not None:
            return self._device
        return self._devices[0] if self._devices else CPU

    @property
    def device_computed_on(self) -> Device:
        """The device that computed what is known of the side shown; of several, the last one."""
        return self._computed_on.get(self._side, self.device_in_use)

    @property
    def initialisation_caution(self) -> str:
        """What a reader of φ on A should beware of, once all of it has been computed and looked at; else empty."""
        return self._initialisation_caution

    @property
    def devices(self) -> tuple[Device, ...]:
        """The GPUs found; empty until they have been looked for."""
        return self._devices or ()

    @property
    def progress(self) -> Progress:
        """How far the run is."""
        return self._progress

    @property
    def comparable(self) -> tuple[ModulePair, ...]:
        """The pairs that can be compared on the side shown, in natural order."""
        if self._comparable is None:
            self._comparable = self._pairing.comparable(self._side) if self._pairing else ()
        return self._comparable

    @property
    def skipped(self) -> tuple[SkippedModule, ...]:
        """What cannot be compared, with reasons: known before computing, and found by it."""
        if self._pairing is None:
            return ()
        failed = (
            SkippedModule(outcome.pair.path.name, outcome.error.reason)
            for outcome in self._outcomes.get(self._side, {}).values()
            if isinstance(outcome, ModuleFailure)
        )
        return (*failed, *self._pairing.skipped(self._side))

    @property
    def unanswered(self) -> tuple[SkippedModule, ...]:
        """Everything that has no φ on the side shown: what is skipped, and what has no directions there."""
        undefined = self._pairing.undefined(self._side) if self._pairing is not None else ()
        return (*self.skipped, *undefined)

    @property
    def shown(self) -> tuple[ModulePair, ...]:
        """The selected pairs, in natural order."""
        selected = set(self._selected)
        return tuple(pair for pair in self.comparable if pair.slug in selected)

    def outcome(self, pair: ModulePair) -> Outcome | None:
        """What is known of a pair on the side shown; None while it waits."""
        return self._outcomes.get(self._side, {}).get(pair.slug)

    def result(self, pair: ModulePair) -> ModuleResult | None:
        """φ of a pair on the side shown, where it is known."""
        outcome = self.outcome(pair)
        return outcome if isinstance(outcome, ModuleResult) else None

    @property
    def results(self) -> tuple[ModuleResult, ...]:
        """Every result known on the side shown, in natural order."""
        known = (self.outcome(pair) for pair in self.comparable)
        return tuple(outcome for outcome in known if isinstance(outcome, ModuleResult))

    # --- what a user does ---

    def open(self, which: Which, path: Path) -> None:
        """Put the adapter at `path` in one place; what is there stays until the new one has opened."""
        path = path.absolute()  # it is remembered, and found again from another folder
        request = OpenRequest(next(self._ids), path)
        here = self._places[which]
        self._places[which] = Place(here.adapter, request, change=here.change)
        self.adapter_changed.emit(which)
        self._compute.open(request)

    def open_paths(self, paths: Iterable[Path], onto: Which | None = None) -> None:
        """Open what was dropped or named: two fill both places, one fills the place meant or the first free one."""
        given = list(paths)
        if len(given) == 1 and _is_export(given[0]):
            self.export_dropped.emit(given[0])
            return
        if len(given) >= 2:
            self.open(Which.FIRST, given[0])
            self.open(Which.SECOND, given[1])
        elif given:
            self.open(onto or self._free_place(), given[0])
        if len(given) > 2:
            extra = len(given) - 2
            others = f"{count(extra, 'other')} {'was' if extra == 1 else 'were'}"
            said = f"Two adapters are compared at a time; {others} left out."
            self.notice_raised.emit(Notice.caution(said, scope=Scope.PROGRAM, key="left out"))

    def clear(self, which: Which) -> None:
        """Empty one place."""
        self._put(which, Place())
        self.adapter_changed.emit(which)
        self._set_pairing()

    def _put(self, which: Which, place: Place) -> None:
        """Fill a place; the checksum of what was in it is wanted no more."""
        before, self._places[which] = self._places[which].adapter, place
        if before is not None:
            before.file.files.stop_hashing()

    def check_files(self) -> None:
        """Look whether the adapters' files are still those that were opened; their places tell."""
        adapters = {which: place.adapter for which, place in self._places.items() if place.adapter is not None}

        def look() -> dict[Which, str]:
            return {which: adapter.file.files.change for which, adapter in adapters.items()}

        def tell(answer: JobAnswer) -> None:
            if answer.failure is not None:
                self.notice_raised.emit(answer.failure)
                return
            for which, change in answer.result.items():
                place = self._places[which]
                if place.adapter is adapters[which] and place.change != change:
                    self._places[which] = replace(place, change=change)
                    self.adapter_changed.emit(which)
            if any(answer.result.values()):
                return
            self.notices_ended.emit((Scope.FILES,))
            if self._progress.cancelled and self._failed:
                self.resume()

        if adapters:
            self.do(look, tell)

    def swap(self) -> None:
        """Exchange the two adapters."""
        places = self._places
        places[Which.FIRST], places[Which.SECOND] = places[Which.SECOND], places[Which.FIRST]
        for which in Which:
            self.adapter_changed.emit(which)
        self._set_pairing()

    @property
    def preset(self) -> Preset | None:
        """The paper's figure that is shown; None for whole panels of what is selected."""
        return self._preset

    @property
    def control(self) -> bool:
        """Whether a panel of two random Gaussian matrices follows the panels shown."""
        return self._control

    def show_control(self, shown: bool) -> None:
        """Show or hide the random panel."""
        if shown != self._control:
            self._control = shown
            self.selection_changed.emit()

    @property
    def zooms_to_square(self) -> bool:
        """Whether panels of two ranks show the smaller one's square alone: i and j up to the smaller rank."""
        return self._zooms_to_square

    def zoom_to_square(self, zoomed: bool) -> None:
        """Show the square of the smaller rank alone, or whole panels again."""
        if zoomed != self._zooms_to_square:
            self._zooms_to_square = zoomed
            self.selection_changed.emit()

    @property
    def count_from(self) -> int:
        """The number of the first layer: 1 as in the paper, or 0 as in files."""
        return self._count_from

    def count_layers_from(self, first: int) -> None:
        """Number the layers from 1 or from 0 wherever they are named."""
        if first != self._count_from:
            self._count_from = first
            self.numbering_changed.emit()

    def show_preset(self, preset: Preset | None) -> None:
        """Show a figure of the paper, or whole panels again; a notice says where the adapters do not make one."""
        if preset is None:
            self.select(self._selected)
            return
        self.notices_ended.emit((Scope.FIGURE,))
        from engine.figures.presets import preset_layers, preset_pairs  # noqa: PLC0415 - NumPy, after the first paint

        try:
            pairs = preset_pairs(self.comparable, preset)
        except EngineError as error:
            self.notice_raised.emit(Notice.caution(error.reason, scope=Scope.FIGURE, key=_FIGURE_KEY))
            self.selection_changed.emit()
            return
        depth = len({pair.path.layer_label for pair in self.comparable})
        self.select((pair.slug for pair in pairs), preset)
        said = preset_layers(pairs, preset, depth, self._count_from)
        self.notice_raised.emit(Notice.news(said, scope=Scope.FIGURE, key=_FIGURE_KEY))

    def select(self, slugs: Iterable[str], preset: Preset | None = None) -> None:
        """Show these pairs; what is not known of them yet is computed next."""
        self.notices_ended.emit((Scope.FIGURE,))
        self._selected = tuple(slugs)
        self._preset = preset
        self.selection_changed.emit()
        self._compute_missing()

    def set_side(self, side: Side) -> None:
        """Show another side; what is known of it shows at once, the rest is computed."""
        if side is self._side:
            return
        self._side = side
        self.notices_ended.emit((Scope.SIDE,))
        self._outcomes[side] = self._outcomes.pop(side, {})
        self._comparable = None
        self.pairing_changed.emit()
        self._compute_missing(restart=True)

    def set_device(self, device: Device | None) -> None:
        """Compute on this device from now on; None stands for the best there is. What is known stays."""
        self._device = device
        self.devices_changed.emit()
        if self._progress.running:
            self._compute_missing(restart=True)

    def find_devices(self) -> None:
        """Have GPUs looked for."""
        self._compute.find_devices()

    def cancel(self) -> None:
        """Stop computing; what is known stays."""
        if self._progress.running:
            self._compute.cancel()
            self._run_id = next(self._ids)  # what is still on its way belongs to no run any more
            self._set_progress(running=False, cancelled=True)

    def resume(self) -> None:
        """Compute what is missing."""
        self._compute_missing(restart=True)

    def do(self, work: Callable[[], Any], finished: Callable[[JobAnswer], None]) -> int:
        """Have `work` done in the compute thread, `finished` called with its answer; returns the job's number."""
        job = Job(next(self._ids), work)
        self._jobs[job.id] = finished
        self._compute.do(job)
        return job.id

    # --- the way of one comparison ---

    @property
    def _is_opening(self) -> bool:
        """Whether another pair is on its way, so that this one is not worth computing."""
        return any(place.opening is not None for place in self._places.values())

    def _free_place(self) -> Which:
        first = self._places[Which.FIRST]
        return Which.SECOND if (first.adapter or first.opening) else Which.FIRST

    @Slot(object)
    def _on_adapter_opened(self, answer: OpenAnswer) -> None:
        which = next((w for w, place in self._places.items() if place.opening is answer.request), None)
        if which is None:  # cleared or replaced since
            return
        if answer.adapter is None:
            before = self._places[which]
            self._places[which] = Place(
                before.adapter, failure=answer.failure, failed_path=answer.request.path, choices=answer.choices,
                change=before.change,
            )  # fmt: skip
            self.adapter_changed.emit(which)
            self._start.start()  # what was to be computed waited for this answer
            return
        self._put(which, Place(answer.adapter))
        self._set_pairing()
        # The panels lose what they showed of the old pair at once; the names follow in a turn of their own.
        QTimer.singleShot(0, self, lambda: self.adapter_changed.emit(which))

    def _set_pairing(self) -> None:
        """Both adapters decide what can be shown: nothing of the pair before survives."""
        self.notices_ended.emit((Scope.PAIR, Scope.FILES, Scope.SIDE, Scope.FIGURE))
        self._compute.cancel()
        self._run_id = next(self._ids)
        self._outcomes = {}
        self._computed_on = {}
        self._initialisation_caution = ""
        first, second = (self._places[which].adapter for which in Which)
        self._pairing = pair_adapters(first, second) if first and second else None
        self._comparable = None
        self._preset = None
        pairs = self.comparable
        self._selected = tuple(pairs[index].slug for index in first_selection([pair.path for pair in pairs]))
        self._progress = Progress(0, len(pairs), 0.0, running=False)
        self.pairing_changed.emit()
        self.progress_changed.emit(self._progress)
        self._start.start()

    def _compute_missing(self, *, restart: bool = False) -> None:
        """Compute what is not known on this side: the shown pairs first, the rest of the model after them.

        A run that goes on already is left alone unless shown pairs are missing, or `restart` says that it
        computes for another side or device; a cancelled one stays so until shown pairs are missing.
        """
        if self._pairing is None or self._is_opening:
            return
        unknown = [pair for pair in self.comparable if self.outcome(pair) is None]
        selected = set(self._selected)
        missing = [pair for pair in unknown if pair.slug in selected]
        if not missing and not restart and (self._progress.running or self._progress.cancelled):
            return
        if not unknown and not self._progress.running:
            known = len(self.comparable)
            self._progress = replace(self._progress, done=known, total=known)
            self.progress_changed.emit(self._progress)
            return
        self._failed = False
        self._run_id = next(self._ids)
        self._run_total, self._run_known = len(self.comparable), len(self.comparable) - len(unknown)
        self._run_start = time.monotonic()
        if not unknown:
            self._compute.cancel()
            self._set_progress(running=False)
            return
        pairs = (*missing, *(pair for pair in unknown if pair.slug not in selected))
        first, second = self._pairing.first, self._pairing.second
        self._set_progress(running=True)
        self._computed_on[self._side] = self.device_in_use
        self._compute.compare(ComparisonRequest(self._run_id, first, second, pairs, self._side, self.device_in_use))

    @Slot(object)
    def _on_outcomes(self, batch: OutcomeBatch) -> None:
        if batch.request_id != self._run_id:
            return
        self._outcomes.setdefault(self._side, {}).update((outcome.pair.slug, outcome) for outcome in batch.outcomes)
        if batch.finished:
            self._forget_old_sides()
        self._run_known += len(batch.outcomes)
        if batch.outcomes:
            self.outcomes_changed.emit(tuple(outcome.pair.slug for outcome in batch.outcomes))
        self._set_progress(running=not batch.finished, cancelled=batch.failure is not None)
        if batch.failure is not None:
            self._failed = True
            self.notice_raised.emit(replace(batch.failure, scope=Scope.FILES, key="run"))
            self.check_files()
        elif batch.finished:
            self._look_for_cautions()

    def _forget_old_sides(self) -> None:
        """Keep the results of a pair within their budget of memory."""
        sizes = {side: sum(map(_size, outcomes.values())) for side, outcomes in self._outcomes.items()}
        for side in list(self._outcomes)[:-1]:
            if sum(sizes.values()) <= MOST_KEPT:
                break
            del self._outcomes[side], sizes[side]

    def _look_for_cautions(self) -> None:
        """Once for a pair that is compared on A: what a reader of it should beware of."""
        pairing, device = self._pairing, self.device_in_use
        if pairing is None or self._side is not Side.A or pairing is self._looked_at:
            return
        self._looked_at = pairing

        def look() -> str:
            from engine.comparison.cautions import initialisation_caution  # noqa: PLC0415 - NumPy, in the compute thread

            return initialisation_caution(pairing, device)

        def tell(answer: JobAnswer) -> None:
            if self._pairing is pairing:
                self._initialisation_caution = answer.result or ""
                if answer.failure is not None:
                    self.notice_raised.emit(answer.failure)
                elif answer.result:
                    self.notice_raised.emit(Notice.caution(answer.result))

        self.do(look, tell)

    def _set_progress(self, *, running: bool, cancelled: bool = False) -> None:
        elapsed = time.monotonic() - self._run_start
        self._progress = Progress(self._run_known, self._run_total, elapsed, running, cancelled)
        self.progress_changed.emit(self._progress)

    @Slot(object)
    def _on_job_finished(self, answer: JobAnswer) -> None:
        self._jobs.pop(answer.id)(answer)

    @Slot(object)
    def _on_devices_found(self, devices: tuple[Device, ...]) -> None:
        self._devices = devices
        self.devices_changed.emit()


def _size(outcome: Outcome) -> int:
    return outcome.size if isinstance(outcome, ModuleResult) else 0


def _is_export(path: Path) -> bool:
    """Whether a file's name is that of an export: adapters have JSON of other names beside them."""
    return path.suffix == ".png" or (
        path.suffix == ".json" and not path.name.endswith((".index.json", "adapter_config.json"))
    )
