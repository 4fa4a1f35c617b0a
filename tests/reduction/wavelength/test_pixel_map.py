"""Wavelengths by pixel: on three straight traces that the test draws."""

import numpy as np
import pytest

from iris_contract import DQ, Subarray
from iris_reduction.wavelength.pixel_map import NO_LENSLET, map_pixels

REGION = Subarray(101, 51, 60, 12)
LIMITS = (2000.0, 2010.0)


@pytest.fixture
def solution():
    """Traces 2 px apart that climb by 0.2 px; columns 110 to 150 of the detector hold 1998 to 2012 nm."""
    rows = np.array([53.25, 55.25, 57.25])
    return {
        "COEFFS": np.tile([2005.0, 7.0], (3, 1)),
        "DOMAIN": np.tile([110.0, 150.0], (3, 1)),
        "TRACE": np.stack([rows, np.full(3, 0.1)], axis=1),
        "DQ": np.zeros(3, "u4"),
    }


def test_a_pixel_is_of_the_nearest_trace_within_a_pixel(solution):
    wavelength, lenslet = map_pixels(solution, LIMITS, REGION)
    assert wavelength.shape == lenslet.shape == REGION.shape
    column = 130 - 100  # of the region, in the middle of the domain
    np.testing.assert_array_equal(lenslet[:, column], [-1, -1, -1, 0, 0, 1, 1, 2, 2, -1, -1, -1])
    assert lenslet.dtype == np.int32
    assert (wavelength[3:9, column] == 2005.0).all()
    assert np.isnan(wavelength[lenslet == NO_LENSLET]).all()
    assert np.isfinite(wavelength[lenslet != NO_LENSLET]).all()


def test_a_spectrum_reaches_between_the_limits(solution):
    """2000 to 2010 nm are columns 130 -+ 5 * 20 / 7 = 115.71 to 144.29 of the detector."""
    _, lenslet = map_pixels(solution, LIMITS, REGION)
    seen = np.flatnonzero((lenslet == 1).any(axis=0)) + 100
    assert (seen.min(), seen.max()) == (116, 144)


def test_a_lenslet_that_cannot_be_used_leaves_its_pixels(solution):
    solution["DQ"][1] = DQ["DO_NOT_USE"]
    wavelength, lenslet = map_pixels(solution, LIMITS, REGION)
    assert set(np.unique(lenslet)) == {-1, 0, 2}
    assert np.isnan(wavelength[5, 30])


def test_a_region_beside_the_spectra_has_none(solution):
    wavelength, lenslet = map_pixels(solution, LIMITS, Subarray(1, 1, 40, 20))
    assert np.isnan(wavelength).all()
    assert (lenslet == NO_LENSLET).all()
