"""Points come from samples, and take limits and verdicts from the scorecard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from iris_contract.scorecard import ScoreRow
from iris_reports.points import collect_points
from iris_reports.run_files import load_run
from iris_reports.specifications import read_specifications
from iris_validators.sampling import METRICS

Row = Callable[..., ScoreRow]


def test_points_join_samples_and_verdicts(shared_run: Path) -> None:
    run = load_run(shared_run)
    points = collect_points(run.samples, run.scorecard.rows, read_specifications({}))
    judged = [p for p in points if (p.metric, p.setting, p.algorithm) == ("ramp.bias", "alone", "gls")]
    assert [p.condition for p in judged] == [f"rate={r:.6g}" for r in (0.02, 0.1, 0.5, 2, 10, 50, 200, 500)]
    assert all(p.limit_low is not None and p.verdict for p in judged)


def test_conditions_that_nobody_judges_are_points_too(shared_run: Path) -> None:
    run = load_run(shared_run)
    points = collect_points(run.samples, run.scorecard.rows, read_specifications({}))
    found = [p for p in points if p.metric == "jump.completeness" and p.condition == "significance=3-4.5"]
    assert found
    assert all(p.verdict == "" and p.limit_low is None for p in found)


def test_detectors_keep_their_points_apart(shared_run: Path, make_row: Row) -> None:
    run = load_run(shared_run)
    assert {s.detector for s in run.samples} == {"IMG1"}  # the run's own, where samples name none
    ours = [s for s in run.samples if (s.metric, s.setting, s.algorithm) == ("ramp.bias", "alone", "gls")]
    theirs = [replace(s, detector="IFU", value=s.value + 1) for s in ours]
    judged = make_row(metric="ramp.bias", family="ramp", algorithm="gls", setting="alone", condition="rate=2",
                      detector="IFU", value=1.0, verdict="FAIL")  # fmt: skip
    points = collect_points([*theirs, *ours], (judged,), read_specifications({}))
    assert [p.detector for p in points] == ["IMG1"] * 8 + ["IFU"] * 8
    assert [(p.detector, p.condition) for p in points if p.verdict] == [("IFU", "rate=2")]


def test_a_row_without_samples_is_a_point(make_row: Row) -> None:
    row = make_row(metric="foreign.figure", family="flux", algorithm="x", setting="chain", value=1.0, verdict="PASS")
    (point,) = collect_points((), (row,), read_specifications({}))
    assert (point.metric, point.value, point.verdict) == ("foreign.figure", 1.0, "PASS")
    assert "foreign.figure" not in METRICS
