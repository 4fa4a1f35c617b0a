"""Wavelength solutions in pictures: what maps, histograms and the table say of a solution whose errors are known."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image as Picture

from iris_contract.manifest import write_manifest
from iris_reports.solutions import (
    compare_solution,
    describe_ends,
    draw_solution_maps,
    list_histograms,
    solution_limit,
    summarize_solution,
)

STEP = 0.2735  # nm/px


def shift_right_half(bench):
    """Lenslets right of the middle of the field 0.3 px off, the others not at all."""

    def change(content):
        content["COEFFS"][:, 0] += np.where(bench.lattice.i > 0, 0.3 * STEP, 0.0)

    return change


@pytest.fixture(scope="module")
def comparison(shared_arc_bench):
    row = shared_arc_bench.row(1, shift_right_half(shared_arc_bench))
    return compare_solution(shared_arc_bench.root, row)


def read_index(drawn):
    """Palette index (ny, nx) of a map, first row first."""
    return np.asarray(Picture.open(io.BytesIO(drawn.png)))[::-1]


def test_other_products_are_left_to_others(shared_arc_bench, comparison):
    assert compare_solution(shared_arc_bench.root, replace(comparison.row, model="DarkModel")) is None


def draw_named(comparison):
    return {drawn.name: drawn for drawn in draw_solution_maps(comparison, 0.4)}


def test_each_lenslet_stands_at_its_place_in_the_field(shared_arc_bench, comparison):
    field = draw_named(comparison)["field"]
    index, whole, lattice = read_index(field), shared_arc_bench.whole(), shared_arc_bench.lattice
    rows, columns = lattice.row[whole], lattice.column[whole]
    shape = (int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1)
    assert index.shape == shape
    shown = index[rows - rows.min(), columns - columns.min()]
    right = lattice.i[whole] > 0
    np.testing.assert_allclose(shown[right], 254 * (0.3 + 0.4) / 0.8, atol=13)  # 3 sigma of 0.012 px
    np.testing.assert_allclose(shown[~right], 127, atol=13)
    assert np.count_nonzero(index != 255) == len(whole)
    assert f"{len(whole)} lenslets with a value: mean 0.1" in field.alt
    assert f"columns {columns.min()} to {columns.max()}; up: rows {rows.min()} to {rows.max()}" in field.note
    assert f"{shape[1]} by {shape[0]} lenslets" in field.alt


def test_spectra_lie_on_the_detector_where_they_are(shared_arc_bench, comparison):
    """640 columns in blocks of two; along a spectrum the colour is its lenslet's."""
    detector = draw_named(comparison)["detector"]
    index, n = read_index(detector), shared_arc_bench.whole()[0]
    assert index.shape == (160, 320)
    x, y = shared_arc_bench.true_place(n, np.array([2150.0]))
    row = int(y[0] - 0.04 - shared_arc_bench.region.ystart + 1.5) // 2
    column = int(x[0] + 0.06 - shared_arc_bench.region.xstart + 1) // 2
    assert index[row, column] != 255
    assert "blocks with a value" in detector.alt
    assert 0.1 < np.mean(index != 255) < 0.9


def test_structure_is_the_field_less_its_mean_on_limits_of_its_own(comparison):
    """Half of the lenslets 0.3 px off and half not: the mean lies between, and the colours reach an end."""
    maps = draw_named(comparison)
    index = read_index(maps["structure"])
    shown = index[index != 255]
    assert min(shown.min(), 254 - shown.max()) == 0
    assert "0.1" in maps["structure"].title
    assert maps["structure"].scale.high != maps["field"].scale.high


def test_the_page_says_for_how_many_lenslets_it_is_extrapolated(comparison):
    errors = comparison.errors
    beyond, shown = (np.unique(errors.lenslet[chosen]).size for chosen in (~errors.between, slice(None)))
    assert describe_ends(comparison).startswith(f"{beyond} of {shown} lenslets have columns beyond")
    assert describe_ends(comparison) in draw_named(comparison)["ends"].note
    inside = replace(comparison, errors=replace(errors, between=np.ones_like(errors.between)))
    assert "ends" not in draw_named(inside)
    assert describe_ends(inside) == (
        f"No map shows columns beyond the lines: of all {shown} lenslets lines that they used lie at both ends of the "
        "filter’s band, so nothing is extrapolated."
    )


def test_figures_are_those_of_the_errors(shared_arc_bench, comparison):
    head, rows = summarize_solution(comparison)
    table = {name: dict(zip(head[1:], cells, strict=True)) for name, *cells in rows}
    share = np.mean(shared_arc_bench.lattice.i[shared_arc_bench.whole()] > 0)
    between = table["columns between lines"]
    assert float(between["mean"].split()[0]) == pytest.approx(0.3 * share, abs=0.02)
    assert float(between["rms"].split()[0]) == pytest.approx(0.3 * np.sqrt(share), abs=0.02)
    number = len(shared_arc_bench.whole())
    assert table["spectra with a solution"]["number"] == f"{number} of {number}"
    assert table["used lines that are right"]["number"] == f"{6 * number} of {6 * number}"


def test_pulls_of_columns_and_of_lines(comparison):
    """Lines were measured with 0.02 px and say so: 522 pulls, their width 1 within 5 sigma (0.16)."""
    (_, caption, pulls), (_, _, lines) = list_histograms(comparison)
    assert f"width {pulls.width:.3f} (1 expected)" in caption
    assert pulls.beyond > 0  # 0.3 px are 25 sigma
    assert lines.width == pytest.approx(1, abs=0.16)
    assert "pulls of lines" in lines.alt


def test_limits_are_shared(comparison):
    assert solution_limit([comparison]) == pytest.approx(0.32, abs=0.03)
    assert solution_limit([]) == 1.0


def test_the_page_shows_it(arc_bench, tmp_path):
    """A run that holds nothing but two algorithms' solutions still gets their pages, with numbers in words."""
    from iris_contract.scorecard import write_scorecard
    from iris_reports import render_report
    from iris_validators import RunInfo, load_specifications, sample_group, score, write_samples

    arc_bench.write_truth()
    rows = [arc_bench.row(1), arc_bench.row(1, shift_right_half(arc_bench), algorithm="legendre")]
    write_manifest(tmp_path / "manifest.json", rows)
    (tmp_path / "scores").mkdir()
    samples = [sample for row in rows for sample in sample_group(tmp_path, [row])]
    write_samples(tmp_path / "scores/samples.parquet", samples)
    required = [name for name, spec in load_specifications().items() if spec.family == "wavelength"]
    write_scorecard(tmp_path / "scores/scorecard.json", score(RunInfo("arcs", 1, "IFU"), samples, required))
    render_report(tmp_path)
    (page,) = (tmp_path / "report").glob("*wavelength*physical*.html")
    text = page.read_text("utf-8")
    assert "Residual over the field, between lines" in text
    assert "lenslets have columns beyond the lines that they used" in text
    assert "pulls of columns of spectra against the normal distribution" in text
    assert "one map pixel is one lenslet" in text
    assert "used lines that are right" in text
