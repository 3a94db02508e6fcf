"""What is known of two adapters: the grid, the atlas and the findings, and the inspector beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QHBoxLayout,
    QMenu,
    QPushButton,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from engine.comparison.outcome import SideResult
from engine.figures.presets import Preset
from engine.matching.pairing import ModulePair
from engine.measures.view import View
from gui.actions.table import tip_of
from gui.figure.panel import Cell
from gui.figure.read_out import ReadOut
from gui.parts.colour_scale import ColourScale
from gui.parts.page import Page, PageContext
from gui.parts.scale_controls import ScaleControls
from gui.parts.sentence_line import SentenceLine
from gui.state.session import Session
from gui.style.names import name_choosers
from gui.style.theme import GRID, icon
from gui.window.page_table import GRID_PAGE, PAGES

if TYPE_CHECKING:
    from gui.figure.grid import FigureView
    from gui.figure.inspector import Inspector


class ComparisonPane(QWidget):
    """Three ways to look at a comparison. Atlas, findings and inspector are made when first looked at."""

    inspector_toggled = Signal(bool)
    page_changed = Signal()

    def __init__(self, session: Session, options: Sequence[QAction]) -> None:
        super().__init__()
        self._session = session
        self.scale = ColourScale(session.store, self)
        self._context = PageContext(session, self.scale, self._go_to, self._on_module)
        self._made: dict[Page, Any] = {}  # each a widget and a PageView
        self._pages = QStackedWidget()
        self.figure: FigureView = self._widget_of(GRID_PAGE).view
        self.read_out = ReadOut(session, self.scale)
        self.sentence = SentenceLine(session)
        self._inspector: Inspector | None = None
        self._build(options)
        self.figure.cell_hovered.connect(self._on_cell)
        self.figure.zoom_changed.connect(self._show_zoom)
        session.outcomes_changed.connect(lambda _slugs: self._show_news(soon=True))
        for signal in (session.pairing_changed, session.numbering_changed):
            signal.connect(lambda: self._show_news(soon=False))
        for signal in (session.pairing_changed, session.selection_changed):
            signal.connect(self._show_preset)
        session.store.changed.connect(self._show_document)
        self._show_document()

    def _build(self, options: Sequence[QAction]) -> None:
        centre = QVBoxLayout()
        centre.setContentsMargins(0, 0, 0, 0)
        centre.setSpacing(0)
        centre.addWidget(self._header(options))
        centre.addWidget(self.sentence)
        centre.addWidget(self._pages, 1)
        centre.addWidget(self.read_out)
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(0)
        self._layout.addLayout(centre, 1)
        name_choosers(self)

    def _header(self, options: Sequence[QAction]) -> QWidget:
        header = QWidget()
        header.setObjectName("paneheader")
        bar = QHBoxLayout(header)
        bar.setContentsMargins(2 * GRID, GRID // 2, GRID, GRID // 2)
        bar.setSpacing(GRID // 2)
        self._tabs = QButtonGroup(self)
        for position, page in enumerate(PAGES):
            button = QPushButton(page.name)
            button.setProperty("chip", True)
            button.setCheckable(True)
            button.setChecked(position == 0)
            button.setToolTip(tip_of(page.action))
            button.setAccessibleName(f"Show the {page.name.lower()}")
            self._tabs.addButton(button, position)
            bar.addWidget(button)
        self._tabs.idClicked.connect(self.show_page)
        self._back = QPushButton("All panels")
        self._back.setProperty("chip", True)
        self._back.setToolTip(tip_of("edit.back", "Show all panels again"))
        self._back.clicked.connect(lambda: self.figure.zoom(None))
        self._back.hide()
        bar.addWidget(self._back)
        bar.addStretch(1)
        self._make_choosers()
        for widget in (
            self._presets,
            self._views,
            self._scale_controls,
            self._options_button(options),
            self._inspect,
        ):
            bar.addWidget(widget)
        header.setMinimumHeight(header.sizeHint().height())  # whatever of it a page hides, nothing moves
        return header

    def _make_choosers(self) -> None:
        self._presets = _chooser(
            "Figure", "The selected panels, or a figure of the paper with its layers, masks and range"
        )
        self._presets.setMinimumWidth(12 * GRID)
        self._presets.addItem("Selection", None)
        for preset in Preset:
            self._presets.addItem(preset.title, preset)
        self._presets.activated.connect(lambda _index: self._session.show_preset(self._presets.currentData()))
        self._views = _chooser(
            "View", "φ itself, φ above chance, or its distance from chance in standard deviations, z"
        )
        for view in View:
            self._views.addItem(view.symbol, view)
            self._views.setItemData(self._views.count() - 1, view.words.capitalize(), Qt.ItemDataRole.ToolTipRole)
        self._views.activated.connect(lambda _index: self.scale.set_view(self._views.currentData()))
        self.scale.view_changed.connect(lambda: self._views.setCurrentIndex(self._views.findData(self.scale.view)))
        self._scale_controls = ScaleControls(self.scale)
        self._inspect = QPushButton("Inspector")
        self._inspect.setProperty("chip", True)
        self._inspect.setCheckable(True)
        self._inspect.setToolTip(tip_of("view.inspector"))
        self._inspect.toggled.connect(self._show_inspector)

    def _options_button(self, options: Sequence[QAction]) -> QToolButton:
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        menu.addActions(options)
        more = QToolButton()
        more.setIcon(icon("options"))
        more.setIconSize(QSize(18, 18))
        more.setProperty("quiet", True)
        more.setMenu(menu)
        more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        more.setToolTip("Random panel, zoom to the smaller rank, layer numbers")
        more.setAccessibleName("Options of the figure")
        return more

    # --- pages ---

    @property
    def _page(self) -> Page:
        return PAGES[max(0, self._tabs.checkedId())]

    @property
    def page(self) -> str:
        """The name of the page shown."""
        return self._page.name

    def show_page(self, position: int) -> None:
        """Show one of PAGES by its position."""
        self._session.store.change(is_step=False, page=PAGES[position].name)
        self._tabs.button(position).setChecked(True)

    def _show_document(self) -> None:
        """Show the page of the document, or the grid where it has none of this version."""
        names = [page.name for page in PAGES]
        wanted = self._session.document.page
        position = names.index(wanted) if wanted in names else PAGES.index(GRID_PAGE)
        page = PAGES[position]
        if page is self._page and self._pages.currentWidget() is self._widget_of(page):
            return
        self._tabs.button(position).setChecked(True)
        self._pages.setCurrentWidget(self._widget_of(page))
        self.read_out.setVisible(page is GRID_PAGE)
        for control in (self._views, self._scale_controls):
            control.setVisible(page.has_view)
        self._presets.setVisible(page.has_presets)
        self._show_zoom()
        self._show_news(soon=False)
        self.page_changed.emit()

    @property
    def page_seen(self) -> QWidget:
        """What of the page shown is neither a control nor a heading: notices lie over its edge."""
        seen: QWidget = self._widget_of(self._page).seen
        return seen

    def copy_page(self) -> str:
        """Put what is seen on the clipboard: a picture for a paper, or text; says what was copied."""
        said: str = self._widget_of(self._page).copy_page()
        return said

    def widget_of(self, name: str) -> Any:
        """The page of a name, made if it has not been looked at."""
        return self._widget_of(next(page for page in PAGES if page.name == name))

    def _widget_of(self, page: Page) -> Any:
        if page not in self._made:
            self._made[page] = page.make(self._context)
            self._pages.addWidget(self._made[page])
        return self._made[page]

    def _go_to(self, slug: str) -> None:
        """Show one module in the grid, alone, among those selected."""
        shown = [pair.slug for pair in self._session.shown]
        if slug not in shown:
            self._session.select([*shown, slug])
        self.show_page(PAGES.index(GRID_PAGE))
        self.figure.zoom(slug)

    def _show_preset(self) -> None:
        self._presets.setCurrentIndex(self._presets.findData(self._session.document.preset))

    def _show_zoom(self) -> None:
        self._back.setVisible(self.figure.zoomed and self._page is GRID_PAGE)

    def _show_news(self, *, soon: bool) -> None:
        self._widget_of(self._page).show_news(soon=soon)
        self.read_out.refresh()
        self._inspect_something()

    # --- inspector ---

    @property
    def inspector(self) -> Inspector | None:
        """What one panel says in numbers; None until it is first shown."""
        return self._inspector

    def toggle_inspector(self) -> None:
        """Show or fold away the inspector."""
        self._inspect.toggle()

    def _show_inspector(self, shown: bool) -> None:
        if shown and self._inspector is None:
            from gui.figure.inspector import Inspector  # noqa: PLC0415 - when first looked at

            self._inspector = Inspector(self._session, self.scale)
            self._inspector.numbers_asked.connect(self._show_numbers)
            self._layout.addWidget(self._inspector)
        if self._inspector is not None:
            self._inspector.setVisible(shown)
        self._inspect_something()
        self.inspector_toggled.emit(shown)

    def _inspect_something(self) -> None:
        """Let the inspector begin with the first panel there is."""
        if self._inspector is not None and self._inspector.cell is None:
            self._inspector.show_cell(self.figure.first_cell())

    def _show_numbers(self, result: SideResult) -> None:
        from gui.numbers.tables import MatrixDialog  # noqa: PLC0415 - when first looked at

        dialog = MatrixDialog(result, self.scale.view, self._session.document.count_from, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._session.pairing_changed.connect(dialog.close)  # its numbers are those of the pair or side before
        dialog.show()

    def _on_cell(self, cell: Cell | None) -> None:
        self.read_out.show_cell(cell)
        if self._inspector is not None:
            self._inspector.show_cell(cell)

    def _on_module(self, pair: ModulePair | None) -> None:
        self._on_cell(Cell(pair, 1, 1) if pair is not None else None)


def _chooser(name: str, tip: str) -> QComboBox:
    box = QComboBox()
    box.setAccessibleName(name)
    box.setToolTip(tip)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
    box.setMinimumWidth(7 * GRID)
    return box
