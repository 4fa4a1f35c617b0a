"""Coupling conserves the signal, leaves even light alone, spreads a point as its links say, and fades with signal."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iris_contract import Detector, Exposure, Readout, Subarray
from iris_simulator import AsBuilt, Ladder, UniformSky, observe
from iris_simulator.ipc import CORNER, FADING, SCATTER, SIDE, UNEVEN, couple, draw_links

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
    """To first order: a point of 1 e- on empty pixels is far too faint for its links to fade."""
    signal = np.zeros(REGION.shape)
    signal[10, 12] = 1.0
    out = coupled(detector, signal)
    links = draw_links(detector, REGION, 3)[10, 12]
    assert np.isclose(out[10, 13], links[0], rtol=1e-5)
    assert np.isclose(out[11, 12], links[1], rtol=1e-5)
    assert np.isclose(out[11, 13], links[2], rtol=1e-5)
    assert np.count_nonzero(out) == 9
    assert 0.7 < links[0] / (SIDE * (1 + UNEVEN)) < 1.3
    assert 0.7 < links[2] / CORNER < 1.3


@pytest.mark.parametrize(("level", "share"), [(0.0, 1.0), (1e4, 0.9759), (4e4, 0.9129), (1e5, 0.8165)])
def test_links_fade_with_the_signal_of_both_pixels(detector: Detector, level: float, share: float) -> None:
    """By hand: a little more in one pixel of an even field shows in its neighbour as 1 / sqrt(1 + s / 200 000)."""
    signal = np.full(REGION.shape, level)
    signal[10, 12] += 1.0
    moved = coupled(detector, signal)[10, 13] - level
    assert moved / draw_links(detector, REGION, 3)[10, 12, 0] == pytest.approx(share, abs=1e-4)


def test_a_full_pixel_among_empty_ones_shows_a_tenth_less(detector: Detector) -> None:
    """2 / (1 + sqrt(1.5)) = 0.899 of what its links say."""
    signal = np.zeros(REGION.shape)
    signal[10, 12] = FADING / 2
    links = draw_links(detector, REGION, 3)[10, 12]
    assert coupled(detector, signal)[10, 13] / signal[10, 12] / links[0] == pytest.approx(0.899, abs=5e-4)


def test_single_links_scatter_about_the_field(detector: Detector) -> None:
    """Rms of the logarithm within 4.4 standard errors, false alarm 1e-5; neighbouring links are independent."""
    links = np.log(draw_links(detector, Subarray(2000, 2000, 200, 200), 3).astype(float))
    links -= links.mean(axis=(0, 1))
    assert links.std() == pytest.approx(SCATTER, rel=4.4 / np.sqrt(2 * links.size) + 1e-3)
    along = (links[:, 1:] * links[:, :-1]).mean() / SCATTER**2
    assert abs(along) < 4.4 / np.sqrt(links.size) + 1e-3


def test_truth_is_coupled_as_the_reads_are(inner: AsBuilt, expose: Expose) -> None:
    """A noiseless sky behind the as-built response: the reads rise by the detected rate, rounding 2 e- in 1000 s."""
    exposure = expose(readout=Readout.up_the_ramp(2, 1000.0))
    ramp, truth = observe(UniformSky(30.0), exposure, inner, seed=5, night=1, effects=("flat", "ipc"))
    rate = (ramp.reads[:, :, 0, 1].astype(float) - ramp.reads[:, :, 0, 0]) * 2 / 1000
    assert np.abs(rate - truth.rate_detected).max() < 2.1e-3
    assert np.abs(truth.rate_detected - 30 * inner.flat).max() > 0.1


def test_truth_is_the_rate_from_first_to_last_read(inner: AsBuilt, expose: Expose) -> None:
    """Steep steps of bright light: where links fade, truth is what the reads rise by, within rounding."""
    exposure, scene = expose(readout=Readout.up_the_ramp(3, 500.0)), Ladder((1.0, 60.0), block=1)
    ramp, truth = observe(scene, exposure, inner, seed=5, night=1, effects=("flat", "ipc"))
    rate = (ramp.reads[:, :, 0, 2].astype(float) - ramp.reads[:, :, 0, 0]) * 2 / 1000
    assert np.abs(rate - truth.rate_detected).max() < 2.1e-3
    half = (ramp.reads[:, :, 0, 1].astype(float) - ramp.reads[:, :, 0, 0]) * 2 / 500
    assert np.abs(rate - half).max() > 0.05


def test_an_open_pixel_takes_no_part(inner: AsBuilt, expose: Expose) -> None:
    """It shows its pedestal alone, and its neighbours, uncoupled to it, show their light."""
    where = np.argwhere((inner.flat == 0) & ~inner.region.reference_pixels(inner.detector))
    assert len(where) > 0
    ramp, truth = observe(UniformSky(30.0), expose(), inner, seed=5, night=1, effects=("flat", "bad_pixels", "ipc"))
    for y, x in where:
        assert np.ptp(ramp.reads[y, x, 0].astype(int)) == 0
        assert truth.rate_detected[y, x] == 0
