"""Ranking by paired differences: common noise cancels, ties are ties, NaN is last."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iris_validators import METRICS, Metric, Sample, rank

RMS = METRICS["ramp.rms_over_crb"]
BIAS = METRICS["ramp.bias"]


def samples_of(metric, values, condition="rate=2", setting="alone"):
    """`values`: algorithm to one value per night."""
    return [
        Sample(metric.name, "ramp", name, setting, condition, night, metric.kind, metric.unit, value)
        for name, nights in values.items()
        for night, value in enumerate(nights, 1)
    ]


def places(ranks):
    return {r.algorithm: r.place for r in ranks}


def test_common_noise_cancels():
    """0.001 apart under 0.05 of common noise: unpaired t is hopeless, paired t is sure."""
    common = 1 + np.random.default_rng(0).normal(0, 0.05, 8)
    own = np.random.default_rng(1).normal(0, 1e-4, (2, 8))
    ranks = rank(RMS, samples_of(RMS, {"ols": common + 0.001 + own[0], "gls": common + own[1]}), "alone")
    assert places(ranks) == {"gls": 1, "ols": 2}
    assert ranks[1].difference == pytest.approx(0.001, abs=3e-4)
    assert ranks[1].low > 0


def test_equals_share_a_place_and_the_next_skips():
    rng = np.random.default_rng(2)
    values = {name: level + rng.normal(0, 0.01, 8) for name, level in (("a", 1.0), ("b", 1.001), ("c", 1.5))}
    assert places(rank(RMS, samples_of(RMS, values), "alone")) == {"a": 1, "b": 1, "c": 3}


def test_too_few_nights_rank_equal():
    ranks = rank(RMS, samples_of(RMS, {"a": [1.0, 1.0], "b": [2.0, 2.0]}), "alone")
    assert places(ranks) == {"a": 1, "b": 1}
    assert ranks[1].low is None


def test_nan_is_last():
    values = {"a": [1.0, np.nan, 1.0], "b": [9.0, 9.1, 9.2], "c": [np.nan] * 3}
    assert places(rank(RMS, samples_of(RMS, values), "alone")) == {"b": 1, "a": 2, "c": 2}


def test_bias_ranks_by_distance_from_zero_whatever_its_sign():
    rng = np.random.default_rng(3)
    values = {
        "low": -0.5 + rng.normal(0, 0.01, 8),
        "none": rng.normal(0, 0.01, 8),
        "high": 0.2 + rng.normal(0, 0.01, 8),
    }
    assert places(rank(BIAS, samples_of(BIAS, values), "alone")) == {"none": 1, "high": 2, "low": 3}


def test_noise_about_the_best_is_no_distance():
    """Folding each night's sign would rank the noisier of two unbiased methods second."""
    rng = np.random.default_rng(4)
    values = {"quiet": rng.normal(0, 0.01, 30), "noisy": rng.normal(0, 0.1, 30)}
    assert places(rank(BIAS, samples_of(BIAS, values), "alone")) == {"quiet": 1, "noisy": 1}


def test_only_what_all_share_is_compared():
    samples = samples_of(RMS, {"a": [1.0, 1.01, 1.02, 9.0], "b": [2.0, 2.01, 2.03]})
    samples += samples_of(RMS, {"a": [99.0] * 4}, condition="rate=10")
    samples += samples_of(RMS, {"b": [0.1] * 4}, setting="chain")
    ranks = rank(RMS, samples, "alone")
    assert places(ranks) == {"a": 1, "b": 2}
    assert {r.nights for r in ranks} == {3}
    assert ranks[0].merit == pytest.approx(1.01)


def test_conditions_average_or_stand_alone():
    samples = samples_of(RMS, {"a": [1, 1.1, 1.2], "b": [2, 2.1, 2.3]})
    samples += samples_of(RMS, {"a": [9, 9.1, 9.2], "b": [3, 3.1, 3.3]}, condition="rate=10")
    assert places(rank(RMS, samples, "alone", "rate=2")) == {"a": 1, "b": 2}
    assert places(rank(RMS, samples, "alone")) == {"b": 1, "a": 2}


def test_nothing_to_rank():
    assert rank(RMS, [], "alone") == []


def test_best_between():
    coverage = Metric("ramp.coverage_68", "events", "1", 0.6827, "Coverage")
    values = {"wide": [0.78, 0.79, 0.77], "right": [0.683, 0.684, 0.682], "narrow": [0.3, 0.31, 0.32]}
    assert places(rank(coverage, samples_of(coverage, values), "alone")) == {"right": 1, "wide": 2, "narrow": 3}


@given(st.permutations(["a", "b", "c"]), st.integers(0, 2**16))
def test_order_of_samples_does_not_matter(order, seed):
    rng = np.random.default_rng(seed)
    values = {name: rng.normal(1, 0.1, 5) for name in "abc"}
    shuffled = samples_of(RMS, {name: values[name] for name in order})
    assert rank(RMS, shuffled, "alone") == rank(RMS, samples_of(RMS, values), "alone")
