"""Layers of the ziggurat have equal areas, and so has the lowest with its tail."""

import numpy as np
import pytest
from scipy import integrate

from iris_simulator.ziggurat import DENSITY, ENDS, LONG, TAIL, WAIT_DENSITY, WAIT_ENDS


@pytest.mark.parametrize(
    ("ends", "density", "tail", "curve"),
    [
        (ENDS, DENSITY, TAIL, lambda x: np.exp(-0.5 * x * x)),
        (WAIT_ENDS, WAIT_DENSITY, LONG, lambda x: np.exp(-x)),
    ],
    ids=["normal", "exponential"],
)
def test_layers_have_equal_areas(ends, density, tail, curve):
    areas = ends[1:-1] * np.diff(density[1:])
    lowest = tail * curve(tail) + integrate.quad(curve, tail, np.inf)[0]
    np.testing.assert_allclose(areas, lowest, rtol=1e-6)
    assert density[-1] == 1.0
