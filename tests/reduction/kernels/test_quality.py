import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from iris_contract.dq import DQ, PIXEL_CLASSES, has
from iris_reduction.kernels import initialise_quality

BORDER = np.zeros((4, 5), bool)
BORDER[0] = True


@pytest.mark.parametrize(
    ("name", "usable"), [("DEAD", False), ("HOT", False), ("BAD_REF_PIXEL", False), ("WARM", True), ("LOW_QE", True)]
)
def test_policy_per_class(name, usable):
    mask = np.zeros((4, 5), np.uint32)
    mask[2, 2] = DQ[name]
    dq = initialise_quality(BORDER, mask)
    assert has(dq, name)[2, 2]
    assert has(dq, "DO_NOT_USE")[2, 2] != usable
    assert not dq[3].any()


def test_border_is_flagged_with_and_without_a_map():
    expected = DQ["REFERENCE_PIXEL"] | DQ["NON_SCIENCE"] | DQ["DO_NOT_USE"]
    for mask in (None, np.zeros((4, 5), np.uint32)):
        dq = initialise_quality(BORDER, mask)
        assert dq.dtype == np.uint32
        assert (dq[0] == expected).all()
        assert not dq[1:].any()


@given(arrays(np.uint32, (4, 5), elements=st.integers(0, 2**32 - 1)))
def test_takes_class_bits_only_and_is_idempotent(mask):
    before = mask.copy()
    dq = initialise_quality(BORDER, mask)
    assert np.array_equal(mask, before)
    assert not has(dq, "SATURATED", "JUMP_DET", "UNRELIABLE_FLAT").any()
    for name in PIXEL_CLASSES:
        assert np.array_equal(has(dq, name), has(mask, name))
    assert np.array_equal(initialise_quality(BORDER, dq), dq)
