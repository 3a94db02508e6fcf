"""What is left out of a comparison, reason by reason; a reason opens to show its modules."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QSizePolicy,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeWidget,
    QTreeWidgetItem,
)

from gui.style.theme import GRID

_MOST_NAMES = 500  # of one reason; comparison.json has them all
_ROW_GAP = 4


class LeftOutList(QTreeWidget):
    """Reasons, each with its modules below it: a click, or the right arrow key, shows and hides them."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Modules that cannot be compared, with reasons")
        self.setHeaderHidden(True)
        self.setWordWrap(True)
        self.setIndentation(2 * GRID)
        self.setExpandsOnDoubleClick(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QTreeWidget.ScrollMode.ScrollPerPixel)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMinimumHeight(9 * GRID)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Ignored)
        self.setItemDelegate(_WrappedText(self))
        self.itemClicked.connect(lambda item: item.setExpanded(not item.isExpanded()))

    def show_groups(self, groups: Sequence[tuple[str, Sequence[str]]]) -> None:
        """Show these reasons, closed, each with the names of its modules."""
        self.clear()
        for text, names in groups:
            group = _item(text)
            if len(names) > 1:
                group.addChildren([_item(name) for name in names[:_MOST_NAMES]])
                if len(names) > _MOST_NAMES:
                    group.addChild(_item(f"and {len(names) - _MOST_NAMES} more"))
            self.addTopLevelItem(group)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.scheduleDelayedItemsLayout()  # lines break elsewhere


def _item(text: str) -> QTreeWidgetItem:
    breakable = "".join(char + ("\u200b" if char in "_.-/" else "") for char in text)
    item = QTreeWidgetItem([breakable])
    item.setToolTip(0, text)
    item.setData(0, Qt.ItemDataRole.AccessibleTextRole, text)
    return item


class _WrappedText(QStyledItemDelegate):
    """Rows as high as their text needs in the width that the view has: a tree gives them one line by itself."""

    def __init__(self, view: QTreeWidget) -> None:
        super().__init__(view)
        self._view = view

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        depth = 2 if index.parent().isValid() else 1
        width = self._view.viewport().width() - depth * self._view.indentation() - _ROW_GAP
        text = str(index.data(Qt.ItemDataRole.DisplayRole))
        flags = Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignLeft
        needed = option.fontMetrics.boundingRect(QRect(0, 0, max(width, GRID), 1 << 14), flags, text)
        return QSize(width, needed.height() + _ROW_GAP)
