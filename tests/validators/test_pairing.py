"""Differences between runs are paired by night, and say so where there is nothing to pair."""

from dataclasses import replace

import pytest

from iris_validators.pairing import compare_runs
from iris_validators.sample import Sample

ONE = Sample("ramp.pull_width", "ramp", "gls", "chain", "rate=10", 1, "ratio", "1", 1.0)


def nights(*values, **more):
    return [replace(ONE, night=n, value=v, **more) for n, v in enumerate(values, 1)]


def test_common_noise_cancels():
    """A constant change shows with a narrow interval though nights scatter by more."""
    (found,) = compare_runs(nights(1.0, 1.5, 0.7, 1.2), nights(1.1, 1.601, 0.799, 1.3))
    assert found.change == pytest.approx(0.1)
    assert 0.098 < found.low < 0.1 < found.high < 0.102
    assert (found.before, found.nights) == (pytest.approx(1.1), 4)


def test_nights_that_one_run_lacks_are_left_out():
    (found,) = compare_runs(nights(1.0, 2.0, 3.0), nights(1.0, 2.0))
    assert found.nights == 2
    assert found.low is None


def test_exposures_of_a_night_average_and_nan_stays():
    (found,) = compare_runs([*nights(1.0), *nights(3.0)], nights(float("nan")))
    assert found.before == 2.0
    assert found.change != found.change


def test_what_one_run_lacks_or_cannot_say_has_no_difference():
    assert compare_runs(nights(1.0), nights(1.0, condition="rate=2")) == []
    assert compare_runs(nights(1.0), nights(1.0, detector="IFU")) == []
    assert compare_runs(nights(1.0), nights(1.0, reason="dark")) == []
