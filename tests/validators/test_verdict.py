"""Every word of the vocabulary, NaN, and the verdict over many conditions."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iris_validators import Limits, Measurement, Sample, combine, judge, judge_requirement, load_specifications

SPEC = replace(load_specifications()["ramp.bias"], limits=Limits(-0.01, 0.01))
ONE = Sample("ramp.bias", "ramp", "gls", "alone", "rate=2", 1, "mean", "sigma", 0.0)
number = st.floats(-1, 1)


def measured(value, low, high, reason=""):
    return Measurement(value, low, high, "t over nights", 8, 0.95, reason)


@pytest.mark.parametrize(
    ("measurement", "word"),
    [
        (measured(0.0, -0.009, 0.009), "PASS"),
        (measured(0.03, 0.02, 0.04), "FAIL"),
        (measured(-0.03, -0.04, -0.02), "FAIL"),
        (measured(0.01, 0.005, 0.015), "INCONCLUSIVE"),
        (measured(0.0, None, None), "INCONCLUSIVE"),
        (measured(float("nan"), None, None), "FAIL"),
        (measured(float("inf"), None, None), "FAIL"),
        (measured(None, None, None, "no table"), "NOT_APPLICABLE"),
        (None, "NOT_MEASURED"),
    ],
)
def test_words(measurement, word):
    verdict = judge(SPEC, measurement)
    assert verdict.word == word
    assert verdict.reason


@given(number, number, number, number, number)
def test_narrower_interval_never_loses_a_decision(a, b, c, low, high):
    outer, middle = sorted((a, b)), sorted((a, b, c))[1]
    spec = replace(SPEC, limits=Limits(*sorted((low, high))))
    wide = judge(spec, measured(middle, *outer)).word
    narrow = judge(spec, measured(middle, middle, middle)).word
    assert wide in (narrow, "INCONCLUSIVE")


@given(number, number, st.floats(0.0, 0.5))
def test_wider_limits_never_turn_pass_into_fail(a, b, more):
    found = measured(min(a, b), min(a, b), max(a, b))
    verdict = judge(SPEC, found).word
    relaxed = judge(replace(SPEC, limits=Limits(-0.01 - more, 0.01 + more)), found).word
    assert relaxed == "PASS" if verdict == "PASS" else relaxed in ("FAIL", "PASS", "INCONCLUSIVE")


def nights(mean, sigma=0.003, seed=0, **more):
    noise = np.random.default_rng(seed).normal(0, sigma, 8)
    noise = mean + sigma * (noise - noise.mean()) / noise.std(ddof=1)
    return [replace(ONE, night=n, value=v, **more) for n, v in enumerate(noise, 1)]


def test_requirement_passes_when_every_condition_does():
    assert judge_requirement(SPEC, [nights(0.0), nights(0.002)]).word == "PASS"


def test_requirement_fails_only_beyond_holm():
    """A row 0.0029 above its limit FAILs alone (t = 2.7) but not as one of twenty (needs t = 4.1)."""
    marginal = nights(0.01 + 0.0031)
    assert judge_requirement(SPEC, [marginal]).word == "FAIL"
    assert judge_requirement(SPEC, [marginal, *[nights(0.0)] * 19]).word == "INCONCLUSIVE"
    assert judge_requirement(SPEC, [nights(0.03), *[nights(0.0)] * 19]).word == "FAIL"


def test_requirement_with_a_nan_fails():
    assert judge_requirement(SPEC, [nights(0.0), nights(float("nan"))]).word == "FAIL"


def test_requirement_without_samples_never_passes():
    assert judge_requirement(SPEC, []).word == "NOT_MEASURED"
    assert judge_requirement(SPEC, [nights(0.0), []]).word == "NOT_MEASURED"
    skipped = nights(0.0, reason="no table")
    assert judge_requirement(SPEC, [skipped]).word == "NOT_APPLICABLE"
    assert judge_requirement(SPEC, [skipped, nights(0.0)]).word == "PASS"


def test_requirement_does_not_pass_over_a_condition_that_the_run_lacks():
    """Unlike one in which the metric has no meaning, as jumps of a fitter that looks for none."""
    lacking = nights(0.0, reason="not in this run: no pixel is good in truth")
    for conditions in ([nights(0.0), lacking], [lacking]):
        verdict = judge_requirement(SPEC, conditions)
        assert verdict.word == "NOT_MEASURED"
        assert "no pixel is good in truth" in verdict.reason
    assert judge(SPEC, combine(lacking)).word == "NOT_MEASURED"
    assert judge(SPEC, combine([nights(0.0, reason="no table")[0], *lacking[1:]])).word == "NOT_MEASURED"
    assert judge_requirement(SPEC, [nights(0.03), lacking]).word == "FAIL"


WIDTH = load_specifications()["ramp.pull_width"]


@pytest.mark.parametrize(
    ("values", "weight", "limits", "word"),
    [
        ([0.0] * 8, 100, WIDTH.limits, "FAIL"),
        ([0.0] * 7 + [1.0], 100, WIDTH.limits, "INCONCLUSIVE"),
        ([0.0] * 2, 100, WIDTH.limits, "INCONCLUSIVE"),
        ([0.0] * 8, 1, WIDTH.limits, "INCONCLUSIVE"),  # the width of one datum is always 0
        ([0.0] * 8, 100, Limits(None, 1.1), "INCONCLUSIVE"),  # too good to be true is no pass
    ],
)
def test_a_ratio_that_is_zero_every_night_is_below_any_positive_limit(values, weight, limits, word):
    one = replace(ONE, metric="ramp.pull_width", kind="ratio", weight=weight)
    samples = [replace(one, night=n, value=v) for n, v in enumerate(values, 1)]
    assert WIDTH.limits.low > 0
    assert judge(replace(WIDTH, limits=limits), combine(samples)).word == word


def test_holm_keeps_false_fails_rare():
    """20 conditions exactly at their limit, 60 campaigns: at most 5 % FAIL (3 sigma: 8 of 60; chance 1e-3)."""
    rng = np.random.default_rng(5)

    def condition():
        return [replace(ONE, night=n, value=v) for n, v in enumerate(rng.normal(0.01, 0.003, 8), 1)]

    campaigns = [[condition() for _ in range(20)] for _ in range(60)]
    assert sum(judge_requirement(SPEC, c).word == "FAIL" for c in campaigns) <= 8
    each = [judge(SPEC, combine(samples)).word for c in campaigns for samples in c]
    assert each.count("FAIL") > 8  # row by row at 95 % it would be 2.5 % of 1200


def test_a_fault_of_one_block_is_no_pass():
    """A geometric mean over sixteen blocks makes 0.053 of fifteen 0.043 and one 1.3: two lenslets of many swapped."""
    spec = replace(SPEC, limits=Limits(None, 0.1))
    good = Measurement(0.043, 0.042, 0.044, "t on log over blocks", 16)
    assert judge(spec, good).word == "PASS"
    assert judge(spec, replace(good, apart=(0.09,))).word == "PASS"  # stands apart, but within the limits
    for high in (0.066, 0.12):  # its own scatter may make the interval straddle the limit
        verdict = judge(spec, replace(good, value=0.053, high=high, apart=(1.3,)))
        assert verdict.word == "FAIL"
        assert "1 of 16 blocks apart from the others: 1.3 is outside" in verdict.reason
