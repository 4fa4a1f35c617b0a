"""Rays of the design: in the middle the grating equation, off it a cone; sizes derived by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iris_contract.instrument import load_instrument
from iris_contract.lenslet import load_grating_setting, load_lattice, trace_rays

GRATINGS = tuple(load_instrument().gratings)
SETTING = load_grating_setting("4000-K")
MIDDLE = 2047.5


@pytest.mark.parametrize("name", GRATINGS)
def test_in_the_middle_it_is_the_grating_equation(name):
    setting = load_grating_setting(name)
    wavelength = setting.centre * np.linspace(0.93, 1.07, 9)
    x, y = trace_rays(setting, np.zeros(1), np.zeros(1), wavelength)
    np.testing.assert_allclose(x - MIDDLE, setting.disperse(wavelength), atol=1e-9)
    np.testing.assert_allclose(y, MIDDLE, atol=1e-9)


@pytest.mark.parametrize("name", GRATINGS)
def test_near_the_middle_the_grating_narrows_by_its_anamorphism(name):
    """It is the first derivative: 10 px off, second order leaves 0.5 f beta'' (10/f)^2 < 0.01 px."""
    setting = load_grating_setting(name)
    x, y = trace_rays(setting, np.array([10.0, -10.0]), np.array([10.0, -10.0]), setting.centre)
    np.testing.assert_allclose(x - MIDDLE, [10 * setting.anamorphism, -10 * setting.anamorphism], atol=0.01)
    np.testing.assert_allclose(y - MIDDLE, [10.0, -10.0], atol=0.01)


@pytest.mark.parametrize(("name", "smile"), [("4000-K", 28.6), ("8000-K", 57.1), ("10000-K", 71.4)])
def test_the_cone_bends_lines_towards_larger_columns(name, smile):
    """By hand f G lambda (1 / cos(gamma) - 1) / cos(beta_0) at 2000 px, the same above and below; to 1 %."""
    setting = load_grating_setting(name)
    rows = np.array([-2000.0, 0.0, 2000.0])
    low, middle, high = trace_rays(setting, np.zeros(3), rows, setting.centre)[0]
    assert low - middle == pytest.approx(smile, rel=0.01)
    assert low == pytest.approx(high, abs=1e-9)


@pytest.mark.parametrize(("name", "shift"), [("4000-K", 26.8), ("10000-K", 54.2)])
def test_the_angle_of_incidence_shifts_both_sides_towards_larger_columns(name, shift):
    """By hand f beta'' psi^2 / 2 at 1792 px, beta'' = (sin alpha + a^2 sin beta_0) / cos beta_0; the mean of the sides
    is free of the third order, and the fourth is psi^2 of it, below a hundredth."""
    setting = load_grating_setting(name)
    x, _ = trace_rays(setting, np.array([-1792.0, 1792.0]), np.zeros(2), setting.centre)
    assert x.mean() - MIDDLE == pytest.approx(shift, rel=0.01)


def test_rows_lie_further_out_the_further_a_wavelength_is_from_the_axis():
    """y - y_0 = f tan(gamma) / cos(theta): on 1000 px off the axis 0.09 % more, on both sides."""
    low, high = SETTING.invert([-1000.0, 1000.0])
    _, y = trace_rays(SETTING, np.zeros(3), np.full(3, 2000.0), np.array([low, SETTING.centre, high]))
    assert y[1] - MIDDLE == pytest.approx(2000.0)
    np.testing.assert_allclose(y[[0, 2]] - y[1], 2000 * (1000 / SETTING.focal) ** 2 / 2, rtol=0.1)


@given(st.sampled_from(GRATINGS), st.floats(-1792, 1792), st.floats(-2048, 2048), st.floats(0.93, 1.07))
def test_the_ray_obeys_the_grating_in_three_dimensions(name, along, across, part):
    """Directions as vectors: along the grooves nothing changes, across them G lambda is added."""
    setting = load_grating_setting(name)
    x, y = trace_rays(setting, np.array(along), np.array(across), part * setting.centre)
    ahead = np.array([setting.focal, -along, -across])
    behind = np.array([setting.focal, float(x) - MIDDLE, float(y) - MIDDLE])
    (out, left, up), (away, right, down) = (ray / np.linalg.norm(ray) for ray in (ahead, behind))
    assert up == pytest.approx(-down, abs=1e-12)
    arrives = out * np.sin(setting.incidence) + left * np.cos(setting.incidence)
    leaves = away * np.sin(setting.diffraction) + right * np.cos(setting.diffraction)
    assert arrives + leaves == pytest.approx(setting.line_density * part * setting.centre * 1e-6, abs=1e-12)


@pytest.mark.parametrize("name", ["4000-K", "8000-K", "10000-K"])
def test_columns_grow_with_wavelength_everywhere(name):
    setting, lattice = load_grating_setting(name), load_lattice("SERRATED_WIDE")
    x, _ = trace_rays(setting, lattice.along[::50, None], lattice.across[::50, None], np.linspace(1950, 2420, 40))
    assert np.all(np.diff(x, axis=1) > 0)


def test_what_the_grating_cannot_send_is_nan():
    x, y = trace_rays(load_grating_setting("10000-Z"), np.zeros((1, 2)), np.zeros((1, 2)), [925.0, 2400.0])
    assert x.shape == y.shape == (1, 2)
    assert np.isnan(x[0]).tolist() == np.isnan(y[0]).tolist() == [False, True]
