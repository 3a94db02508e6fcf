"""Figures fit their page: nothing overlaps, nothing is cut, at every width and number of panels."""

from __future__ import annotations

import io
import itertools
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from cmap import Colormap
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage, imread
from matplotlib.transforms import Bbox

from engine.comparison.outcome import SideResult
from engine.figures.arrangement import figure_size
from engine.figures.colour_maps import UNDEFINED_COLOUR
from engine.figures.contents import figure_levels
from engine.figures.matplotlib_figure import draw_figure, save_figure
from engine.figures.notation import FigureText, figure_text
from engine.figures.presets import Preset, preset_pairs
from engine.figures.style import FigureStyle
from engine.measures.view import View
from engine.measures.views import view_values
from engine.side import Side
from tests.adapters import llama_modules, peft_config, peft_tensors, write_peft_adapter, write_tensors
from tests.reference import compare, figure_of

TITLE = FigureText(
    r"$\phi(A_{r=64},\ A'_{r=64},\ i,\ j)$", r"$\phi$, right-singular vectors of $A$", r"$\phi$ on $A$"
)
VENUES = [(3.03, 9, 7), (3.25, 8, 6), (5.5, 9, 7), (6.75, 8, 6)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("adapters")


def made(folder: Path, panels: int, ranks: tuple[int, int] = (64, 64)) -> list[SideResult]:
    """Results for so many panels, two to a layer."""
    modules = llama_modules(-(-panels // 2))[:panels]
    name = f"{panels}-{ranks[0]}-{ranks[1]}"
    paths = [
        write_peft_adapter(folder / f"{name}-{k}", modules, rank, seed=k, d_in=96) for k, rank in enumerate(ranks)
    ]  # fmt: skip
    return [outcome for outcome in compare(paths[0], paths[1])[1] if isinstance(outcome, SideResult)]


def text_boxes(figure: Figure) -> dict[str, Bbox]:
    """Every text that is seen, with the pixels that it takes."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    boxes = {}
    texts = list(figure.texts)
    for axes in figure.axes:
        texts += [axes.title, axes.xaxis.label, axes.yaxis.label]
        texts += [label for label in (*axes.get_xticklabels(), *axes.get_yticklabels()) if label.get_visible()]
    for number, text in enumerate(texts):
        if text.get_text() and text.get_visible():
            box = text.get_window_extent(renderer)
            if box.width > 0 and box.height > 0:
                boxes[f"{number}: {text.get_text()}"] = box
    return boxes


def assert_legible(figure: Figure) -> None:
    """Texts lie on the page, not on each other, and not on a panel."""
    boxes = text_boxes(figure)
    page = figure.bbox
    for name, box in boxes.items():
        assert box.x0 >= page.x0 - 1, f"{name} is cut at the left"
        assert box.x1 <= page.x1 + 1, f"{name} is cut at the right"
        assert box.y0 >= page.y0 - 1, f"{name} is cut at the bottom"
        assert box.y1 <= page.y1 + 1, f"{name} is cut at the top"
    for (name, box), (other, other_box) in itertools.combinations(boxes.items(), 2):
        common = Bbox.intersection(box, other_box)
        assert common is None or min(common.width, common.height) < 1.5, f"{name} lies on {other}"
    for axes in figure.axes:
        inside = Bbox(axes.bbox.get_points() + np.array([[2, 2], [-2, -2]]))
        for name, box in boxes.items():
            assert not inside.overlaps(box), f"{name} lies on a panel"


@pytest.mark.parametrize("panels", [1, 2, 3, 4, 8, 16, 24])
@pytest.mark.parametrize(("width", "label", "tick"), VENUES)
def test_nothing_overlaps_or_is_cut(folder: Path, width: float, label: float, tick: float, panels: int) -> None:
    style = FigureStyle(width=width, dpi=150, label_size=label, tick_size=tick, letters=True)
    figure = draw_figure(figure_of(made(folder, panels), style), TITLE, style)
    assert figure.get_figwidth() == pytest.approx(width)
    assert_legible(figure)


@pytest.mark.parametrize("preset", list(Preset))
@pytest.mark.parametrize(("width", "label", "tick"), VENUES)
def test_presets_are_legible(folder: Path, preset: Preset, width: float, label: float, tick: float) -> None:
    found = made(folder, 12, (8, 64) if preset.compares_ranks else (64, 64))
    by_slug = {result.pair.slug: result for result in found}
    chosen = [by_slug[pair.slug] for pair in preset_pairs([result.pair for result in found], preset)]
    style = FigureStyle(width=width, dpi=150, label_size=label, tick_size=tick)
    text = figure_text(Side.DW_LEFT, style.view, chosen)
    assert_legible(draw_figure(figure_of(chosen, style, preset), text, style))


@pytest.mark.parametrize("width", [3.03, 5.5, None])
def test_layers_of_many_projections_break_where_the_page_is_narrow(folder: Path, width: float | None) -> None:
    modules = llama_modules(3, ("q", "k", "v", "o", "gate", "up", "down"))
    paths = [write_peft_adapter(folder / f"many-{width}-{k}", modules, 8, seed=k, d_in=96) for k in (0, 1)]
    found = [outcome for outcome in compare(paths[0], paths[1])[1] if isinstance(outcome, SideResult)]
    style = FigureStyle(width, 150, letters=True, control=True, chance=True)
    laid_out = figure_of(found, style)
    assert len(laid_out.contents.plan.panels) == 22, "the last one is the control"
    assert laid_out.layout.columns == 7 if width is None else laid_out.layout.columns < 7
    assert_legible(draw_figure(laid_out, figure_text(Side.B, View.ABOVE_CHANCE, found), style))


@pytest.mark.parametrize("width", [3.03, 5.5, None])
def test_towers_are_named_beside_their_own_panels(folder: Path, width: float | None) -> None:
    modules = [
        f"{stack}.block.{layer}.layer.{where}.{name}.{projection}"
        for stack, where, name in (
            ("encoder", 0, "SelfAttention"), ("decoder", 0, "SelfAttention"), ("decoder", 1, "EncDecAttention"),
        )
        for layer in range(2) for projection in "qkvo"
    ]  # fmt: skip
    paths = [write_peft_adapter(folder / f"towers-{width}-{k}", modules, 4, seed=k, d_in=96) for k in (0, 1)]
    found = [outcome for outcome in compare(paths[0], paths[1])[1] if isinstance(outcome, SideResult)]
    style = FigureStyle(width, 150)
    figure = draw_figure(figure_of(found, style), figure_text(Side.A, style.view, found), style)
    assert "decoder.cross\nLayer 2" in [text.get_text() for text in figure.texts]
    assert_legible(figure)


def test_the_legend_explains_what_is_there(folder: Path) -> None:
    found = made(folder, 2)
    style = FigureStyle(width=3.25, dpi=150, chance=True)
    figure = draw_figure(figure_of(found, style), TITLE, style)
    said = [text.get_text() for text in figure.texts]
    drawn = [collection for axes, _ in heatmaps(figure) for collection in axes.collections]
    assert any("above chance" in text for text in said) is bool(drawn)
    assert_legible(figure)


def heatmaps(figure: Figure) -> list[tuple[Axes, AxesImage]]:
    return [(axes, axes.images[0]) for axes in figure.axes if axes.images]


def test_undefined_and_hidden_cells_have_colours_of_their_own(folder: Path) -> None:
    found = made(folder, 2, (4, 90))  # 90 directions in R^96, then fewer in the file that is rank-deficient
    laid_out = figure_of(found, FigureStyle())
    image = heatmaps(draw_figure(laid_out, TITLE, FigureStyle()))[0][1]
    assert np.asarray(image.get_array()).shape == (4, 90, 4)
    beyond = made(folder, 2, (4, 100))  # no more than 96 directions exist
    figure = draw_figure(figure_of(beyond, FigureStyle()), TITLE, FigureStyle())
    pixels = np.asarray(heatmaps(figure)[0][1].get_array())
    grey = [int(UNDEFINED_COLOUR[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    np.testing.assert_allclose(pixels[:, 96:, :3], np.broadcast_to(grey, (4, 4, 3)))
    assert any("undefined" in text.get_text() for text in figure.texts)
    preset = figure_of(made(folder, 2, (8, 64)), preset=Preset.FIG3)
    figure = draw_figure(preset, TITLE, FigureStyle())
    pixels = np.asarray(heatmaps(figure)[0][1].get_array())
    assert not np.allclose(pixels[7, 0, :3], grey), "hidden is not undefined"
    assert not any("undefined" in text.get_text() for text in figure.texts)


def test_bar_states_both_ends(folder: Path) -> None:
    style = FigureStyle(range=(0.13, 0.572))
    figure = draw_figure(figure_of(made(folder, 2), style), TITLE, style)
    bar = next(axes for axes in figure.axes if not axes.images)
    labels = [label.get_text() for label in bar.get_yticklabels()]
    assert (labels[0], labels[-1]) == ("0.130", "0.572")


@pytest.mark.parametrize("kind", ["png", "pdf", "svg"])
def test_same_figure_same_bytes(folder: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    style = FigureStyle(width=5.5, dpi=80)
    written = []
    for _ in range(2):
        out = io.BytesIO()
        save_figure(draw_figure(figure_of(made(folder, 2), style), TITLE, style), out, kind, style, {})
        written.append(out.getvalue())
    assert written[0] == written[1]


@pytest.mark.parametrize("kind", ["png", "pdf", "svg"])
def test_settings_of_matplotlib_that_others_made_change_no_figure(
    folder: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")

    def drawn() -> bytes:
        out, style = io.BytesIO(), FigureStyle(dpi=60, chance=True)
        save_figure(draw_figure(figure_of(made(folder, 2), style), TITLE, style), out, kind, style, {})
        return out.getvalue()

    usual = drawn()
    others = {
        "axes.grid": True, "axes.edgecolor": "red", "font.size": 20, "xtick.color": "blue", "xtick.bottom": False,
        "savefig.bbox": "tight", "pdf.fonttype": 3, "image.origin": "lower", "lines.linewidth": 5.0,
    }  # fmt: skip
    with mpl.rc_context(others):
        assert drawn() == usual


def test_svg_text_is_text_or_paths_by_choice(folder: Path) -> None:
    for as_paths in (False, True):
        style = FigureStyle(svg_paths=as_paths)
        out = io.BytesIO()
        save_figure(draw_figure(figure_of(made(folder, 1), style), TITLE, style), out, "svg", style, {})
        assert (b"<text" in out.getvalue()) is not as_paths


def _sharing_their_weakest(folder: Path) -> list[SideResult]:
    """Two adapters whose directions are random but for the last, which they share."""
    modules = llama_modules(1)
    shared, paths = np.random.default_rng(9).standard_normal(400), []
    for seed in (0, 1):
        tensors = peft_tensors(modules, 6, seed=seed, d_in=400)
        for name in (name for name in tensors if "lora_A" in name):
            tensors[name] *= np.linspace(9, 4, 6, dtype=np.float32)[:, None]
            tensors[name][-1] = shared
        paths.append(write_tensors(folder / f"weakest{seed}", tensors, peft_config(modules, 6)))
    return [outcome for outcome in compare(paths[0], paths[1])[1] if isinstance(outcome, SideResult)]


def test_chance_line_lies_where_z_is_3(folder: Path) -> None:
    found = _sharing_their_weakest(folder)
    style = FigureStyle(chance=True)
    figure = draw_figure(figure_of(found, style), TITLE, style)
    drawn = 0
    for result, (axes, _) in zip(found, heatmaps(figure), strict=True):
        z = view_values(result.facts, View.Z)
        vertices = [path.vertices for lines in axes.collections for path in lines.get_paths()]
        assert bool(vertices) == (z.min() < 3 < z.max())
        for j, i in np.concatenate([np.empty((0, 2)), *vertices]):
            around = z[int(i) - 1 : int(np.ceil(i)), int(j) - 1 : int(np.ceil(j))]
            assert around.min() <= 3.0 + 1e-9
            assert around.max() >= 3.0 - 1e-9
            drawn += 1
    assert drawn
    without = draw_figure(figure_of(made(folder, 2), FigureStyle()), TITLE, FigureStyle())
    assert not any(axes.collections for axes, _ in heatmaps(without))


def test_no_chance_line_runs_along_undefined_cells(folder: Path) -> None:
    """A of numerical rank 6 of 16; what is defined is at chance."""

    def deficient(rng: np.random.Generator, factor: str, shape: tuple[int, int]) -> np.ndarray:
        matrix = rng.standard_normal(shape)
        if factor == "A":
            matrix[6:] = rng.standard_normal((shape[0] - 6, 6)) @ matrix[:6]
        return matrix

    first = write_peft_adapter(folder / "deficient", llama_modules(1), 16, seed=3, d_in=96, draw=deficient)
    found = [o for o in compare(first, first)[1] if isinstance(o, SideResult)]
    assert np.isnan(found[0].phi[6:]).all()
    style = FigureStyle(dpi=80, chance=True)  # the adapter with itself: all that is defined is far above chance
    figure = draw_figure(figure_of(found, style), TITLE, style)
    assert not [collection for axes, _ in heatmaps(figure) for collection in axes.collections]
    assert not any("above chance" in text.get_text() for text in figure.texts)


@pytest.mark.parametrize("ends", [(-1.0, 0.0), (0.0, 0.3), (-0.2, 0.4)])
def test_the_bar_runs_over_the_range_and_no_further(folder: Path, ends: tuple[float, float]) -> None:
    style = FigureStyle(dpi=80, range=ends, view=View.ABOVE_CHANCE)
    figure = draw_figure(figure_of(made(folder, 2), style), TITLE, style)
    assert figure.axes[-1].get_ylim() == pytest.approx(ends)


def test_long_projections_stay_above_their_panels(folder: Path) -> None:
    modules = [f"model.layers.{layer}.another_rather_long_name_{k}" for layer in range(2) for k in range(3)]
    paths = [write_peft_adapter(folder / f"long-{k}", modules, 4, seed=k, d_in=96) for k in (0, 1)]
    found = [outcome for outcome in compare(paths[0], paths[1])[1] if isinstance(outcome, SideResult)]
    style = FigureStyle(3.25, 150, label_size=8, tick_size=6, letters=True)
    assert_legible(draw_figure(figure_of(found, style), figure_text(Side.A, View.PHI, found), style))


@pytest.mark.parametrize("width", [3.03, None])
def test_large_numbers_stay_beside_the_bar(folder: Path, width: float | None) -> None:
    """z of adapters that share much: hundreds and thousands."""
    found = made(folder, 2)
    for ends, highest in (((-12.34, 5337.55), "5338"), ((20.7, 177.149), "177"), ((-1.26, 12.34), "12.3")):
        style = FigureStyle(width, 150, view=View.Z, range=ends)
        figure = draw_figure(figure_of(found, style), figure_text(Side.A, View.Z, found), style)
        assert [label.get_text() for label in figure.axes[-1].get_yticklabels()][-1] == highest
        assert_legible(figure)


@pytest.mark.parametrize("view", list(View))
@pytest.mark.parametrize(("width", "label", "tick"), VENUES)
def test_every_view_is_named_and_legible(folder: Path, width: float, label: float, tick: float, view: View) -> None:
    found = made(folder, 4)
    style = FigureStyle(width, 150, label_size=label, tick_size=tick, view=view, chance=True)
    text = figure_text(Side.DW_LEFT, view, found)
    figure = draw_figure(figure_of(found, style), text, style)
    assert_legible(figure)
    bar = figure.axes[-1]
    assert bar.get_ylabel() in (text.bar_label, text.short_bar_label)
    said = {View.PHI: r"$\phi$", View.ABOVE_CHANCE: "$\\phi$ − chance", View.Z: "$z$"}[view]
    assert bar.get_ylabel().startswith((f"{said},", f"{said} on"))
    title = next(t.get_text() for t in figure.texts if "r=64" in t.get_text())
    assert title.startswith(r"$z(" if view is View.Z else r"$\phi(")
    assert title.endswith(r" - \mathrm{chance}$") == (view is View.ABOVE_CHANCE)


def _asymmetric(folder: Path) -> list[SideResult]:
    """Panels of 3 × 6 cells without any symmetry, with φ on both sides of chance."""
    return made(folder, 2, (3, 6))


@pytest.mark.parametrize("view", list(View))
@pytest.mark.parametrize("colour_map", [None, "cmocean:balance", "viridis"])
def test_cells_have_the_colours_of_the_view(folder: Path, tmp_path: Path, view: View, colour_map: str | None) -> None:
    """The pixels of the PNG are the map applied to the view's values, with 0 in the middle of a diverging map."""
    if view is View.PHI and colour_map == "cmocean:balance":
        pytest.skip("φ takes no map with a middle")
    found, style = _asymmetric(folder), FigureStyle(dpi=200, view=view, colour_map=colour_map)
    laid_out = figure_of(found, style)
    figure = draw_figure(laid_out, figure_text(Side.A, view, found), style)
    with (tmp_path / "figure.png").open("wb") as target:
        save_figure(figure, target, "png", style, {})
    pixels = imread(tmp_path / "figure.png")
    low, high = figure_levels(laid_out.contents, style)
    assert (low == -high) == view.is_centred
    colours = Colormap(colour_map or {View.PHI: "seaborn:rocket"}.get(view, "seaborn:icefire"))
    seen = []
    for (axes, _), result in zip(heatmaps(figure), found, strict=True):
        box, values = axes.get_position(), view_values(result.facts, view)
        for i, j in np.ndindex(3, 6):
            x = int((box.x0 + (j + 0.5) / 6 * box.width) * pixels.shape[1])
            y = int((1.0 - box.y1 + (i + 0.5) / 3 * box.height) * pixels.shape[0])
            wanted = colours((values[i, j] - low) / (high - low)).rgba
            np.testing.assert_allclose(pixels[y, x, :3], wanted[:3], atol=0.02)
            seen.append(values[i, j])
    if view.is_centred:
        assert min(seen) < 0 < max(seen)


def test_marks_cross_the_bar_of_z(folder: Path) -> None:
    found = made(folder, 2)
    style = FigureStyle(view=View.Z, range=(-12.0, 12.0))
    bar = draw_figure(figure_of(found, style), figure_text(Side.A, View.Z, found), style).axes[-1]
    assert sorted(float(np.asarray(line.get_ydata())[0]) for line in bar.lines) == [-3.0, 3.0]
    labels = {label.get_text(): tick for label, tick in zip(bar.get_yticklabels(), bar.get_yticks(), strict=True)}
    assert (labels["3 SD"], labels["−3 SD"]) == (3.0, -3.0)


@pytest.mark.parametrize(("colour_map", "line"), [("seaborn:icefire", "white"), ("cmocean:balance", "dark")])
def test_the_line_at_chance_is_seen_on_its_ground(folder: Path, colour_map: str, line: str) -> None:
    found = _sharing_their_weakest(folder)
    style = FigureStyle(chance=True, view=View.Z, colour_map=colour_map)
    figure = draw_figure(figure_of(found, style), TITLE, style)
    assert any(f"3 SD above chance: {line} line" in text.get_text() for text in figure.texts)
    (collection, *_) = [collection for axes, _ in heatmaps(figure) for collection in axes.collections]
    assert bool(np.asarray(collection.get_edgecolor())[0, :3].mean() > 0.5) == (line == "white")


def test_the_size_is_known_before_anything_is_drawn(folder: Path) -> None:
    for panels, style in (
        (2, FigureStyle()),
        (8, FigureStyle(5.5, chance=True)),
        (8, FigureStyle(3.03, control=True)),
    ):
        found = made(folder, panels)
        laid_out = figure_of(found, style)
        figure = draw_figure(laid_out, figure_text(Side.A, View.PHI, found), style)
        assert figure_size(laid_out, style) == pytest.approx((figure.get_figwidth(), figure.get_figheight()))


def test_a_png_that_cannot_be_drawn_is_refused_in_words(folder: Path) -> None:
    style = FigureStyle(dpi=2400)
    figure = draw_figure(figure_of(made(folder, 1), style), TITLE, style)
    figure.set_size_inches(5, 300)
    with pytest.raises(ValueError, match="300 inches at 2400 dots per inch"):
        save_figure(figure, io.BytesIO(), "png", style, {})


def test_the_title_stays_on_a_narrow_page(folder: Path) -> None:
    found = made(folder, 1)
    style = FigureStyle(2.0, 150, view=View.ABOVE_CHANCE)
    assert_legible(draw_figure(figure_of(found, style), figure_text(Side.DW_RIGHT, style.view, found), style))
