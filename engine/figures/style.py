"""How a figure for a paper looks: sizes, colours, and what is written around its panels. Values only."""

from __future__ import annotations

from dataclasses import dataclass

from engine.figures.colour_maps import maps_of
from engine.measures.view import View

FIGURE_FORMATS = ("png", "pdf", "svg")
# A single column of ICML, CVPR, ACL or AAAI is narrower than this, in inches; its text is set smaller.
_SINGLE_COLUMN = 3.5


# Least and most: inches, dots per inch, points.
WIDTHS, RESOLUTIONS, TEXT_SIZES = (0.5, 100), (1, 2400), (3, 40)


@dataclass(frozen=True)
class FigureStyle:
    """How a figure looks. `width` is in inches (None: as wide as its panels want), text in points.

    `colour_map` None takes the view's own. `range` holds the colours to these values of the view; None chooses.
    `chance` draws the line where φ is 3 standard deviations above chance. `letters` puts (a), (b), … before the
    panels' titles. `svg_paths` turns the text of an SVG into outlines, which look alike everywhere and cannot be
    edited. `control` adds a panel of two random Gaussian matrices of the last panel's shape, as the paper's Figure 4
    does. Layers are counted from `count_from`: 1 as in the paper, or 0 as in files. `square` shows i and j up to the
    smaller rank alone, where two ranks differ.
    """

    width: float | None = None
    dpi: int = 300
    colour_map: str | None = None
    range: tuple[float, float] | None = None
    label_size: float = 9.0
    tick_size: float = 7.0
    view: View = View.PHI
    titles: bool = True
    headings: bool = True
    letters: bool = False
    chance: bool = False
    svg_paths: bool = False
    control: bool = False
    count_from: int = 1
    square: bool = False

    @property
    def colours(self) -> str:
        """The colour map that is used: the one chosen, or the view's own."""
        return self.colour_map or maps_of(self.view)[0]


def text_sizes(width: float | None) -> tuple[float, float]:
    """Points of labels and of ticks that suit a width: 9 and 7, in a single column 8 and 6."""
    return (8.0, 6.0) if width is not None and width < _SINGLE_COLUMN else (9.0, 7.0)


@dataclass(frozen=True)
class Switch:
    """A setting of FigureStyle that is on or off: its `attribute`, and the `option` that makes it what it is not.

    `option` is its name on the command line without the dashes, `meaning` says there what it does. The window calls
    it `title`, says of it `tip`, and has it in that `place` of its switches.
    """

    attribute: str
    option: str
    meaning: str
    place: int
    title: str
    tip: str

    @property
    def usual(self) -> bool:
        """What it is where nobody says."""
        usual: bool = getattr(FigureStyle(), self.attribute)
        return usual


# In the order of the command line.
SWITCHES = (
    Switch("letters", "letters", "put (a), (b), … before the panels' titles",
           2, "(a), (b), …", "Letters to refer to the panels by"),
    Switch("titles", "no-titles", "leave out the panels' titles",
           0, "Titles", "ΔW with its projection above every panel"),
    Switch("headings", "no-headings", "leave out the layers' headings",
           1, "Layer headings", "The layer beside its panels"),
    Switch("chance", "chance", "draw the line where φ is 3 standard deviations above chance",
           3, "Line at chance + 3 SD", "Where φ is three standard deviations above that of random subspaces"),
    Switch("control", "control", "add a panel of two random Gaussian matrices",
           6, "Random control", "One more panel: two random Gaussian matrices of the same shape"),
    Switch("square", "square", "show i and j up to the smaller rank alone",
           5, "Smaller rank's square", "i and j up to the smaller rank alone, where two ranks differ"),
    Switch("svg_paths", "outlines", "turn the text of the SVG into outlines",
           4, "SVG text as outlines", "Looks alike everywhere, but cannot be edited or searched"),
)  # fmt: skip
