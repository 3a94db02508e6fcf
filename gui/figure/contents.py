"""What the figure on the screen is made of: the panels selected, one alone, or a figure of the paper."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from engine.checkpoints.storage_types import Float64Array
from engine.comparison.outcome import ModuleResult
from engine.figures.layout import PanelLayout, with_control, with_own_axes
from engine.figures.presets import FigurePanel, FigurePlan, Preset, control_panel, preset_plan, square_panel
from engine.matching.pairing import ModulePair
from engine.measures.control import gaussian_control
from engine.naming.module_path import ModulePath
from gui.figure.geometry import possible_layouts
from gui.parts.colour_scale import ColourScale
from gui.state.session import Session
from gui.state.worker import JobAnswer

# A panel: its module (None for a control), and what of it is shown (None for all).
Piece = tuple[ModulePair | None, FigurePanel | None]


class FigureContents(QObject):
    """Decides which panels show, in which order and layouts. It is asked anew whenever the selection changes."""

    control_ready = Signal()

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._plan: FigurePlan | None = None
        self._whole: list[Piece] = []  # the figure, whether one of its panels is shown alone or not
        self._alone: list[Piece] = []
        self._layouts: tuple[list[ModulePath], list[PanelLayout]] = [], []  # found once for a selection
        self._controls: set[tuple[int, int, int]] = set()  # shapes whose control is known
        self._asked: set[tuple[int, int, int]] = set()

    @property
    def pieces(self) -> Sequence[Piece]:
        """The panels, in the order of the layouts' indices."""
        return self._alone or self._whole

    def values(self, scale: ColourScale) -> list[Float64Array]:
        """What is coloured of the figure, whether one of its panels is shown alone or not."""
        values = []
        for pair, part in self._whole:
            result = self._session.result(pair) if pair is not None else None
            if part is not None:
                values.append(part.shown(scale.values(part.similarity)))
            elif result is not None:
                values.append(scale.values(result.similarity))
        return values

    @property
    def range(self) -> tuple[float, float] | None:
        """The range of the figure of the paper that is shown."""
        return self._plan.range if self._plan is not None else None

    @property
    def caution(self) -> str:
        """That this range had to be widened; empty where it did not."""
        return self._plan.caution if self._plan is not None else ""

    def choose(self, zoomed: str | None) -> bool:
        """Take up what the session shows, or one of its panels alone; whether there is such a panel."""
        pairs = self._session.shown
        self._alone = [(pair, self.part(pair)) for pair in pairs if pair.slug == zoomed]
        self._plan = self._preset_plan(pairs)
        if self._plan is not None:
            by_path = {pair.path: pair for pair in pairs}
            self._whole = [(by_path.get(panel.path) if panel.path else None, panel) for panel in self._plan.panels]
        else:
            self._whole = [(pair, self.part(pair)) for pair in pairs]
            control = self._control()
            if control is not None:
                self._whole.append((None, control))
        return bool(self._alone)

    def part(self, pair: ModulePair) -> FigurePanel | None:
        """What of a pair's panel is shown: the smaller rank's square, where that is asked for; None for all of it."""
        result, (rows, columns) = self._session.result(pair), pair.shape
        if result is None or rows == columns or not self._session.zooms_to_square:
            return None
        return square_panel(result)

    @property
    def is_outdated(self) -> bool:
        """Whether what is known now makes another figure: one of the paper is complete, or a control is."""
        if self._preset_plan(self._session.shown) is not None:
            return True
        control, shown = self._control(), next((part for pair, part in self._whole if pair is None), None)
        if control is None or shown is None:
            return control is not shown
        return control.similarity is not shown.similarity

    def layouts(self) -> list[PanelLayout]:
        """How the panels may be laid out."""
        if self._plan is not None and not self._alone:
            return [self._plan.layout]
        paths = [pair.path for pair, _ in self.pieces if pair is not None]
        if paths != self._layouts[0]:
            self._layouts = paths, possible_layouts(paths)
        layouts = self._layouts[1]
        if len(paths) < len(self.pieces):
            layouts = [with_control(layout) for layout in layouts]
        shapes = [_shape(piece) for piece in self.pieces]
        return [with_own_axes(layout, shapes) for layout in layouts]

    def _preset_plan(self, pairs: Sequence[ModulePair]) -> FigurePlan | None:
        """The figure of the preset chosen, once all of its modules are known."""
        preset, results = self._session.preset, self._known(pairs)
        if preset is None or not results or len(results) < len(pairs):
            return None
        return preset_plan(results, preset) if preset is not Preset.FIG4 or self._has_control(results[-1]) else None

    def _control(self) -> FigurePanel | None:
        """The random panel behind the others, where it is asked for and known."""
        results = self._known(self._session.shown)
        if not self._session.control or self._session.preset is not None or not results:
            return None
        square = self._session.zooms_to_square
        return control_panel(results[-1], square=square) if self._has_control(results[-1]) else None

    def _known(self, pairs: Sequence[ModulePair]) -> list[ModuleResult]:
        return [result for pair in pairs if (result := self._session.result(pair)) is not None]

    def _has_control(self, result: ModuleResult) -> bool:
        """Whether the control of a result's shape is there; else it is made in the compute thread."""
        rows, columns = result.pair.shape
        shape = rows, columns, result.similarity.dimension
        if shape not in self._controls and shape not in self._asked:
            self._asked.add(shape)

            def made(answer: JobAnswer) -> None:
                self._asked.discard(shape)
                if answer.failure is not None:
                    self._session.notice_raised.emit(answer.failure)
                    return
                self._controls.add(shape)
                self.control_ready.emit()

            self._session.do(lambda: gaussian_control(*shape), made)
        return shape in self._controls


def _shape(piece: Piece) -> tuple[int, int]:
    pair, part = piece
    if part is not None:
        return part.rows, part.columns
    return pair.shape if pair is not None else (0, 0)
