"""The profile of a lenslet's image: splines, their derivatives, and what is measured of them."""

import numpy as np
import pytest
from scipy.special import ndtr

from iris_reduction.arc_lines.profile import (
    NODES,
    REACH,
    evaluate_profile,
    fit_profile,
    make_gaussian,
    measure_width,
    sum_samples,
)


def share(offset, sigma):
    return ndtr((offset + 0.5) / sigma) - ndtr((offset - 0.5) / sigma)


@pytest.mark.parametrize("sigma", [(0.6, 0.7), (0.85, 0.8), (1.2, 1.0)])
def test_a_gaussian_is_what_it_should_be(sigma):
    """Within 1e-3 anywhere, and its light is one in the sum over pixels."""
    coeffs = make_gaussian(*sigma)
    rng = np.random.default_rng(1)
    for dx, dy in rng.uniform(-3, 3, (100, 2)):
        assert evaluate_profile(coeffs, dx, dy)[0] == pytest.approx(share(dx, sigma[0]) * share(dy, sigma[1]), abs=1e-3)
    total = sum(evaluate_profile(coeffs, x + 0.3, y - 0.2)[0] for x in range(-5, 6) for y in range(-5, 6))
    assert total == pytest.approx(1, abs=2e-3)
    assert measure_width(coeffs) == pytest.approx(sigma, abs=0.01)


def test_derivatives_are_those_of_the_value():
    coeffs, step = make_gaussian(0.8, 0.9), 1e-5
    for dx, dy in np.random.default_rng(2).uniform(-3, 3, (50, 2)):
        _, to_x, to_y = evaluate_profile(coeffs, dx, dy)
        ahead, behind = evaluate_profile(coeffs, dx + step, dy)[0], evaluate_profile(coeffs, dx - step, dy)[0]
        assert to_x == pytest.approx((ahead - behind) / 2 / step, abs=1e-6)
        ahead, behind = evaluate_profile(coeffs, dx, dy + step)[0], evaluate_profile(coeffs, dx, dy - step)[0]
        assert to_y == pytest.approx((ahead - behind) / 2 / step, abs=1e-6)


def test_nothing_lies_beyond_its_reach():
    assert evaluate_profile(np.ones((NODES, NODES)), REACH, 0.0) == (0.0, 0.0, 0.0)
    assert evaluate_profile(np.ones((NODES, NODES)), 0.0, -REACH) == (0.0, 0.0, 0.0)


def test_a_profile_is_measured_and_centred(spot):
    """Spots of another width than assumed, whose stated places are 0.1 px off: their mean place becomes the centre."""
    rng = np.random.default_rng(3)
    x, y = rng.uniform(10, 190, (2, 150))
    rate = np.zeros((200, 200))
    for a, b in zip(x, y, strict=True):
        spot(rate, a, b, 1000.0, (0.7, 0.95))
    clear = np.array([np.sort(np.hypot(x - a, y - b))[1] > 13 for a, b in zip(x, y, strict=True)])
    x, y = x[clear], y[clear]
    before = make_gaussian(0.85, 0.85)
    flux, level = np.full(len(x), 1000.0), np.zeros(len(x))
    image = rate.astype(np.float32), np.ones(rate.shape, np.float32), 0.01, np.ones(rate.shape, bool)
    found = fit_profile(*sum_samples(*image, x + 0.1, y, flux, level, before, 0.01), before)
    assert measure_width(found) == pytest.approx((0.7, 0.95), abs=0.01)
    for dx, dy in rng.uniform(-2, 2, (30, 2)):
        assert evaluate_profile(found, dx, dy)[0] == pytest.approx(share(dx, 0.7) * share(dy, 0.95), abs=0.01)
