"""Light arrives as independent Poisson increments: means, covariances and photon transfer in closed form."""

from collections.abc import Callable

import numpy as np
import pytest

from iris_contract import Exposure, Readout
from iris_simulator import AsBuilt, FlatLamp, UniformSky, observe

Expose = Callable[..., Exposure]
GAIN, ROUNDING = 2.0, 2.0**2 / 12  # e-/DN of the design; variance of a rounded read in e-2
READOUTS = [
    Readout.up_the_ramp(5, 10.0),
    Readout.fowler(1, 1.0, 40.0),
    Readout.fowler(3, 1.0, 40.0),
    Readout("UTR", 1, (3.0, 4.5, 11.0, 40.0)),
]


def read_electrons(as_built: AsBuilt, exposure: Exposure, rate: float, effects: tuple[str, ...]) -> np.ndarray:
    """Charge e- (pixels, ramps, reads) of an even scene with the gain and bias of the design."""
    ramp, _ = observe(UniformSky(rate), exposure, as_built, seed=5, night=1, effects=effects)
    return (ramp.reads.reshape(-1, *ramp.times.shape).astype(float) - 5000) * GAIN


@pytest.mark.parametrize("readout", READOUTS, ids=["UTR", "CDS", "MCDS", "irregular"])
@pytest.mark.parametrize("rate", [0.3, 4.0, 200.0])
def test_mean_and_covariance_of_reads(inner: AsBuilt, expose: Expose, readout: Readout, rate: float) -> None:
    """Mean rate*t, cov(i, j) = rate*min(t_i, t_j); within 4.9 standard errors, false alarm 4e-5 per case.

    Rounding adds gain^2/12 to each read; below about 1 e- it is not independent of the charge, hence
    the comparison of such reads is left to the higher rates. Poisson kurtosis 1/mean is included.
    """
    charge = read_electrons(inner, expose(readout=readout), rate, ("photon_noise",))[:, 0]
    mean = rate * np.asarray(readout.times)
    number, use = len(charge), mean >= 10 / GAIN
    mean, charge = mean[use], charge[:, use]
    if not use.any():
        pytest.skip("no read holds enough charge")
    assert np.all(np.abs(charge.mean(axis=0) - mean) < 4.9 * np.sqrt((mean + ROUNDING) / number))
    expected = np.minimum.outer(mean, mean) + ROUNDING * np.eye(len(mean))
    spread = expected**2 + np.outer(np.diag(expected), np.diag(expected)) + np.minimum.outer(mean, mean)
    assert np.all(np.abs(np.cov(charge.T) - expected) < 4.9 * np.sqrt(spread / number))


def test_ramps_are_independent(inner: AsBuilt, expose: Expose) -> None:
    """Last reads of three ramps correlate by less than 4.4 standard errors; false alarm 3e-5."""
    exposure = expose(readout=Readout.up_the_ramp(3, 5.0, ramps=3))
    last = read_electrons(inner, exposure, 30.0, ("photon_noise",))[:, :, -1]
    correlation = np.corrcoef(last.T)[np.triu_indices(3, 1)]
    assert np.all(np.abs(correlation) < 4.4 / np.sqrt(len(last)))


def test_photon_transfer_gives_each_output_its_gain(inner: AsBuilt, expose: Expose) -> None:
    """Variance over mean of differences of two ramps, per output: 1/gain within 4.4 standard errors."""
    exposure = expose(readout=Readout("UTR", 2, (0.0, 20.0)))
    effects = ("photon_noise", "gain_spread", "flat", "offsets", "read_noise", "reset_noise")
    ramp, truth = observe(FlatLamp(1500.0), exposure, inner, seed=5, night=1, effects=effects)
    signal = np.diff(ramp.reads.astype(float), axis=-1)[..., 0]
    noise = 2 * (truth.read_noise / truth.gain) ** 2 + 2 / 12
    variance = (signal[..., 0] - signal[..., 1]) ** 2 / 2 - noise
    gains = np.unique(truth.gain)
    assert len(gains) == 4
    for gain in gains:
        output = truth.gain == gain
        slope = variance[output].sum() / signal[output].mean(axis=-1).sum()
        assert abs(slope * gain - 1) < 4.4 * np.sqrt(2 / output.sum()) * (1 + 0.02)


def test_without_noise_reads_are_the_rounded_expectation(inner: AsBuilt, expose: Expose) -> None:
    charge = read_electrons(inner, expose(), 7.3, ())
    assert np.all(np.abs(charge - 7.3 * np.arange(5) * 10) <= GAIN / 2 + 1e-6)


def test_response_scales_the_light(inner: AsBuilt, expose: Expose) -> None:
    """Noise-free, 200 s at 400 e-/s times response: to a DN in 40 000."""
    exposure = expose(readout=Readout("UTR", 1, (0.0, 200.0)))
    ramp, truth = observe(UniformSky(400.0), exposure, inner, seed=5, night=1, effects=("flat", "bad_pixels"))
    signal = np.diff(ramp.reads[:, :, 0].astype(float), axis=-1)[..., 0]
    assert np.all(np.abs(signal - 40000 * inner.flat) <= 1 + 1e-2)
    np.testing.assert_array_equal(truth.rate_detected, truth.rate_scene * inner.flat)
