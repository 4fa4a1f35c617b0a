"""Rotations keep lengths, and turn the way they say."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from iris_simulator.lenslet.rotation import turn_axes

ANGLES = st.floats(-3, 3)


@given(a=ANGLES, b=ANGLES, c=ANGLES)
def test_is_a_rotation(a: float, b: float, c: float) -> None:
    matrix = turn_axes(a, b, c)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(matrix) > 0


def test_about_z_turns_x_towards_y() -> None:
    np.testing.assert_allclose(turn_axes(0, 0, np.pi / 2)[0], (0, 1, 0), atol=1e-12)
    np.testing.assert_allclose(turn_axes(np.pi / 2, 0, 0)[1], (0, 0, 1), atol=1e-12)
