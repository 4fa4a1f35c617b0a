"""The correction and its inverse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from iris_contract.dq import DQ
from iris_reduction.linearity import FlatRamps
from iris_reduction.linearity.correction import bend_back, find_norm, measure_highest, straighten, straighten_signal

NORM = 45000.0
TIMES = np.array([[0.0, 10.0, 20.0, 30.0, 40.0, 50.0]] * 2)
coefficients = arrays(np.float32, (2, 3, 4), elements=st.floats(0, 0.0625, width=32))
signals = arrays(np.float32, (2, 3, 5), elements=st.floats(-100, 60000, width=32))
cubes = arrays(np.uint16, (2, 3, 2, 6))


@given(signals, coefficients)
def test_bending_back_undoes_straightening(signal, coeffs):
    again = bend_back(straighten_signal(signal, coeffs, NORM), coeffs, NORM)
    np.testing.assert_allclose(again, signal, atol=0.02)


@given(cubes)
def test_no_coefficients_change_nothing(reads):
    result, _ = straighten(reads, TIMES, np.zeros((2, 3, 4), np.float32), NORM)
    assert result.dtype == np.float32
    assert np.array_equal(result, reads)


@given(cubes, coefficients)
def test_integers_give_what_floats_give(reads, coeffs):
    one, other = straighten(reads, TIMES, coeffs, NORM), straighten(reads.astype(np.float32), TIMES, coeffs, NORM)
    assert np.array_equal(one[0], other[0])
    assert np.array_equal(one[1], other[1])


def bend(linear, coeffs, pedestal):
    flat = linear.reshape(*coeffs.shape[:2], -1).astype(np.float32)
    return (bend_back(flat, coeffs, NORM).reshape(linear.shape) + pedestal).astype(np.float32)


@pytest.fixture
def bent():
    """Ramps of 200, 400 and 800 DN/s bent by up to 12 %, on pedestals of their own."""
    rate = np.array([[200.0, 400.0, 800.0]] * 2)
    linear = rate[:, :, None, None] * TIMES
    coeffs = np.broadcast_to(np.array([0.0, 0.05, 0.0, 0.06], np.float32), (2, 3, 4)).copy()
    pedestal = np.array([4800.0, 5300.0])[:, None]
    return linear, coeffs, pedestal, bend(linear, coeffs, pedestal)


def test_ramps_become_straight(bent):
    linear, coeffs, pedestal, reads = bent
    result, beyond = straighten(reads, TIMES, coeffs, NORM)
    np.testing.assert_allclose(result, linear + pedestal, atol=0.05)
    assert not beyond.any()


@pytest.mark.parametrize("flag", ["skip", "DO_NOT_USE"])
def test_the_pedestal_is_extrapolated_where_the_first_read_is_of_no_use(bent, flag):
    """The first read is off by 30 DN; extrapolation over 32 kDN, put right once, errs by 0.01 % at most."""
    linear, coeffs, pedestal, reads = bent
    reads[..., 0] -= 30
    flags = np.zeros(reads.shape, np.uint8)
    flags[..., 0] = 0 if flag == "skip" else DQ[flag]
    result, _ = straighten(reads, TIMES, coeffs, NORM, flags, skip=1 if flag == "skip" else 0)
    np.testing.assert_allclose(result[..., 1:], (linear + pedestal)[..., 1:], rtol=1e-4)


def test_saturated_reads_are_no_base(bent):
    _, coeffs, _, reads = bent
    spoiled, flags = reads.copy(), np.zeros(reads.shape, np.uint8)
    spoiled[..., 2:] = 60000
    flags[..., 2:] = DQ["SATURATED"]
    result, beyond = straighten(spoiled, TIMES, coeffs, NORM, flags, skip=1)
    assert not beyond.any()
    np.testing.assert_allclose((result - reads)[..., 1], 0, atol=40)  # one read tells no slope: pedestal taken there


def test_what_is_beyond_the_reference_is_told(bent):
    _, coeffs, _, reads = bent
    _, beyond = straighten(reads, TIMES, coeffs, 25000.0)
    assert np.array_equal(beyond, [[False, False, True]] * 2)


def test_memory_of_the_caller_is_left_alone(bent):
    _, coeffs, _, reads = bent
    before = reads.copy()
    straighten(reads, TIMES, coeffs, NORM)
    assert np.array_equal(reads, before)


def test_the_norm_is_the_highest_signal_below_saturation(bent):
    linear, _, pedestal, _ = bent
    reads, flags = (linear + pedestal).astype(np.float32), np.zeros((2, 3, 2, 6), np.uint8)
    flags[..., 5] = DQ["SATURATED"]
    usable = np.array([[True, True, False]] * 2)
    assert find_norm(measure_highest([FlatRamps(reads, TIMES, flags)]), usable) == pytest.approx(16000, rel=1e-3)
