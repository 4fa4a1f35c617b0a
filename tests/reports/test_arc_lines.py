"""Lines by wavelength: one row for what is one line, mean and scatter off truth, and those that were not found."""

from dataclasses import replace

import numpy as np
import pytest

from iris_reports.arc_lines import describe_lines, draw_lines, gather_lines, tabulate_lines
from iris_validators.line_identification import LISTED, Identification


@pytest.fixture
def lines():
    """2100.5 nm used four times, 0.1 px too far right, which names too short a wavelength; 2150.0 wanted ten times,
    found once; 2200.0 shining beside its place."""
    named = np.array([2100.5] * 4 + [2200.0] * 2)
    wanted = np.array([2150.0] * 10 + [2200.0 + 0.9 * LISTED] * 2)
    met = np.array([True] + [False] * 9 + [True] * 2)
    off = np.array([0.08, 0.12, 0.08, 0.12, 0.0, np.nan])
    return Identification(6, 6, 12, 3, off, np.full(6, 0.02), named, wanted, met)


def test_each_line_has_one_row(lines):
    first, second, third = gather_lines(lines)
    assert (first.wavelength, first.used, first.wanted, first.lost) == (2100.5, 4, 0, False)
    assert (first.mean, first.scatter, first.stated) == pytest.approx((-0.1, 0.02, 0.02))
    assert (second.used, second.found, second.wanted, second.mean, second.lost) == (0, 1, 10, None, True)
    assert (third.used, third.found, third.wanted, third.mean) == (2, 2, 2, 0.0)


def test_plot_table_and_words_agree(lines):
    figures = gather_lines(lines)
    assert draw_lines(figures).count("<svg") == 1
    head, rows = tabulate_lines(figures)
    assert [len(row) for row in rows] == [len(head)] * 3
    assert describe_lines(figures) == (
        "3 lines, largest mean error 0.1 pixels; not found in more than a tenth: 2150.00"
    )


def test_a_solution_without_lines_has_no_figures():
    none = np.empty(0)
    assert gather_lines(Identification(0, 0, 0, 0, none, none, none, none, none.astype(bool))) == []


def test_lines_without_sense_are_no_figures(lines):
    """They are wrong lines to the validator, and must not stop a report."""
    named = np.append(lines.named, [np.nan, np.inf, 2100.5])
    off = np.append(lines.off, [0.1, 0.1, 1e300])
    odd = replace(lines, named=named, off=off, sigma=np.full(9, 0.02))
    assert [f.wavelength for f in gather_lines(odd)] == [f.wavelength for f in gather_lines(lines)]
    assert gather_lines(odd)[0].mean == pytest.approx(-0.1)
    assert draw_lines(gather_lines(odd)).count("<svg") == 1
