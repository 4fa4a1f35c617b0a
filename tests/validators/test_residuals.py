"""Yield, NaN, own sigma and the split by scene rate."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from iris_contract import DQ
from iris_validators.residuals import Residuals, mean_of, rms_of, split_rates

GOOD = np.array([True, True, True, True, False])


def residuals(data, err, dq=(0, 0, 0, 0, 0)):
    return Residuals.of(np.array(data), np.array(err), np.array(dq, "u4"), np.ones(5), GOOD)


def test_pixels_bad_in_truth_take_no_part():
    found = residuals([1, 2, 3, 4, 99], [1, 1, 1, 2, 0])
    assert found.pulls.tolist() == [0, 1, 2, 1.5]
    assert found.usable == 4


def test_flagged_pixels_cost_yield_and_nothing_else():
    found = residuals([1, 2, np.nan, 4, 0], [1, 1, np.nan, 1, 1], [0, 0, DQ["DO_NOT_USE"] | DQ["HOT"], 0, 0])
    assert found.pulls.tolist() == [0, 1, 3]
    assert (found.usable, found.judged.size) == (3, 4)


def test_other_flags_do_not_excuse():
    found = residuals([1, 2, 3, 4, 0], [1] * 5, [DQ["JUMP_DET"], DQ["SATURATED"], DQ["HOT"], 0, 0])
    assert found.judged.all()


def test_unflagged_nan_is_kept():
    found = residuals([1, np.nan, 3, 4, 0], [1] * 5)
    assert np.isnan(mean_of(found.pulls))
    assert found.usable == 3


@pytest.mark.parametrize("sigma", [0.0, -1.0, np.nan])
def test_a_sigma_that_is_none_makes_the_pull_nan(sigma):
    assert np.isnan(residuals([1, 2, 3, 4, 0], [1, sigma, 1, 1, 1]).pulls[1])


def test_statistics_of_nothing_are_nan():
    assert np.isnan(mean_of(np.zeros(0)))
    assert np.isnan(rms_of(np.zeros(0)))


def test_rms_is_taken_in_double_precision():
    assert rms_of(np.full(10**6, 1e25, "f4")) == pytest.approx(1e25, rel=1e-6)


@given(hnp.arrays("f4", st.integers(1, 200), elements=st.sampled_from(np.array([0.02, 0.5, 10, 500], "f4").tolist())))
def test_split_is_a_partition(scene):
    parts = dict(split_rates(scene))
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(scene.size))
    for name, index in parts.items():
        assert {f"rate={rate:.6g}" for rate in scene[index]} == {name}


def test_a_picture_is_one_condition():
    scene = np.arange(100, dtype="f4")
    (name, index), *rest = split_rates(scene)
    assert (name, rest) == ("all", [])
    assert scene[index].size == 100


def test_join_and_pick():
    both = Residuals.join(residuals([1, 2, 3, 4, 0], [1] * 5), residuals([5, 6, 7, 8, 0], [1] * 5))
    assert both.error.tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    assert both.pick(both.error > 5).error.tolist() == [6, 7]
