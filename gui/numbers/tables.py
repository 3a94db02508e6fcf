"""Numbers as tables, for reading, sorting, copying and screen readers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QDialog, QDialogButtonBox, QFrame, QTableView, QVBoxLayout, QWidget

from engine.comparison.findings import COLUMNS, Finding, findings
from engine.comparison.outcome import SideResult
from engine.comparison.sentence import probability
from engine.measures.view import View
from engine.measures.views import view_values
from engine.wording import count, natural_key
from gui.state.session import Session
from gui.style.texts import number, place_text
from gui.style.theme import GRID

Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()
_REFRESH = 250  # milliseconds between two looks at what has come in


class NumberModel(QAbstractTableModel):
    """Rows of texts and numbers; numbers sort as numbers and are copied with all their digits.

    `tips` and `formats` say by a column's name what it means and how its numbers are shown.
    """

    def __init__(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[object]],
        row_names: Sequence[str] = (),
        tips: Mapping[str, str] = MappingProxyType({}),
        formats: Mapping[str, Callable[[float], str]] = MappingProxyType({}),
    ) -> None:
        super().__init__()
        self._columns, self._rows, self._row_names = tuple(columns), rows, row_names
        self._tips, self._formats = tips, formats

    def rowCount(self, parent: Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(self._columns)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        across = orientation is Qt.Orientation.Horizontal
        if role == Qt.ItemDataRole.TextAlignmentRole and across:
            return _alignment(self._rows[0][section] if self._rows else "")
        if role == Qt.ItemDataRole.ToolTipRole and across:
            return self._tips.get(self._columns[section])
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        if across:
            return self._columns[section]
        return self._row_names[section] if self._row_names else str(section + 1)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        value = self._rows[index.row()][index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            shown = self._formats.get(self._columns[index.column()], number)
            return shown(value) if isinstance(value, float) else str(value)
        if role == Qt.ItemDataRole.UserRole:  # what is sorted by
            if isinstance(value, str) or self._columns[index.column()] == "layer":  # numbers, labels or both
                return natural_key(str(value))
            return -math.inf if isinstance(value, float) and math.isnan(value) else value
        return _alignment(value) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def exact(self, index: Index) -> str:
        """A cell as it is copied: all digits, a decimal point, empty where undefined."""
        value = self._rows[index.row()][index.column()]
        if isinstance(value, float):
            return "" if math.isnan(value) else repr(value)
        return str(value)


def _alignment(value: object) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if isinstance(value, (int, float)) else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


class NumberTable(QTableView):
    """A table that sorts by its headings and copies the selected cells, with headings, for a spreadsheet."""

    row_chosen = Signal(int)  # the row of the model, by a double click or Enter

    def __init__(self, name: str, *, sortable: bool) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)  # Tab leaves the table, arrows move in it
        self.setWordWrap(False)
        self._proxy = QSortFilterProxyModel(self)
        self._proxy.setSortRole(Qt.ItemDataRole.UserRole)
        self.setModel(self._proxy)
        self.setSortingEnabled(sortable)
        if sortable:
            self.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
        self.verticalHeader().setVisible(not sortable)
        self.verticalHeader().setDefaultSectionSize(3 * GRID)
        self.activated.connect(lambda index: self.row_chosen.emit(self._proxy.mapToSource(index).row()))

    def show_model(self, model: NumberModel) -> None:
        """Show these numbers, in the order that was asked for before."""
        self._model = model
        self._proxy.setSourceModel(model)
        self.resizeColumnsToContents()
        for column in range(self._proxy.columnCount()):  # the frame of the current cell takes room as well
            self.setColumnWidth(column, self.columnWidth(column) + GRID)

    def copy(self) -> int:
        """Put the selected cells, or all, on the clipboard, tab by tab; how many rows they are in."""
        indexes = self.selectedIndexes()
        if not indexes:
            indexes = [
                self._proxy.index(row, column)
                for row in range(self._proxy.rowCount()) for column in range(self._proxy.columnCount())
            ]  # fmt: skip
        rows = sorted({index.row() for index in indexes})
        columns = sorted({index.column() for index in indexes})
        horizontal = Qt.Orientation.Horizontal
        lines = ["\t".join(str(self._proxy.headerData(column, horizontal)) for column in columns)]
        chosen = {(index.row(), index.column()) for index in indexes}
        for row in rows:
            cells = [
                self._model.exact(self._proxy.mapToSource(self._proxy.index(row, column)))
                if (row, column) in chosen else ""
                for column in columns
            ]  # fmt: skip
            lines.append("\t".join(cells))
        QGuiApplication.clipboard().setText("\n".join(lines) + "\n")
        return len(rows)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
            return
        super().keyPressEvent(event)


_COLUMNS = sorted(COLUMNS, key=lambda column: column.place)
_FINDING_TITLES = ("tower", "layer", "projection", *(column.title for column in _COLUMNS), "module")
_FINDING_TIPS = {column.title: column.tip for column in _COLUMNS if column.tip}
_FINDING_FORMATS = {
    column.title: probability if column.digits is None else partial(number, digits=column.digits)
    for column in _COLUMNS if column.digits != 4
}  # fmt: skip


class FindingsTable(NumberTable):
    """The findings of every module known, the same numbers as in findings.csv; choosing one shows its panel."""

    module_chosen = Signal(str)  # slug

    def __init__(self, session: Session) -> None:
        super().__init__("Findings of every module", sortable=True)
        self._session = session
        self._slugs: list[str] = []
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.row_chosen.connect(lambda row: self.module_chosen.emit(self._slugs[row]))
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REFRESH)
        self._timer.timeout.connect(self.refresh)

    @property
    def seen(self) -> QWidget:
        """Its rows."""
        return self.viewport()

    def show_news(self, *, soon: bool) -> None:
        """Show what is known now, or a moment later where more comes in."""
        if soon:
            self.refresh_soon()
        else:
            self.refresh()

    def copy_page(self) -> str:
        """Put the rows on the clipboard, as text."""
        return f"Copied {count(self.copy(), 'row')} of the findings as text."

    @property
    def is_due(self) -> bool:
        """Whether something has come in that is shown in a moment."""
        return self._timer.isActive()

    def refresh_soon(self) -> None:
        """Show what has come in, a few times a second: all findings are made anew each time."""
        if not self.is_due:
            self._timer.start()

    def refresh(self) -> None:
        """Show what is known now."""
        self._timer.stop()
        found = findings(self._session.results)
        self._slugs = [finding.pair.slug for finding in found]
        rows = [_finding_row(finding, self._session.document.count_from) for finding in found]
        self.show_model(NumberModel(_FINDING_TITLES, rows, tips=_FINDING_TIPS, formats=_FINDING_FORMATS))
        self.setColumnHidden(0, not any(finding.pair.path.tower for finding in found))


def _finding_row(finding: Finding, count_from: int) -> tuple[object, ...]:
    path = finding.pair.path
    layer = path.layer + count_from if path.layer is not None else path.block
    values = (column.value(finding) for column in _COLUMNS)
    return (path.tower, layer, path.projection, *(math.nan if v is None else v for v in values), path.name)


class MatrixDialog(QDialog):
    """What a view shows of one panel as a table, i down and j across."""

    def __init__(self, result: SideResult, view: View, count_from: int, parent: QWidget) -> None:
        super().__init__(parent)
        path = result.pair.path
        self.setWindowTitle(f"{view.symbol} of {place_text(path, count_from)}, {path.projection}")
        self.resize(820, 560)
        self.table = NumberTable(f"{view.symbol} by i, down, and j, across", sortable=False)
        values = view_values(result.facts, view)
        rows, columns = values.shape
        names = [f"i = {i}" for i in range(1, rows + 1)]
        self.table.show_model(NumberModel([f"j = {j}" for j in range(1, columns + 1)], values.tolist(), names))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        copy = buttons.addButton("Copy", QDialogButtonBox.ButtonRole.ActionRole)
        copy.setToolTip("Copy the selected numbers, or all of them (Ctrl+C)")
        copy.clicked.connect(self.table.copy)
        buttons.button(QDialogButtonBox.StandardButton.Close).setToolTip("Close this window (Esc)")
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(self.table)
        layout.addWidget(buttons)
