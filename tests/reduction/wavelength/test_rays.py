"""Rays of the design: in the middle the contract's grating equation, off it a cone."""

import numpy as np
import pytest

from iris_contract.lenslet import load_grating_setting
from iris_reduction.wavelength.rays import trace_rays

SETTING = load_grating_setting("4000-K")
NM = np.linspace(2000.0, 2350.0, 8)


def test_in_the_middle_it_is_the_equation_of_the_contract():
    x, y = trace_rays(SETTING, np.array(2047.5), np.array(2047.5), NM)
    np.testing.assert_allclose(x - 2047.5, SETTING.disperse(NM), atol=1e-9)
    np.testing.assert_allclose(y, 2047.5, atol=1e-9)


def test_near_the_middle_a_lenslet_stands_where_the_contract_lays_it_out():
    """The anamorphism is the first derivative: 20 px off it is right to 20^2/f = 0.02 px."""
    x, y = trace_rays(SETTING, np.array([2067.5, 2027.5]), np.array([2057.5, 2037.5]), np.full(2, SETTING.centre))
    np.testing.assert_allclose(x, [2067.5, 2027.5], atol=0.02)
    np.testing.assert_allclose(y, [2057.5, 2037.5], atol=0.02)


def test_the_cone_is_as_derived():
    """At the edge gamma = 2047.5 / f, and sin(beta) grows by G lambda (1 / cos gamma - 1): 30 px, on both sides."""
    gamma = np.arctan(2047.5 / SETTING.focal)
    growth = 2200e-6 * SETTING.line_density * (1 / np.cos(gamma) - 1)
    turn = np.arcsin(2200e-6 * SETTING.line_density - np.sin(SETTING.incidence))
    edge, middle, other = trace_rays(SETTING, np.array(2047.5), np.array([0.0, 2047.5, 4095.0]), np.array(2200.0))[0]
    assert edge - middle == pytest.approx(SETTING.focal * growth / np.cos(turn), rel=0.01)
    assert edge == pytest.approx(other, abs=1e-9)
    assert 28 < edge - middle < 34
