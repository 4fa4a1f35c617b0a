"""One spectrum of an arc: which, its light, and that a line has the sign of the solution that goes through it."""

from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from iris_reports.line_fits import caption_fit, describe_fit, draw_fit, pick_spectrum, read_light, tabulate_fit
from iris_reports.solutions import compare_solution

STEP = 0.2735  # nm/px


@pytest.fixture(scope="module")
def moved(shared_arc_bench):
    """All lines measured 0.2 px too far right; the solution follows, and names too short wavelengths."""

    def change(content):
        content["LINES"]["X"] += 0.2
        content["COEFFS"][:, 0] -= 0.2 * STEP

    return compare_solution(shared_arc_bench.root, shared_arc_bench.row(1, change))


@pytest.fixture(scope="module")
def fit(moved):
    region = moved.evidence.region
    light = np.add.outer(1000.0 * np.arange(region.ysize), np.arange(1.0, region.xsize + 1))
    return pick_spectrum(moved, light)


def test_lines_and_solution_agree_in_sign(fit):
    """Six lines with 0.02 px each: their mean within 5 sigma (0.04 px)."""
    assert len(fit.lines) == 6
    assert np.mean(fit.lines[:, 2]) == pytest.approx(-0.2, abs=0.04)
    assert np.median(fit.error) == pytest.approx(-0.2, abs=0.04)


def test_light_is_that_along_the_spectrum(moved, fit):
    region = moved.evidence.region
    row, column = np.divmod(fit.light - 1, 1000)
    np.testing.assert_array_equal(column, fit.column - region.xstart + 1)
    assert np.median(row) == pytest.approx(fit.y - region.ystart + 1, abs=0.6)


def test_the_spectrum_is_from_the_middle_of_the_field(moved, fit):
    truth, known = moved.evidence.truth, np.unique(moved.errors.lenslet)
    place = np.stack([truth.column[known], truth.row[known]])
    away = np.hypot(*(place - place.mean(axis=1, keepdims=True)))
    assert np.hypot(*(np.array(fit.place) - place.mean(axis=1))) == pytest.approx(away.min())


def test_picture_words_and_table(fit):
    texts = {text.text for text in ElementTree.fromstring(draw_fit(fit)).iter() if text.tag.endswith("text")}
    assert {"Light (e⁻/s)", "Error (pixels)", "Detector column (pixels)"} <= texts
    assert f"lenslet column {fit.place[0]}, row {fit.place[1]}" in caption_fit(fit)
    assert describe_fit(fit).count("nm:") == 6
    head, rows = tabulate_fit(fit)
    assert [len(row) for row in rows] == [len(head)] * 6


def test_no_light_and_nonsense_do_not_stop_a_report(fit):
    odd = replace(fit, light=np.zeros_like(fit.light), sigma=np.full_like(fit.sigma, np.nan), lines=np.empty((0, 5)))
    ElementTree.fromstring(draw_fit(odd))
    assert "Errors of lines: none" in describe_fit(odd)


def test_light_of_files_without_truth_is_none(tmp_path):
    (tmp_path / "truth").mkdir()
    assert read_light(tmp_path, ["raw/none.fits"]) is None
