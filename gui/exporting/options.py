"""How the exported figure looks, as a user sets it; each venue's settings are kept apart."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QFormLayout, QGridLayout, QHBoxLayout, QWidget

from engine.figures.colour_maps import maps_of, short_name
from engine.figures.presets import Preset
from engine.figures.style import SWITCHES, FigureStyle, text_sizes
from engine.measures.view import View
from gui.style.theme import GRID
from gui.style.widgets import heading

# Width in inches, label and tick size in points; a width of 0 stands for as wide as the panels want.
VENUES: dict[str, tuple[float, float, float]] = {
    "Natural size": (0.0, 9, 7),
    "NeurIPS, ICLR (5.5 in)": (5.5, 9, 7),
    "ICML, AISTATS, UAI, one column (3.25 in)": (3.25, 8, 6),
    "ICML, AISTATS, UAI, two columns (6.75 in)": (6.75, 8, 6),
    "CVPR, one column (3.25 in)": (3.25, 8, 6),
    "CVPR, two columns (6.875 in)": (6.875, 8, 6),
    "AAAI, one column (3.3 in)": (3.3, 8, 6),
    "AAAI, two columns (6.975 in)": (6.975, 9, 7),
    "ACL, one column (3.03 in)": (3.03, 8, 6),
    "ACL, two columns (6.3 in)": (6.3, 9, 7),
    "TMLR (6.5 in)": (6.5, 9, 7),
    "JMLR (6.0 in)": (6.0, 9, 7),
    "ECCV (4.8 in)": (4.8, 9, 7),
}
_OWN_WIDTH = "Own width"
# What the window decides anew each time; the other switches are remembered with their venue.
_OF_THE_WINDOW = ("control", "square")


class FigureOptions(QWidget):
    """Which figure, and its size, resolution, colours and switches."""

    changed = Signal()

    def __init__(
        self,
        preset: Preset | None,
        view: View,
        colour_map: str,
        *,
        control: bool,
        square: bool,
        shown: str = "The panels shown",
    ) -> None:
        super().__init__()
        self.preset_box = QComboBox()
        self.preset_box.addItem(shown, None)
        for each in Preset:
            self.preset_box.addItem(f"{each.title} of the paper", each)
        self.preset_box.setCurrentIndex(self.preset_box.findData(preset))
        self.venue_box = QComboBox()
        self.venue_box.addItems([*VENUES, _OWN_WIDTH])
        self._width = QDoubleSpinBox()
        self._width.setRange(2.0, 20.0)
        self._width.setValue(6.0)
        self._width.setSuffix(" in")
        self._width.hide()
        self.dpi_box = QComboBox()
        self.dpi_box.addItems(["300", "600", "150"])
        self._map = QComboBox()
        for name in maps_of(view):
            self._map.addItem(short_name(name), name)
        self._map.setCurrentIndex(self._map.findData(colour_map))
        self.switches: dict[str, QCheckBox] = {}
        for switch in sorted(SWITCHES, key=lambda switch: switch.place):
            self.switches[switch.attribute] = box = QCheckBox(switch.title)
            box.setToolTip(switch.tip)
            box.setChecked(switch.usual)
        for name, on in (("control", control), ("square", square)):
            self.switches[name].setChecked(on)
        self._restoring = False
        self._venues: dict[str, Any] = {}
        self._build()

    def _build(self) -> None:
        for box, name, tip in (
            (self.preset_box, "Which figure", "The panels of the window, or a figure of the paper"),
            (self.venue_box, "Width of the figure", "The width and text sizes of a venue's pages"),
            (self._width, "Own width in inches", "Between 2 and 20 inches"),
            (self.dpi_box, "Dots per inch of the PNG", "300 for most venues, 600 for print"),
            (self._map, "Colour map of the figure", "Colours from the lowest to the highest value"),
        ):
            box.setAccessibleName(name)
            box.setToolTip(tip)
        width = QHBoxLayout()
        width.setSpacing(GRID)
        width.addWidget(self.venue_box, 1)
        width.addWidget(self._width)
        look = QHBoxLayout()
        look.setSpacing(GRID)
        look.addWidget(self.dpi_box)
        look.addWidget(self._map, 1)
        switches = QGridLayout()
        switches.setVerticalSpacing(GRID // 2)
        for position, switch in enumerate(self.switches.values()):
            switches.addWidget(switch, position // 2, position % 2)
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(GRID)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapAllRows)
        form.addRow(heading("Figure"), self.preset_box)
        form.addRow("Width", width)
        form.addRow("PNG resolution in dpi, and colours", look)
        form.addRow(switches)
        self.venue_box.currentIndexChanged.connect(self._on_venue)
        for signal in (
            self.preset_box.currentIndexChanged, self._width.valueChanged, self.dpi_box.currentIndexChanged,
            self._map.currentIndexChanged, *(switch.toggled for switch in self.switches.values()),
        ):  # fmt: skip
            signal.connect(self._on_changed)

    @property
    def preset(self) -> Preset | None:
        """The figure of the paper that is chosen; None for the panels shown."""
        preset = self.preset_box.currentData()
        return preset if isinstance(preset, Preset) else None

    def figure_style(self, view: View, levels: tuple[float, float], count_from: int) -> FigureStyle:
        """The style that is set, with the window's view, levels (for a figure of its panels) and layer numbers."""
        own = (self._width.value(), *text_sizes(self._width.value()))
        width, label, tick = VENUES.get(self.venue_box.currentText(), own)
        colour_map = self._map.currentData() if self._map.currentIndex() else None  # the view's own needs no name
        return FigureStyle(
            width or None, int(self.dpi_box.currentText()), colour_map,
            levels if self.preset is None else None, label, tick, view, count_from=count_from,
            **{name: switch.isChecked() for name, switch in self.switches.items()},
        )  # fmt: skip

    # --- what is remembered ---

    @property
    def kept(self) -> dict[str, object]:
        """The settings as they are remembered: the venue, and what was chosen for each."""
        return {"venue": self.venue_box.currentText(), "venues": self._venues, "width": self._width.value()}

    def restore(self, kept: dict[str, object]) -> None:
        """Take up what `kept` gave another day."""
        venues, venue, width = kept.get("venues"), kept.get("venue"), kept.get("width")
        self._venues = dict(venues) if isinstance(venues, dict) else {}
        if isinstance(width, float):
            self._width.setValue(width)
        if isinstance(venue, str):
            self.venue_box.setCurrentText(venue)
        self._take_up_venue()

    def _on_venue(self) -> None:
        self._width.setVisible(self.venue_box.currentText() == _OWN_WIDTH)
        self._take_up_venue()
        self.changed.emit()

    def _take_up_venue(self) -> None:
        kept = self._venues.get(self.venue_box.currentText())
        if isinstance(kept, dict):
            self._restoring = True
            self.dpi_box.setCurrentText(str(kept.get("dpi")))
            for name, switch in self._kept_switches():
                switch.setChecked(bool(kept.get(name, switch.isChecked())))
            self._restoring = False

    def _kept_switches(self) -> list[tuple[str, QCheckBox]]:
        return [(name, switch) for name, switch in self.switches.items() if name not in _OF_THE_WINDOW]

    def _on_changed(self) -> None:
        if not self._restoring:
            switches = {name: switch.isChecked() for name, switch in self._kept_switches()}
            self._venues[self.venue_box.currentText()] = {"dpi": self.dpi_box.currentText(), **switches}
            self.changed.emit()
