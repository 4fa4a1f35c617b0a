"""Controls: the table is sound, and one that fails to break anything does not hold."""

from dataclasses import replace

import pytest

from iris_contract.scorecard import Scorecard, ScoreRow
from iris_harness.controls import compare, load_controls, summarise
from iris_harness.faults import FAULTS
from iris_harness.scenario import find_scenario, load_scenario
from iris_validators import load_specifications

ROW = ScoreRow(
    metric="ramp.pull_width",
    family="ramp",
    algorithm="gls",
    setting="chain",
    condition="rate=10",
    mode="IMG",
    detector="IMG1",
    scenario="quick",
    nights=8,
    n_excluded=0,
    value=1.0,
    unit="1",
    low=0.99,
    high=1.01,
    method="t",
    limit_low=0.97,
    limit_high=1.03,
    goal_low=None,
    goal_high=None,
    goal_met=None,
    verdict="PASS",
    reason="",
    provenance="engineering",
    requirement="ramp.pull_width",
    context="",
    seeds="1",
    artifacts=(),
    reproduce="",
)
BIAS = replace(ROW, metric="ramp.bias", requirement="ramp.bias")
RMS = replace(ROW, metric="ramp.rms_over_crb", requirement="ramp.rms_over_crb")


def card(*rows):
    return Scorecard({}, rows)


@pytest.fixture
def control():
    return next(c for c in load_controls() if c.fault == "inverted_error")


def test_every_control_breaks_something_that_quick_measures():
    scenario, metrics = load_scenario(find_scenario("quick")), {s.metric for s in load_specifications().values()}
    for control in load_controls():
        assert control.fault in FAULTS
        assert {control.specification, *(s.partition(" ")[0] for s in control.unmoved)} <= metrics
        assert all(s.startswith(f"{control.family}.") for s in control.unmoved)  # others are not sampled again
        assert control.unmoved or control.fault == "wrong_corner"  # which moves every specification of images
        family = scenario.families[control.family]
        assert control.algorithm in family.algorithms
        assert control.setting in family.settings
    assert {c.fault for c in load_controls()} == set(FAULTS)


def test_control_holds_when_pass_becomes_fail_and_nothing_else_moves(control):
    broken = card(replace(ROW, verdict="FAIL", value=40.0), BIAS, RMS)
    entry = compare(control, card(ROW, BIAS, RMS), broken)
    assert (entry["held"], entry["twin_verdict"], entry["broken_verdict"]) == (True, "PASS", "FAIL")


@pytest.mark.parametrize(
    ("good", "broken"),
    [
        ([ROW, BIAS, RMS], [ROW, BIAS, RMS]),  # the validator is blind
        ([replace(ROW, verdict="FAIL"), BIAS, RMS], [replace(ROW, verdict="FAIL"), BIAS, RMS]),  # fails anyway
        ([ROW, BIAS, RMS], [replace(ROW, verdict="INCONCLUSIVE"), BIAS, RMS]),
        ([ROW, BIAS, RMS], [replace(ROW, verdict="ERROR"), BIAS, RMS]),
        ([ROW, BIAS, RMS], [BIAS, RMS]),  # not measured
        ([ROW, BIAS, RMS], [replace(ROW, verdict="FAIL"), replace(BIAS, verdict="FAIL"), RMS]),  # the wrong thing too
    ],
)
def test_control_does_not_hold_otherwise_and_says_why(control, good, broken):
    entry = compare(control, card(*good), card(*broken))
    assert (entry["held"], entry["outcome"]) == (False, "not held")
    assert entry["reason"]


@pytest.mark.parametrize("twin", [[replace(ROW, verdict="INCONCLUSIVE", reason="no interval below 3 nights")], []])
def test_control_is_undecided_where_the_good_twin_is(control, twin):
    entry = compare(control, card(*twin, BIAS, RMS), card(replace(ROW, verdict="FAIL"), BIAS, RMS))
    assert (entry["held"], entry["outcome"]) == (False, "undecided")
    assert ("no interval below 3 nights" if twin else "no sample") in entry["reason"]


def test_unmoved_may_name_another_condition(control):
    control = replace(control, unmoved=("ramp.pull_width rate=2",))
    faint = replace(ROW, condition="rate=2")
    broken = replace(ROW, verdict="FAIL")
    assert compare(control, card(ROW, faint), card(broken, faint))["held"]
    entry = compare(control, card(ROW, faint), card(broken, replace(faint, verdict="FAIL")))
    assert (entry["held"], entry["reason"]) == (False, "moved: ramp.pull_width rate=2")


def test_summary_counts_what_says_nothing():
    entries = [{"held": True, "outcome": "held"}, {"held": False, "outcome": "undecided"}]
    assert summarise(entries) == "1 of 2 held, 1 undecided"
    assert summarise(entries[:1]) == "1 of 1 held"
