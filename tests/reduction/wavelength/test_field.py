"""The smooth field: its terms, and that their sizes are those of errors smooth on the detector, for every filter."""

import numpy as np
import pytest

from iris_contract.lenslet import load_grating_setting, load_passband
from iris_reduction.wavelength.field import SmoothField, make_place
from iris_reduction.wavelength.protocol import Spectra

FIELD = SmoothField()


def place_of(grating, filter_name):
    limits = load_passband(filter_name).support()
    return make_place(Spectra(load_grating_setting(grating), np.zeros(1), np.zeros(1), limits, np.zeros((1, 2))))


def find_sizes(grating, filter_name):
    variances = FIELD.find_variances(place_of(grating, filter_name))
    return dict(zip(FIELD.powers, np.sqrt(variances), strict=True))


def test_terms_are_products_of_powers():
    terms = FIELD.evaluate(np.array([0.5]), np.array([-0.25]), np.array([2.0]))[0]
    assert len(terms) == len(FIELD.powers) == 15 + 10 + 6 + 3
    assert dict(zip(FIELD.powers, terms, strict=True))[1, 2, 1] == 0.5 * 0.0625 * 2


@pytest.mark.parametrize(("grating", "filter_name"), [("4000-K", "Kcont"), ("4000-K", "KN1"), ("10000-K", "Kbb")])
def test_sizes_hold_a_distortion_and_shrink_with_the_band(grating, filter_name):
    """c p^3 at p = xi + h t is c (xi^3 + 3 h xi^2 t + 3 h^2 xi t^2 + h^3 t^3): c = 1 px is some half a size of each."""
    sizes, h = find_sizes(grating, filter_name), place_of(grating, filter_name).half / 2048
    for power, coefficient in enumerate((1, 3 * h, 3 * h**2, h**3)):
        assert coefficient / 2 <= sizes[3 - power, 0, power] <= 2.5 * coefficient


def test_a_narrow_filter_is_given_less_freedom_in_the_wavelength():
    """Kcont is 33 times shorter than Kbb at R10000: its third order is 33^3 times smaller, its offset the same."""
    narrow, broad = find_sizes("4000-K", "Kcont"), find_sizes("10000-K", "Kbb")
    ratio = place_of("10000-K", "Kbb").half / place_of("4000-K", "Kcont").half
    assert ratio == pytest.approx(33, rel=0.05)
    for (a, b, k), size in broad.items():
        assert size == pytest.approx(narrow[a, b, k] * ratio**k)
