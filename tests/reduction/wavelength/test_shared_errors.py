"""Flexure of exposures and errors of listed lines: told apart from the field; what cannot be is in the covariance."""

import numpy as np
import pytest

from iris_contract.lenslet import load_grating_setting
from iris_reduction.wavelength import WAVELENGTH_SOLVERS
from iris_reduction.wavelength.series import evaluate_series
from iris_reduction.wavelength.shared_errors import FLEXURE, LISTED, list_shared_errors

SETTING = load_grating_setting("4000-K")
SHIFTS = (0.03, -0.04, 0.01)
physical = WAVELENGTH_SOLVERS["physical"]


def test_terms_and_their_sizes():
    """0.002 nm are 0.0073 px where the dispersion is 0.273 nm/px; the moment of a solution is the mean of exposures."""
    exposure, nm = np.array([2, 0, 2, 0]), np.array([2190.0, 2150.0, 2150.0, 2190.0])
    shared = list_shared_errors(exposure, nm, SETTING)
    assert shared.terms.tolist() == [[0, 1, 0, 1], [1, 0, 1, 0], [0, 1, 1, 0], [1, 0, 0, 1]]
    assert shared.mean.tolist() == [0.5, 0.5, 0.0, 0.0]
    np.testing.assert_allclose(np.sqrt(shared.variances), [FLEXURE, FLEXURE, 0.0073, 0.0073], rtol=0.01)
    assert shared.add_mean(np.ones((3, 2))).shape == (3, 6)
    assert list_shared_errors(exposure, None, SETTING).terms.shape == (4, 2)
    assert LISTED == 2e-3
    assert shared.groups == (2, 2)


def find_error(made, solution, wavelength):
    """Error in px (n,) where a wavelength truly is."""
    columns = made.columns(np.array([wavelength]))[:, 0]
    found = evaluate_series(solution.coeffs, made.spectra.domain, np.arange(len(columns)), columns)
    return (found - wavelength) / SETTING.dispersion(wavelength)


def state(made, matrix, wavelength):
    """Sigma in px of coefficients of the first spectrum at a wavelength."""
    column, domain = made.columns(np.array([wavelength]))[0, 0], made.spectra.domain[0]
    basis = np.polynomial.legendre.legvander((2 * column - domain.sum()) / np.ptp(domain), len(matrix) - 1)[0]
    return float(np.sqrt(basis @ matrix @ basis)) / SETTING.dispersion(wavelength)


def test_exposures_may_move(make):
    """Lines of three exposures, 0.04 px apart: their mean is kept, and nothing bends, to what list errors may be."""
    made, still = make(number=120, shifts=SHIFTS), make(number=120)
    for wavelength in (2105.0, 2150.0, 2215.0):
        moved, before = (find_error(m, physical(m.lines, m.spectra), wavelength) for m in (made, still))
        assert np.mean(moved) == pytest.approx(np.mean(before), abs=0.006)
        assert np.std(moved) == pytest.approx(np.std(before), abs=0.001)


SEVEN = (2099.18, 2117.13, 2138.4, 2154.01, 2190.85, 2208.32, 2218.1)
TWELVE = (*SEVEN, 2133.9, 2147.6, 2204.6, 2227.6, 2241.3)


@pytest.mark.parametrize(
    ("times", "wavelengths", "width"),
    [(1.0, SEVEN, (0.48, 1.52)), (1.0, TWELVE, (0.48, 1.52)), (3.0, TWELVE, (0, 2.0))],
)
def test_what_all_spectra_share_is_as_large_as_stated(make, times, wavelengths, width):
    """30 lists, of lines 0.002 nm rms beside their places, and flexure: errors of the mean spectrum over COMMON.

    Their rms is 1 within 4/sqrt(60) = 0.52; wider by what 20 spectra of 0.01 px leave in their mean, 0.002 of 0.005 px.
    Lists and flexure three times what was expected have a size that some six lines to spare tell: pulls of Student t,
    mean square 1.5 (0.6), below 4 by 4 sigma, where sizes as expected leave 2.8^2. Of seven lines only one is to spare.
    """
    ratios, sigmas = [], []
    for seed in range(30):
        made = draw(make, seed, times, wavelengths)
        solution = physical(made.lines, made.spectra)
        sigmas.append(state(made, solution.common, 2160.0))
        ratios.append(np.mean(find_error(made, solution, 2160.0)) / sigmas[-1])
    assert 0.002 < np.median(sigmas) / times < 0.008
    assert width[0] < np.sqrt(np.mean(np.square(ratios))) < width[1]


def draw(make, seed, times, wavelengths):
    """Lines of twenty spectra, flexure and list `times` as far off as is expected of them."""
    shifts = times * FLEXURE * np.random.default_rng(seed).standard_normal(3)
    moved = tuple(shifts - shifts.mean())
    lines = np.sort(wavelengths)
    return make(20, 0.01, 0.02, seed=seed, wavelengths=lines, shifts=moved, wrong=times * LISTED)


def test_sizes_are_raised_to_what_lines_show_and_never_lowered(make, caplog):
    """Twelve lines, some six of them to spare: 30 lists tell their size to 0.29 / sqrt(30) = 5 %, 4 sigma are allowed.

    None lies below what is expected. Of lists that are as expected one half is raised, and few to twice that.
    """
    found = {}
    for times in (0.0, 1.0, 3.0):
        caplog.clear()
        with caplog.at_level("INFO"):
            for seed in range(30):
                made = draw(make, seed, times, TWELVE)
                physical(made.lines, made.spectra)
        found[times] = np.array([record.args[1] for record in caplog.records]) / LISTED
        assert len(found[times]) == 30
    assert (found[0.0] == 1).all()
    assert found[1.0].min() == 1
    assert (found[1.0] > 2).mean() < 0.1
    assert np.sqrt(np.mean(found[3.0] ** 2)) == pytest.approx(3, rel=0.22)


def test_one_line_that_is_far_off_raises_little(make, caplog):
    """0.08 px, eleven sizes, as a neighbour that no list has moves a line: sqrt((11 + 11^2) / 12) = 3.3, if counted."""
    made = make(60, 0.01, 0.02, wavelengths=np.sort(TWELVE))
    with caplog.at_level("INFO"):
        physical(made.lines._replace(x=made.lines.x + 0.08 * (made.lines.wavelength == 2147.6)), made.spectra)
    assert 1.0 < caplog.records[0].args[1] / LISTED < 2.2


@pytest.mark.parametrize("times", [1.0, 6.0])
def test_common_is_a_part_of_every_covariance(make, times):
    """What is left of none has a variance below zero, even where flexure and list are six times as expected."""
    made = draw(make, 3, times, TWELVE)
    solution = physical(made.lines, made.spectra)
    left = np.linalg.eigvalsh(solution.covariance - solution.common)
    assert (left[:, 0] > -1e-12 * left[:, -1]).all()


def test_a_line_that_is_wrong_everywhere_does_not_explain_itself(make):
    """0.6 px off in all spectra: not twenty errors of the list, another line."""
    made = make(number=120)
    wrong = made.lines.wavelength == 2154.01
    lines = made.lines._replace(x=made.lines.x + 0.6 * wrong)
    solution = physical(lines, made.spectra)
    assert not solution.used[wrong].any()
    assert solution.used[~wrong].mean() > 0.95
    assert np.abs(np.mean(find_error(made, solution, 2154.0))) < 0.01
