"""Every layer × projection at a glance: thumbnails or one number each, and curves against depth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSizeF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAbstractTextDocumentLayout,
    QColor,
    QImage,
    QPainter,
    QPalette,
    QRegion,
    QTextDocument,
    QTextDocumentFragment,
)
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from engine.checkpoints.storage_types import Float64Array
from engine.comparison.outcome import SideFailure
from engine.matching.pairing import ModulePair
from engine.measures.summary import Summary, summary, summary_name
from engine.measures.view import View
from gui.atlas.mosaic import Mosaic, row_html
from gui.parts.colour_scale import ColourScale
from gui.parts.plots import LinePlot, dash
from gui.parts.scale_controls import ScaleBar
from gui.state.session import Session
from gui.style.pictures import MAGNIFICATION, copy_picture, picture_on_paper
from gui.style.texts import number, place_text, projection_html
from gui.style.theme import GRID, MARGIN, current_colours, on_paper

_REFRESH = 100  # milliseconds between two looks at what has come in
_MOST_CURVES = 8


class Atlas(QWidget):
    """The mosaic, what it shows of each module, and curves of the same number against depth."""

    module_chosen = Signal(object)  # ModulePair

    def __init__(self, session: Session, scale: ColourScale) -> None:
        super().__init__()
        self._session, self._scale = session, scale
        self.mosaic = Mosaic(session, scale)
        self.mosaic.module_chosen.connect(self.module_chosen)
        self.mosaic.module_hovered.connect(self._read_out)
        self.mosaic.module_reached.connect(self._scroll_to)
        self._curves = LinePlot("The number against depth, a line for each projection", "layer")
        self._curves.setMinimumHeight(18 * GRID)
        self._curves.setMaximumHeight(40 * GRID)
        self._legend = QLabel()
        self._legend.setTextFormat(Qt.TextFormat.RichText)
        self._legend.setWordWrap(True)
        self._said = QLabel()
        self._said.setTextFormat(Qt.TextFormat.RichText)
        self._said.setAccessibleName("Module under the cursor")
        self._said.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)  # the bar stays whole
        self._stale: set[str] = set()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REFRESH)
        self._timer.timeout.connect(self._show_news)
        self._build()
        session.outcomes_changed.connect(self._on_outcomes)
        session.pairing_changed.connect(self._on_pairing)
        session.numbering_changed.connect(self._show)
        scale.view_changed.connect(self._show)
        scale.changed.connect(self._show_bar)
        self._on_pairing()

    def _build(self) -> None:
        bar = QHBoxLayout()
        bar.setSpacing(GRID // 2)
        self._modes = QButtonGroup(self)
        for position, name in enumerate(("Panels", *(which.value.capitalize() for which in Summary))):
            button = QPushButton(name)
            button.setProperty("chip", True)
            button.setCheckable(True)
            button.setChecked(position == 0)
            button.setAccessibleName(f"Atlas shows: {name}")
            button.setToolTip(_MODE_TIPS[position])
            self._modes.addButton(button, position)
            bar.addWidget(button)
        self._modes.idClicked.connect(lambda _position: self._show())
        self._k_label = QLabel("k")
        self._k = QSpinBox()
        self._k.setAccessibleName("k: how many directions")
        self._k.setToolTip("How many of the strongest directions of both are compared")
        self._k.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._k.setMinimum(1)
        self._k.valueChanged.connect(lambda _k: self._show())
        bar.addSpacing(GRID)
        bar.addWidget(self._k_label)
        bar.addWidget(self._k)
        bar.addSpacing(GRID)
        bar.addWidget(self._said, 1)
        self._bar = ScaleBar()
        bar.addWidget(self._bar)
        self._scroll = scroll = QScrollArea()
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the mosaic takes the keys, and scrolls it
        scroll.setWidget(self.mosaic)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * GRID, GRID, 2 * GRID, GRID)
        layout.setSpacing(GRID)
        layout.addLayout(bar)
        layout.addWidget(scroll, 3)
        layout.addWidget(self._legend)
        layout.addWidget(self._curves, 1)

    @property
    def seen(self) -> QWidget:
        """What of it is a picture."""
        return self.picture_area

    def show_news(self, *, soon: bool) -> None:
        """It looks by itself at what has come in."""

    def copy_page(self) -> str:
        """Put it on the clipboard, as a picture on white."""
        return copy_picture(self.picture_on_paper(), "the atlas")

    @property
    def picture_area(self) -> QWidget:
        """Where the modules are shown."""
        return self._scroll

    @property
    def _summary(self) -> Summary | None:
        position = self._modes.checkedId()
        return None if position == 0 else list(Summary)[position - 1]

    def show_as(self, which: Summary | None, k: int) -> None:
        """Show this number of every module, or thumbnails for None."""
        self._k.setValue(k)
        self._modes.button(0 if which is None else list(Summary).index(which) + 1).setChecked(True)
        self._show()

    # --- what it shows ---

    def _on_pairing(self) -> None:
        smallest = min((min(pair.shape) for pair in self._session.comparable), default=1)
        self._k.setMaximum(max(1, max((min(pair.shape) for pair in self._session.comparable), default=1)))
        self._k.setValue(min(self._k.value() if self._k.value() > 1 else 8, smallest))
        self._stale.clear()
        self._show()
        self._read_out(self.mosaic.pointed_at)

    def _on_outcomes(self, slugs: tuple[str, ...]) -> None:
        self._stale.update(slugs)
        if not self._timer.isActive():
            self._timer.start()

    def _show_news(self) -> None:
        if self.isVisible():
            self.mosaic.update_modules(tuple(self._stale))
            self._stale.clear()
            self._show_bar()
            self._show_curves()
            self._read_out(self.mosaic.pointed_at)

    def showEvent(self, event: object) -> None:
        super().showEvent(event)  # type: ignore[arg-type]
        self._show_news()

    def _show(self) -> None:
        which = self._summary
        for widget in (self._k, self._k_label):
            widget.setVisible(which is None or which.has_k)
        self.mosaic.show_summary(which, self._k.value())
        self._show_bar()
        self._show_curves()

    def _show_bar(self) -> None:
        view, which = self._scale.view, self._summary
        name = view.symbol if which is None else self._short_label(which)
        self._bar.show_scale(self.mosaic.colouring, name, View.PHI if which is Summary.SHARED else view)

    def _show_curves(self) -> None:
        if not self.isVisible():
            return  # they are drawn when the atlas is shown
        which = self._summary or Summary.DIAGONAL
        series: dict[tuple[str, str], list[tuple[float, float]]] = {}
        for result in self._session.results:
            path = result.pair.path
            if path.layer is not None:
                value = summary(result.facts, self._scale.view, which, self._k.value())
                series.setdefault((path.tower, path.projection), []).append(
                    (float(path.layer + self._session.document.count_from), value)
                )
        shown = list(series.items())[:_MOST_CURVES]
        colours = current_colours()
        wanted = (colours.accent, colours.text, colours.ok, colours.warning)
        self._curves.setVisible(bool(shown))
        self._legend.setVisible(bool(shown))
        self._curves.show_lines([_columns(points) for _, points in shown], wanted)
        names = [_legend_html(*key, wanted[i % 4], i) for i, (key, _) in enumerate(shown)]
        left_out = len(series) - len(shown)
        label = self._label(which)
        more = f" and {left_out} more" if left_out else ""
        self._legend.setText(f"{label} against depth:&nbsp;&nbsp; " + " &nbsp; ".join(names) + more)

    def _read_out(self, pair: ModulePair | None) -> None:
        if pair is None:
            self._said.clear()
            self.mosaic.describe("")
            return
        outcome = self._session.outcome(pair)
        which = self._summary or Summary.MEAN
        place = place_text(pair.path, self._session.document.count_from)
        said = f"<b>{place}</b>&nbsp; {projection_html(pair.path.projection)}&nbsp;&nbsp; "
        if isinstance(outcome, SideFailure):
            said += outcome.error.reason
        else:
            said += f"{self._short_label(which)}: {self._value(pair, which)}" if outcome else "waiting"
        self._said.setText(said)
        self.mosaic.describe(QTextDocumentFragment.fromHtml(said).toPlainText())

    def _value(self, pair: ModulePair, which: Summary) -> str:
        value = self.mosaic.value(pair)
        if which is Summary.SHARED:
            return f"{number(value, 2)} of {min(pair.shape)}"
        return number(value, self._scale.view.digits)

    def _scroll_to(self, area: QRectF) -> None:
        centre = area.center()
        self._scroll.ensureVisible(int(centre.x()), int(centre.y()), int(area.width()), int(area.height()))

    def _label(self, which: Summary) -> str:
        return summary_name(which, self._scale.view, self._k.value())

    def _short_label(self, which: Summary) -> str:
        return which.value if which is Summary.SHARED else self._label(which)

    # --- a picture of it ---

    def picture_on_paper(self) -> QImage:
        """All modules, also those that have to be scrolled to, with their bar, and the curves; for a paper."""
        geometry = self.mosaic.geometry_shown
        if geometry is None:
            return QImage()
        modules = QSizeF(self.mosaic.width(), geometry.size[1])
        curves = QSizeF(self._curves.size()) if self._curves.isVisible() else QSizeF()
        with on_paper():
            self._show_curves()
            words = self._legend_document(modules.width())
            below = words.size().height() + curves.height() if curves.isValid() else 0.0
            size = QSizeF(modules.width() + 2 * MARGIN, self._bar.height() + modules.height() + below + 4 * MARGIN)
            picture = picture_on_paper(size, lambda painter: self._paint_on_paper(painter, modules, curves, words))
        self._curves.restyle()
        self._show_curves()
        return picture

    def _legend_document(self, width: float) -> QTextDocument:
        document = QTextDocument()
        document.setDocumentMargin(0)
        document.setDefaultFont(self.font())
        document.setHtml(self._legend.text())
        document.setTextWidth(width)
        return document

    def _paint_on_paper(self, painter: QPainter, modules: QSizeF, curves: QSizeF, words: QTextDocument) -> None:
        vectors = self._session.document.side.words
        painter.translate(MARGIN, MARGIN)
        painter.setFont(self.font())
        painter.setPen(QColor(current_colours().text))
        head = QRectF(0, 0, modules.width(), self._bar.height())
        painter.drawText(head, Qt.AlignmentFlag.AlignVCenter, vectors[0].upper() + vectors[1:])
        painter.save()
        painter.translate(modules.width() - self._bar.width(), 0)
        self._bar.paint_on(painter)
        painter.restore()
        painter.translate(0, head.height() + MARGIN)
        self.mosaic.paint_modules(painter, QRegion(QRectF(QPointF(), modules).toAlignedRect()))
        if curves.isValid():
            painter.translate(0, modules.height() + MARGIN)
            context = QAbstractTextDocumentLayout.PaintContext()
            context.palette.setColor(QPalette.ColorRole.Text, painter.pen().color())
            words.documentLayout().draw(painter, context)
            self._curves.paint_on(painter, QRectF(QPointF(0, words.size().height()), curves), MAGNIFICATION)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._show_curves()


_MODE_TIPS = (
    "Every module as a small panel",
    "One number for each module: at i = j = k",
    "One number for each module: its mean",
    "One number for each module: the directions shared at full rank, beyond what random subspaces share",
)


def _columns(points: Sequence[tuple[float, float]]) -> tuple[Float64Array, Float64Array]:
    table = np.array(sorted(points))
    return table[:, 0], table[:, 1]


def _legend_html(tower: str, projection: str, colour: str, position: int) -> str:
    sample = {Qt.PenStyle.SolidLine: "━━", Qt.PenStyle.DashLine: "╍╍", Qt.PenStyle.DotLine: "┅┅"}.get(
        dash(position), "━╍"
    )
    return f'<span style="color:{colour}">{sample}</span>&nbsp;{row_html(tower, projection)}'
