import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from iris_contract.dq import DQ
from iris_reduction.kernels import flag_saturation


@given(arrays(np.uint16, (2, 3, 2, 5), elements=st.integers(0, 65535)), st.integers(0, 66000))
def test_every_read_from_the_first_saturated_one(reads, level):
    expected = np.logical_or.accumulate(reads >= level, axis=-1) * np.uint8(DQ["SATURATED"])
    flags = flag_saturation(reads, level)
    assert np.array_equal(np.zeros_like(expected) if flags is None else flags, expected)
    assert flags is None or flags.dtype == np.uint8
    assert (flags is None) == (not expected.any())


def test_a_ramp_starts_clean_after_its_reset():
    reads = np.array([[[[10, 60000, 20], [10, 20, 30]]]], np.uint16)
    assert flag_saturation(reads, 52000.0).tolist() == [[[[0, 2, 2], [0, 0, 0]]]]
