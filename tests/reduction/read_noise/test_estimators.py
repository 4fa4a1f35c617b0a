"""Every read noise estimator, on darks with and without slow noise of the test's own making."""

import numpy as np
import pytest

from iris_contract.errors import InputError
from iris_reduction.read_noise import READ_NOISE_ESTIMATORS, DarkRamps, load_read_noise_estimators

OUTPUTS = np.arange(128) // 64
TIMES = np.tile(10.0 * np.arange(20), (10, 1))
GAIN = np.full((48, 128), 2, np.float32)
WHITE = np.hypot(11.0, 2 / np.sqrt(12))
WEIGHTS = (TIMES[0] - TIMES[0].mean()) / ((TIMES[0] - TIMES[0].mean()) ** 2).sum()


def draw_dark(seed, slow=0.0, ramps=10, rate=0.01, hits=()):
    """DN; each row of output 1 shares `slow` e-/s rms of slope from ramp to ramp, and a pixel has twice the noise."""
    rng = np.random.default_rng(seed)
    charge = rng.poisson(rate * 10, (48, 128, ramps, 20)).cumsum(axis=3).astype(float)
    noise = np.full((48, 128, 1, 1), 11.0)
    noise[20, 30] = 22.0
    charge += noise * rng.standard_normal(charge.shape)
    charge += slow * rng.standard_normal((48, 1, ramps, 1)) * (OUTPUTS == 1)[:, None, None] * TIMES[0]
    for y, x, ramp, read in hits:
        charge[y, x, ramp, read:] += 3000
    return DarkRamps(np.rint(charge / 2 + 5000).astype(np.uint16), TIMES[:ramps], GAIN)


@pytest.mark.parametrize("name", READ_NOISE_ESTIMATORS)
def test_white_noise_is_found_by_every_method(name):
    """Median within 1 %, cosmic rays or not; the noisy pixel within 5 of its errors."""
    hits = [(y, 2 * y, y % 10, 1 + y % 19) for y in range(48)]
    noise, error = READ_NOISE_ESTIMATORS[name]([draw_dark(1, hits=hits)], OUTPUTS)
    assert noise.dtype == error.dtype == np.float32
    assert np.median(noise) == pytest.approx(WHITE, rel=0.01)
    assert abs(noise[20, 30] - 22) < 5 * max(error[20, 30], 1.2)
    assert np.delete(noise.ravel(), 20 * 128 + 30).max() < 1.2 * WHITE


def test_slow_noise_is_in_the_effective_noise_of_its_output_alone():
    """Slopes of 0.05 e-/s rms per ramp add (0.05)^2 / sum w^2 = 166 e-^2; rows share them: sampling 6 %."""
    expected = np.sqrt(WHITE**2 + 0.05**2 / (WEIGHTS**2).sum())
    darks = [draw_dark(seed, slow=0.05) for seed in (2, 3)]
    white, _ = READ_NOISE_ESTIMATORS["differences"](darks, OUTPUTS)
    noise, error = READ_NOISE_ESTIMATORS["effective"](darks, OUTPUTS)
    assert np.median(white[:, 64:]) == pytest.approx(WHITE, rel=0.01)
    assert np.median(noise[:, :64]) == pytest.approx(WHITE, rel=0.01)
    assert np.median(noise[:, 64:]) == pytest.approx(expected, rel=0.09)
    assert expected > 1.4 * WHITE
    assert (error > 0).all()


def test_photons_of_the_dark_are_no_read_noise():
    """At 20 e-/s photons add half as much again to the variance of rates as reads do."""
    noise, _ = READ_NOISE_ESTIMATORS["effective"]([draw_dark(4, rate=2.0)], OUTPUTS)
    assert np.median(noise) == pytest.approx(WHITE, rel=0.03)


def test_a_pixel_whose_level_switches_keeps_its_own_noise():
    dark = draw_dark(5)
    reads = dark.reads.copy()
    reads[7, 9, ::2, 10:] += 40  # DN, every other ramp
    noise, _ = READ_NOISE_ESTIMATORS["effective"]([dark._replace(reads=reads)], OUTPUTS)
    assert noise[7, 9] > 30


def test_a_single_ramp_is_refused():
    with pytest.raises(InputError, match="two or more ramps"):
        READ_NOISE_ESTIMATORS["effective"]([draw_dark(6, ramps=1)], OUTPUTS)


def test_built_in_methods_by_name():
    assert list(READ_NOISE_ESTIMATORS) == ["differences", "effective"]
    assert dict(load_read_noise_estimators()).items() >= dict(READ_NOISE_ESTIMATORS).items()
