"""PhiScope for notebooks and scripts: how much of what two LoRA adapters learned do they share?

    import phiscope

    c = phiscope.compare("first", "second")
    c.phi("q", 1)                               # float64 (r, r′): φ(i, j) of projection q in layer 1
    c.findings()                                # a structured array, a row for each module
    c.figure(preset="fig7", width=5.5)          # a matplotlib Figure
    c.export("folder", figure=("png", "pdf"))   # what `main.py export` writes

The numbers are those of the window and of the command line, to the last bit. φ is defined by Hu et al., *LoRA*,
arXiv 2106.09685v2, §7.2. What can be expected to fail raises an EngineError, whose text is a sentence.
"""

from __future__ import annotations

import os
from base64 import b64encode
from copy import copy
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from engine import __version__
from engine.commands.recipe import command_line
from engine.comparison.cautions import comparison_cautions, initialisation_caution
from engine.comparison.known import ComparedModule, KnownOutcomes, sound_results, why_none
from engine.comparison.outcome import SideFailure
from engine.comparison.sentence import shared_sentence
from engine.document import export_plan
from engine.errors import (
    DeviceFailure,
    EngineError,
    ExportFailure,
    FileChanged,
    InvalidSetting,
    MalformedAdapter,
    NothingComparable,
    UnknownName,
    UnreadableFile,
    UnsupportedFormat,
    WouldBeLost,
)
from engine.figures.presets import Preset, preset_pairs
from engine.figures.settings import figure_style, kinds_of, member_of
from engine.figures.style import FIGURE_FORMATS, FigureStyle
from engine.matching.explaining import adapter_names, why_nothing
from engine.matching.lookup import Layers, Names, Wanted, pair_called, read_names
from engine.matching.pairing import ModulePair, Pairing, pair_adapters
from engine.plain_text import one_line
from engine.side import Side
from engine.slices import finished
from engine.sources.opening import open_source
from engine.sources.source import SkippedModule, Source
from engine.subspaces.devices import choose_device
from engine.wording import count

if TYPE_CHECKING:
    from typing import Unpack

    import numpy as np
    import numpy.typing as npt
    from matplotlib.figure import Figure

    from engine.figures.settings import FigureSettings

__all__ = [
    "Comparison",
    "DeviceFailure",
    "EngineError",
    "ExportFailure",
    "FileChanged",
    "InvalidSetting",
    "MalformedAdapter",
    "NothingComparable",
    "Side",
    "UnknownName",
    "UnreadableFile",
    "UnsupportedFormat",
    "WouldBeLost",
    "__version__",
    "compare",
    "open",
]

_NOTEBOOK_PIXELS = 720


def open(path: str | os.PathLike[str]) -> Source:
    """Open an adapter: a file, the folder that holds it, or FOLDER/NAME. Its header alone is read.

    The source has `name`, `path`, `format`, `ranks`, `dtypes`, `layer_count`, `base_model`, `modules` (each with its
    `path`, `rank`, `d_in`, `d_out`, `dtype` and `scaling`), `unusable` modules with the reason, and `warnings`.

    Raises:
        UnreadableFile: missing, forbidden, empty, cut off, or not downloaded.
        UnsupportedFormat: no LoRA factors in it, or something that is recognised and cannot be compared.
        MalformedAdapter: LoRA factors in it, and none that is sound.
    """
    return open_source(Path(path).absolute())  # it is read later, maybe from another folder


def compare(
    first: str | os.PathLike[str] | Source,
    second: str | os.PathLike[str] | Source,
    *,
    side: Side | str = Side.A,
    layers: Layers | None = None,
    projections: Names | None = None,
    device: str = "auto",
) -> Comparison:
    """Compare two adapters, given as paths or opened, on a side: "A" as the paper does, "B", "dW-right" or "dW-left".

    `layers`, counted from 1, are text such as "1,32-64", a number, or several of both; `projections` are "q,v" or
    several names; None means all. `device` is "auto", "cpu", "cuda" or "cuda:N".

    Raises:
        EngineError: an adapter cannot be opened (see `open`).
        UnknownName: a layer or a projection is not there.
        NothingComparable: no module of both can be compared on this side.
        InvalidSetting: there is no such side, or the layers cannot be read.
        DeviceFailure: there is no such device.
        FileChanged: an adapter's file changed since it was opened.
    """
    chosen, known_on = member_of(Side, side, "side"), choose_device(device)
    wanted = Wanted.read(layers, projections)
    pairing = pair_adapters(*(each if isinstance(each, Source) else open(each) for each in (first, second)))
    return Comparison(pairing, wanted, chosen, KnownOutcomes(pairing.matching, known_on))


class Comparison:
    """Two adapters, compared on one side; `compare` makes it. `on` gives the other sides.

    `first` and `second` are the opened adapters. Everything that was computed is kept.
    """

    def __init__(
        self,
        pairing: Pairing,
        wanted: Wanted,
        side: Side,
        known: KnownOutcomes,
        views: dict[Side, Comparison] | None = None,
    ) -> None:
        self._pairing, self._wanted, self._side, self._known = pairing, wanted, side, known
        self._results, self._failed = sound_results(known.on(side, _comparable(pairing, wanted, side)))
        self._views = {} if views is None else views
        self._views[side] = self

    def __repr__(self) -> str:
        """`<phiscope.Comparison of r8_seed0 and r8_seed1 on A: 12 modules, 0 left out>`"""
        names = " and ".join(adapter_names(self._pairing).values())
        compared = f"{count(len(self._results), 'module')}, {len(self.skipped)} left out"
        return one_line(f"<phiscope.Comparison of {names} on {self._side.value}: {compared}>")

    def _repr_html_(self) -> str:
        """What a notebook shows: the adapters, the sentence, the cautions and the figure."""
        from engine.document.export import figure_picture  # noqa: PLC0415 - matplotlib

        picture = figure_picture(self._stated(None, self._panels()), FigureStyle(), _NOTEBOOK_PIXELS)
        title, *said = (escape(one_line(text)) for text in (repr(self)[1:-1], self.sentence, *self.cautions))
        return (
            f"<p><b>{title}</b></p><p>{said[0]}</p><ul>{''.join(f'<li>{caution}</li>' for caution in said[1:])}</ul>"
            f'<img alt="{title}" style="max-width: 100%" src="data:image/png;base64,{b64encode(picture).decode()}">'
        )

    @property
    def first(self) -> Source:
        """The first adapter; its directions are the rows of φ."""
        return self._pairing.first

    @property
    def second(self) -> Source:
        """The second adapter; its directions are the columns of φ."""
        return self._pairing.second

    @property
    def side(self) -> Side:
        """Whose singular vectors are compared."""
        return self._side

    @property
    def sentence(self) -> str:
        """What is shared beyond chance, projection by projection, in a sentence or two."""
        return shared_sentence(self._results, self._side)

    @cached_property
    def cautions(self) -> tuple[str, ...]:
        """What a reader of the numbers should beware of, a sentence each.

        On side A a few modules are compared on B as well, to see whether both started from the same random A.

        Raises:
            FileChanged, UnreadableFile: an adapter's file changed, or has gone.
        """
        return self._cautions(1)

    @property
    def modules(self) -> tuple[ComparedModule, ...]:
        """The modules that were compared, in natural order."""
        return tuple(map(ComparedModule.of, self._results))

    @property
    def skipped(self) -> tuple[SkippedModule, ...]:
        """The modules that were left out: each has its name as `module`, and the `reason` in a sentence."""
        return (*self._failed, *self._pairing.skipped(self._side))

    def on(self, side: Side | str) -> Comparison:
        """The same comparison on another side, computed when it is first asked for.

        Raises:
            NothingComparable: no module can be compared on it.
            InvalidSetting: there is no such side.
            FileChanged, UnreadableFile: an adapter's file changed, or has gone.
        """
        wanted = member_of(Side, side, "side")
        if wanted not in self._views:
            Comparison(self._pairing, self._wanted, wanted, self._known, self._views)
        return self._views[wanted]

    def phi(
        self, name: str, layer: int | str | None = None, *, side: Side | str | None = None
    ) -> npt.NDArray[np.float64]:
        """φ(i, j) of a module at [i − 1, j − 1]: float64 (r, r′), read-only; NaN past a numerical rank.

        The module is a projection in a layer (counted from 1, or its label), a slug such as "1_q", or its own name.
        `side` is another than the comparison's. Chance is max(i, j)/d, with d as in `modules`.

        Raises:
            UnknownName: there is no such module, or there are several.
            EngineError: this one could not be compared; or as `on`.
        """
        if side is not None:
            return self.on(side).phi(name, layer)
        pair = self._pairs.get(name) if layer is None else None
        if pair is None:
            pair = pair_called(tuple(self._pairs.values()), name, layer)
        if pair.obstacle(self._side):
            raise _obstacle(pair, self._side)
        (outcome,) = self._known.on(self._side, (pair,))
        if isinstance(outcome, SideFailure):
            raise copy(outcome.error)
        return outcome.phi

    def findings(self) -> npt.NDArray[np.void]:
        """The rows of `findings.csv`, one for each of `modules`, as a structured array with its columns' names.

        `tower`, `layer`, `projection`, `module` and `dominant` are text, all others float64, NaN where undefined.
        docs/files.md says what they are.
        """
        from engine.document.tables import findings_array  # noqa: PLC0415 - SciPy, by which p is found

        return findings_array(self._results)

    def figure(
        self,
        *,
        preset: Preset | str | None = None,
        panels: Names | None = None,
        layers: Layers | None = None,
        projections: Names | None = None,
        **settings: Unpack[FigureSettings],
    ) -> Figure:
        """The figure, drawn as `export` writes it: a matplotlib Figure that pyplot does not know of.

        It shows the modules called `panels`, or those of a `preset` (the paper's "fig3", "fig4", "fig6", "fig7"), of
        `layers` and `projections`; where nothing is said, all, or four layers of a large model. The settings are the
        options of `export` by the same names: `view` ("phi", "above-chance", "z"), `width` in inches, `dpi`,
        `colours`, `range`, `label_size`, `tick_size`, `count_from`; `titles` and `headings`, which are on; `letters`,
        `chance`, `control`, `square`, `outlines`, which are off (docs/command-line.md).

        Raises:
            UnknownName: a panel, layer or projection is not among the modules that were compared.
            InvalidSetting: a setting cannot have its value.
            NothingComparable: the preset shows two ranks, and the adapters have one.
            ExportFailure: the width leaves no room.
        """
        from engine.document.export import drawn_figure  # noqa: PLC0415 - matplotlib

        style = figure_style(**settings)
        paper = _preset(preset)
        return drawn_figure(self._stated(paper, self._panels(paper, panels, layers, projections)), style)

    def export(
        self,
        folder: str | os.PathLike[str],
        *,
        figure: Names | None = ("png",),
        data: Names | None = export_plan.DATA_KINDS,
        force: bool = False,
        preset: Preset | str | None = None,
        panels: Names | None = None,
        layers: Layers | None = None,
        projections: Names | None = None,
        **settings: Unpack[FigureSettings],
    ) -> Path:
        """Write what `main.py export` writes (docs/files.md) into a folder, all of it or nothing; the folder's path.

        `figure` are formats of "png", "pdf", "svg"; `data` are of "csv", "npz", "json"; () is none. What the figure
        shows, and how, is said as to `figure`; the numbers are those of all modules that were compared.

        Raises:
            WouldBeLost: the folder holds something that would be lost, and it is not said by `force` that it may.
            ExportFailure: a file cannot be written; the folder is as it was.
            FileChanged: an adapter's file changed since it was read.
            EngineError: as `figure`.
        """
        from engine.document.export import exporting  # noqa: PLC0415 - matplotlib

        style, out = figure_style(**settings), Path(folder)
        plan = export_plan.ExportPlan(
            kinds_of(FIGURE_FORMATS, figure, "figure format"),
            style,
            kinds_of(export_plan.DATA_KINDS, data, "kind of data"),
        )
        paper = _preset(preset)
        shown = self._panels(paper, panels, layers, projections)
        comparison = self._stated(paper, shown, self._cautions(style.count_from))
        finished(exporting(comparison, out, plan, command_line(comparison, plan), replacing=force))
        return out

    @cached_property
    def _pairs(self) -> dict[str, ModulePair]:
        """Slug → pair, of those that are wanted, on whatever side they can be compared."""
        return {pair.slug: pair for pair in self._wanted.among(self._pairing.pairs)}

    def _panels(
        self,
        preset: Preset | None = None,
        panels: Names | None = None,
        layers: Layers | None = None,
        projections: Names | None = None,
    ) -> frozenset[str] | None:
        """The slugs of the modules that a figure shows; None for all."""
        pairs = tuple(result.pair for result in self._results)
        if panels is not None:
            return frozenset(pair_called(pairs, name).slug for name in read_names(panels))
        wanted = Wanted.read(layers, projections)
        if preset is None and not wanted.is_part:
            return export_plan.default_figure(self._results, is_selection=self._wanted.is_part)
        chosen = wanted.among(pairs)
        return frozenset(pair.slug for pair in (chosen if preset is None else preset_pairs(chosen, preset)))

    def _stated(
        self, preset: Preset | None, panels: frozenset[str] | None, cautions: tuple[str, ...] = ()
    ) -> export_plan.Comparison:
        """What files and figures are made of."""
        return export_plan.Comparison(
            self.first, self.second, self._side, self._known.device, self._results, self.skipped, panels, cautions,
            preset,
        )  # fmt: skip

    def _cautions(self, count_from: int) -> tuple[str, ...]:
        return comparison_cautions(self._pairing, self._side, self._results, self._started_alike, count_from)

    @cached_property
    def _started_alike(self) -> str:
        return initialisation_caution(self._pairing, self._known.device) if self._side is Side.A else ""


def _comparable(pairing: Pairing, wanted: Wanted, side: Side) -> tuple[ModulePair, ...]:
    """The pairs that are wanted and can be compared on a side.

    Raises:
        NothingComparable: there are none.
        UnknownName: a layer or a projection that is wanted is not there.
    """
    if not pairing.comparable(side):
        raise NothingComparable(
            f"Nothing can be compared with {pairing.second.path}: {why_nothing(pairing, side)}",
            path=pairing.first.path,
        )
    chosen = wanted.among(pairing.pairs)
    if not chosen:
        raise NothingComparable("No module is in these layers and of these projections.")
    comparable = tuple(pair for pair in chosen if not pair.obstacle(side))
    if not comparable:
        raise why_none([SideFailure(pair, _obstacle(pair, side)) for pair in chosen])
    return comparable


def _preset(preset: Preset | str | None) -> Preset | None:
    return None if preset is None else member_of(Preset, preset, "figure of the paper")


def _obstacle(pair: ModulePair, side: Side) -> NothingComparable:
    return NothingComparable(pair.obstacle(side), module=pair.path.name)
