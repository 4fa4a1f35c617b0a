import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iris_reduction.kernels import divide_flat


def plane(value):
    return np.full((1, 1), value, np.float32)


@given(st.floats(-1e4, 1e4), st.floats(0.01, 100), st.floats(0.1, 10), st.floats(0, 0.1))
def test_first_order_propagation(rate, error, response, response_error):
    image, spread, bad = divide_flat(plane(rate), plane(error), plane(response), plane(response_error))
    assert not bad.any()
    assert image[0, 0] == pytest.approx(rate / response, rel=1e-5, abs=1e-6)
    variance = (error / response) ** 2 + (rate * response_error / response**2) ** 2
    assert spread[0, 0] == pytest.approx(np.sqrt(variance), rel=1e-5)


@pytest.mark.parametrize("response", [0.0, -1.0, np.nan, np.inf])
def test_impossible_responses_leave_the_value(response):
    image, spread, bad = divide_flat(plane(7), plane(2), plane(response), plane(0.5))
    assert bad.all()
    assert (image[0, 0], spread[0, 0]) == (7, 2)
