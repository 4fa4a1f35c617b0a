"""The grating equation at a fixed tilt: numbers derived elsewhere, and what must hold for every grating."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iris_contract.errors import InputError
from iris_contract.instrument import load_instrument
from iris_contract.lenslet import load_grating_setting

INSTRUMENT = load_instrument()
GRATINGS = tuple(INSTRUMENT.gratings)
# Angstrom per px, from the central wavelengths of oirlab/liger_iris_sim over twice the resolution: two px make
# one resolution element by definition, at a focal length that is the grating's own (354 to 356 mm)
DISPERSIONS = {
    "4000": {"Z": 1.124, "Y": 1.295, "J": 1.569, "H": 2.036, "K": 2.728, "HK": 2.434, "YJ": 1.392},
    "8000": {"Z": 0.562, "Y": 0.648, "J": 0.786, "H": 1.018, "K": 1.385},
    "10000": {"Z": 0.449, "Y": 0.518, "J": 0.628, "H": 0.814, "K": 1.091},
}
BANDS = {
    band: (1e3 * f.cut_on, 1e3 * f.cut_off)
    for band in (*"ZYJHK", "HK", "YJ")
    for f in [INSTRUMENT.filter(band if len(band) > 1 else f"{band}bb")]
}
SPANS = {"4000": (1598, 1685), "8000": (3162, 3375), "10000": (4017, 4227)}


@pytest.mark.parametrize("name", GRATINGS)
def test_dispersion_at_the_centre(name):
    """Within 0.3 %: one focal length of 355 mm for all, and tilts known to 0.06 of 10.3 deg."""
    resolution, band = name.split("-")
    setting = load_grating_setting(name)
    found = 10 * float(setting.dispersion(setting.centre))
    assert found == pytest.approx(DISPERSIONS[resolution][band], rel=3.2e-3)


@pytest.mark.parametrize("name", GRATINGS)
def test_spans_of_the_broad_bands(name):
    resolution, band = name.split("-")
    first, last = load_grating_setting(name).disperse(BANDS[band])
    if band in {"HK", "YJ"}:
        assert last - first == pytest.approx({"HK": 3455, "YJ": 2985}[band], rel=2e-3)
    else:
        assert SPANS[resolution][0] <= last - first <= SPANS[resolution][1]


@pytest.mark.parametrize("name", GRATINGS)
def test_anamorphism_is_that_of_the_tilt(name):
    expected = {"4000": 0.860, "8000": 0.720, "10000": 0.650}[name.split("-")[0]]
    assert load_grating_setting(name).anamorphism == pytest.approx(expected, abs=5e-4)


@pytest.mark.parametrize("name", GRATINGS)
def test_incidence_and_diffraction_are_45_degrees_apart_and_the_centre_obeys_the_equation(name):
    setting = load_grating_setting(name)
    assert np.degrees(setting.incidence - setting.diffraction) == pytest.approx(45)
    assert np.degrees(setting.incidence + setting.diffraction) == pytest.approx(2 * INSTRUMENT.gratings[name].tilt)
    sines = np.sin(setting.incidence) + np.sin(setting.diffraction)
    assert setting.line_density * setting.centre * 1e-6 == pytest.approx(sines)
    assert float(setting.disperse(setting.centre)) == pytest.approx(0, abs=1e-9)


@given(st.sampled_from(GRATINGS), st.floats(-2500, 2500))
def test_distance_to_wavelength_and_back(name, distance):
    setting = load_grating_setting(name)
    assert float(setting.disperse(setting.invert(distance))) == pytest.approx(distance, abs=1e-9)


@given(st.sampled_from(GRATINGS), st.floats(-2500, 2500), st.floats(1e-3, 500))
def test_wavelength_grows_with_distance(name, distance, step):
    setting = load_grating_setting(name)
    assert setting.invert(distance + step) > setting.invert(distance)


@given(st.sampled_from(GRATINGS), st.floats(-2500, 2500))
def test_dispersion_is_the_slope(name, distance):
    """Central difference over 2 px: the third derivative leaves some 1e-9 of it."""
    setting = load_grating_setting(name)
    slope = float(setting.invert(distance + 1) - setting.invert(distance - 1)) / 2
    assert float(setting.dispersion(setting.invert(distance))) == pytest.approx(slope, rel=1e-7)


def test_arrays_keep_their_shape_and_what_the_camera_cannot_see_is_nan():
    setting = load_grating_setting("10000-Z")
    wavelength = np.array([[830.0, 925.0, 2400.0], [100.0, -1.0, 900.0]])
    distance = setting.disperse(wavelength)
    assert distance.shape == wavelength.shape
    assert distance.dtype == np.float64
    assert np.isnan(distance).tolist() == [[False, False, True], [False, False, False]]
    assert np.isnan(setting.dispersion(2400.0))
    far = load_grating_setting("10000-K").disperse(np.linspace(-600, 4500, 100))
    seen = far[np.isfinite(far)]
    assert np.all(np.diff(seen) > 0), "no wavelength comes back on the other side"


def test_unknown_grating_is_refused_with_the_choices():
    with pytest.raises(InputError, match="GRATING='MIRROR': no such grating; choose 4000-Z"):
        load_grating_setting("MIRROR")
