"""Atlas, findings, inspector, zoom and the controls of the scale."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QModelIndex, QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QImage, QTextDocumentFragment
from PySide6.QtWidgets import QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from engine.comparison.findings import findings
from engine.comparison.outcome import SideResult
from engine.document.tables import findings_csv
from engine.figures.colour_maps import RangeMode
from engine.figures.plan import whole_panel
from engine.figures.presets import Preset
from engine.measures.control import gaussian_control
from engine.measures.phi import PHI
from engine.measures.summary import Summary
from engine.measures.view import View
from engine.measures.views import view_values
from engine.side import Side
from gui.figure.panel import Cell, HeatmapPanel
from gui.numbers.tables import MatrixDialog
from gui.parts.plots import LinePlot
from gui.style.texts import number
from gui.window.main_window import MainWindow
from tests import factories as make
from tests.adapters import llama_modules, write_peft_adapter
from tests.gui.conftest import DEMO, R8, load, wait_until_done


def grabbed(widget: QWidget) -> QImage:
    """A widget's pixels."""
    return widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)


def result_of(window: MainWindow, slug: str) -> SideResult:
    """What is known of a module on the side shown."""
    return next(result for result in window.session.results if result.pair.slug == slug)


def test_atlas_shows_every_module_in_the_colours_of_phi(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    window.show_page(1)
    atlas = window.pane.widget_of("Atlas")
    atlas.show_as(Summary.DIAGONAL, 5)
    geometry = atlas.mosaic.geometry_shown
    assert geometry is not None
    image = grabbed(atlas.mosaic)
    for place, pair in zip(geometry.places, window.session.comparable, strict=True):
        result = window.session.result(pair)
        assert result is not None
        area = geometry.area(place)
        colour = image.pixelColor(int(area.left()) + 3, int(area.top()) + 3)
        phi = result.phi[4, 4]
        low, high = window.pane.scale.levels
        step = int((phi - low) / (high - low) * 256)
        wanted = window.pane.scale.table[max(0, step - 1) : step + 2, :3].astype(int)
        found = np.array([colour.red(), colour.green(), colour.blue()])
        assert np.abs(wanted - found).max(axis=1).min() <= 2, pair.slug


def test_atlas_shows_what_is_shared_on_a_scale_of_its_own(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    window.pane.scale.set_view(View.Z)
    window.show_page(1)
    atlas = window.pane.widget_of("Atlas")
    atlas.show_as(Summary.SHARED, 1)
    shared = {finding.pair.slug: finding.shared for finding in findings(window.session.results)}
    colouring = atlas.mosaic.colouring
    assert colouring.levels[0] == 0.0
    assert colouring.levels[1] == pytest.approx(3.95, abs=0.06), "the largest, rounded up"
    assert colouring.name == window.pane.scale.sequential, "z has a middle, what is shared has none"
    geometry = atlas.mosaic.geometry_shown
    assert geometry is not None
    image = grabbed(atlas.mosaic)
    for place, pair in zip(geometry.places, window.session.comparable, strict=True):
        assert atlas.mosaic.value(pair) == pytest.approx(shared[pair.slug])
        area = geometry.area(place)
        found = image.pixelColor(int(area.left()) + 3, int(area.top()) + 3)
        assert found.rgb() == colouring.colour(shared[pair.slug]).rgb(), pair.slug
    atlas.mosaic.module_hovered.emit(window.session.comparable[0])
    said = texts_of(atlas)
    assert any(f"shared: {shared['1_q']:.2f} of 64" in text for text in said)
    assert "directions shared beyond chance against depth" in " ".join(said)

    window.session.store.change(side=Side.B)
    wait_until_done(qtbot, window)
    qtbot.waitUntil(lambda: atlas.mosaic.colouring.levels[1] > 20.0, timeout=10_000)
    atlas.show_as(Summary.MEAN, 1)
    assert atlas.mosaic.colouring is window.pane.scale.colouring


def test_findings_of_many_batches_are_made_once(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, R8)
    window.show_page(2)
    refreshed: list[None] = []
    window.pane.widget_of("Findings").model().modelReset.connect(lambda: refreshed.append(None))
    window.pane.widget_of("Findings").refresh()
    once = len(refreshed)
    for _ in range(50):
        window.session.outcomes_changed.emit(())
    qtbot.waitUntil(lambda: len(refreshed) > once, timeout=5_000)
    assert len(refreshed) == 2 * once
    window.session._results.on(Side.B).clear()
    window.session.store.change(side=Side.B)
    assert window.pane.widget_of("Findings").model().rowCount() == 0, "nothing of the side before survives"


def test_numbers_of_a_plot_have_a_real_minus_sign(qtbot: QtBot) -> None:
    plot = LinePlot("A plot", "layer")
    qtbot.addWidget(plot)
    assert plot.getAxis("left").tickStrings([-0.5, 0.0, 0.5], 1.0, 0.5) == ["−0.5", "0", "0.5"]


def texts_of(widget: QWidget) -> list[str]:
    """What the labels in it say, as plain text."""
    labels = widget.findChildren(QLabel)
    return [QTextDocumentFragment.fromHtml(label.text()).toPlainText().replace("\xa0", " ") for label in labels]


def test_thumbnails_are_not_transposed(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, (R8[0], DEMO[1]))
    window.show_page(1)
    atlas = window.pane.widget_of("Atlas")
    atlas.show_as(None, 1)
    geometry = atlas.mosaic.geometry_shown
    assert geometry is not None
    area = geometry.area(geometry.places[0])
    result = window.session.result(window.session.comparable[0])
    assert result is not None
    image = grabbed(atlas.mosaic)
    corners = {(0, -1): (area.right() - 2, area.top() + 1), (-1, 0): (area.left() + 1, area.bottom() - 2)}
    for cell, (x, y) in corners.items():
        expected = window.pane.scale.colour(float(result.phi[cell]))
        found = image.pixelColor(int(x), int(y))
        assert abs(found.red() - expected.red()) <= 2, cell
        assert abs(found.blue() - expected.blue()) <= 2, cell


def test_atlas_click_shows_the_module_alone_in_the_grid(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    window.show_page(1)
    mosaic = window.pane.widget_of("Atlas").mosaic
    geometry = mosaic.geometry_shown
    assert geometry is not None
    index = [pair.slug for pair in window.session.comparable].index("5_v")
    point = geometry.area(geometry.places[index]).center().toPoint()
    qtbot.mouseMove(mosaic, point)
    qtbot.mouseClick(mosaic, Qt.MouseButton.LeftButton, pos=point)
    assert window.pane.page == "Grid"
    assert [panel.pair.slug for panel in window.figure.panels if panel.pair] == ["5_v"]
    assert "5_v" in [pair.slug for pair in window.session.shown]
    window.back()
    assert len(window.figure.panels) == 9


def test_a_thousand_modules_have_their_places() -> None:
    from engine.naming.module_path import parse_module_path  # noqa: PLC0415 - used here alone
    from gui.atlas.geometry import SMALLEST, atlas_geometry  # noqa: PLC0415

    names = llama_modules(144, ("q", "k", "v", "o", "gate", "up", "down"))
    paths = [parse_module_path(name) for name in names]
    geometry = atlas_geometry(paths, 900, 400, 60, 20)
    areas = [geometry.area(place) for place in geometry.places]
    assert len({(area.left(), area.top()) for area in areas}) == len(paths)
    assert max(area.right() for area in areas) <= 900
    assert geometry.side >= SMALLEST
    assert [geometry.place_at(area.center()) for area in areas] == list(geometry.places)


def test_numbered_modules_are_in_natural_order_everywhere(qtbot: QtBot, window: MainWindow, tmp_path: object) -> None:
    from pathlib import Path  # noqa: PLC0415 - used here alone

    labels = [f"#{number}" for number in range(12)]
    paths = tuple(
        make.write_safetensors(
            Path(str(tmp_path)) / f"{seed}.safetensors",
            make.cloneofsimo([make.pair(seed + number, 2, 8, 8) for number in range(12)]),
        )
        for seed in (0, 100)
    )
    load(qtbot, window, paths)
    assert [window.selector._layers.item(row).text() for row in range(12)] == labels
    window.show_page(1)
    geometry = window.pane.widget_of("Atlas").mosaic.geometry_shown
    assert geometry is not None
    assert list(geometry.column_names) == labels
    window.show_page(2)
    table = window.pane.widget_of("Findings")
    table.sortByColumn(1, Qt.SortOrder.AscendingOrder)
    assert [table.model().index(row, 1).data() for row in range(12)] == labels


def test_findings_are_those_of_the_file(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    window.show_page(2)
    table = window.pane.widget_of("Findings")
    table.copy()
    copied = [line.split("\t") for line in QGuiApplication.clipboard().text().splitlines()]
    written = list(csv.reader(io.StringIO(findings_csv(window.session.results).decode())))
    assert len(copied) == len(written) == 13
    names = {"φ(1, 1)": "phi_1_1", "mean": "mean", "8 × 8": "mean_8x8", "φ(r, r′)": "phi_r_r", "module": "module"}
    for shown, column in names.items():
        left, right = copied[0].index(shown), written[0].index(column)
        assert [row[left] for row in copied[1:]] == [row[right] for row in written[1:]]


def test_findings_sort_by_number_and_lead_to_the_panel(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    window.show_page(2)
    table = window.pane.widget_of("Findings")
    column = next(
        c
        for c in range(table.model().columnCount())
        if table.model().headerData(c, Qt.Orientation.Horizontal) == "mean"
    )
    table.sortByColumn(column, Qt.SortOrder.DescendingOrder)
    shown = [table.model().index(row, column).data(Qt.ItemDataRole.UserRole) for row in range(12)]
    assert shown == sorted((finding.mean for finding in findings(window.session.results)), reverse=True)
    table.activated.emit(table.model().index(0, 0, QModelIndex()))
    best = max(findings(window.session.results), key=lambda finding: finding.mean)
    assert [panel.pair.slug for panel in window.figure.panels if panel.pair] == [best.pair.slug]


def test_inspector_says_what_is_stored(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    window.toggle_inspector()
    inspector = window.pane.inspector
    assert inspector is not None
    assert inspector.cell is not None, "it begins with the first panel"
    result = result_of(window, "4_v")
    window.figure.cell_hovered.emit(Cell(result.pair, 3, 9))
    phi = float(result.phi[2, 8])
    chance = 9 / 384
    texts = inspector.facts
    assert texts["φ"] == f"<b>{number(phi)}</b>"
    assert texts["chance"] == number(chance)
    assert texts["φ − chance"] == number(phi - chance)
    spread = np.sqrt(2 * 27 * 381 * 375 / (384**2 * 383 * 386)) / 3
    assert texts["z"] == number((phi - chance) / spread, 1)
    window.figure.cell_hovered.emit(None)
    assert inspector.facts == texts, "the last one stays when the cursor leaves"


def test_matrix_table_holds_every_number(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, R8)
    result = window.session.results[0]
    dialog = MatrixDialog(result, View.PHI, 1, window)
    qtbot.addWidget(dialog)
    dialog.table.copy()
    rows = [line.split("\t") for line in QGuiApplication.clipboard().text().splitlines()]
    assert rows[0] == [f"j = {j}" for j in range(1, 9)]
    np.testing.assert_array_equal(np.array(rows[1:], dtype=float), result.phi)


def test_figure_can_be_read_by_keyboard(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    figure = window.figure
    figure.setFocus()
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Right):
        qtbot.keyClick(figure, key)
    assert "<i>i</i> = 2" in window.read_out.text
    assert "<i>j</i> = 2" in window.read_out.text
    qtbot.keyClick(figure, Qt.Key.Key_PageDown)
    assert "<sub>v</sub>" in window.read_out.text
    qtbot.keyClick(figure, Qt.Key.Key_Return)
    assert [panel.pair.slug for panel in figure.panels if panel.pair] == ["1_v"]
    window.back()
    assert len(figure.panels) == 8


def test_double_click_zooms_and_returns(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    figure = window.figure
    size = figure.panels[3].area.width()
    point = figure.panels[3].area.center().toPoint()
    qtbot.mouseDClick(figure.viewport(), Qt.MouseButton.LeftButton, pos=point)
    assert figure.zoomed
    assert figure.panels[0].area.width() > 1.5 * size
    qtbot.mouseDClick(figure.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(5, 5))
    assert not figure.zoomed
    assert len(figure.panels) == 8


def test_ranges_hold_for_every_panel(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    scale = window.pane.scale
    values = [PHI.values(panel.facts) for panel in window.figure.panels if panel.facts is not None]
    expected = {
        RangeMode.UNIT: (0.0, 1.0),
        RangeMode.FIT: (min(v.min() for v in values), max(v.max() for v in values)),
        RangeMode.AUTOMATIC: (0.0, 0.8),
    }
    for mode, levels in expected.items():
        scale.set_mode(mode)
        assert scale.levels == pytest.approx(levels)
        assert all(tuple(panel.image.getLevels()) == scale.levels for panel in window.figure.panels)
        assert tuple(window.figure.bar_image.getLevels()) == scale.levels
    scale.set_typed(0.1, 0.3)
    window.selector.choose_all_layers()
    assert scale.levels == (0.1, 0.3), "a typed range stays when the selection changes"


def test_cross_hair_repaints_its_lines_alone(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    figure = window.figure
    before = grabbed(figure)
    qtbot.keyClick(figure, Qt.Key.Key_Down)
    crossed = grabbed(figure)
    assert crossed != before
    qtbot.mouseMove(figure.viewport(), QPoint(2, 2))
    qtbot.wait(50)
    assert grabbed(figure) == before, "and it leaves nothing behind"


def test_unequal_modules_of_many_kinds_fit_the_atlas(qtbot: QtBot, window: MainWindow, tmp_path: object) -> None:
    from pathlib import Path  # noqa: PLC0415 - used here alone

    folder = Path(str(tmp_path))
    modules = [*llama_modules(3, ("q", "v")), "lm_head"]
    paths = tuple(write_peft_adapter(folder / str(seed), modules, 4 + seed, seed=seed) for seed in (0, 1))
    load(qtbot, window, paths)
    window.show_page(1)
    wait_until_done(qtbot, window)
    geometry = window.pane.widget_of("Atlas").mosaic.geometry_shown
    assert geometry is not None
    assert geometry.column_names == ("1", "2", "3", "—")
    buttons = [button for button in window.pane.widget_of("Atlas").findChildren(QPushButton) if button.isCheckable()]
    for button in buttons:
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        assert not grabbed(window.pane.widget_of("Atlas").mosaic).isNull()


def test_views_show_distance_from_chance(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    scale = window.pane.scale
    scale.set_view(View.Z)
    for panel in window.figure.panels:
        assert panel.facts is not None
        np.testing.assert_array_equal(panel.image.image, view_values(panel.facts, View.Z))
        assert tuple(panel.image.getLevels()) == tuple(window.figure.bar_image.getLevels()) == scale.levels
    assert scale.levels[1] > 1
    scale.set_typed(0, 3)
    scale.set_view(View.PHI)
    assert scale.levels == (0.0, 0.8), "a range typed for z means nothing for φ"


def test_presets_of_the_paper_in_the_grid(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    window.session.show_preset(Preset.FIG4)
    panels = window.figure.panels
    assert len(panels) == 3
    qtbot.waitUntil(lambda: panels[2].facts is not None, timeout=20_000)  # the random one is made elsewhere
    assert [panel.pair.slug if panel.pair else "random" for panel in panels] == ["3_q", "3_v", "random"]
    assert panels[2].facts is not None
    np.testing.assert_array_equal(panels[2].image.image, PHI.values(gaussian_control(64, 64, 384)))
    assert window.pane.scale.levels == tuple(window.figure.bar_image.getLevels()) == (0.0, 1.0), "0.5 is exceeded"
    assert all(tuple(panel.image.getLevels()) == (0.0, 1.0) for panel in panels)
    window.session.show_preset(Preset.FIG3)
    assert "compares two ranks" in window.notices.notices[-1].sentence
    assert len(window.figure.panels) == 3, "what was shown stays"
    window.selector.choose_spread_layers()
    assert window.session.document.preset is None
    assert len(window.figure.panels) == 8


def test_figure_3_in_the_grid_hides_what_its_zooms_show(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, (R8[0], DEMO[1]))
    window.session.show_preset(Preset.FIG3)
    long, zoom = window.figure.panels[0], window.figure.panels[2]
    assert (long.shape, zoom.shape) == ((8, 64), (8, 8))
    assert long.facts is zoom.facts
    assert long.facts is not None
    values = PHI.values(long.facts)
    shown, shown_zoom = np.asarray(long.image.image), np.asarray(zoom.image.image)
    for i in range(8):
        for j in range(8):
            assert np.isnan(shown[i, j]) == (j < i)
            assert np.isnan(shown_zoom[i, j]) == (j > i)
    np.testing.assert_array_equal(shown[:, 8:], values[:, 8:])
    image = grabbed(window.figure)
    hidden = image.pixelColor(int(zoom.area.right()) - 3, int(zoom.area.top()) + 3)
    assert hidden.name() != window.pane.scale.undefined.name()
    assert zoom.cell_at(QPointF(zoom.area.right() - 3, zoom.area.top() + 3)) is None
    found = zoom.cell_at(QPointF(zoom.area.left() + 3, zoom.area.bottom() - 3))
    assert found is not None
    assert (found.i, found.j) == (8, 1)


def test_a_panel_that_was_recoloured_while_it_waited_takes_the_range_of_its_first_image(
    qtbot: QtBot, window: MainWindow
) -> None:
    load(qtbot, window, DEMO)
    scale, result = window.pane.scale, window.session.results[0]
    panel = HeatmapPanel(window.figure.scene())
    spec = whole_panel(result.pair)
    panel.show(spec, None, scale)
    panel.recolour(scale)
    panel.show(None, None, scale)  # not in use while the range changes
    scale.set_typed(0.1, 0.3)
    panel.show(spec, result.facts, scale)
    assert tuple(panel.image.getLevels()) == (0.1, 0.3)


def test_a_copied_figure_has_no_cross_hair(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    before = grabbed(window.figure)
    window.copy_page()
    copied = QGuiApplication.clipboard().image()
    qtbot.keyClick(window.figure, Qt.Key.Key_Down)
    crossed = grabbed(window.figure)
    assert crossed != before
    window.copy_page()
    assert QGuiApplication.clipboard().image() == copied
    assert grabbed(window.figure) == crossed, "it stays on the screen"


def test_what_is_kept_under_the_cross_hair_is_what_is_there(qtbot: QtBot, window: MainWindow) -> None:
    """Moving over a kept picture looks as painting everything anew does, and every change lets go of it."""
    load(qtbot, window, DEMO)
    figure, session = window.figure, window.session

    def assert_kept_is_true() -> None:
        qtbot.waitUntil(lambda: figure._still is not None, timeout=5_000)
        pair = session.shown[-1]
        for i, j in ((3, 9), (40, 2)):
            figure._set_cell(Cell(pair, i, j))
            kept = figure.viewport().grab().toImage()
            still, figure._still = figure._still, None
            fresh = figure.viewport().grab().toImage()
            figure._still = still
            assert kept == fresh
        figure._set_cell(None)

    assert_kept_is_true()
    changes: tuple[Callable[[], object], ...] = (
        lambda: window.pane.scale.set_map("seaborn:mako"),
        lambda: window.pane.scale.set_mode(RangeMode.FIT),
        lambda: window.pane.scale.set_view(View.Z),
        lambda: session.select(["1_q", "2_q"]),
        lambda: window.options.actions[2].setChecked(True),
        lambda: figure.zoom("2_q"),
        lambda: window.resize(1100, 700),
        session.places.swap,
    )
    for change in changes:
        qtbot.waitUntil(lambda: figure._still is not None, timeout=5_000)
        change()
        assert figure._still is None
        if not session.results:
            wait_until_done(qtbot, window)
        assert_kept_is_true()


def test_ctrl_c_copies_the_findings_where_they_are_shown(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    window.show_page(2)
    window.pane.widget_of("Findings").selectRow(2)
    window.copy_page()
    lines = QGuiApplication.clipboard().text().splitlines()
    assert len(lines) == 2
    assert "model.layers" in lines[1] or "encoder.layer" in lines[1]
    window.show_page(0)
    window.copy_page()
    assert not QGuiApplication.clipboard().image().isNull()
