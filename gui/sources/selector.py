"""Which panels show: layers, projections and, where a model has several, towers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListView,
    QListWidget,
    QListWidgetItem,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from engine.matching.explaining import group_text
from engine.matching.first_selection import spread
from engine.matching.pairing import ModulePair
from engine.matching.selection import absent, parse_layers, renumbered
from engine.naming.projections import projection_key
from engine.sources.left_out import by_reason
from engine.sources.source import SkippedModule
from engine.wording import count
from gui.actions.table import tip_of
from gui.parts.left_out_list import LeftOutList
from gui.state.session import Session
from gui.style.theme import GRID
from gui.style.widgets import UndoElsewhere, button, heading, set_style

_ROW_HEIGHT = 26
_FRAME = 4  # pixels around the rows
_LEAST_LAYER_ROWS = 4  # shown at once where there is no room for more
_TYPED_TIP = "Type layers and press Enter: numbers as they are shown, and ranges such as 64-96"


class ChoiceList(QListWidget):
    """Small labels in a flow, each on or off: a click toggles one, a shift-click a range, Ctrl+A takes all."""

    chosen_changed = Signal()

    def __init__(self, name: str, most_rows: int) -> None:
        super().__init__()
        self._most_rows = most_rows
        self._anchor = 0
        self.setAccessibleName(name)
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setFlow(QListView.Flow.LeftToRight)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setSelectionMode(QAbstractItemView.SelectionMode.MultiSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setUniformItemSizes(True)
        self.setSpacing(0)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.itemSelectionChanged.connect(self.chosen_changed)

    def set_choices(self, texts: Sequence[str], chosen: Iterable[str]) -> None:
        """Offer these; no signal is sent."""
        on = set(chosen)
        self.blockSignals(True)
        self.clear()
        widest = max((QFontMetrics(self.font()).horizontalAdvance(text) for text in texts), default=0)
        width = max(36, widest + 28)  # the style sheet's padding on both sides, and a gap
        self.setGridSize(QSize(width, _ROW_HEIGHT))
        for text in texts:
            item = QListWidgetItem(text)
            item.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
            item.setSizeHint(QSize(width - 4, _ROW_HEIGHT - 4))
            self.addItem(item)
            item.setSelected(text in on)
        self.blockSignals(False)
        self._fit_height()

    @property
    def chosen(self) -> list[str]:
        """The labels that are on, in order."""
        return [self.item(row).text() for row in range(self.count()) if self.item(row).isSelected()]

    def show_chosen(self, texts: Iterable[str]) -> None:
        """Turn these on and all others off; no signal is sent."""
        on = set(texts)
        self.blockSignals(True)
        for row in range(self.count()):
            self.item(row).setSelected(self.item(row).text() in on)
        self.blockSignals(False)
        self.viewport().update()

    def choose(self, rows: Iterable[int]) -> None:
        """Turn these rows on and all others off, with one signal."""
        on = set(rows)
        self.blockSignals(True)
        for row in range(self.count()):
            self.item(row).setSelected(row in on)
        self.blockSignals(False)
        self.chosen_changed.emit()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        row = self.indexAt(event.position().toPoint()).row()
        if row >= 0 and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            low, high = sorted((self._anchor, row))
            on = {self.row(item) for item in self.selectedItems()} | set(range(low, high + 1))
            self.choose(on)
            return
        if row >= 0:
            self._anchor = row
        super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_A and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.choose(range(self.count()))
            return
        super().keyPressEvent(event)

    def resizeEvent(self, event: object) -> None:
        super().resizeEvent(event)  # type: ignore[arg-type]
        self._fit_height()

    def set_most_rows(self, rows: int) -> None:
        """Show up to so many rows at once."""
        if rows != self._most_rows:
            self._most_rows = rows
            self._fit_height()

    def _fit_height(self) -> None:
        per_row = max(1, (self.width() - 14) // max(1, self.gridSize().width()))
        rows = -(-self.count() // per_row)
        self.setFixedHeight(max(1, min(rows, self._most_rows)) * _ROW_HEIGHT + _FRAME)


class ModuleSelector(QWidget):
    """Layers × projections × towers of the comparable modules, and the list of what cannot be compared."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._layers = ChoiceList("Layers", most_rows=9)
        self._projections = ChoiceList("Projections", most_rows=4)
        self._towers = ChoiceList("Towers", most_rows=3)
        self._typed = QLineEdit()
        self._typed.setPlaceholderText("Layers, such as 1, 32, 64-96")
        self._typed.setAccessibleName("Layers as text")
        self._typed.setToolTip(_TYPED_TIP)
        self._typed.returnPressed.connect(self._on_typed)
        self._typed.textEdited.connect(lambda _text: self._mark_typed(""))
        self._typed.installEventFilter(UndoElsewhere(self._typed))
        self._problem = QLabel()
        self._problem.setWordWrap(True)
        self._problem.hide()
        self._how_many = QSpinBox()
        self._how_many.setRange(2, 99)
        self._how_many.setValue(4)
        self._how_many.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._how_many.setFixedWidth(7 * GRID)
        self._how_many.setAccessibleName("How many layers are spread over the depth")
        self._how_many.setToolTip("How many layers Spread shows: type a number, or use the arrow keys")
        self._how_many.valueChanged.connect(lambda _value: self.choose_spread_layers())
        self._is_choosing = False
        self._room = 0  # pixels of height; 0 while it is not known
        self._numbered_from = session.document.count_from  # what the typed numbers count from
        self._listed: tuple[SkippedModule, ...] | None = None
        self._left_out = QLabel()
        self._left_out.setWordWrap(True)
        self._left_out.setProperty("role", "muted")
        self._reasons = LeftOutList()
        self._build()
        for choices in (self._layers, self._projections, self._towers):
            choices.chosen_changed.connect(self._on_chosen)
        session.pairing_changed.connect(self._on_pairing)
        session.selection_changed.connect(self._show_selection)
        session.numbering_changed.connect(self._on_numbering)
        session.outcomes_changed.connect(lambda _slugs: self._show_reasons())
        self._on_pairing()

    def _build(self) -> None:
        self._layout = layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID)
        self._choosers = QWidget()
        self._choosers_layout = choosers = QVBoxLayout(self._choosers)
        choosers.setContentsMargins(0, 0, 0, 0)
        choosers.setSpacing(GRID)
        choosers.addLayout(self._layers_row())
        choosers.addWidget(self._typed)
        choosers.addWidget(self._problem)
        choosers.addWidget(self._layers)
        choosers.addLayout(self._projections_row())
        choosers.addWidget(self._projections)
        self._towers_heading = heading("Towers")
        choosers.addWidget(self._towers_heading)
        choosers.addWidget(self._towers)
        layout.addWidget(self._choosers)
        layout.addWidget(self._left_out)
        layout.addWidget(self._reasons, 1)
        layout.addStretch(0)

    def set_room(self, height: int) -> None:
        """Use this height for as many layers as go into it beside the rest."""
        self._room = height
        self._share_room()

    def _share_room(self) -> None:
        if self._room > 0:
            for layout in (self._choosers_layout, self._layout):  # as what they hold is now
                layout.activate()
            needed = max(self._layout.totalMinimumHeightForWidth(self.width()), self._layout.minimumSize().height())
            rows = (self._room - (needed - self._layers.height()) - _FRAME) // _ROW_HEIGHT
            self._layers.set_most_rows(max(_LEAST_LAYER_ROWS, rows))

    def _layers_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(GRID // 2)
        row.addWidget(heading("Layers"))
        row.addStretch(1)
        for text, tip, act in (
            ("All", tip_of("view.every_layer"), self.choose_all_layers),
            ("None", "Show no layer", lambda: self._layers.choose(())),
            ("Spread", tip_of("view.spread_layers"), self.choose_spread_layers),
        ):
            chip = button(text, tip, act, chip=True)
            chip.setAccessibleName(f"Layers: {text.lower()}")
            row.addWidget(chip)
        row.addWidget(self._how_many)
        return row

    def _projections_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.addWidget(heading("Projections"))
        row.addStretch(1)
        every = button("All", "Show every projection", self._choose_all_projections, chip=True)
        every.setAccessibleName("Projections: all")
        row.addWidget(every)
        return row

    # --- choosing ---

    def choose_all_layers(self) -> None:
        """Show every layer."""
        self._layers.choose(range(self._layers.count()))

    def choose_spread_layers(self) -> None:
        """Show so many layers spread over the depth, four unless another number is set."""
        self._layers.choose(spread(self._layers.count(), self._how_many.value()))

    def _choose_all_projections(self) -> None:
        self._projections.choose(range(self._projections.count()))

    def _on_typed(self) -> None:
        rows, text = self._read_typed(), self._typed.text()
        if rows:
            said = self._problem.text()
            self._layers.choose(rows)  # which forgets what was typed and said of another choice
            self._typed.setText(text)
            self._mark_typed(said, is_error=False)

    def _read_typed(self) -> list[int]:
        """Rows of the layers typed; what is wrong with the text, or not there, is said below it."""
        try:
            selection = parse_layers(self._typed.text(), self._session.document.count_from)
        except ValueError as error:
            problem = str(error)
            self._mark_typed(f"{problem[:1].upper()}{problem[1:]}.")
            return []
        labels = [self._layers.item(row).text() for row in range(self._layers.count())]
        rows = [row for row, label in enumerate(labels) if selection.holds(label)]
        self._mark_typed(absent("layer", selection.missing(labels)), is_error=not rows)
        return rows

    def _forget_typed(self) -> None:
        """Another choice is made: the text is not what is chosen any more."""
        self._typed.clear()
        self._mark_typed("")

    def _mark_typed(self, said: str, *, is_error: bool = True) -> None:
        self._problem.setText(said)
        self._problem.setVisible(bool(said))
        set_style(self._problem, "role", "error" if is_error else "warning")
        self._typed.setAccessibleDescription(said)
        set_style(self._typed, "invalid", bool(said) and is_error)

    def _on_chosen(self) -> None:
        layers, projections, towers = (
            set(self._layers.chosen),
            set(self._projections.chosen),
            set(self._towers.chosen),
        )
        self._forget_typed()
        self._is_choosing = True
        self._session.select(
            pair.slug
            for pair in self._session.comparable
            if self._layer(pair) in layers and pair.path.projection in projections and _tower(pair) in towers
        )
        self._is_choosing = False

    # --- what there is to choose from ---

    def _on_numbering(self) -> None:
        """The typed text goes on meaning the same layers."""
        was_said = not self._problem.isHidden()
        now = self._session.document.count_from
        self._typed.setText(renumbered(self._typed.text(), self._numbered_from, now))
        self._numbered_from = now
        self._on_pairing()
        if was_said:
            self._read_typed()

    def _on_pairing(self) -> None:
        self._mark_typed("")
        pairs = self._session.comparable
        shown = self._session.shown
        layers = list(dict.fromkeys(self._layer(pair) for pair in sorted(pairs, key=_depth)))
        projections = sorted({pair.path.projection for pair in pairs}, key=projection_key)
        towers = list(dict.fromkeys(_tower(pair) for pair in pairs))
        self._layers.set_choices(layers, {self._layer(pair) for pair in shown})
        self._projections.set_choices(projections, {pair.path.projection for pair in shown})
        self._towers.set_choices(towers, {_tower(pair) for pair in shown})
        for widget in (self._towers, self._towers_heading):
            widget.setVisible(len(towers) > 1)
        self._choosers.setVisible(bool(pairs))
        self.setVisible(self._session.pairing is not None)
        self._show_reasons()
        self._share_room()

    def _show_selection(self) -> None:
        """Follow a selection that was made elsewhere: in the atlas, or by a figure of the paper."""
        shown = self._session.shown
        if shown and not self._is_choosing:  # what is chosen here stays chosen, even where no module has all of it
            self._forget_typed()
            self._layers.show_chosen({self._layer(pair) for pair in shown})
            self._projections.show_chosen({pair.path.projection for pair in shown})
            self._towers.show_chosen({_tower(pair) for pair in shown})

    def _layer(self, pair: ModulePair) -> str:
        return pair.path.layer_name(self._session.document.count_from) or "—"

    def _show_reasons(self) -> None:
        skipped, pairing = self._session.unanswered, self._session.pairing
        if skipped == self._listed or pairing is None:
            return
        self._listed = skipped
        self._left_out.setVisible(bool(skipped))
        self._reasons.setVisible(bool(skipped))
        self._left_out.setText(f"{count(len(skipped), 'module')} without φ:")
        self._reasons.show_groups(
            [(group_text(group, pairing, examples=False), group.modules) for group in by_reason(skipped)]
        )
        self._share_room()


def _tower(pair: ModulePair) -> str:
    return pair.path.tower or "main"


def _depth(pair: ModulePair) -> tuple[object, ...]:
    path = pair.path
    return (path.layer is None and not path.block, path.layer if path.layer is not None else -1, path.sort_key)
