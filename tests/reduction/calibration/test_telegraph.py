"""Telegraph pixels among all that only resemble them: noisy, hot, hit, drifting."""

import numpy as np
import pytest

from iris_contract.errors import InputError
from iris_reduction.calibration.telegraph import find_telegraph_pixels

OUTPUTS = np.arange(128) // 64
TIMES = np.tile(10.0 * np.arange(20), (10, 1))
GAIN = np.full((40, 128), 2, np.float32)
SCIENCE = np.ones((40, 128), bool)
HEIGHTS = {(5, 10): 60.0, (6, 70): 100.0, (7, 30): 400.0}


def switch(rng, chance=0.15):
    """States 0 and 1 of ten ramps of 20 reads."""
    return (np.cumsum(rng.random((10, 20)) < chance, axis=1) + rng.integers(0, 2, (10, 1))) % 2


@pytest.fixture(scope="module")
def dark():
    """Electrons: white noise of 11, settling that all share, and one pixel or row of each kind."""
    rng = np.random.default_rng(8)
    charge = 11 * np.exp(0.05 * rng.standard_normal((40, 128, 1, 1))) * rng.standard_normal((40, 128, 10, 20))
    charge[..., 0] -= 60
    charge[10, 20] *= 4  # noisy
    charge[11] += rng.poisson(50.0, (128, 10, 20)).cumsum(axis=2)  # hot: 5 e-/s
    charge[12, 40] += np.cumsum(40 * rng.standard_normal((10, 20)), axis=1)  # drifting
    charge[13, :, 4, 7:] += 3000  # one hit each
    charge[14, :, 4, 7:] += 3000  # two ramps hit
    charge[14, :, 6, 11:] += 200
    for (y, x), height in HEIGHTS.items():
        charge[y, x] += height * switch(rng)
    return charge + 35 * rng.standard_normal((40, 128, 10, 1))


def find(electrons, science=SCIENCE):
    reads = np.rint(electrons / 2 + 5000).astype(np.uint16)
    return find_telegraph_pixels(reads, TIMES, GAIN, science, OUTPUTS)


def test_those_that_switch_are_found_and_no_others(dark):
    assert sorted(map(tuple, np.argwhere(find(dark)).tolist())) == sorted(HEIGHTS)


def test_only_light_sensitive_pixels_are_judged(dark):
    science = SCIENCE.copy()
    science[6] = False
    science[:, 64:] &= np.arange(40)[:, None] > 38
    assert sorted(map(tuple, np.argwhere(find(dark, science)).tolist())) == [(5, 10), (7, 30)]


def test_completeness_grows_with_the_height(dark):
    """Of 128 pixels each: more than a third at 3 sigma, 85 % at 5 sigma, 95 % at 10 sigma.

    Found here are 60, 97 and 99.9 %; 0.001 chance or less that the limits are missed.
    """
    rng = np.random.default_rng(9)
    shares = []
    for height in (33.0, 55.0, 110.0):
        charge = dark.copy()
        for x in range(128):
            charge[20, x] += height * switch(rng)
        shares.append(find(charge)[20].mean())
    assert shares[0] > 0.33
    assert shares[1] > 0.85
    assert shares[2] > 0.95


def test_too_few_ramps_are_refused():
    with pytest.raises(InputError, match="three ramps"):
        find_telegraph_pixels(np.zeros((4, 128, 2, 20), np.uint16), TIMES[:2], GAIN[:4], SCIENCE[:4], OUTPUTS)
