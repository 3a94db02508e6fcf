"""The program's state as panels see it: sources, what is selected of them, and what is known."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from engine.comparison.outcome import PairOutcome, Request, SideFailure, SideOutcome, SideResult
from engine.document.document import Document
from engine.document.resolve import Shown, resolve
from engine.errors import EngineError
from engine.figures.plan import FigurePlan
from engine.figures.presets import Preset, preset_layers, preset_pairs
from engine.matching.first_selection import first_selection
from engine.matching.pairing import ModulePair, Pairing, pair_adapters
from engine.sources.source import SkippedModule
from engine.subspaces.devices import Device
from gui.state.common_start import CommonStart
from gui.state.notice import Notice, Scope
from gui.state.places import Places
from gui.state.results import Results
from gui.state.session_values import Which
from gui.state.store import Store
from gui.state.tasks import Tasks
from gui.state.worker import ComputeThread

_FIGURE_KEY = "figure of the paper"  # presets tried one after the other leave one notice
# Milliseconds in which the empty panels are painted, before the compute thread wants the interpreter's lock too.
_PANELS_FIRST = 40


class Session(QObject):
    """The way of one comparison, from another document to its outcomes, through what each part holds for itself.

    `store` holds the document, `places` the sources, `tasks` what is computed; each has signals of its own.
    """

    pairing_changed = Signal()
    selection_changed = Signal()
    numbering_changed = Signal()
    outcomes_changed = Signal(object)  # tuple of slugs
    notice_raised = Signal(object)  # Notice
    notices_ended = Signal(object)  # tuple of Scope: what has gone, and what was said of it with it

    def __init__(self, compute: ComputeThread, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.store = Store(self)
        self.tasks = Tasks(compute, self)
        self.places = Places(self.tasks, self)
        self._results = Results()
        self._pairing: Pairing | None = None
        self._wanted: Document | None = None  # to be shown once its sources are open
        self._shown: Shown | None = None  # None: not asked for since document or pairing changed
        self.common_start = CommonStart(self.tasks)
        self._start = QTimer(self)  # one for all pairings: a start for the pairing before would be a second run
        self._start.setSingleShot(True)
        self._start.setInterval(_PANELS_FIRST)
        self._start.timeout.connect(self._compute_missing)
        self.store.changed.connect(self._on_document)
        self._listen()

    def _listen(self) -> None:
        tasks, places = self.tasks, self.places
        self.common_start.notice_raised.connect(self.notice_raised)
        tasks.outcomes_arrived.connect(self._on_outcomes)
        tasks.run_ended.connect(self._on_run_ended)
        places.filled.connect(self._set_pairing)
        places.settled.connect(self._settle)
        places.notice_raised.connect(self.notice_raised)
        places.are_back.connect(self._on_files_back)

    # --- what panels read ---

    @property
    def pairing(self) -> Pairing | None:
        """The matched modules of both adapters; None until both are there."""
        return self._pairing

    @property
    def document(self) -> Document:
        """What is shown, and how."""
        return self.store.document

    @property
    def device_computed_on(self) -> Device:
        """The device that computed the side shown; of several, the last one."""
        return self._results.device(self.document.side) or self.tasks.device_in_use

    def _resolved(self) -> Shown:
        if self._shown is None:
            self._shown = resolve(self.document, self._pairing, {})
        return self._shown

    def _resolve_known(self) -> Shown:
        return resolve(self.document, self._pairing, self._results.on(self.document.side))

    @property
    def comparable(self) -> tuple[ModulePair, ...]:
        """The pairs that can be compared on the side shown, in natural order."""
        return self._resolved().comparable

    @property
    def shown(self) -> tuple[ModulePair, ...]:
        """The selected pairs, in natural order."""
        return self._resolved().pairs

    @property
    def plan(self) -> FigurePlan:
        """The figure of the selected pairs."""
        return self._resolve_known().plan

    @property
    def skipped(self) -> tuple[SkippedModule, ...]:
        """What cannot be compared, with reasons: known before computing, and found by it."""
        if self._pairing is None:
            return ()
        failed = (
            SkippedModule(outcome.pair.path.name, outcome.error.reason)
            for outcome in self._results.on(self.document.side).values()
            if isinstance(outcome, SideFailure)
        )
        return (*failed, *self._pairing.skipped(self.document.side))

    @property
    def unanswered(self) -> tuple[SkippedModule, ...]:
        """Everything that has no φ on the side shown: what is skipped, and what has no directions there."""
        undefined = self._pairing.undefined(self.document.side) if self._pairing is not None else ()
        return (*self.skipped, *undefined)

    def outcome(self, pair: ModulePair) -> SideOutcome | None:
        """What is known of a pair on the side shown; None while it waits."""
        return self._results.on(self.document.side).get(pair.key)

    def result(self, pair: ModulePair) -> SideResult | None:
        """What is known of a pair on the side shown, where it could be computed."""
        outcome = self.outcome(pair)
        return outcome if isinstance(outcome, SideResult) else None

    @property
    def results(self) -> tuple[SideResult, ...]:
        """Every result known on the side shown, in natural order."""
        known = (self.outcome(pair) for pair in self.comparable)
        return tuple(outcome for outcome in known if isinstance(outcome, SideResult))

    # --- what a user does ---

    def show(self, document: Document) -> None:
        """Show what a document says: its sources are opened, and shown as they were."""
        if document.sources == self.places.sources and not self.places.are_opening:
            self._wanted = None
            self.store.change(**vars(document))
            self._settle()
        else:
            self._wanted = document
            self.places.bring_back(document.sources)

    def select(self, slugs: Iterable[str], preset: Preset | None = None) -> None:
        """Show these pairs; what is not known of them yet is computed next."""
        self.store.change(selection=tuple(slugs), preset=preset)

    def show_preset(self, preset: Preset | None) -> None:
        """Show a figure of the paper, or whole panels again; a notice says where the adapters do not make one."""
        if preset is None:
            self.store.change(preset=None)
            return
        self.notices_ended.emit((Scope.FIGURE,))
        try:
            pairs = preset_pairs(self.comparable, preset)
        except EngineError as error:
            self.notice_raised.emit(Notice.caution(error.reason, scope=Scope.FIGURE, key=_FIGURE_KEY))
            self.selection_changed.emit()
            return
        depth = len({pair.path.layer_label for pair in self.comparable})
        self.select((pair.slug for pair in pairs), preset)
        said = preset_layers(pairs, preset, depth, self.document.count_from)
        self.notice_raised.emit(Notice.news(said, scope=Scope.FIGURE, key=_FIGURE_KEY))

    def set_device(self, device: Device | None) -> None:
        """Compute on this device from now on, None for the best there is; what is known stays."""
        self.tasks.choose_device(device)
        if self.tasks.progress.running:
            self._compute_missing(restart=True)

    def resume(self) -> None:
        """Compute what is missing."""
        self._compute_missing(restart=True)

    # --- the way of one comparison ---

    @Slot(object, object)
    def _on_document(self, before: Document, after: Document) -> None:
        """1. Another document: bring its sources, or show it at once."""
        self._shown = None
        is_other_pair = after.sources != before.sources
        if is_other_pair and (after.sources != self.places.sources or self.places.are_opening):
            self.places.bring_back(after.sources)
        is_other_side = after.side is not before.side
        if is_other_side and not is_other_pair:
            self.notices_ended.emit((Scope.SIDE,))
        self._results.look_at(after.side)
        if is_other_pair or is_other_side:
            self.pairing_changed.emit()
        figure = [(each.selection, each.preset, each.control, each.square) for each in (before, after)]
        is_other_figure = figure[0] != figure[1]
        if is_other_figure:
            self.notices_ended.emit((Scope.FIGURE,))
            self.selection_changed.emit()
        if after.count_from != before.count_from:
            self.numbering_changed.emit()
        if not is_other_pair and (is_other_figure or is_other_side):
            self._compute_missing(is_other_side=is_other_side)

    @Slot()
    def _set_pairing(self) -> None:
        """2. Both adapters decide what can be shown: nothing of the pair before survives."""
        self.notices_ended.emit((Scope.PAIR, Scope.FILES, Scope.SIDE, Scope.FIGURE))
        self._results.clear()
        self._results.look_at(self.document.side)
        self.common_start.forget()
        first, second = (self.places[which].adapter for which in Which)
        self._pairing = pair_adapters(first, second) if first and second else None
        self._shown = None
        self.tasks.start_over(len(self.comparable))
        self._settle(is_other=True)

    def _settle(self, *, is_other: bool = False) -> None:
        """3. When nothing is on its way any more, the document is of what is there."""
        before, sources = self.document.sources, self.places.sources
        if self._wanted is not None and not self.places.are_opening:
            wanted, self._wanted = self._wanted, None
            if wanted.sources == sources:  # else one of them could not be opened
                self.store.change(is_step=bool(before), **vars(wanted))
        if self.document.sources == sources:
            self.store.arrive()
        elif self.places.has_failed and not self.places.are_opening:
            self.store.take_back()
        is_changed = self.document.sources != sources
        slugs = {pair.slug for pair in self._pairing.pairs} if self._pairing is not None else set()
        is_unknown = bool(self.document.selection) and slugs.isdisjoint(self.document.selection)
        if not self.places.are_opening and (is_changed or is_unknown):
            first = first_selection([pair.path for pair in self.comparable])
            selection = tuple(self.comparable[index].slug for index in first)
            is_step = is_changed and bool(before)  # nobody goes back to an empty window
            self.store.change(is_step=is_step, sources=sources, selection=selection, preset=None)
        if is_other and self.document.sources == before:
            self.pairing_changed.emit()
        self._start.start()

    def _compute_missing(self, *, restart: bool = False, is_other_side: bool = False) -> None:
        """4. Compute what is not known on this side, and with it every other: the shown pairs first, then the rest.

        A run that goes on is left alone unless shown pairs are missing, which are wanted first, or `restart` says
        that it computes on another device; a cancelled one stays so until shown pairs are missing. Every side comes
        from one reading, so that another side is no reason to begin anew.
        """
        if self._pairing is None or self.places.are_opening:
            return
        missing, side = self._resolve_known().missing, self.document.side
        is_begun = self._is_shown_known or (is_other_side and self.tasks.progress.running)
        if not restart and is_begun and (self.tasks.will_compare(missing, side) or self.tasks.progress.cancelled):
            return
        if missing:
            sides = self._results.kept_sides(side)
            self.tasks.compare(self._pairing.matching, missing, sides, len(self.comparable))
        else:
            self.tasks.show_known(len(self.comparable))

    @Slot(object, object)
    def _on_outcomes(self, request: Request, outcomes: tuple[PairOutcome, ...]) -> None:
        """5. What came of some pairs."""
        self._results.add(request, outcomes)
        self.outcomes_changed.emit(tuple(outcome.pair.slug for outcome in outcomes))
        self._look_at_start()

    @property
    def _is_shown_known(self) -> bool:
        return all(self.outcome(pair) is not None for pair in self.shown)

    def _look_at_start(self) -> None:
        """What is shown can be exported from now on, with what is to be said of its common start."""
        if self._pairing is not None and self._is_shown_known:
            self.common_start.look(self._pairing, self.document.side, self.tasks.device_in_use)

    @Slot(object)
    def _on_run_ended(self, failure: Notice | None) -> None:
        """6. All is known, or the comparison failed."""
        if failure is not None:
            self.notice_raised.emit(failure)
            self.places.check_files()
        else:
            self._look_at_start()
            self._compute_missing()  # what can be compared on the side that is shown now, and not on the one before

    def _on_files_back(self) -> None:
        self.notices_ended.emit((Scope.FILES,))
        if self.tasks.progress.cancelled and self.tasks.has_failed:
            self.resume()
