"""Conversion rounds, clips and never wraps."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from iris_simulator.conversion import convert


@given(arrays(np.float64, (2, 3, 1, 2), elements=st.floats(-1e6, 1e6)), st.floats(0.5, 4.0), st.floats(0.0, 6e4))
def test_whole_numbers_inside_sixteen_bits(signal: np.ndarray, gain: float, offset: float) -> None:
    exact = signal / gain + offset
    reads, over = convert(signal.copy(), np.full((2, 3), gain), np.full((2, 3), offset), 65535)
    assert reads.dtype == np.uint16
    inside = np.clip(exact, 0, 65535)
    assert np.all(np.abs(reads - inside) <= 0.5 + 1e-9)
    np.testing.assert_array_equal(over, (np.rint(exact) > 65535).any(axis=(2, 3)))


def test_each_pixel_has_its_own_gain_and_offset() -> None:
    reads, over = convert(np.full((1, 2, 1, 1), 100.0), np.array([[2.0, 4.0]]), np.array([[10.0, 20.4]]), 65535)
    assert reads.ravel().tolist() == [60, 45]
    assert not over.any()
