"""The shares of photons and reads in the variance of a rate, against the fitters' own errors."""

import numpy as np
import pytest

from iris_reduction.ramp import RAMP_FITTERS
from iris_reduction.ramp.variance import find_photon_share, split_variance

TIMES = np.array([[0.0, 5, 10, 15, 20, 25], [1.0, 6, 9, 17, 21, 30]])


@pytest.mark.parametrize("name", RAMP_FITTERS)
def test_shares_are_the_derivatives_of_the_fitters_error(name):
    """At the best weights, and at fixed ones, the variance changes with R and s^2 as its two terms do."""
    rates, noise, step = np.array([0.01, 1.0, 30.0, 2000.0]), 11.0, 1e-2
    reads = (rates[:, None, None] * TIMES / 2 + 1000).astype(np.float32)[None]

    def error(read_noise):
        plane = np.ones((1, 4), np.float32)
        fit = RAMP_FITTERS[name](reads, TIMES, gain=2 * plane, read_noise=plane * np.float32(read_noise))
        return fit.error[0].astype(float)

    plus, minus = error(noise * (1 + step)) ** 2, error(noise * (1 - step)) ** 2
    of_reads = (plus - minus) / (4 * step)  # s^2 dv/d(s^2)
    share = find_photon_share(name, rates / noise**2, TIMES)
    assert share == pytest.approx(1 - of_reads / error(noise) ** 2, abs=2e-3)
    assert share[0] < 0.01
    assert share[-1] > 0.98


def test_the_planes_add_up_to_the_square_of_the_error():
    rate = np.array([[-1.0, 0.0, 5.0, 1e5]], np.float32)
    error = np.array([[0.1, 0.1, 0.3, 50.0]], np.float32)
    photons, reads = split_variance("gls", rate, error, np.full((1, 4), 11, np.float32), TIMES)
    assert photons + reads == pytest.approx(error**2, rel=1e-6)
    assert (photons[0, :2] == 0).all()
    assert photons.dtype == reads.dtype == np.float32
    assert (split_variance("gls", rate * 0, error * 0, error * 0, TIMES)[0] == 0).all()
