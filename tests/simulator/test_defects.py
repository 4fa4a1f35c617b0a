"""Defects come in the shares that were promised and keep clear of the class limits."""

import numpy as np
import pytest

from iris_contract import DQ, AsBuiltMaps, Detector, Subarray
from iris_simulator import build_as_built, open_pixels
from iris_simulator.defects import BAD_REFERENCE_FRACTION, FRACTIONS, classify

QUICK = Subarray(1, 1, 512, 512)


@pytest.fixture(scope="module")
def maps(detector: Detector) -> AsBuiltMaps:
    return build_as_built(detector, QUICK, 3)


@pytest.mark.parametrize("name", FRACTIONS)
def test_share_of_each_class(maps: AsBuiltMaps, name: str) -> None:
    """Binomial count within 4.4 standard deviations; false alarm 1e-5 each. Enough to score a class."""
    number, found = 508 * 508, int(np.sum(maps.bad & DQ[name] != 0))
    expected = (FRACTIONS[name] + (open_pixels.FRACTION if name == "DEAD" else 0)) * number
    assert abs(found - expected) < 4.4 * np.sqrt(expected)
    assert found > 600


def test_share_of_bad_reference_pixels(maps: AsBuiltMaps) -> None:
    expected = BAD_REFERENCE_FRACTION * (512**2 - 508**2)
    assert abs(np.sum(maps.bad & DQ["BAD_REF_PIXEL"] != 0) - expected) < 4.4 * np.sqrt(expected)


def test_no_pixel_is_near_a_limit(maps: AsBuiltMaps, detector: Detector) -> None:
    light = ~QUICK.reference_pixels(detector)
    for limit in (detector.hot_limit, detector.warm_limit):
        assert not np.any(np.abs(maps.dark[light] / limit - 1) < 0.24)
    for limit in (detector.dead_response_limit, detector.low_response_limit):
        assert not np.any(np.abs(maps.flat[light] / limit - 1) < 0.19)


def test_classes_at_the_limits(detector: Detector) -> None:
    light = np.zeros((1, 5), dtype=bool)
    dark = np.array([[0.0, 0.2, 0.21, 1.0, 1.01]])
    names = [0, 0, DQ["WARM"], DQ["WARM"], DQ["HOT"]]
    assert classify(detector, light, dark, np.ones((1, 5)), np.ones((1, 5))).tolist() == [names]
    flat = np.array([[0.0, 0.099, 0.1, 0.499, 0.5]])
    names = [DQ["DEAD"], DQ["DEAD"], DQ["LOW_QE"], DQ["LOW_QE"], 0]
    assert classify(detector, light, np.zeros((1, 5)), flat, np.ones((1, 5))).tolist() == [names]


def test_reference_pixels_are_judged_by_noise_alone(detector: Detector) -> None:
    reference = np.ones((1, 2), dtype=bool)
    bits = classify(detector, reference, np.full((1, 2), 9.0), np.zeros((1, 2)), np.array([[11.0, 60.0]]))
    assert bits.tolist() == [[DQ["REFERENCE_PIXEL"], DQ["REFERENCE_PIXEL"] | DQ["BAD_REF_PIXEL"]]]
