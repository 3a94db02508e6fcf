"""The paper's figures as choices of panels: which modules, how much of each, and how they are laid out.

Source: Hu et al., arXiv 2106.09685v2, Figures 3 (one layer, two ranks), 4 (two seeds and a random control), 6 (four
layers, two ranks) and 7 (four layers, two seeds).
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from engine.errors import NothingComparable
from engine.figures.plan import FigurePlan, Mask, PanelSpec, Ticks, control_panel, plain_plan, whole_panel
from engine.matching.first_selection import first_selection
from engine.matching.pairing import ModulePair

# The paper's own ticks, of 64 directions; other ranks take evenly spaced ones.
_I_OF_FIG4 = (1, 8, 16, 24, 32, 40, 48, 56)
_J_OF_FIG4 = (1, 5, 10, 15, 20, 25, 30, 34, 39, 44, 49, 54, 59)
_LONG_AXIS = (1, 6, 12, 18, 23, 29, 35, 40, 46, 52, 58)


class Preset(Enum):
    """A figure of the paper; the value is its name on the command line and in files.

    `number` is its number, `range` its range of φ. Where it `compares_ranks` it shows two different ranks, and so has
    zooms and masks; where it `is_one_layer`, one layer in the middle of the model.
    """

    number: int
    range: tuple[float, float]
    compares_ranks: bool
    is_one_layer: bool

    FIG3 = "fig3", 3, (0.0, 1.0), True, True
    FIG4 = "fig4", 4, (0.0, 0.5), False, True
    FIG6 = "fig6", 6, (0.0, 1.0), True, False
    FIG7 = "fig7", 7, (0.0, 0.8), False, False

    def __new__(  # the defaults are for `Preset("fig7")`, which looks a member up
        cls, value: str, number: int = 0, range_: tuple[float, float] = (0.0, 1.0), compares_ranks: bool = False,
        is_one_layer: bool = False,
    ) -> Preset:  # fmt: skip
        member = object.__new__(cls)
        member._value_ = value
        member.number, member.range = number, range_
        member.compares_ranks, member.is_one_layer = compares_ranks, is_one_layer
        return member

    @property
    def title(self) -> str:
        """`Figure 7`."""
        return f"Figure {self.number}"

    @property
    def has_control(self) -> bool:
        """Whether a random panel follows the others."""
        return self is Preset.FIG4


def preset_pairs(pairs: Sequence[ModulePair], preset: Preset) -> tuple[ModulePair, ...]:
    """The modules that a preset shows: its layers where the model has other depths, q and v or what stands in.

    Raises:
        NothingComparable: the preset shows two ranks, and the adapters have one.
    """
    chosen = first_selection([pair.path for pair in pairs], _middle if preset.is_one_layer else None)
    shown = tuple(pairs[index] for index in chosen)
    if preset.compares_ranks and all(pair.shape[0] == pair.shape[1] for pair in shown):
        rank = shown[0].shape[0] if shown else 0
        raise NothingComparable(
            f"{preset.title} of the paper compares two ranks, and both adapters have rank {rank} here; "
            "choose Figure 7 or 4."
        )
    return shown


def preset_layers(pairs: Sequence[ModulePair], preset: Preset, depth: int, count_from: int = 1) -> str:
    """Which layers stand for the paper's, in a sentence; they are counted from `count_from`."""
    labels = list(dict.fromkeys(pair.path.layer_name(count_from) for pair in pairs if pair.path.layer_label))
    listed = ", ".join(labels[:-1]) + (" and " if len(labels) > 1 else "") + labels[-1] if labels else "no layers"
    these = f"layer{'' if len(labels) == 1 else 's'} {listed} of {depth}"
    counted = "" if count_from == 1 else f", counted from {count_from}"
    of_paper = "layer 48 of 96" if preset.is_one_layer else "layers 1, 32, 64 and 96 of 96"
    return f"{preset.title} of the paper shows {of_paper}; this one {these}{counted}."


def _middle(count: int) -> list[int]:
    """The paper's layer 48 of 96."""
    return [max(0, round(count / 2) - 1)]


def figure_plan(
    pairs: Sequence[ModulePair],
    preset: Preset | None = None,
    *,
    control_of: ModulePair | None = None,
    square: bool = False,
) -> FigurePlan:
    """The figure of these pairs: a preset's, of the modules that `preset_pairs` chose, or panels as asked for."""
    if preset is None:
        return plain_plan(pairs, control_of=control_of, square=square)
    return preset_plan(pairs, preset, control_of)


def preset_plan(pairs: Sequence[ModulePair], preset: Preset, control_of: ModulePair | None = None) -> FigurePlan:
    """The panels of a preset, of the modules that `preset_pairs` chose, and behind them the control of a pair;
    Figure 4 has one of its own. The paper puts four in a row.
    """
    if preset is Preset.FIG7:
        return FigurePlan(plain_plan(pairs, control_of=control_of).panels, None, preset.title, preset.range)
    if preset is Preset.FIG4:
        panels = [whole_panel(pair, _I_OF_FIG4, _J_OF_FIG4) for pair in pairs]
        panels.append(control_panel(panels[-1]))
        return FigurePlan(tuple(panels), (len(panels),), preset.title, preset.range)
    rows = [_with_zooms(group) for group in _by_layer(pairs)]
    if control_of is not None:
        rows.append([control_panel(whole_panel(control_of))])
    panels = [panel for row in rows for panel in row]
    return FigurePlan(tuple(panels), tuple(map(len, rows)), preset.title, preset.range)


def _by_layer(pairs: Sequence[ModulePair]) -> list[list[ModulePair]]:
    groups: dict[tuple[str, str], list[ModulePair]] = {}
    for pair in pairs:
        groups.setdefault((pair.path.tower, pair.path.layer_label), []).append(pair)
    return list(groups.values())


def _with_zooms(pairs: Sequence[ModulePair]) -> list[PanelSpec]:
    """The long panels of a layer, where the larger index is at least the smaller, then the squares of the others.

    φ is the same fraction of the smaller subspace on both sides of the diagonal; the paper shows the triangle above
    it in the long panels and the one below it in the zooms.
    """
    long, zooms = [], []
    for pair in pairs:
        rows, columns = pair.shape
        small = min(rows, columns)
        outside, inside = (Mask.BELOW, Mask.ABOVE) if rows <= columns else (Mask.ABOVE, Mask.BELOW)
        counted = tuple(range(1, small + 1)) if small <= 8 else None
        row_ticks, column_ticks = (_long_ticks(length, small, counted) for length in (rows, columns))
        long.append(PanelSpec(pair, rows, columns, outside, row_ticks, column_ticks))
        zooms.append(PanelSpec(pair, small, small, inside, counted, counted))
    return long + zooms


def _long_ticks(length: int, small: int, counted: Ticks) -> Ticks:
    if length == 64:
        return _LONG_AXIS
    return counted if length == small else None
