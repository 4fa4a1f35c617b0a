"""Parts keep the light, and move it only where the pupil is filled unevenly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iris_simulator.lenslet.optical_transfer import ILLUMINATIONS, Illumination, find_cutoff, transfer

STEP = 1e-4  # cycles per px


def centroid(illumination: Illumination, axis: int, scale: float = 9.0) -> float:
    """First moment px from the slope of the phase at 0."""
    frequency = [np.zeros(1), np.zeros(1)]
    frequency[axis] = np.array([STEP])
    value = transfer((frequency[0], frequency[1]), 2180.0, scale, 0.86, 0.2, illumination)
    return float(-np.angle(value[0]) / (2 * np.pi * STEP))


@pytest.mark.parametrize("name", ILLUMINATIONS)
def test_all_light_is_kept(name: str) -> None:
    value = transfer((np.zeros(1), np.zeros(1)), 1250.0, 4.0, 0.8, 0.3, ILLUMINATIONS[name])
    assert value[0] == pytest.approx(1, abs=1e-6)


def test_even_pupils_do_not_move_light() -> None:
    for name in ("sky", "point"):
        assert abs(centroid(ILLUMINATIONS[name], 0)) + abs(centroid(ILLUMINATIONS[name], 1)) < 1e-6


@given(offset=st.floats(-0.05, 0.05), slope=st.floats(-0.5, 0.5))
def test_uneven_pupil_by_hand(offset: float, slope: float) -> None:
    """A disc of diameter d with brightness 1 + s 2x/d has its centroid at s d / 8.

    The pupil is 1.12 px at 9 mas, 0.86 of it in x.
    """
    width = 1.87 * 9 / (2180e-9 / 30 * 206264806.2)
    lamp = Illumination((1.0, 0.0), (offset, offset), (slope, slope))
    for axis, narrowed in ((0, 0.86), (1, 1.0)):
        assert centroid(lamp, axis) == pytest.approx(narrowed * width * (offset + slope / 8), abs=2e-5)


def test_lamp_moves_light_by_what_is_allowed() -> None:
    """0 to 0.05 px between lamp and sky."""
    for scale in (4.0, 9.0):
        moved = np.hypot(centroid(ILLUMINATIONS["lamp"], 0, scale), centroid(ILLUMINATIONS["lamp"], 1, scale))
        assert 0.01 < moved < 0.06


def test_nothing_above_the_cutoff() -> None:
    frequency = np.linspace(find_cutoff(1250.0, 0.72), 8, 200)
    for pair in ((frequency, np.zeros(200)), (np.zeros(200), frequency)):
        assert not transfer(pair, 1250.0, 4.0, 0.72, 0.3, ILLUMINATIONS["lamp"]).any()
