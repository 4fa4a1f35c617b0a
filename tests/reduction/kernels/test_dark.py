import numpy as np

from iris_reduction.kernels import subtract_dark


def test_difference_and_quadratic_sum():
    one = np.ones((2, 2), np.float32)
    rate, error = subtract_dark(5 * one, 3 * one, 2 * one, 4 * one)
    assert rate.dtype == error.dtype == np.float32
    assert (rate == 3).all()
    assert (error == 5).all()
