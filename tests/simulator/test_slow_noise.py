"""Noise of the outputs has the spectrum, the sharing and the sizes that it claims.

Tolerances are 4.4 standard errors of 20 independent realisations, measured on them: false alarm 1e-4 each.
"""

from collections.abc import Callable

import numpy as np
import pytest

from iris_contract import Detector, Exposure, Readout, Subarray
from iris_simulator.seeds import ExposureSeeds, Stream
from iris_simulator.slow_noise import ALTERNATING, COMMON, OWN, PEDESTAL, column_of_noise, draw_output_noise

Expose = Callable[..., Exposure]
REGION = Subarray(129, 1001, 192, 400)
READOUT = Readout.up_the_ramp(8, 2.0)


def draw(detector: Detector, expose: Expose, number: int, *effects: str, readout: Readout = READOUT) -> np.ndarray:
    seeds = ExposureSeeds(1, 1, detector.name, number)

    def stream(effect: str) -> Stream:
        return seeds.stream(effect, REGION.ystart - 1, REGION.xstart - 1)

    noise = draw_output_noise(detector, expose(REGION, readout), frozenset(effects), stream)
    assert noise is not None
    return noise


def sample(
    detector: Detector, expose: Expose, measure: Callable[[np.ndarray], float], *effects: str
) -> tuple[float, float]:
    """Return mean and standard error of a measure over 20 exposures."""
    values = [measure(draw(detector, expose, number, *effects)) for number in range(20)]
    return float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(20))


def test_nothing_on_is_nothing(detector: Detector, expose: Expose) -> None:
    assert draw_output_noise(detector, expose(REGION), frozenset(("dark",)), lambda _: Stream(np.uint64(1))) is None


@pytest.mark.parametrize(
    ("effect", "variance"),
    [("one_over_f", OWN**2 + COMMON**2), ("alternating_columns", ALTERNATING**2), ("pedestal_drift", PEDESTAL**2)],
)
def test_variance(detector: Detector, expose: Expose, effect: str, variance: float) -> None:
    mean, error = sample(detector, expose, lambda noise: float((noise**2).mean()), effect)
    assert abs(mean - variance) < 4.4 * error


def test_one_over_f_noise_falls_with_frequency(detector: Detector, expose: Expose) -> None:
    """The slope of the logarithmic spectrum along rows is -1, within what 20 exposures and a 10 % ripple allow."""

    def slope(noise: np.ndarray) -> float:
        rows = noise[:, 0, 0] - noise[:, 0, 0].mean(axis=0)
        power = (np.abs(np.fft.rfft(rows * np.hanning(len(rows))[:, None], axis=0)) ** 2).mean(axis=1)
        frequency = np.arange(len(power))
        return float(np.polyfit(np.log(frequency[3:60]), np.log(power[3:60]), 1)[0])

    mean, error = sample(detector, expose, slope, "one_over_f")
    assert abs(mean + 1) < 4.4 * error + 0.1


def test_outputs_share_the_common_part(detector: Detector, expose: Expose) -> None:
    """Detrended reads of two outputs correlate by COMMON^2 / (OWN^2 + COMMON^2)."""

    def correlation(noise: np.ndarray) -> float:
        return float((noise[:, 0] * noise[:, 1]).mean() / (noise**2).mean())

    mean, error = sample(detector, expose, correlation, "one_over_f")
    assert abs(mean - COMMON**2 / (OWN**2 + COMMON**2)) < 4.4 * error


def test_columns_alternate(detector: Detector, expose: Expose) -> None:
    noise = draw(detector, expose, 1, "alternating_columns")
    np.testing.assert_array_equal(noise[:, :3], -noise[:, 3:])
    places = column_of_noise(detector, REGION)
    assert places[0] == 0  # column 129 is the first, an even one counted from 0, of its output
    assert places[1] == 3
    assert places[64] == 1
    assert len(places) == REGION.xsize


def test_fewer_reads_change_none(detector: Detector, expose: Expose) -> None:
    effects = ("one_over_f", "alternating_columns", "pedestal_drift")
    few = draw(detector, expose, 1, *effects, readout=Readout.up_the_ramp(3, 2.0))
    np.testing.assert_array_equal(few, draw(detector, expose, 1, *effects)[..., :3])
