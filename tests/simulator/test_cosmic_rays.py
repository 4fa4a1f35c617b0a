"""Hits have the rate and amplitudes promised, and their place in the seed tree."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from iris_contract import Detector, Subarray
from iris_simulator.cosmic_rays import AMPLITUDES, HIT, add_hits, draw_hits
from iris_simulator.seeds import ExposureSeeds

REGION = Subarray(1, 1, 300, 200)
SEEDS = ExposureSeeds(1, 2, "IMG1", 3)
TIMES = np.array([[5.0, 10.0, 40.0, 60.0], [5.0, 10.0, 40.0, 60.0]])


@pytest.fixture(scope="module")
def hits(detector: Detector) -> np.ndarray:
    return draw_hits(detector, REGION, TIMES, SEEDS, boost=1e5)


def test_number_and_time_of_hits(detector: Detector, hits: np.ndarray) -> None:
    """Counts per ramp and interval within 4.4 Poisson standard deviations; false alarm 1e-4 in all."""
    pixels = 296 * 196
    per_second = 1e5 * 1.5 / 60 * pixels * 1e-6
    counts = np.histogram2d(hits["GROUP"], hits["READ"], (range(3), range(5)))[0]
    expected = per_second * np.array([5.0, 5.0, 30.0, 20.0])
    assert np.all(np.abs(counts - expected) < 4.4 * np.sqrt(expected))


def test_amplitudes_are_uniform_in_their_logarithm(hits: np.ndarray) -> None:
    """Kolmogorov-Smirnov, false alarm 1e-4; rounding to whole electrons is below its resolution."""
    low, high = np.log(AMPLITUDES)
    assert stats.kstest(np.log(hits["ELECTRONS"]), "uniform", (low, high - low)).pvalue > 1e-4
    assert np.all(hits["ELECTRONS"] == np.rint(hits["ELECTRONS"]))


def test_places_are_uniform_and_never_on_reference_pixels(hits: np.ndarray) -> None:
    """Kolmogorov-Smirnov, false alarm 1e-4 each; columns and rows are independent, within 4.4 sigma."""
    rng = np.random.default_rng(1)
    for name, size in (("X", 300), ("Y", 200)):
        inside = (hits[name] - 4 + rng.random(len(hits))) / (size - 4)
        assert inside.min() >= 0
        assert stats.kstest(inside, "uniform").pvalue > 1e-4
    assert abs(np.corrcoef(hits["X"], hits["Y"])[0, 1]) < 4.4 / np.sqrt(len(hits))
    assert abs(np.corrcoef(hits["X"], np.log(hits["ELECTRONS"]))[0, 1]) < 4.4 / np.sqrt(len(hits))


@given(ramps=st.integers(1, 2), reads=st.integers(1, 4))
def test_shorter_exposures_have_the_first_hits(detector: Detector, hits: np.ndarray, ramps: int, reads: int) -> None:
    fewer = draw_hits(detector, REGION, TIMES[:ramps, :reads], SEEDS, boost=1e5)
    np.testing.assert_array_equal(fewer, hits[(hits["GROUP"] < ramps) & (hits["READ"] < reads)])


def test_no_boost_no_hits_on_reference_pixels_alone(detector: Detector) -> None:
    assert len(draw_hits(detector, REGION, TIMES, SEEDS, boost=0.0)) == 0
    assert len(draw_hits(detector, Subarray(1, 1, 4, 300), TIMES, SEEDS, boost=1e9)) == 0


def test_charge_is_held_from_the_read_on() -> None:
    hits = np.array([(4, 1, 0, 2, 70.0), (5, 0, 1, 0, 100.0), (5, 0, 1, 3, 5.0), (9, 0, 0, 0, 1.0)], HIT)
    charge = np.ones((2, 2, 2, 4))
    add_hits(charge, hits, (slice(4, 6), slice(0, 2)))
    expected = np.ones((2, 2, 2, 4))
    expected[0, 1, 0, 2:] += 70
    expected[1, 0, 1] += [100, 100, 100, 105]
    np.testing.assert_array_equal(charge, expected)
