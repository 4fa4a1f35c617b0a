"""Power against simulation, its monotony, and that `quick` can decide what it must."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iris_validators import (
    Limits,
    Prediction,
    combine,
    find_power,
    judge,
    load_specifications,
    plan_measured,
    plan_specification,
)
from iris_validators.sample import Sample

SPECS = load_specifications()
TRIALS = 1500


def simulate(spec, nights, draw):
    """Share of campaigns that end in PASS."""
    passed = 0
    for _ in range(TRIALS):
        passed += judge(spec, combine([draw(n) for n in range(1, nights + 1)])).word == "PASS"
    return passed / TRIALS


def sample(kind, night, value, **counts):
    return Sample("ramp.bias", "ramp", "gls", "alone", "all", night, kind, "1", value, **counts)


@pytest.mark.parametrize("nights", [4, 8])
def test_t_power_is_what_simulation_finds(nights):
    """4 sigma of a binomial, seed fixed: false alarm 6e-5."""
    spec = replace(SPECS["ramp.bias"], limits=Limits(None, 0.01), prediction=Prediction(0.004, scatter=0.005))
    rng = np.random.default_rng(nights)
    found = simulate(spec, nights, lambda n: sample("mean", n, rng.normal(0.004, 0.005)))
    assert abs(found - find_power(spec, nights)) < 4 * np.sqrt(0.25 / TRIALS)


def test_count_power_is_what_simulation_finds():
    spec = replace(SPECS["jump.false_alarms"], prediction=Prediction(1.6e-4, events=124_000))
    rng = np.random.default_rng(2)

    def draw(night):
        k = int(rng.binomial(124_000, 1.6e-4))
        return sample("events", night, k / 124_000, k=k, n=124_000)

    # the wider of two intervals: the two powers, of which the smaller is taken, are not independent
    assert find_power(spec, 8) - 0.1 < simulate(spec, 8, draw) < find_power(spec, 8) + 4 * np.sqrt(0.25 / TRIALS)


@settings(deadline=None, max_examples=30)
@given(st.sampled_from(sorted(SPECS)), st.integers(3, 30))
def test_more_nights_never_cost_power(name, nights):
    assert find_power(SPECS[name], nights) <= find_power(SPECS[name], nights + 5) + 1e-6


@given(st.floats(0.0005, 0.009), st.floats(0.001, 0.02))
def test_nearer_the_limit_is_harder(value, scatter):
    near = replace(SPECS["ramp.bias"], prediction=Prediction(value, scatter=scatter))
    far = replace(near, prediction=Prediction(value / 2, scatter=scatter))
    assert find_power(near, 8) <= find_power(far, 8) + 1e-9


def test_two_nights_decide_nothing():
    assert find_power(SPECS["ramp.bias"], 2) == 0


def test_persistent_pixels_do_not_gain_with_nights():
    assert find_power(SPECS["bad_pixel.purity"], 3) == find_power(SPECS["bad_pixel.purity"], 300)


def test_plan():
    plan = plan_specification(SPECS["ramp.rms_over_crb"], 8)
    assert plan.margin == pytest.approx(0.0095)
    assert plan.power > 0.99
    assert 3 <= plan.nights_needed <= 8
    hopeless = replace(SPECS["ramp.bias"], prediction=Prediction(0.02, scatter=0.001))
    assert plan_specification(hopeless).nights_needed is None
    assert plan_specification(hopeless).power < 1e-6


def test_measured_plan_has_the_samples_value_and_scatter():
    """The scatter of the nights, of the logarithm for a ratio, whatever was predicted."""
    values = [0.003, 0.005, 0.004, 0.006]
    spec = SPECS["ramp.bias"]
    plan = plan_measured(spec, [sample("mean", n, v) for n, v in enumerate(values, 1)], 4)
    expected = replace(spec, prediction=Prediction(np.mean(values), scatter=np.std(values, ddof=1)))
    assert plan.margin == pytest.approx(0.0055)
    assert plan.power == pytest.approx(find_power(expected, 4))
    spec, ratios = SPECS["ramp.rms_over_crb"], [1.002, 0.999, 1.001]
    plan = plan_measured(spec, [replace(sample("ratio", n, v), metric=spec.metric) for n, v in enumerate(ratios, 1)], 3)
    scatter = np.std(np.log(ratios), ddof=1)
    mean = np.exp(np.log(ratios).mean())
    expected = replace(spec, prediction=Prediction(mean, scatter=scatter))
    assert plan.power == pytest.approx(find_power(expected, 3))


def test_measured_plan_counts_events_of_one_night():
    spec = SPECS["jump.completeness"]
    nights = [sample("events", n, 0.99, k=990, n=1000) for n in range(1, 6)]
    plan = plan_measured(spec, [replace(s, metric=spec.metric) for s in nights], 5)
    assert plan.power == find_power(replace(spec, prediction=Prediction(0.99, events=1000)), 5)


@pytest.mark.parametrize("values", [[], [0.1, 0.2], [0.25, 0.25, 0.25], [0.1, float("nan"), 0.2]])
def test_what_says_nothing_gives_no_measured_plan(values):
    assert plan_measured(SPECS["ramp.bias"], [sample("mean", n, v) for n, v in enumerate(values, 1)], 8) is None


FINDINGS = {"simulator.bad_pixels", "wavelength.pull_mean"}  # expected to fail
RARE = "simulator.hit_rate"  # nine hits a night: three weeks


@pytest.mark.parametrize("name", sorted(set(SPECS) - FINDINGS - {RARE}))
def test_eight_nights_decide_every_specification(name):
    assert find_power(SPECS[name], 8) > 0.95


def test_what_eight_nights_do_not_decide():
    assert all(find_power(SPECS[name], 8) < 0.001 for name in FINDINGS)
    assert 8 < (plan_specification(SPECS[RARE]).nights_needed or 0) < 30
