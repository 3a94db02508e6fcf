"""What one panel says in numbers: the cell under the cursor, profiles through it, both spectra, and its findings."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from engine.checkpoints.storage_types import Float64Array
from engine.comparison.cautions import gauge_caution
from engine.comparison.findings import Finding, findings
from engine.comparison.outcome import SideResult
from engine.comparison.sentence import probability
from engine.measures.view import CHANCE_SD, View
from engine.measures.views import chance_band, read_cell
from gui.figure.panel import Cell
from gui.parts.colour_scale import ColourScale
from gui.parts.plots import LinePlot
from gui.state.session import Session
from gui.style.texts import number, place_text, projection_html
from gui.style.theme import GRID
from gui.style.widgets import heading

_WIDTH = 288
# The numbers follow the mouse at once; the plots when it rests for this long, in milliseconds.
_PLOT_DELAY = 30
_SHARED_TIPS = {
    "shared": "Directions shared at full rank, beyond what two random subspaces share",
    "p": "Probability that two random subspaces have at least this φ(r, r′)",
    "best s(k)": "The same for the strongest k directions of both alone, at the k where that is largest",
}
_PROFILES = ("Row i", "Column j", "Diagonal")


class Inspector(QScrollArea):
    """Shows the panel of a cell. It keeps the last one when the cursor leaves."""

    numbers_asked = Signal(object)  # SideResult

    def __init__(self, session: Session, scale: ColourScale) -> None:
        super().__init__()
        self._session, self._scale = session, scale
        self._cell: Cell | None = None
        self._drawn: tuple[object, ...] = ()
        # What the profile is a line of: a panel, a view, and its values with the band of chance.
        self._seen: tuple[SideResult | None, View, tuple[Float64Array, ...]] = None, View.PHI, ()
        self.setAccessibleName("Inspector")
        self.setObjectName("inspectorarea")
        self.setFixedWidth(_WIDTH)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._build()
        self._plot_timer = QTimer(self)
        self._plot_timer.setSingleShot(True)
        self._plot_timer.setInterval(_PLOT_DELAY)
        self._plot_timer.timeout.connect(self._show_plots)
        self._panel_timer = QTimer(self)
        self._panel_timer.setSingleShot(True)
        self._panel_timer.setInterval(_PLOT_DELAY)
        self._panel_timer.timeout.connect(self._show_panel)
        session.pairing_changed.connect(self._forget)
        session.outcomes_changed.connect(lambda _slugs: self.refresh())
        session.numbering_changed.connect(self.refresh)
        scale.view_changed.connect(self.refresh)
        self.refresh()

    def _build(self) -> None:
        inner = QWidget()
        inner.setObjectName("inspector")
        layout = QVBoxLayout(inner)
        layout.setContentsMargins(GRID + 4, GRID, GRID + 4, GRID)
        layout.setSpacing(GRID)
        self._title = QLabel()
        self._title.setTextFormat(Qt.TextFormat.RichText)
        self._title.setWordWrap(True)
        self._title.setProperty("role", "heading")
        layout.addWidget(self._title)
        self._hint = QLabel("Point at a cell, or press the arrow keys in the figure.")
        self._hint.setWordWrap(True)
        self._hint.setProperty("role", "muted")
        layout.addWidget(self._hint)
        self._details = QWidget()
        details = QVBoxLayout(self._details)
        details.setContentsMargins(0, 0, 0, 0)
        details.setSpacing(GRID)
        self._build_numbers(details)
        self._build_remarks(details)
        layout.addWidget(self._details)
        layout.addStretch(1)
        self.setWidget(inner)

    def _build_numbers(self, details: QVBoxLayout) -> None:
        """The cell, its profile, and both spectra."""
        self._captions, self._values = _facts(details, _cell_names(self._scale.view))
        self._profile_heading = heading("Profile")
        details.addWidget(self._profile_heading)
        details.addLayout(self._profile_choice())
        self._profile = LinePlot("Profile through the cell, with the band of chance", "")
        self._profile.setFixedHeight(15 * GRID)
        details.addWidget(self._profile)
        details.addWidget(_note(f"Shaded: chance ± {CHANCE_SD:g} standard deviations"))
        details.addWidget(heading("Singular values"))
        self._spectra = LinePlot(
            "Singular values of both matrices relative to the largest, logarithmic", "k", logarithmic=True
        )
        self._spectra.setFixedHeight(15 * GRID)
        details.addWidget(self._spectra)
        self._ranks = _note("")
        details.addWidget(self._ranks)

    def _build_remarks(self, details: QVBoxLayout) -> None:
        """The findings of the panel, what to beware of, and the way to all of its numbers."""
        details.addWidget(heading("Findings"))
        _, self._findings = _facts(
            details,
            (*_SHARED_TIPS, "φ(1, 1)", "mean", "mean of row 1", "mean of column 1", "mean of 8 × 8", "φ(r, r′)"),
        )
        for label in self._findings:
            label.setToolTip(_SHARED_TIPS.get(label.accessibleName(), ""))
        self._warnings = QLabel()
        self._warnings.setWordWrap(True)
        self._warnings.setProperty("role", "warning")
        details.addWidget(self._warnings)
        self._gauge = _note("")
        details.addWidget(self._gauge)
        numbers = QPushButton("Show as a table…")
        numbers.setToolTip("Every number of this panel in a table, which can be copied")
        numbers.clicked.connect(self._ask_for_numbers)
        details.addWidget(numbers)

    def _profile_choice(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(GRID // 2)
        self._choice = QButtonGroup(self)
        for position, name in enumerate(_PROFILES):
            button = QPushButton(name)
            button.setProperty("chip", True)
            button.setCheckable(True)
            button.setChecked(position == len(_PROFILES) - 1)
            button.setAccessibleName(f"Profile: {name}")
            button.setToolTip(f"What is coloured, along the {name.lower()} through the cell")
            self._choice.addButton(button, position)
            row.addWidget(button)
        row.addStretch(1)
        self._choice.idClicked.connect(lambda _position: self._show_plots())
        return row

    # --- what it shows ---

    @property
    def cell(self) -> Cell | None:
        """The cell it describes."""
        return self._cell

    @property
    def facts(self) -> dict[str, str]:
        """The names and values of the cell, as they are read."""
        return {label.accessibleName(): label.text() for label in self._values}

    def show_cell(self, cell: Cell | None) -> None:
        """Describe a cell; None leaves the last one."""
        if cell is not None and cell != self._cell:
            self._cell = cell
            self.refresh()

    def _forget(self) -> None:
        self._cell = None
        self._seen = None, View.PHI, ()
        self.refresh()

    def refresh(self) -> None:
        """Describe what is known now of the cell's panel."""
        result = self._result()
        self._details.setVisible(result is not None)
        self._hint.setVisible(result is None)
        self._title.setText("Inspector" if result is None else _title(result, self._session.document.count_from))
        if result is None or self._cell is None:
            return
        view = self._scale.view
        self._profile_heading.setText(f"Profile of {view.symbol}")
        self._profile.setAccessibleName(f"Profile of {view.symbol} through the cell, with the band of chance")
        texts = _cell_facts(result, self._cell, view)
        for name, caption, label in zip(_cell_names(view), self._captions, self._values, strict=True):
            caption.setText(name)
            label.setAccessibleName(name)
            label.setText(texts[name])
        if not self._plot_timer.isActive():
            self._plot_timer.start()

    def _result(self) -> SideResult | None:
        return self._session.result(self._cell.pair) if self._cell is not None else None

    def _ask_for_numbers(self) -> None:
        result = self._result()
        if result is not None:
            self.numbers_asked.emit(result)

    # --- plots ---

    def _show_plots(self) -> None:
        result, cell = self._result(), self._cell
        if result is None or cell is None:
            return
        self._show_profile(result, cell)
        if self._drawn != (result,):
            self._panel_timer.start()  # in a turn of its own: together they would hold up the mouse

    def _show_panel(self) -> None:
        """What does not change from cell to cell: spectra, ranks, findings and warnings."""
        result = self._result()
        if result is None:
            return
        self._drawn = (result,)
        first, second = result.facts.first, result.facts.second
        lines = []
        for spectrum in (first, second):
            largest = spectrum.values[0] if spectrum.values.size and spectrum.values[0] > 0 else 1.0
            relative = np.where(spectrum.values > 0, spectrum.values / largest, np.nan)
            lines.append((np.arange(1.0, len(relative) + 1), relative))
        self._spectra.show_lines(lines)
        self._spectra.show_marks([spectrum.numerical_rank + 0.5 for spectrum in (first, second)])
        self._ranks.setText(
            f"Numerical rank {first.numerical_rank} (solid) and {second.numerical_rank} (dashed) of "
            f"{result.pair.first.rank} and {result.pair.second.rank}"
        )
        for label, text in zip(self._findings, _finding_facts(result), strict=True):
            label.setText(text)
        self._warnings.setText("\n".join(result.warnings))
        self._warnings.setVisible(bool(result.warnings))
        self._gauge.setText(gauge_caution(self._session.document.side))
        self._gauge.setVisible(bool(self._gauge.text()))

    def _show_profile(self, result: SideResult, cell: Cell) -> None:
        view = self._scale.view
        which = self._choice.checkedId()

        def profile(matrix: Float64Array) -> Float64Array:
            line: Float64Array = matrix[cell.i - 1] if which == 0 else matrix[:, cell.j - 1]
            return line if which < len(_PROFILES) - 1 else np.diagonal(matrix)

        if self._seen[:2] != (result, view):  # kept: of a panel of thousands they take longer than the mouse waits
            self._seen = result, view, (self._scale.values(result.facts), *chance_band(result.facts, view))
        y, low, high = map(profile, self._seen[2])
        x = np.arange(1.0, len(y) + 1)
        self._profile.set_x_label(("j", "i", "k")[which])
        self._profile.show_lines([(x, y)])
        self._profile.show_band(x, low, high)


def _title(result: SideResult, count_from: int) -> str:
    path = result.pair.path
    return f"{place_text(path, count_from)}&nbsp;&nbsp;{projection_html(path.projection)}"


def _cell_names(view: View) -> tuple[str, ...]:
    """What is said of a cell: what is coloured first, the rest in the order of the views."""
    others = [other.symbol for other in View if other is not view]
    return ("i, j", view.symbol, *others, "chance", "angle")


def _cell_facts(result: SideResult, cell: Cell, view: View) -> dict[str, str]:
    reading = read_cell(result.facts, cell.i, cell.j)
    facts = {"i, j": f"{cell.i}, {cell.j}", "chance": number(reading.chance), "angle": f"{number(reading.angle, 1)}°"}
    for each in View:
        value = reading.value(each)
        text = number(value, each.digits)
        facts[each.symbol] = text if each is not view else f"<b>{text}</b>"
    if math.isnan(reading.phi):
        facts |= {View.PHI.symbol: "undefined", view.symbol: "undefined", "angle": "–"}
    return facts


def _finding_facts(result: SideResult) -> tuple[str, ...]:
    finding = findings([result])[0]
    return (
        *_shared_facts(finding),
        number(finding.phi_11), number(finding.mean), number(finding.mean_first_row),
        number(finding.mean_first_column), number(finding.mean_corner), number(finding.phi_rr),
    )  # fmt: skip


def _shared_facts(finding: Finding) -> tuple[str, str, str]:
    if math.isnan(finding.shared_best):
        return "undefined", "–", "–"
    best = f"{number(finding.shared_best, 2)} at k = {finding.shared_best_k}"
    if math.isnan(finding.shared):
        return "undefined at full rank", "–", best
    return f"{number(finding.shared, 2)} of {min(finding.pair.shape)}", probability(finding.p_rr), best


def _facts(layout: QVBoxLayout, names: tuple[str, ...]) -> tuple[list[QLabel], list[QLabel]]:
    """Rows of a name and a value; returns the labels of the names, and those of the values."""
    form = QFormLayout()
    form.setContentsMargins(0, 0, 0, 0)
    form.setHorizontalSpacing(2 * GRID)
    form.setVerticalSpacing(2)
    captions, values = [], []
    for name in names:
        caption, value = QLabel(name), QLabel()
        caption.setProperty("role", "muted")
        value.setAccessibleName(name)
        value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        form.addRow(caption, value)
        captions.append(caption)
        values.append(value)
    layout.addLayout(form)
    return captions, values


def _note(text: str) -> QLabel:
    label = QLabel(text)
    label.setWordWrap(True)
    label.setProperty("role", "muted")
    label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    return label
