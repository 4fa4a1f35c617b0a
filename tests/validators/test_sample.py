"""Samples group by what they share and order by night."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iris_validators.sample import Sample, group_samples

ONE = Sample("ramp.bias", "ramp", "gls", "alone", "rate=2", 1, "mean", "sigma", 0.5)


def test_groups_by_metric_algorithm_setting_condition_and_detector():
    others = [replace(ONE, algorithm="ols"), replace(ONE, setting="chain"), replace(ONE, condition="rate=10")]
    others += [replace(ONE, detector="IFU")]
    groups = group_samples([*others, replace(ONE, night=2), ONE])
    assert len(groups) == 5
    assert [s.night for s in groups[ONE.key]] == [1, 2]


@given(st.permutations([replace(ONE, night=n, block=b) for n in (1, 2) for b in (None, 0, 1)]))
def test_order_of_gathering_does_not_matter(samples):
    assert list(group_samples(samples)[ONE.key]) == sorted(samples, key=lambda s: s.order)


def test_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="kind='median': must be one of mean, ratio, events, pixels"):
        replace(ONE, kind="median")
