"""What is known of two adapters: the grid, the atlas and the findings, and the inspector beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QGuiApplication
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
from engine.wording import count
from gui.actions.table import tip_of
from gui.figure.area import FigureArea
from gui.figure.grid import FigureView
from gui.figure.panel import Cell
from gui.figure.read_out import ReadOut
from gui.parts.colour_scale import ColourScale
from gui.parts.scale_controls import ScaleControls
from gui.parts.sentence_line import SentenceLine
from gui.state.session import Session
from gui.style.names import name_choosers
from gui.style.texts import grouped
from gui.style.theme import GRID, icon

if TYPE_CHECKING:
    from gui.atlas.page import Atlas
    from gui.figure.inspector import Inspector
    from gui.numbers.tables import FindingsTable

PAGES = ("Grid", "Atlas", "Findings")


class ComparisonPane(QWidget):
    """Three ways to look at a comparison. Atlas, findings and inspector are made when first looked at."""

    inspector_toggled = Signal(bool)
    page_changed = Signal()

    def __init__(self, session: Session, options: Sequence[QAction]) -> None:
        super().__init__()
        self._session = session
        self.scale = ColourScale(session.store, self)
        self.figure = FigureView(session, self.scale)
        self.read_out = ReadOut(session, self.scale)
        self.sentence = SentenceLine(session)
        self._pages = QStackedWidget()
        self._grid = FigureArea(self.figure)
        self._pages.addWidget(self._grid)
        self._atlas: Atlas | None = None
        self._findings: FindingsTable | None = None
        self._inspector: Inspector | None = None
        self._build(options)
        self.figure.cell_hovered.connect(self._on_cell)
        self.figure.zoom_changed.connect(self._show_zoom)
        session.outcomes_changed.connect(lambda _slugs: self._on_outcomes())
        session.pairing_changed.connect(self._on_news)
        session.numbering_changed.connect(self._on_news)
        for signal in (session.pairing_changed, session.selection_changed):
            signal.connect(self._show_preset)

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
        for position, name in enumerate(PAGES):
            button = QPushButton(name)
            button.setProperty("chip", True)
            button.setCheckable(True)
            button.setChecked(position == 0)
            button.setToolTip(tip_of(f"view.{name.lower()}"))
            button.setAccessibleName(f"Show the {name.lower()}")
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
    def page(self) -> str:
        """The page shown, one of PAGES."""
        return PAGES[self._tabs.checkedId()]

    def show_page(self, position: int) -> None:
        """Show one of PAGES by its position."""
        self._tabs.button(position).setChecked(True)
        self._pages.setCurrentWidget(self._page_widget(PAGES[position]))
        self.read_out.setVisible(position == 0)
        for control in (self._views, self._scale_controls):
            control.setVisible(self.page != "Findings")
        self._presets.setVisible(self.page == "Grid")
        self._show_zoom()
        self._on_news()
        self.page_changed.emit()

    @property
    def page_seen(self) -> QWidget:
        """What of the page shown is neither a control nor a heading: notices lie over its upper edge."""
        if self.page == "Atlas":
            return self.atlas.picture_area
        return self.findings.viewport() if self.page == "Findings" else self._grid

    def _page_widget(self, name: str) -> QWidget:
        if name == "Atlas":
            return self.atlas
        return self.findings if name == "Findings" else self._grid

    @property
    def atlas(self) -> Atlas:
        """Every module at a glance."""
        if self._atlas is None:
            from gui.atlas.page import Atlas  # noqa: PLC0415 - when first looked at

            self._atlas = Atlas(self._session, self.scale)
            self._atlas.module_chosen.connect(self._go_to)
            self._atlas.mosaic.module_hovered.connect(self._on_module)
            self._pages.addWidget(self._atlas)
        return self._atlas

    @property
    def findings(self) -> FindingsTable:
        """The panels in numbers."""
        if self._findings is None:
            from gui.numbers.tables import FindingsTable  # noqa: PLC0415 - when first looked at

            self._findings = FindingsTable(self._session)
            self._findings.module_chosen.connect(self._go_to_slug)
            self._pages.addWidget(self._findings)
        return self._findings

    def _go_to_slug(self, slug: str) -> None:
        self._go_to(next(pair for pair in self._session.comparable if pair.slug == slug))

    def _go_to(self, pair: ModulePair) -> None:
        """Show one module in the grid, alone, among those selected."""
        if pair not in self._session.shown:
            self._session.select([*(shown.slug for shown in self._session.shown), pair.slug])
        self.show_page(0)
        self.figure.zoom(pair.slug)

    def _show_preset(self) -> None:
        self._presets.setCurrentIndex(self._presets.findData(self._session.preset))

    def _show_zoom(self) -> None:
        self._back.setVisible(self.figure.zoomed and self.page == PAGES[0])

    def _on_outcomes(self) -> None:
        if self.page == "Findings":
            self.findings.refresh_soon()
        self.read_out.refresh()
        self._inspect_something()

    def _on_news(self) -> None:
        if self.page == "Findings":
            self.findings.refresh()
        self.read_out.refresh()
        self._inspect_something()

    # --- copying ---

    def copy_page(self) -> str:
        """Put what is seen on the clipboard: a picture for a paper, or the findings as text; says what was copied."""
        if self.page == "Findings":
            return f"Copied {count(self.findings.copy(), 'row')} of the findings as text."
        picture = self.atlas.picture_on_paper() if self.page == "Atlas" else self.figure.picture_on_paper()
        QGuiApplication.clipboard().setImage(picture)
        size = f"{grouped(picture.width())} × {grouped(picture.height())} pixels"
        return f"Copied {self._copied_name()} as a picture, {size}."

    def _copied_name(self) -> str:
        if self.page == "Atlas":
            return "the atlas"
        if self.figure.zoomed:
            return "the panel"
        return self._session.preset.title if self._session.preset is not None else "the grid"

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

        dialog = MatrixDialog(result, self.scale.view, self._session.count_from, self)
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
