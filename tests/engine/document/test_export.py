"""The files that other programs read: their columns, keys, numbers and how they come to be on disk."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cmap import Colormap
from matplotlib.image import imread

from engine.atomic_file import write_atomically
from engine.comparison.outcome import SideResult
from engine.document.export_plan import Comparison, ExportPlan
from engine.document.tables import matrix_csv
from engine.errors import ExportFailure
from engine.figures.matplotlib_figure import draw_figure
from engine.figures.notation import FigureText
from engine.figures.style import FigureStyle
from engine.matching.pairing import pair_adapters
from engine.measures.chance import expected_similarity
from engine.side import Side
from engine.sources.opening import open_source
from engine.subspaces.devices import CPU
from tests.adapters import Matrix, llama_modules, write_peft_adapter
from tests.exporting import export_comparison
from tests.reference import compared, figure_of


def compare(first: Path, second: Path, side: Side = Side.A) -> Comparison:
    pairing = pair_adapters(open_source(first), open_source(second))
    results = tuple(result for result in compared(pairing, side) if isinstance(result, SideResult))
    return Comparison(pairing.first, pairing.second, side, CPU, results, pairing.skipped(side))


def second_row_repeats(rng: np.random.Generator, factor: str, shape: tuple[int, int]) -> Matrix:
    """A of numerical rank one less than its rows."""
    matrix = rng.standard_normal(shape)
    if factor == "A":
        matrix[1] = matrix[0]
    return matrix


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """Two layers × q, v at ranks 3 and 5, the first with numerical rank 2; one module only the first has."""
    place = tmp_path_factory.mktemp("secret-place")
    modules = llama_modules(2)
    first = write_peft_adapter(
        place / "eins", [*modules, "model.layers.5.mlp.up_proj"], 3, seed=0, draw=second_row_repeats
    )
    return compare(first, write_peft_adapter(place / "zwei", modules, 5, seed=1))


@pytest.fixture(scope="module")
def written(comparison: Comparison, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out") / "new" / "folder"
    export_comparison(comparison, folder, ExportPlan(("png", "pdf", "svg"), FigureStyle(dpi=150, width=5.5)))
    return folder


def rows(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))


def test_all_files_and_no_others(written: Path) -> None:
    names = sorted(path.relative_to(written).as_posix() for path in written.rglob("*") if path.is_file())

    assert names == [
        "comparison.json", "figure.pdf", "figure.png", "figure.svg", "findings.csv",
        "matrices/1_q.csv", "matrices/1_v.csv", "matrices/2_q.csv", "matrices/2_v.csv",
        "phi.csv", "phi.npz",
    ]  # fmt: skip


def test_text_is_utf8_with_line_feeds(written: Path) -> None:
    for path in [*written.rglob("*.csv"), written / "comparison.json"]:
        content = path.read_bytes()
        content.decode("utf-8")
        assert b"\r" not in content
        assert content.endswith(b"\n")
        assert not content.startswith(b"\xef\xbb\xbf")


def test_phi_csv(written: Path, comparison: Comparison) -> None:
    assert (written / "phi.csv").read_bytes().startswith(b"tower,layer,projection,module,i,j,phi,chance\n")
    table = rows(written / "phi.csv")[1:]

    assert len(table) == 4 * 3 * 5
    assert [row[:4] for row in table[::15]] == [
        ["", "1", "q", "model.layers.0.self_attn.q_proj"],
        ["", "1", "v", "model.layers.0.self_attn.v_proj"],
        ["", "2", "q", "model.layers.1.self_attn.q_proj"],
        ["", "2", "v", "model.layers.1.self_attn.v_proj"],
    ]
    expected = expected_similarity(3, 5, 24)
    for position, row in enumerate(table):
        panel, cell = divmod(position, 15)
        i, j = divmod(cell, 5)
        value = float(comparison.results[panel].phi[i, j])
        assert (int(row[4]), int(row[5])) == (i + 1, j + 1)
        assert row[6] == ("" if i == 2 else repr(value))
        assert i == 2 or float(row[6]) == value
        assert float(row[7]) == expected[i, j]


def test_matrices(written: Path, comparison: Comparison) -> None:
    for result in comparison.results:
        path = written / "matrices" / f"{result.pair.slug}.csv"
        assert path.read_text(encoding="utf-8").splitlines()[0] == "i\\j,1,2,3,4,5"
        table = rows(path)[1:]
        assert [row[0] for row in table] == ["1", "2", "3"]
        assert table[2][1:] == [""] * 5
        read = np.array([[float(cell) for cell in row[1:]] for row in table[:2]])
        np.testing.assert_array_equal(read, result.phi[:2])


def test_numbers_survive_the_round_trip() -> None:
    values = np.array([[0.1 + 0.2, 1 / 3, 1e-17], [np.nextafter(1.0, 0), 0.0, np.nan]])

    lines = b"".join(matrix_csv(values)).decode().splitlines()

    assert lines[1] == "1,0.30000000000000004,0.3333333333333333,1e-17"
    assert lines[2] == "2,0.9999999999999999,0.0,"


def test_findings_csv(written: Path, comparison: Comparison) -> None:
    header = (written / "findings.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header == (
        "tower,layer,projection,module,phi_1_1,mean,mean_row_1,mean_column_1,mean_8x8,phi_r_r,chance_r_r,"
        "shared_dimensions,dominant,mean_8x8_change,shared_best,shared_best_k,p_rr,last_k_above_chance,"
        "cosine_dw,norm_first,norm_second"
    )
    table = [dict(zip(header.split(","), row, strict=True)) for row in rows(written / "findings.csv")[1:]]

    assert len(table) == 4
    for row, result in zip(table, comparison.results, strict=True):
        values = result.phi
        assert float(row["phi_1_1"]) == values[0, 0]
        assert float(row["mean"]) == pytest.approx(values[:2].mean())
        assert float(row["mean_row_1"]) == pytest.approx(values[0].mean())
        assert float(row["mean_column_1"]) == pytest.approx(values[:2, 0].mean())
        assert row["phi_r_r"] == ""  # past the numerical rank
        assert float(row["chance_r_r"]) == 5 / 24
        assert row["dominant"] in ("rows", "columns")
    assert table[0]["mean_8x8_change"] == table[1]["mean_8x8_change"] == ""
    change = float(table[2]["mean_8x8"]) - float(table[0]["mean_8x8"])
    assert float(table[2]["mean_8x8_change"]) == pytest.approx(change)


def test_comparison_json(written: Path, comparison: Comparison) -> None:
    facts: dict[str, Any] = json.loads((written / "comparison.json").read_bytes())

    assert {
        "version", "first", "second", "side", "device", "sentence", "panels", "skipped", "command"
    } <= facts.keys()  # fmt: skip
    assert facts["format_version"] == 2
    assert facts["sentence"].startswith("What is shared beyond chance on A has no value")
    assert facts["side"] == "A"
    for which, adapter, rank in (("first", comparison.first, 3), ("second", comparison.second, 5)):
        assert facts[which]["file"] == "adapter_model.safetensors"
        assert facts[which]["format"] == "PEFT"
        assert facts[which]["ranks"] == [rank]
        assert re.fullmatch(r"[0-9a-f]{64}", facts[which]["sha256"])
        assert facts[which]["name"] == adapter.path.name
    assert facts["first"]["sha256"] != facts["second"]["sha256"]
    panel = facts["panels"][2]
    assert {
        "slug", "layer", "projection", "module", "rank_first", "rank_second", "numerical_rank_first",
        "numerical_rank_second", "chance_rr", "warnings",
    } <= panel.keys()  # fmt: skip
    assert (panel["slug"], panel["layer"], panel["projection"]) == ("2_q", "2", "q")
    assert (panel["rank_first"], panel["rank_second"]) == (3, 5)
    assert (panel["numerical_rank_first"], panel["numerical_rank_second"]) == (2, 5)
    assert panel["chance_rr"] == 5 / 24
    assert any("numerical rank 2 of 3" in warning for warning in panel["warnings"])
    assert [skip["module"] for skip in facts["skipped"]] == ["model.layers.5.mlp.up_proj"]
    assert facts["skipped"][0]["reason"]
    assert facts["command"].startswith("python main.py export ")


def test_phi_npz_without_pickle(written: Path, comparison: Comparison) -> None:
    with np.load(written / "phi.npz", allow_pickle=False) as archive:
        assert set(archive.files) == {"1_q", "1_v", "2_q", "2_v", "meta_json"}
        for result in comparison.results:
            array = archive[result.pair.slug]
            assert array.dtype == np.float64
            np.testing.assert_array_equal(array, result.phi)
        meta = json.loads(str(archive["meta_json"]))
    assert meta == json.loads((written / "comparison.json").read_bytes())


def test_plan_leaves_out_what_is_not_wanted(comparison: Comparison, tmp_path: Path) -> None:
    heard: list[Path] = []
    export_comparison(comparison, tmp_path, ExportPlan((), data=("npz",)), heard.append)

    assert [path.name for path in tmp_path.rglob("*")] == ["phi.npz"]
    assert heard == [tmp_path / "phi.npz"]


# --- names -----------------------------------------------------------------------------------------------


def test_slugs_are_unique_and_safe_on_windows(tmp_path: Path) -> None:
    modules = [
        "encoder.block.0.layer.0.SelfAttention.q",
        "decoder.block.0.layer.0.SelfAttention.q",
        "decoder.block.0.layer.1.EncDecAttention.q",
        "con", "aux", "NUL", "a:b*c?", "Head", "head", "ünïcode", "trailing.", "x" * 180, "x" * 119 + ".y",
        "meta_json", "a b", "a-b", "a-b_2",
    ]  # fmt: skip
    adapters = [write_peft_adapter(tmp_path / str(seed), modules, 2, seed=seed) for seed in (0, 1)]

    slugs = [pair.slug for pair in pair_adapters(*map(open_source, adapters)).pairs]

    assert len(slugs) == len(modules)
    assert len({slug.casefold() for slug in slugs}) == len(slugs)
    for slug in slugs:
        assert re.fullmatch(r"[A-Za-z0-9_-]([A-Za-z0-9._-]{0,126}[A-Za-z0-9_-])?", slug), slug
        assert not re.fullmatch(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", slug, re.IGNORECASE), slug


# --- writing ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_failure_in_the_middle_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    path = tmp_path / "phi.csv"
    path.write_bytes(b"old")

    def fail(_descriptor: int) -> None:
        assert path.read_bytes() == b"old"
        raise error

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises((ExportFailure, KeyboardInterrupt)) as failure:
        write_atomically(path, b"new")

    if isinstance(failure.value, ExportFailure):
        assert failure.value.path == path
        assert "No space left" in failure.value.reason
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["phi.csv"]


def test_nothing_is_at_the_place_before_it_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "deep" / "phi.csv"
    seen: list[bool] = []
    monkeypatch.setattr("os.fsync", lambda _descriptor: seen.append(path.exists()))

    write_atomically(path, b"new")

    assert seen == [False]
    assert path.read_bytes() == b"new"


def test_figure_that_fails_leaves_nothing(
    comparison: Comparison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_figure: object, _out: object, *_more: object) -> None:
        raise ExportFailure("No space left on device", path=tmp_path / "figure.png")

    monkeypatch.setattr("engine.document.export.save_figure", full)
    with pytest.raises(ExportFailure, match="No space"):
        export_comparison(comparison, tmp_path / "new", ExportPlan(("png",)))

    assert list(tmp_path.iterdir()) == []


def test_folder_that_is_a_file_is_an_export_failure(comparison: Comparison, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("here already", encoding="utf-8")

    with pytest.raises(ExportFailure):
        export_comparison(comparison, tmp_path / "out", ExportPlan())
    assert (tmp_path / "out").read_text(encoding="utf-8") == "here already"


def test_width_without_room_is_told(comparison: Comparison, tmp_path: Path) -> None:
    with pytest.raises(ExportFailure, match="too narrow"):
        export_comparison(comparison, tmp_path, ExportPlan(style=FigureStyle(width=0.8)))


# --- figures ---------------------------------------------------------------------------------------------


def test_png_says_where_it_comes_from_and_never_a_path(written: Path, comparison: Comparison) -> None:
    image = pytest.importorskip("PIL.Image").open(written / "figure.png")

    assert image.info["dpi"] == pytest.approx((150, 150), abs=0.1)
    assert image.size[0] == pytest.approx(5.5 * 150, abs=1)
    description = json.loads(image.info["Description"])
    assert description["side"] == "A"
    assert description["method"] == "SVD in float64"
    assert description["figure"]["panels"] == ["1_q", "1_v", "2_q", "2_v"]
    for which in ("first", "second"):
        assert re.fullmatch(r"[0-9a-f]{64}", description[which]["sha256"])
    place = comparison.first.path.parent
    for name in ("figure.png", "figure.svg", "figure.pdf"):
        content = (written / name).read_bytes()
        assert str(place).encode() not in content
        assert place.name.encode() not in content
    assert not any(place.name in str(value) or str(written) in str(value) for value in image.info.values())


def test_pdf_has_no_type_3_fonts(written: Path) -> None:
    content = (written / "figure.pdf").read_bytes()

    assert content.startswith(b"%PDF")
    assert b"/Type3" not in content


@pytest.mark.parametrize("colour_map", ["seaborn:rocket", "viridis"])
def test_every_cell_has_its_colour_at_its_place(comparison: Comparison, tmp_path: Path, colour_map: str) -> None:
    """Rows downward from i = 1, columns to the right from j = 1: a transposed or flipped panel fails."""
    style = FigureStyle(dpi=200, colour_map=colour_map, range=(0.0, 1.0))
    figure = draw_figure(figure_of(comparison.results, style), FigureText("title"), style)
    panels = [axes for axes in figure.axes if axes.images]
    figure.savefig(tmp_path / "figure.png", dpi=200)
    pixels = imread(tmp_path / "figure.png")
    height, width = pixels.shape[:2]
    colours = Colormap(colour_map).to_matplotlib()

    assert len(panels) == len(comparison.results)
    for axes, result in zip(panels, comparison.results, strict=True):
        box, values = axes.get_position(), result.phi
        assert (axes.get_xlim(), axes.get_ylim()) == ((0.5, 5.5), (3.5, 0.5))  # what the ticks say
        for i in range(3):
            for j in range(5):
                x = int((box.x0 + (j + 0.5) / 5 * box.width) * width)
                y = int((1.0 - box.y1 + (i + 0.5) / 3 * box.height) * height)
                shown = pixels[y, x, :3]
                if np.isnan(values[i, j]):
                    assert np.ptp(shown) < 0.2  # grey, unlike any colour of the map
                else:
                    np.testing.assert_allclose(shown, colours(values[i, j])[:3], atol=0.02)


def test_every_file_has_the_same_bytes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, comparison: Comparison
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    plan = ExportPlan(("png", "pdf", "svg"), FigureStyle(dpi=60))
    export_comparison(comparison, tmp_path / "one", plan)
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    export_comparison(comparison, tmp_path / "two", plan)
    written = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file())
    assert len(written) > 8
    for name in written:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name
