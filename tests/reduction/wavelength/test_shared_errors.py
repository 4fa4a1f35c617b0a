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


def test_what_all_spectra_share_is_as_large_as_stated(make):
    """30 lists, of lines 0.002 nm rms beside their places, and flexure: errors of the mean spectrum over COMMON.

    Their rms is 1 within 4/sqrt(60) = 0.52; wider by what 20 spectra of 0.01 px leave in their mean, 0.002 of 0.005 px.
    """
    ratios = []
    for seed in range(30):
        shifts = FLEXURE * np.random.default_rng(seed).standard_normal(3)
        made = make(number=20, seed=seed, wrong=LISTED, shifts=tuple(shifts - shifts.mean()), own=0.02, noise=0.01)
        solution = physical(made.lines, made.spectra)
        assert (np.einsum("njj->nj", solution.covariance)[:, 0] > 0.9 * solution.common[0, 0]).all()
        sigma = state(made, solution.common, 2160.0)
        assert 0.002 < sigma < 0.008
        ratios.append(np.mean(find_error(made, solution, 2160.0)) / sigma)
    assert np.sqrt(np.mean(np.square(ratios))) == pytest.approx(1, abs=0.52)


def test_a_line_that_is_wrong_everywhere_does_not_explain_itself(make):
    """0.6 px off in all spectra: not twenty errors of the list, another line."""
    made = make(number=120)
    wrong = made.lines.wavelength == 2154.01
    lines = made.lines._replace(x=made.lines.x + 0.6 * wrong)
    solution = physical(lines, made.spectra)
    assert not solution.used[wrong].any()
    assert solution.used[~wrong].mean() > 0.95
    assert np.abs(np.mean(find_error(made, solution, 2154.0))) < 0.01
