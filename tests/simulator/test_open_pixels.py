"""An open pixel is dead, its light is in its four neighbours, and nothing is lost or found."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iris_contract import DQ, Detector, Subarray
from iris_simulator import EFFECTS, build_as_built
from iris_simulator.open_pixels import FRACTION, SHARE, find_open, gather

REGION = Subarray(1, 1, 400, 300)


@pytest.fixture(scope="module")
def opened(detector: Detector) -> np.ndarray:
    return find_open(detector, REGION, 3)


def test_share_of_open_pixels(opened: np.ndarray) -> None:
    """Binomial count within 4.4 standard deviations, false alarm 1e-5; none on the reference border."""
    expected = FRACTION * 396 * 296
    assert abs(opened[1:-1, 1:-1].sum() - expected) < 4.4 * np.sqrt(expected)
    assert not opened[:5].any()
    assert not opened[:, :5].any()


@given(seed=st.integers(0, 1000))
def test_area_is_conserved(seed: int) -> None:
    """Scattered open pixels away from the rim: what they lose, the others gain."""
    opened = np.random.default_rng(seed).uniform(size=(22, 32)) < 0.01
    opened[:3] = opened[-3:] = opened[:, :3] = opened[:, -3:] = False
    area = gather(opened)
    assert area.sum() == pytest.approx(20 * 30 + opened.sum())


def test_neighbours_respond_more_and_count_as_good(opened: np.ndarray, detector: Detector) -> None:
    built, inside = build_as_built(detector, REGION, 3), opened[1:-1, 1:-1]
    healed = built.acting([e for e in EFFECTS if e != "bad_pixels"])
    assert np.all(built.flat[inside] == 0)
    assert np.all(built.dark[inside] == 0)
    assert np.all(built.bad[inside] & DQ["DEAD"])
    beside = (gather(opened) == 1 + SHARE) & (built.bad == 0)
    assert beside.sum() > 3 * inside.sum()
    np.testing.assert_allclose(built.flat[beside] / healed.flat[beside], 1.25, rtol=1e-6)
    assert np.all(healed.flat[inside] > 0.8)


def test_a_part_finds_the_neighbours_of_open_pixels_outside(detector: Detector, opened: np.ndarray) -> None:
    part = Subarray(101, 51, 60, 40)
    np.testing.assert_array_equal(find_open(detector, part, 3), opened[50:92, 100:162])
