"""Controls: the table is sound, every specification has one, and one that fails to break anything does not hold."""

from dataclasses import replace

import pytest

from iris_contract.manifest import read_manifest
from iris_contract.scorecard import Scorecard, ScoreRow
from iris_harness.calibrate import CALIBRATIONS
from iris_harness.controls import compare, load_controls, sample_broken, split_entry, summarise
from iris_harness.faults import FAULTS
from iris_harness.scenario import find_scenario, load_scenario
from iris_harness.score import decode_samples
from iris_validators import load_specifications

SCENARIOS = [load_scenario(find_scenario(name)) for name in ("quick", "detector", "lenslet")]
WITHOUT = {
    "simulator.hit_rate": "hits are counted in truth, which no fault of raw frames reaches; see test_simulator",
    "simulator.hit_pixels": "hits are counted in truth, which no fault of raw frames reaches; see test_simulator",
    "simulator.bad_pixels": "FAIL by design, and counted in truth; see test_simulator",
}
"""Specifications that no control of a run can show, and why; validators' tests have controls of their own."""
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
    requirement="ramp.pull_width_chain",
    context="",
    seeds="1",
    artifacts=(),
    reproduce="",
)
BIAS = replace(ROW, metric="ramp.bias", requirement="ramp.bias_chain")
RMS = replace(ROW, metric="ramp.rms_over_crb", requirement="ramp.rms_over_crb_chain")


def card(*rows):
    return Scorecard({}, rows)


@pytest.fixture
def control():
    return next(c for c in load_controls() if c.fault == "inverted_error")


def list_products(scenario):
    """Family, algorithm, setting and exposure role of every product of a scenario that is judged."""
    return {
        (spec.family, algorithm, setting, role)
        for spec in scenario.families.values()
        for algorithm in spec.algorithms
        for setting in spec.settings
        for role in ([CALIBRATIONS[spec.family][0]] if spec.family in CALIBRATIONS else spec.exposures)
    }


def test_every_specification_has_a_control_or_a_reason():
    controlled = {split_entry(entry)[0] for control in load_controls() for entry in control.fails}
    assert controlled.isdisjoint(WITHOUT)
    assert controlled | set(WITHOUT) == set(load_specifications())


def test_every_fault_is_used():
    assert {control.fault for control in load_controls()} == set(FAULTS)


@pytest.mark.parametrize("control", load_controls(), ids=lambda c: f"{c.fault}-{c.family}-{c.setting}")
def test_a_control_names_specifications_of_its_product_that_a_scenario_judges(control):
    """Others are not sampled again; and a control that no shipped run can show is none."""
    table = load_specifications()
    assert control.fails
    assert len({*control.fails, *control.unmoved}) == len(control.fails) + len(control.unmoved)
    for entry in control.fails + control.unmoved:
        name, condition = split_entry(entry)
        assert table[name].family == control.family
        assert table[name].applies(control.setting, control.algorithm, condition or control.condition)
    products = [list_products(scenario) for scenario in SCENARIOS]
    mine = [(control.family, name, control.setting, control.exposure) for name in (control.algorithm, control.beside)]
    wanted = {place for place in mine if place[1]}
    shown = [s for s, made in zip(SCENARIOS, products, strict=True) if wanted <= made]
    assert any(control.limit_to(scenario.specifications).fails for scenario in shown)


def test_faults_that_move_everything_are_few():
    """A control with nothing under `unmoved` proves less: each of these says in the table why it has nothing."""
    alone = {control.fault for control in load_controls() if not control.unmoved}
    few = {
        "wrong_corner",
        "covariances_left_out",
        "reference_pixels_added",
        "leaking_pixels",
        "glow",
        "nothing_in_common",
    }
    assert alone <= few | {"everything_saturated"}


def test_a_scenario_judges_only_what_it_requires(control):
    left = control.limit_to(["ramp.pull_width_chain", "ramp.bias_chain"])
    assert (left.fails, left.unmoved) == (("ramp.pull_width_chain",), ("ramp.bias_chain",))
    assert control.limit_to(["dark.chi2"]).fails == ()


@pytest.mark.xdist_group("micro")
def test_a_control_is_of_one_detector_the_scenario_s_own_if_it_can_be(micro_run):
    manifest = read_manifest(micro_run / "manifest.json")
    control = next(c for c in load_controls() if c.fault == "dark_times_20")
    own = control.find_rows(manifest)
    both = [*own, *(replace(row, detector="IFU") for row in own)]
    assert control.choose_detector(both, ("IMG1", "IFU")).find_rows(both) == own
    assert {r.detector for r in control.choose_detector(both, ("IFU", "IMG1")).find_rows(both)} == {"IFU"}
    other = [row for row in both if row.detector == "IFU"]
    assert control.choose_detector(other, ("IMG1", "IFU")).find_rows(other) == other
    assert control.choose_detector([], ("IMG1", "IFU")).find_rows([]) == []


def test_control_holds_when_pass_becomes_fail_and_nothing_else_moves(control):
    broken = card(replace(ROW, verdict="FAIL", value=40.0), BIAS, RMS)
    (entry,) = compare(control, card(ROW, BIAS, RMS), broken)
    assert (entry["held"], entry["twin_verdict"], entry["broken_verdict"]) == (True, "PASS", "FAIL")


@pytest.mark.parametrize(
    ("good", "broken"),
    [
        ([ROW, BIAS, RMS], [ROW, BIAS, RMS]),  # the validator is blind
        ([ROW, BIAS, RMS], [replace(ROW, verdict="INCONCLUSIVE"), BIAS, RMS]),
        ([ROW, BIAS, RMS], [replace(ROW, verdict="ERROR"), BIAS, RMS]),
        ([ROW, BIAS, RMS], [BIAS, RMS]),  # not measured
        ([ROW, BIAS, RMS], [replace(ROW, verdict="FAIL"), replace(BIAS, verdict="FAIL"), RMS]),  # the wrong thing too
    ],
)
def test_control_does_not_hold_otherwise_and_says_why(control, good, broken):
    (entry,) = compare(control, card(*good), card(*broken))
    assert (entry["held"], entry["outcome"]) == (False, "not held")
    assert entry["reason"]


@pytest.mark.parametrize(
    ("twin", "words"),
    [
        ([replace(ROW, verdict="INCONCLUSIVE", reason="no interval below 3 nights")], "no interval below 3 nights"),
        ([replace(ROW, verdict="FAIL")], "is FAIL already"),
        ([], "no sample"),
    ],
)
def test_control_is_undecided_where_the_good_twin_does_not_pass(control, twin, words):
    (entry,) = compare(control, card(*twin, BIAS, RMS), card(replace(ROW, verdict="FAIL"), BIAS, RMS))
    assert (entry["held"], entry["outcome"]) == (False, "undecided")
    assert words in entry["reason"]


def test_unmoved_may_name_another_condition(control):
    control = replace(control, unmoved=("ramp.pull_width_chain rate=2",))
    faint = replace(ROW, condition="rate=2")
    broken = replace(ROW, verdict="FAIL")
    (entry,) = compare(control, card(ROW, faint), card(broken, faint))
    assert entry["held"]
    (entry,) = compare(control, card(ROW, faint), card(broken, replace(faint, verdict="FAIL")))
    assert (entry["held"], entry["reason"]) == (False, "moved: ramp.pull_width_chain rate=2")


def test_a_control_of_any_condition_takes_the_first_that_passes(control):
    anyone = replace(control, condition="rate=*")
    rows = [replace(row, condition=c) for row in (ROW, BIAS, RMS) for c in ("rate=2", "rate=50")]
    broken = [replace(row, verdict="FAIL") if row.requirement == ROW.requirement else row for row in rows]
    (entry,) = compare(anyone, card(*rows), card(*broken))
    assert (entry["outcome"], entry["condition"]) == ("held", "rate=2")
    rows[0] = replace(rows[0], verdict="FAIL")
    (entry,) = compare(anyone, card(*rows), card(*broken))
    assert (entry["outcome"], entry["condition"]) == ("held", "rate=50")


def test_an_entry_may_name_any_condition(control):
    spread = replace(control, unmoved=(f"{BIAS.requirement} rate=[25]*",))
    faint = replace(BIAS, condition="rate=2")
    (entry,) = compare(spread, card(ROW, faint), card(replace(ROW, verdict="FAIL"), faint))
    assert entry["held"]
    (entry,) = compare(spread, card(ROW, faint), card(replace(ROW, verdict="FAIL"), replace(faint, verdict="FAIL")))
    assert entry["outcome"] == "not held"


def test_a_fault_that_fails_two_specifications_has_an_entry_for_each(control):
    control = replace(control, fails=("ramp.pull_width_chain", "ramp.bias_chain rate=2"), unmoved=())
    bias = replace(BIAS, condition="rate=2")
    broken = card(replace(ROW, verdict="FAIL"), bias)
    entries = compare(control, card(ROW, bias), broken)
    assert [e["specification"] for e in entries] == ["ramp.pull_width_chain", "ramp.bias_chain"]
    assert [e["condition"] for e in entries] == ["rate=10", "rate=2"]
    assert [e["outcome"] for e in entries] == ["held", "not held"]  # of the second the broken twin passes


def test_summary_counts_what_says_nothing():
    entries = [{"held": True, "outcome": "held"}, {"held": False, "outcome": "undecided"}]
    assert summarise(entries) == "1 of 2 held, 1 undecided"
    assert summarise(entries[:1]) == "1 of 1 held"


@pytest.mark.xdist_group("micro")
def test_a_broken_raw_frame_is_sampled_in_place_of_the_good_one(micro_copy):
    """A glow of 0.2 e-/s; four ramps of 64 x 64 pixels know their median to 0.003 e-/s."""
    rows = read_manifest(micro_copy / "manifest.json")
    dark = next(r for r in rows if (r.family, r.setting) == ("dark", "chain"))
    row = replace(
        dark, family="simulator", algorithm="simulator", exposure="dark", model="RampModel", product=dark.raw[0],
        product_sha256=dark.raw_sha256[0], truth=dark.raw[0].replace("raw/", "truth/").replace("_LVL0_", "_TRUTH_"),
    )  # fmt: skip
    glow = next(c for c in load_controls() if c.fault == "glow")
    paths, content = sample_broken(micro_copy, glow, [row], "glow", None, ())
    (median,) = [s.value for s in decode_samples(content) if s.metric == "simulator.dark_median"]
    assert abs(median - 0.205) < 0.015
    assert paths == []
    assert not (micro_copy / "controls" / "glow").exists()
