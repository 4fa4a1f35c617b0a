"""Coupling conserves the signal, leaves even light alone, and spreads a point as its links say."""

from collections.abc import Callable

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from iris_contract import Detector, Exposure, Readout, Subarray
from iris_simulator import AsBuilt, UniformSky, observe
from iris_simulator.ipc import CORNER, SIDE, UNEVEN, couple, draw_links

Expose = Callable[..., Exposure]
REGION = Subarray(1, 1, 24, 20)


def coupled(detector: Detector, signal: np.ndarray) -> np.ndarray:
    light = ~REGION.reference_pixels(detector)
    return couple(signal.reshape(*signal.shape, 1, 1), draw_links(detector, REGION, 3), light)[:, :, 0, 0]


@given(seed=st.integers(0, 1000))
def test_charge_is_conserved_and_reference_pixels_keep_theirs(detector: Detector, seed: int) -> None:
    signal = np.random.default_rng(seed).uniform(0, 1e5, REGION.shape)
    out = coupled(detector, signal)
    reference = REGION.reference_pixels(detector)
    assert np.isclose(out.sum(), signal.sum(), rtol=1e-12)
    np.testing.assert_array_equal(out[reference], signal[reference])


def test_even_light_stays_even(detector: Detector) -> None:
    np.testing.assert_array_equal(coupled(detector, np.full(REGION.shape, 1234.0)), 1234.0)


def test_a_point_shows_its_links(detector: Detector) -> None:
    signal = np.zeros(REGION.shape)
    signal[10, 12] = 1000.0
    out = coupled(detector, signal)
    links = draw_links(detector, REGION, 3)[10, 12]
    assert np.isclose(out[10, 13], 1000 * links[0])
    assert np.isclose(out[11, 12], 1000 * links[1])
    assert np.isclose(out[11, 13], 1000 * links[2])
    assert np.count_nonzero(out) == 9
    assert 0.7 < links[0] / (SIDE * (1 + UNEVEN)) < 1.3
    assert 0.7 < links[2] / CORNER < 1.3


def test_truth_is_coupled_as_the_reads_are(inner: AsBuilt, expose: Expose) -> None:
    """A noiseless sky behind the as-built response: the reads rise by the detected rate, rounding 2 e- in 1000 s."""
    exposure = expose(readout=Readout.up_the_ramp(2, 1000.0))
    ramp, truth = observe(UniformSky(30.0), exposure, inner, seed=5, night=1, effects=("flat", "ipc"))
    rate = (ramp.reads[:, :, 0, 1].astype(float) - ramp.reads[:, :, 0, 0]) * 2 / 1000
    assert np.abs(rate - truth.rate_detected).max() < 2.1e-3
    assert np.abs(truth.rate_detected - 30 * inner.flat).max() > 0.1
