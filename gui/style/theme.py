"""The program's looks: one palette for light, one for dark, made from a dozen named colours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace

from PySide6.QtCore import QByteArray, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QIconEngine, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

from gui.program.resources import RESOURCES

_ICONS = RESOURCES / "icons"
_CHEVRONS = {f"chevron_{way}": (_ICONS / f"chevron-{way}.svg").as_posix() for way in ("up", "down")}
GRID = 8  # every margin and gap is a multiple of it
MARGIN = 16.0  # around a whole page
CROSS_HAIR = QColor(255, 255, 255, 150)  # taken as a difference, it shows on any colour
# How the focus comes without a mouse: what has it then must show it.
BY_KEYBOARD = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason, Qt.FocusReason.ShortcutFocusReason)
SMALL_TEXT = 0.86  # the second text size, relative to the first


@dataclass(frozen=True)
class Colours:
    """The named colours of one theme, as #rrggbb."""

    background: str
    surface: str
    raised: str
    line: str
    text: str
    muted: str
    accent: str
    on_accent: str
    link: str
    tint: str
    ok: str
    warning: str
    error: str


LIGHT = Colours(
    background="#f3f3f6", surface="#ffffff", raised="#e9e9ee", line="#d9d9e0", text="#1a1a21", muted="#62626f",
    accent="#cb1b4f", on_accent="#ffffff", link="#cb1b4f", tint="#fae6ec", ok="#1d7f54", warning="#8f5a05",
    error="#b3261e",
)  # fmt: skip
DARK = Colours(
    background="#16161a", surface="#1f1f25", raised="#2b2b33", line="#37373f", text="#ededf2", muted="#a0a0ad",
    accent="#d02455", on_accent="#ffffff", link="#f2708f", tint="#3d1826", ok="#5cc796", warning="#e3ab52",
    error="#ff8a80",
)  # fmt: skip
PAPER = replace(LIGHT, background="#ffffff")

THEMES = ("system", "light", "dark")
_STYLED = "phiscope-styled"
_CHOICE = "phiscope-theme"  # the application's property that holds one of THEMES
_painted_in: list[Colours] = []  # what is painted on something else than the window: the last one counts


def choose_theme(app: QApplication, name: str) -> None:
    """Follow the system, or keep to light or dark, by a name of THEMES.

    Qt's own setColorScheme does nothing where the desktop offers no platform theme, so the choice is ours.
    """
    app.setProperty(_CHOICE, name)
    apply_theme(app)


@contextmanager
def on_paper() -> Iterator[None]:
    """Paint on white within it, whatever the window's theme. The window must not be painted meanwhile."""
    _painted_in.append(PAPER)
    try:
        yield
    finally:
        _painted_in.pop()


def current_colours() -> Colours:
    """The colours to paint in: those of the theme that the user, or else the system, asks for now."""
    if _painted_in:
        return _painted_in[-1]
    app = QGuiApplication.instance()
    choice = app.property(_CHOICE) if app is not None else None
    if choice in ("light", "dark"):
        return DARK if choice == "dark" else LIGHT
    return DARK if QGuiApplication.styleHints().colorScheme() is Qt.ColorScheme.Dark else LIGHT


def apply_theme(app: QApplication) -> None:
    """Give the application the palette and style sheet of the current theme."""
    colours = current_colours()
    if app.property(_STYLED) is None:
        app.setStyle("Fusion")
        app.setProperty(_STYLED, True)
    app.setPalette(_palette(colours))
    app.setStyleSheet(_style_sheet(colours))


def _palette(colours: Colours) -> QPalette:
    role = QPalette.ColorRole
    palette = QPalette()
    for which, name in {
        role.Window: colours.background, role.WindowText: colours.text, role.Base: colours.surface,
        role.AlternateBase: colours.background, role.Text: colours.text, role.Button: colours.surface,
        role.ButtonText: colours.text, role.BrightText: colours.error, role.Highlight: colours.accent,
        role.HighlightedText: colours.on_accent, role.ToolTipBase: colours.surface,
        role.ToolTipText: colours.text, role.PlaceholderText: colours.muted, role.Link: colours.link,
        role.Light: colours.surface, role.Midlight: colours.raised, role.Mid: colours.line,
        role.Dark: colours.line, role.Shadow: colours.line, role.Accent: colours.accent,
    }.items():  # fmt: skip
        palette.setColor(which, QColor(name))
    for which in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, which, QColor(colours.muted))
    return palette


def _style_sheet(colours: Colours) -> str:
    sheet = _STYLE_SHEET
    for name, value in {**asdict(colours), **_CHEVRONS}.items():
        sheet = sheet.replace(f"@{name}@", value)
    return sheet


_STYLE_SHEET = """
QToolTip { color: @text@; background: @surface@; border: 1px solid @line@; padding: 4px; }
QMainWindow::separator { width: 1px; background: @line@; }
QToolBar { background: @surface@; border: none; border-bottom: 1px solid @line@; padding: 4px 8px; spacing: 8px; }
QToolBar QLabel { color: @muted@; }
QStatusBar { background: @surface@; border-top: 1px solid @line@; }
QStatusBar::item { border: none; }
QMenuBar { background: @surface@; }
QMenuBar::item { padding: 4px 8px; background: transparent; }
QMenuBar::item:selected, QMenu::item:selected { background: @tint@; color: @text@; }
QMenu { background: @surface@; border: 1px solid @line@; padding: 4px; }
QMenu::item { padding: 4px 24px 4px 16px; border-radius: 4px; }
QMenu::item:disabled { color: @muted@; }
QMenu::separator { height: 1px; background: @line@; margin: 4px 8px; }
QScrollArea, QScrollArea > QWidget > QWidget { background: transparent; border: none; }
QScrollBar:vertical { background: transparent; width: 10px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 0; }
QScrollBar::handle { background: @line@; border-radius: 4px; min-height: 24px; min-width: 24px; margin: 1px; }
QScrollBar::handle:hover { background: @muted@; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QPushButton { background: @surface@; color: @text@; border: 1px solid @line@; border-radius: 6px;
    padding: 4px 12px; min-height: 20px; }
QPushButton:hover { background: @raised@; }
QPushButton:pressed { background: @line@; }
QPushButton:disabled { color: @muted@; background: @background@; }
QPushButton:focus, QToolButton:focus, QLineEdit:focus, QComboBox:focus, QSpinBox:focus, QDoubleSpinBox:focus
    { border: 1px solid @accent@; }
QPushButton[primary="true"] { background: @accent@; color: @on_accent@; border-color: @accent@; }
QPushButton[primary="true"]:hover { border-color: @text@; }
QPushButton[primary="true"]:disabled { background: @raised@; color: @muted@; border-color: @line@; }
QPushButton[chip="true"] { padding: 2px 8px; border-radius: 10px; min-height: 16px; }
QPushButton[chip="true"]:checked { background: @tint@; border-color: @accent@; color: @text@; }
QPushButton[chip="true"]:checked:focus, QPushButton[primary="true"]:focus { border-color: @text@; }
QToolButton[quiet="true"] { border: 1px solid transparent; background: transparent; padding: 2px; min-height: 16px; }
QToolButton[quiet="true"]:hover { background: @raised@; }
QToolButton[quiet="true"]::menu-indicator { image: none; width: 0; }
QToolButton[quiet="true"]:focus { border-color: @accent@; }
QLineEdit, QComboBox, QSpinBox, QDoubleSpinBox { background: @surface@; color: @text@; border: 1px solid @line@;
    border-radius: 6px; padding: 3px 8px; min-height: 20px; selection-background-color: @accent@; }
QAbstractSpinBox > QLineEdit { border: none; border-radius: 0; padding: 0; min-height: 0; background: transparent; }
QLineEdit[invalid="true"] { border-color: @error@; }
QComboBox { padding-right: 2px; combobox-popup: 0; }
QComboBox::drop-down { border: none; width: 22px; }
QComboBox::down-arrow { image: url("@chevron_down@"); width: 12px; height: 12px; }
QSpinBox::up-button, QSpinBox::down-button { border: none; background: transparent; width: 18px; }
QDoubleSpinBox::up-button, QDoubleSpinBox::down-button { width: 0; border: none; background: transparent; }
QSpinBox::up-arrow { image: url("@chevron_up@"); width: 10px; height: 10px; }
QSpinBox::down-arrow { image: url("@chevron_down@"); width: 10px; height: 10px; }
QComboBox QAbstractItemView { background: @surface@; border: 1px solid @line@; selection-background-color: @tint@;
    selection-color: @text@; outline: none; }
QComboBox QAbstractItemView::item { padding: 4px 6px; min-height: 18px; }
QComboBox QAbstractItemView::item:selected { background: @tint@; color: @text@; }
QListWidget, QTreeWidget { background: transparent; border: none; outline: none; }
QTreeWidget { border: 1px solid transparent; selection-background-color: @tint@; selection-color: @text@; }
QTreeWidget:focus { border: 1px solid @accent@; }
QListWidget::item { padding: 2px 4px; border-radius: 4px; }
QListWidget::item:selected { background: @tint@; color: @text@; border: 1px solid @accent@; }
QListWidget::item:focus { border: 1px solid @text@; }
QCheckBox { spacing: 8px; }
QProgressBar { background: @raised@; border: none; border-radius: 3px; max-height: 6px; min-height: 6px; }
QProgressBar::chunk { background: @accent@; border-radius: 3px; }
QLabel[role="muted"] { color: @muted@; }
QLabel[role="heading"] { font-weight: 600; }
QLabel[role="error"] { color: @error@; }
QLabel[role="bubble"] { background: @surface@; color: @error@; border: 1px solid @error@; border-radius: 6px;
    padding: 4px 8px; }
QLabel[role="warning"] { color: @warning@; }
QFrame[role="paper"] { background: #ffffff; border: 1px solid @line@; border-radius: 8px; }
QFrame[role="paper"] QLabel { color: #62626f; }
QFrame[role="card"] { background: @surface@; border: 1px solid @line@; border-radius: 8px; }
QFrame[role="drop"] { background: @surface@; border: 2px dashed @line@; border-radius: 8px; }
QFrame[role="drop"][lit="true"], QFrame[role="card"][lit="true"] { border: 2px dashed @accent@; background: @tint@; }
QFrame[role="notices"] { background: @surface@; border: 1px solid @line@; border-radius: 6px; }
QFrame[role="notices"][severity="error"] { border-color: @error@; }
QFrame[role="notices"][severity="caution"] { border-color: @warning@; }
QWidget#sidebar { background: @background@; border-right: 1px solid @line@; }
QWidget#inspector { background: @surface@; border-left: 1px solid @line@; }
QWidget#paneheader { background: @background@; }
QHeaderView::section { background: @background@; color: @muted@; border: none; border-bottom: 1px solid @line@;
    padding: 4px 8px; }
QTableView { background: @surface@; border: none; selection-background-color: @tint@; selection-color: @text@;
    alternate-background-color: @background@; outline: none; }
QTableView::item { padding: 2px 8px; }
QTableView::item:focus { border: 1px solid @accent@; }
QTableView:focus, QTextBrowser:focus { border: 1px solid @accent@; }
QScrollArea#inspectorarea { border: 1px solid transparent; }
QScrollArea#inspectorarea:focus { border: 1px solid @accent@; }
QTextBrowser { background: @surface@; color: @text@; }
QWidget#readout { background: @surface@; border-top: 1px solid @line@; }
"""


class _IconEngine(QIconEngine):
    """A line icon from SVG paths in a 24 × 24 box, tinted with one of the colours of the moment."""

    def __init__(self, paths: str, colour: str) -> None:
        super().__init__()
        self._paths, self._colour = paths, colour

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, _state: QIcon.State) -> None:
        colours = current_colours()
        colour = colours.muted if mode is QIcon.Mode.Disabled else getattr(colours, self._colour)
        svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="{colour}" '
            f'stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round">{self._paths}</svg>'
        )
        QSvgRenderer(QByteArray(svg.encode())).render(painter, QRectF(rect))

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        pixmap = QPixmap(size)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        self.paint(painter, pixmap.rect(), mode, state)
        painter.end()
        return pixmap

    def clone(self) -> QIconEngine:
        return _IconEngine(self._paths, self._colour)


_ICON_PATHS = {
    "file": '<path d="M14 3H7a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2V8z"/><path d="M14 3v5h5"/>',
    "folder": '<path d="M3 7a2 2 0 0 1 2-2h4l2 3h8a2 2 0 0 1 2 2v7a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2z"/>',
    "close": '<path d="M6 6l12 12M18 6L6 18"/>',
    "swap": '<path d="M7 4v15M7 19l-3-3M7 19l3-3M17 20V5M17 5l-3 3M17 5l3 3"/>',
    "more": '<path d="M5 12h.01M12 12h.01M19 12h.01" stroke-width="3"/>',
    "options": '<path d="M4 8h9M19 8h1M4 16h1M11 16h9"/><circle cx="16" cy="8" r="2.5"/>'
    '<circle cx="8" cy="16" r="2.5"/>',
    "error": '<circle cx="12" cy="12" r="9"/><path d="M9 9l6 6M15 9l-6 6"/>',
    "caution": '<path d="M12 4L2.8 20h18.4z"/><path d="M12 10v5M12 17.6h.01"/>',
    "news": '<circle cx="12" cy="12" r="9"/><path d="M12 11v5M12 7.6h.01"/>',
    "export": '<path d="M12 15V4M12 4L8 8M12 4l4 4"/><path d="M5 14v4a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2v-4"/>',
    "drop": '<path d="M12 4v10M12 14l-4-4M12 14l4-4"/><path d="M4 15v3a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2v-3"/>',
}


def icon(name: str, colour: str = "text") -> QIcon:
    """One of the program's own line icons, in the colour of this name."""
    return QIcon(_IconEngine(_ICON_PATHS[name], colour))
