"""Read noise is white and has each pixel's own rms, on reference pixels too."""

from collections.abc import Callable

import numpy as np

from iris_contract import DQ, Detector, Exposure, Readout, Subarray
from iris_simulator import Blank, build_as_built, observe

Expose = Callable[..., Exposure]


def test_noise_is_white_and_of_the_size_of_the_map(detector: Detector, expose: Expose) -> None:
    """Mean, variance and correlation of reads, on light-sensitive and reference pixels: 4.4 standard errors.

    In units of the true noise, rounding included; neighbours in the sample are reads, then pixels.
    """
    region = Subarray(1, 1, 300, 120)
    exposure = expose(region, Readout.up_the_ramp(10, 5.0))
    as_built = build_as_built(detector, region, 11)
    ramp, truth = observe(Blank(), exposure, as_built, seed=5, night=1, effects=("read_noise", "bad_pixels"))
    noise = np.sqrt(truth.read_noise**2 + 2.0**2 / 12)[..., None]
    pulls = 2 * (ramp.reads[:, :, 0].astype(float) - 5000) / noise
    reference = truth.cause & DQ["REFERENCE_PIXEL"] != 0
    for where in (reference, ~reference):
        sample = pulls[where]
        assert abs(sample.mean()) < 4.4 / np.sqrt(sample.size)
        assert abs(np.mean(sample**2) - 1) < 4.4 * np.sqrt(2 / sample.size)
        assert abs(np.mean(sample[:, 1:] * sample[:, :-1])) < 4.4 / np.sqrt(sample[:, 1:].size)
        assert abs(np.mean(sample[1:] * sample[:-1])) < 4.4 / np.sqrt(sample[1:].size)


def test_truth_is_the_acting_noise(detector: Detector, expose: Expose) -> None:
    region = Subarray(1, 1, 40, 40)
    as_built = build_as_built(detector, region, 11)
    for effects, expected in ((("read_noise", "bad_pixels"), as_built.read_noise), ((), np.zeros((40, 40)))):
        _, truth = observe(Blank(), expose(region), as_built, seed=5, night=1, effects=effects)
        np.testing.assert_array_equal(truth.read_noise, expected)
