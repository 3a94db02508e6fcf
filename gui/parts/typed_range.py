"""Two fields for the range of the colours, with the command line's freedom."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QWidget

from engine.figures.colour_maps import typed_range
from gui.style.theme import GRID
from gui.style.widgets import set_style

_FIGURES = 6  # of a level that was chosen, not typed


class TypedRange(QWidget):
    """The lowest and the highest value; what is wrong with them is said below until a key is pressed."""

    typed = Signal(float, float)

    def __init__(self) -> None:
        super().__init__()
        self._low, self._high = _field("Lowest value shown"), _field("Highest value shown")
        self._levels = (0.0, 1.0)
        self._said = QLabel(self)
        self._said.setProperty("role", "bubble")
        self._said.setAccessibleName("What is wrong with the range")
        self._said.hide()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID // 2)
        for widget in (self._low, QLabel("–"), self._high):
            layout.addWidget(widget)
        for field in self.fields:
            field.left.connect(self._on_left)
            field.returnPressed.connect(self._take)
            field.textEdited.connect(lambda _text: self._say(""))

    @property
    def fields(self) -> tuple[_Field, _Field]:
        """The field of the lowest value, and that of the highest."""
        return self._low, self._high

    @property
    def wrong(self) -> str:
        """What is wrong with what is typed; empty where nothing is."""
        return self._said.text()

    def show_levels(self, low: float, high: float) -> None:
        """Show the levels that hold now; what is being typed stays."""
        if (low, high) == self._levels and any(field.isModified() for field in self.fields):
            return
        self._levels = low, high
        for field, level in zip(self.fields, self._levels, strict=True):
            field.setText(f"{level:.{_FIGURES}g}".replace("-", "−"))
            field.setCursorPosition(0)
        self._say("")

    def hideEvent(self, event: object) -> None:
        self._say("")
        super().hideEvent(event)  # type: ignore[arg-type]

    def _on_left(self, field: _Field) -> None:
        """Both are typed, one after the other: the first is not wrong before the second."""
        if not any(other.hasFocus() for other in self.fields if other is not field):
            self._take()

    def _take(self) -> None:
        if not any(field.isModified() for field in self.fields):
            return
        try:
            levels = typed_range(self._text(0), self._text(1))
        except ValueError as error:
            self._say(f"{str(error)[0].upper()}{str(error)[1:]}.")
            return
        for field in self.fields:
            field.setModified(False)
        self._levels = levels
        self.typed.emit(*levels)

    def _text(self, which: int) -> str:
        """What a field says; one that was left as it is says its level, with all its digits."""
        field = self.fields[which]
        return field.text() if field.isModified() else repr(self._levels[which])

    def _say(self, wrong: str) -> None:
        """Say it below the fields, over whatever is there."""
        for field in self.fields:
            set_style(field, "invalid", bool(wrong))
            field.setAccessibleDescription(wrong)
        self._said.setText(wrong)
        window = self.window()
        if wrong and window is not self:
            self._said.setParent(window)
            self._said.adjustSize()
            corner = self.mapTo(window, QPoint(0, self.height() + GRID // 2))
            right = window.width() - self._said.width() - GRID
            self._said.move(min(corner.x(), right), corner.y())
            self._said.raise_()
        self._said.setVisible(bool(wrong))


class _Field(QLineEdit):
    left = Signal(object)  # this field: the focus went elsewhere in this window

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() not in (Qt.FocusReason.ActiveWindowFocusReason, Qt.FocusReason.PopupFocusReason):
            self.left.emit(self)


def _field(name: str) -> _Field:
    field = _Field()
    field.setAccessibleName(name)
    field.setToolTip(f"{name}: any number, such as −0.2 or 1e3 (Enter)")
    field.setAlignment(Qt.AlignmentFlag.AlignCenter)
    field.setFixedWidth(8 * GRID)
    return field
