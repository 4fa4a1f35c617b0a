"""A hint changes nothing, and stays inside the array whatever is asked for."""

import numpy as np
import pytest

from iris_reduction.ramp.prefetch import prefetch


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
@pytest.mark.parametrize(("start", "stop"), [(0, 10), (90, 10**12), (100, 200), (50, 20)])
def test_leaves_the_array_alone(dtype, start, stop):
    array = np.arange(100).astype(dtype)
    prefetch(array, start, stop)
    np.testing.assert_array_equal(array, np.arange(100))
