"""Every gain estimator, on flats with and without coupling of the test's own making."""

import numpy as np
import pytest
from scipy.ndimage import convolve

from iris_contract.errors import InputError
from iris_reduction.gain import GAIN_ESTIMATORS, FlatRamps, load_gain_estimators

TRUE = np.array([1.9, 2.1])
OUTPUTS = np.arange(192) // 96
SIDE, CORNER = 0.0125, 0.0012
V = (1 - 4 * SIDE - 4 * CORNER) ** 2 + 4 * SIDE**2 + 4 * CORNER**2
EVERY = pytest.mark.parametrize("name", GAIN_ESTIMATORS)


def draw_flats(seed, coupled, levels=(0, 2500, 5000, 10000)):
    rng = np.random.default_rng(seed)
    kernel = np.array([[CORNER, SIDE, CORNER], [SIDE, 0, SIDE], [CORNER, SIDE, CORNER]]) * coupled
    kernel[1, 1] = 1 - kernel.sum()
    for level in levels:
        charge = rng.poisson(level, (160, 192, 10, 4)).astype(float)
        reads = 11 * rng.standard_normal((160, 192, 10, 5))
        reads[..., 1:] += convolve(charge, kernel[:, :, None, None], mode="nearest").cumsum(axis=3)
        dn = np.rint(reads / TRUE[OUTPUTS][:, None, None] + 5000).astype(np.uint16)
        yield FlatRamps(dn, np.ones((160, 192), bool))


@EVERY
def test_without_coupling_every_gain_is_right(name):
    """Two outputs within 5.3 errors, which are below 1 %."""
    found = GAIN_ESTIMATORS[name](draw_flats(1, coupled=False), OUTPUTS)
    for output, (gain, error) in found.items():
        assert abs(gain - TRUE[output]) < 5.3 * error
        assert error < 0.01 * gain


def test_bias_by_coupling_is_as_derived_and_covariances_take_it_away():
    """1/V - 1 = 11.9 % without, nothing with covariances, both within 5.3 errors."""
    bias = 1 / V - 1
    assert bias == pytest.approx(0.119, abs=0.001)
    plain = GAIN_ESTIMATORS["photon_transfer"](draw_flats(2, coupled=True), OUTPUTS)
    better = GAIN_ESTIMATORS["photon_transfer_covariance"](draw_flats(2, coupled=True), OUTPUTS)
    for output in (0, 1):
        gain, error = plain[output]
        assert abs(gain - TRUE[output] / V) < 5.3 * error
        gain, error = better[output]
        assert abs(gain - TRUE[output]) < 5.3 * error
        assert error < 0.008 * gain


@EVERY
def test_one_level_is_refused(name):
    with pytest.raises(InputError, match="two or more levels"):
        GAIN_ESTIMATORS[name](draw_flats(3, coupled=False, levels=(1000,)), OUTPUTS)


def test_built_in_methods_by_name():
    assert list(GAIN_ESTIMATORS) == ["photon_transfer", "photon_transfer_covariance"]
    assert dict(load_gain_estimators()).items() >= dict(GAIN_ESTIMATORS).items()
