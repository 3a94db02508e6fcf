"""What the figure on the screen is made of: a plan of what is selected, and what is known of its panels."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from engine.checkpoints.storage_types import Float64Array
from engine.figures.contents import PaperRange, paper_range
from engine.figures.layout import PANELS_PER_ROW, PanelLayout
from engine.figures.plan import FigurePlan, PanelSpec, plain_plan
from engine.measures.control import gaussian_control
from engine.measures.phi import PHI
from engine.subspaces.facts import SideFacts
from gui.parts.colour_scale import ColourScale
from gui.state.session import Session
from gui.state.worker import JobAnswer

# Up to here the figure keeps the paper's rows of four; beyond, rows are as long as the window is wide.
_PAPER_ROWS_UP_TO = 16
_LONGEST_ROW = 24
_Control = tuple[int, int, int]  # the shape of a random panel, and the dimension of its space


class ShownFigure(QObject):
    """Decides which panels show, in which order and layouts. It is asked anew whenever the selection changes."""

    control_ready = Signal()

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._whole = FigurePlan(())  # the figure, whether one of its panels is shown alone or not
        self._alone: FigurePlan | None = None
        self._laid_out: tuple[FigurePlan, list[PanelLayout]] = self._whole, []  # found once for a plan
        self._controls: dict[_Control, SideFacts] = {}
        self._asked: set[_Control] = set()

    @property
    def specs(self) -> Sequence[PanelSpec]:
        """The panels, in the order of the layouts' indices."""
        return (self._alone or self._whole).panels

    def choose(self, zoomed: str | None) -> bool:
        """Take up what the session shows, or one of its panels alone; whether there is such a panel."""
        session = self._session
        self._whole = session.plan
        alone = [pair for pair in session.shown if pair.slug == zoomed]
        self._alone = plain_plan(alone, square=session.document.square) if alone else None
        return bool(alone)

    @property
    def is_outdated(self) -> bool:
        """Whether what is known now makes another figure: that of which a random panel stood has failed."""
        return self._session.plan != self._whole

    def facts(self, spec: PanelSpec) -> SideFacts | None:
        """What is known of a panel; a control that is not is made in the compute thread."""
        if spec.is_control:
            return self._control(spec)
        result = self._session.result(spec.pair)
        return result.facts if result is not None else None

    def values(self, scale: ColourScale) -> list[Float64Array]:
        """What is coloured of the figure, whether one of its panels is shown alone or not."""
        return [spec.shown(scale.values(facts)) for spec, facts in self._known()]

    @property
    def paper_range(self) -> PaperRange:
        """The range of the figure of the paper that is shown, as far as its panels are known."""
        return paper_range(self._whole, [spec.shown(PHI.values(facts)) for spec, facts in self._known()])

    def layouts(self) -> list[PanelLayout]:
        """How the panels may be laid out, the shortest rows first."""
        plan = self._alone or self._whole
        if plan != self._laid_out[0] or not self._laid_out[1]:
            longest = PANELS_PER_ROW if len(plan.panels) <= _PAPER_ROWS_UP_TO else _LONGEST_ROW
            self._laid_out = plan, [*plan.layouts(PANELS_PER_ROW, longest)][::-1]
        return self._laid_out[1]

    def _known(self) -> list[tuple[PanelSpec, SideFacts]]:
        panels = ((spec, self.facts(spec)) for spec in self._whole.panels)
        return [(spec, facts) for spec, facts in panels if facts is not None]

    def _control(self, spec: PanelSpec) -> SideFacts | None:
        side = self._session.document.side
        shape = *spec.pair.shape, spec.pair.dimension(side) or 0
        if shape not in self._controls and shape not in self._asked:
            self._asked.add(shape)

            def made(answer: JobAnswer) -> None:
                self._asked.discard(shape)
                if answer.failure is not None:
                    self._session.notice_raised.emit(answer.failure)
                    return
                self._controls[shape] = answer.result
                self.control_ready.emit()

            self._session.tasks.do(lambda: gaussian_control(*shape), made)
        return self._controls.get(shape)
