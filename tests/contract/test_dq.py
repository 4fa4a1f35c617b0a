"""Data-quality bits and names, as in the public pipeline's table."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iris_contract.dq import DQ, FLAGS, PIXEL_CLASSES, describe, has

BITS = {
    "DO_NOT_USE": 0,
    "SATURATED": 1,
    "JUMP_DET": 2,
    "OUTLIER": 4,
    "PERSISTENCE": 5,
    "NON_SCIENCE": 9,
    "DEAD": 10,
    "HOT": 11,
    "WARM": 12,
    "LOW_QE": 13,
    "TELEGRAPH": 15,
    "NONLINEAR": 16,
    "BAD_REF_PIXEL": 17,
    "UNRELIABLE_BIAS": 22,
    "UNRELIABLE_DARK": 23,
    "UNRELIABLE_SLOPE": 24,
    "UNRELIABLE_FLAT": 25,
    "UNRELIABLE_WS": 26,
    "LOW_INST_TRANS": 27,
    "TELLURIC": 28,
    "OH_LINE": 29,
    "REFERENCE_PIXEL": 31,
}


def test_bits_are_frozen():
    assert {flag.name: flag.bit for flag in FLAGS} == BITS
    assert {name: 1 << bit for name, bit in BITS.items()} == DQ


def test_pixel_classes_are_frozen():
    assert PIXEL_CLASSES == ("DEAD", "HOT", "WARM", "LOW_QE", "BAD_REF_PIXEL")


def test_flags_of_single_reads_fit_a_byte():
    assert all(DQ[name] < 256 for name in ("DO_NOT_USE", "SATURATED", "JUMP_DET"))


@given(st.sets(st.sampled_from(list(BITS))))
def test_describe_names_exactly_the_bits_that_are_set(names):
    assert set(describe(sum(DQ[name] for name in names))) == names


@given(st.sets(st.sampled_from(list(BITS))), st.sampled_from(list(BITS)))
def test_has_finds_a_flag_where_it_is_set_and_nowhere_else(names, wanted):
    plane = np.array([[sum(DQ[name] for name in names), 0]], dtype=np.uint32)
    assert has(plane, wanted).tolist() == [[wanted in names, False]]


def test_a_high_bit_is_not_found_in_a_narrow_plane():
    plane = np.full(2, 255, dtype=np.uint8)
    assert not has(plane, "REFERENCE_PIXEL").any()
    assert has(plane, "REFERENCE_PIXEL", "SATURATED").all()


def test_an_unknown_flag_is_refused():
    with pytest.raises(KeyError):
        has(np.zeros(1, np.uint32), "TOO_HOT")
