"""Scorecards: complete fields, nothing required drops out, errors show, order is fixed."""

from dataclasses import fields, replace

import numpy as np
import pytest

from iris_contract.errors import InputError
from iris_contract.scorecard import ScoreRow, read_scorecard, write_scorecard
from iris_validators import Failure, RunInfo, Sample, load_specifications, score

ONE = Sample("ramp.bias", "ramp", "gls", "alone", "rate=2", 1, "mean", "sigma", 0.0)
RUN = RunInfo(
    "quick",
    8,
    detector="IMG1",
    mode="IMG",
    seeds="20350110",
    reproduce="iris-testbed run quick",
    contexts={"alone": "tmt_0002.pmap"},
    artifacts={("ramp", "alone", "gls", "IMG1"): ("products/a.fits",)},
    details={"version": "0.1.0"},
)


def nights(value, n=8, **more):
    noise = np.random.default_rng(0).normal(0, 0.001, n)
    return [replace(ONE, night=i, value=value + e - noise.mean(), **more) for i, e in enumerate(noise, 1)]


def words(card):
    return {(r.metric, r.algorithm, r.setting, r.condition): r.verdict for r in card.rows}


def test_every_field_of_a_row():
    (row,) = score(RUN, nights(0.0), ["ramp.bias"]).rows
    spec = load_specifications()["ramp.bias"]
    assert (row.metric, row.family, row.algorithm, row.setting, row.condition) == (
        *ONE.key[1::-1],
        "gls",
        "alone",
        "rate=2",
    )
    assert (row.mode, row.detector, row.scenario, row.nights, row.n_excluded) == ("IMG", "IMG1", "quick", 8, 0)
    assert row.low < row.value < row.high
    assert (row.unit, row.method, row.level) == ("sigma", "t over nights", 0.95)
    assert (row.limit_low, row.limit_high, row.goal_low, row.goal_high) == (-0.01, 0.01, -0.005, 0.005)
    assert (row.goal_met, row.verdict) == (True, "PASS")
    assert "inside" in row.reason
    assert (row.provenance, row.requirement) == (spec.provenance, "ramp.bias")
    assert (row.context, row.seeds, row.artifacts) == ("tmt_0002.pmap", "20350110", ("products/a.fits",))
    assert row.reproduce == "iris-testbed run quick"
    assert len(fields(ScoreRow)) == 29


def test_run_says_what_stands_behind_it():
    run = score(RUN, nights(0.0), ["ramp.bias"]).run
    assert (run["scenario"], run["nights"], run["seeds"], run["version"]) == ("quick", 8, "20350110", "0.1.0")
    assert "ramp.rms_over_crb" in run["outside"]
    assert "ramp.bias" not in run["outside"]
    assert run["specifications"]["ramp.bias"]["provenance"] == "engineering"
    (requirement,) = run["requirements"]
    assert (requirement["specification"], requirement["verdict"], requirement["rows"]) == ("ramp.bias", "PASS", 1)


IFU = replace(RUN, modes={"IFU": "LENSLET"}, families={"ramp": ("IMG1", "IFU"), "dark": ("IFU",)})


def test_detectors_have_rows_and_requirements_of_their_own():
    samples = nights(0.0, detector="IMG1") + nights(0.05, detector="IFU", condition="rate=10")
    card = score(IFU, samples, ["ramp.bias"])
    found = {(r.detector, r.mode, r.condition): r.verdict for r in card.rows}
    assert found == {("IMG1", "IMG", "rate=2"): "PASS", ("IFU", "LENSLET", "rate=10"): "FAIL"}
    assert {r["detector"]: r["verdict"] for r in card.run["requirements"]} == {"IMG1": "PASS", "IFU": "FAIL"}


def test_a_detector_that_a_family_is_to_be_measured_on_does_not_drop_out():
    samples = nights(0.0) + nights(0.0, metric="ramp.pull_mean", detector="IFU")
    card = score(IFU, samples, ["ramp.bias", "dark.chi2"])
    found = {(r.metric, r.detector, r.mode, r.algorithm): r.verdict for r in card.rows}
    assert found == {
        ("ramp.bias", "IMG1", "IMG", "gls"): "PASS",
        ("ramp.bias", "IFU", "LENSLET", ""): "NOT_MEASURED",
        ("dark.chi2", "IFU", "LENSLET", ""): "NOT_MEASURED",
    }


def test_what_fails_on_one_detector_leaves_the_other():
    samples = nights(0.0, detector="IMG1") + nights(0.0, detector="IFU")
    failure = Failure("ramp", "gls", "alone", "it fell", 1, "IFU")
    card = score(IFU, samples, ["ramp.bias"], [failure])
    assert {r["detector"]: r["verdict"] for r in card.run["requirements"]} == {"IMG1": "PASS", "IFU": "ERROR"}
    unnamed = score(IFU, samples, ["ramp.bias"], [replace(failure, detector="")])
    assert {r["detector"]: r["verdict"] for r in unnamed.run["requirements"]} == {"IMG1": "ERROR", "IFU": "PASS"}


def test_not_required_is_not_judged():
    card = score(RUN, nights(5.0) + nights(5.0, metric="ramp.pull_mean"), ["ramp.pull_mean"])
    assert {r.metric for r in card.rows} == {"ramp.pull_mean"}


def test_required_without_samples_is_not_measured():
    card = score(RUN, nights(0.0), ["ramp.bias", "dark.chi2"])
    assert words(card)["dark.chi2", "", "", "all"] == "NOT_MEASURED"
    assert {r["verdict"] for r in card.run["requirements"]} == {"PASS", "NOT_MEASURED"}


def test_what_one_algorithm_lacks_is_not_measured_for_it():
    samples = nights(0.0) + nights(0.0, condition="rate=10") + nights(0.0, algorithm="ols")
    samples += nights(0.0, algorithm="cds", metric="ramp.pull_mean")
    found = words(score(RUN, samples, ["ramp.bias"]))
    assert found["ramp.bias", "ols", "alone", "rate=10"] == "NOT_MEASURED"
    assert found["ramp.bias", "cds", "alone", "rate=2"] == "NOT_MEASURED"
    assert found["ramp.bias", "gls", "alone", "rate=10"] == "PASS"


def test_settings_have_their_own_limits():
    samples = nights(0.05) + nights(0.05, setting="chain")
    found = words(score(RUN, samples, ["ramp.bias", "ramp.bias_chain"]))
    assert found == {("ramp.bias", "gls", "alone", "rate=2"): "FAIL", ("ramp.bias", "gls", "chain", "rate=2"): "PASS"}


def test_failures_become_errors():
    failure = Failure("ramp", "broken", "alone", "cannot import name 'fit'")
    card = score(RUN, nights(0.0), ["ramp.bias", "dark.chi2"], [failure])
    errors = [r for r in card.rows if r.verdict == "ERROR"]
    assert [(r.metric, r.algorithm, r.reason) for r in errors] == [("ramp.bias", "broken", "cannot import name 'fit'")]
    assert words(card)["ramp.bias", "gls", "alone", "rate=2"] == "PASS"


def requirement(card, place):
    return [r["verdict"] for r in card.run["requirements"] if (r["setting"], r["algorithm"]) == place]


def test_a_place_without_any_sample_has_one_error_row_and_requirement():
    failures = [Failure("ramp", "gls", "alone", "it fell", night=n) for n in (2, 1, 3)]
    card = score(RUN, [], ["ramp.bias", "ramp.bias_chain"], failures)
    rows = {r.requirement: r for r in card.rows}
    assert len(card.rows) == 2
    assert (rows["ramp.bias"].verdict, rows["ramp.bias"].reason) == ("ERROR", "nights 1, 2, 3: it fell")
    assert rows["ramp.bias_chain"].verdict == "NOT_MEASURED"  # the chain did not fail: it was not run
    assert requirement(card, ("alone", "gls")) == ["ERROR"]


def test_failures_of_a_place_are_one_row_that_counts_the_other_reasons():
    failures = [Failure("ramp", "gls", "alone", f"file {n} is broken", night=n) for n in (1, 2, 3)]
    (row,) = score(RUN, [], ["ramp.bias"], failures).rows
    assert row.reason == "night 1: file 1 is broken (and 2 other reasons)"


def test_conditions_that_failed_in_every_night_are_errors_where_others_show_them():
    samples = nights(0.0) + nights(0.0, condition="rate=10") + nights(0.0, algorithm="ols")
    failures = [
        Failure("ramp", "ols", "alone", "it fell", night=1),
        Failure("ramp", "gls", "alone", "slipped", night=2),
    ]
    card = score(RUN, samples, ["ramp.bias"], failures)
    found = words(card)
    assert found["ramp.bias", "ols", "alone", "rate=10"] == "ERROR"
    assert found["ramp.bias", "ols", "alone", "rate=2"] == "PASS"
    assert ("ramp.bias", "ols", "alone", "all") not in found
    assert found["ramp.bias", "gls", "alone", "all"] == "ERROR"  # every condition has samples: of the other nights
    assert requirement(card, ("alone", "gls")) == requirement(card, ("alone", "ols")) == ["ERROR"]


def test_missing_nights_are_excluded_nights():
    (row,) = score(RUN, nights(0.0, n=6), ["ramp.bias"]).rows
    assert (row.nights, row.n_excluded) == (6, 2)


def test_goal_needs_the_whole_interval():
    (row,) = score(RUN, nights(0.0049), ["ramp.bias"]).rows
    assert (row.verdict, row.goal_met) == ("PASS", False)
    (row,) = score(RUN, nights(0.0, n=2), ["ramp.bias"]).rows
    assert (row.verdict, row.goal_met) == ("INCONCLUSIVE", None)


def test_order_of_samples_does_not_matter_and_rates_sort_as_numbers():
    samples = [s for r in ("10", "0.02", "2", "500") for s in nights(0.0, condition=f"rate={r}")]
    card = score(RUN, samples, ["ramp.bias"])
    assert [r.condition for r in card.rows] == ["rate=0.02", "rate=2", "rate=10", "rate=500"]
    assert score(RUN, samples[::-1], ["ramp.bias"]) == card


def test_scorecard_survives_its_file(tmp_path):
    samples = nights(float("nan")) + nights(float("inf"), condition="rate=10")
    card = score(RUN, samples, ["ramp.bias", "dark.chi2"])
    write_scorecard(tmp_path / "s.json", card)
    read = read_scorecard(tmp_path / "s.json")
    assert [r.verdict for r in read.rows] == [r.verdict for r in card.rows] == ["FAIL", "FAIL", "NOT_MEASURED"]
    assert read.run == card.run


def test_unknown_requirement_is_refused():
    with pytest.raises(InputError, match=r"required='ramp.beauty': no such specification"):
        score(RUN, [], ["ramp.beauty"])
