"""Stamps keep flux and centroid wherever they are placed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iris_contract.errors import InputError
from iris_simulator.psf import diffraction_stamp, gaussian_stamp, place_stamp

NEAR = st.floats(20, 40)


@given(x=NEAR, y=NEAR, oversampling=st.integers(1, 5), cells=st.integers(1, 60), flux=st.floats(0.1, 1e6))
def test_flux_of_any_stamp(x: float, y: float, oversampling: int, cells: int, flux: float) -> None:
    stamp = np.random.default_rng(cells).random((cells, cells))
    image = np.zeros((120, 123))
    place_stamp(image, stamp / stamp.sum(), oversampling, x + 30, y + 30, flux)
    assert abs(image.sum() / flux - 1) < 1e-9
    assert image.min() >= 0


@given(x=NEAR, y=NEAR, oversampling=st.integers(1, 6), fwhm=st.floats(2.0, 6.0))
def test_centroid_of_sampled_stamp(x: float, y: float, oversampling: int, fwhm: float) -> None:
    """Aliasing by the pixels moves the centroid of a Gaussian of 2 pixels by less than 1e-5 pixel."""
    image = np.zeros((61, 63))
    place_stamp(image, gaussian_stamp(fwhm, 36, oversampling), oversampling, x, y, 1.0)
    rows, columns = np.indices(image.shape)
    assert abs((columns * image).sum() - x) < 1e-4
    assert abs((rows * image).sum() - y) < 1e-4


@given(x=st.floats(-40, 60), y=st.floats(-40, 60))
def test_cut_stars_are_the_cut_of_whole_ones(x: float, y: float) -> None:
    stamp = gaussian_stamp(3.0, 16)
    whole, part = np.zeros((150, 150)), np.zeros((20, 22))
    place_stamp(whole, stamp, 4, x + 60, y + 60, 5.0)
    place_stamp(part, stamp, 4, x, y, 5.0)
    np.testing.assert_allclose(part, whole[60:80, 60:82], atol=1e-12)


def test_gaussian_has_its_width() -> None:
    image = np.zeros((41, 41))
    place_stamp(image, gaussian_stamp(5.0, 40, 8), 8, 20.0, 20.0, 1.0)
    variance = (image * (np.arange(41) - 20) ** 2).sum()
    cell_and_pixel = (1 / 64 + 1) / 12
    assert abs(variance - (5.0 / 2.3548) ** 2 - cell_and_pixel) < 0.01


def test_diffraction_first_null_and_peak() -> None:
    """An unobscured 30 m at 1.65 um: first dark ring at 1.22 lambda/D = 3.46 px of 4 mas."""
    stamp = diffraction_stamp(1.65, 64, 8, obscuration=1e-3)
    profile = stamp[256, 256:300]
    assert abs((np.argmin(profile[:35]) + 0.5) / 8 - 3.46) < 0.1
    assert stamp.sum() == pytest.approx(1)
    faint = diffraction_stamp(1.65, 64, 8, strehl=0.4)
    assert 0.39 < faint.max() / diffraction_stamp(1.65, 64, 8).max() < 0.43


def test_oversampling_is_checked() -> None:
    with pytest.raises(InputError, match="oversampling=0"):
        place_stamp(np.zeros((3, 3)), np.ones((1, 1)), 0, 1, 1, 1)
