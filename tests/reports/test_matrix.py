"""The requirements matrix."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from iris_contract.scorecard import Scorecard, ScoreRow
from iris_reports.matrix import build_family_matrix, build_matrices, judge_rows, list_requirements
from iris_reports.specifications import read_specifications

Row = Callable[..., ScoreRow]


@pytest.mark.parametrize(
    ("verdicts", "word", "tally"),
    [
        (["PASS", "PASS"], "PASS", "2 of 2 pass"),
        (["PASS", "FAIL"], "FAIL", "1 of 2 pass"),
        (["PASS", "INCONCLUSIVE", "NOT_APPLICABLE"], "INCONCLUSIVE", "1 of 2 pass"),
        (["NOT_APPLICABLE"], "NOT_APPLICABLE", ""),
        (["ERROR", "FAIL"], "ERROR", "0 of 2 pass"),
        (["PASS"], "PASS", ""),
    ],
)
def test_worst_verdict_of_a_cell(make_row: Row, verdicts: list[str], word: str, tally: str) -> None:
    cell = judge_rows([make_row(metric="ramp.bias", family="ramp", verdict=verdict) for verdict in verdicts])
    assert cell is not None
    assert (cell.verdict, cell.tally) == (word, tally)


def test_no_rows_no_cell() -> None:
    assert judge_rows([]) is None


def test_the_scorecards_own_verdict_over_conditions_counts(make_row: Row) -> None:
    """One failure at 95 % of many conditions is no FAIL of the requirement (Holm): the scorecard knows."""
    rows = tuple(
        make_row(metric="ramp.bias", family="ramp", algorithm="gls", setting="alone", verdict=verdict)
        for verdict in ("PASS", "FAIL")
    )
    overall = [{"specification": "ramp.bias", "algorithm": "gls", "setting": "alone", "verdict": "INCONCLUSIVE"}]
    (matrix,) = build_matrices(Scorecard({"requirements": overall, "detector": "IMG1"}, rows), {})
    cell = matrix.lines[0].cells[0]
    assert cell is not None
    assert (cell.verdict, cell.tally) == ("INCONCLUSIVE", "1 of 2 pass")


def test_lines_by_setting_and_columns_by_algorithm(make_row: Row) -> None:
    rows = tuple(
        make_row(metric="ramp.bias", family="ramp", algorithm=algorithm, setting=setting, verdict="PASS")
        for algorithm, setting in (("gls", "alone"), ("gls", "chain"), ("cds", "alone"))
    )
    matrix = build_family_matrix(Scorecard({}, rows), "ramp", {})
    assert matrix is not None
    assert matrix.algorithms == ("cds", "gls")
    assert [(line.where, [cell is not None for cell in line.cells]) for line in matrix.lines] == [
        ("alone", [True, True]),
        ("chain", [False, True]),
    ]
    assert build_family_matrix(Scorecard({}, rows), "flat", {}) is None


def test_detectors_have_lines_of_their_own_where_there_are_several(make_row: Row) -> None:
    rows = tuple(
        make_row(metric="ramp.bias", family="ramp", algorithm="gls", setting="chain", detector=detector, verdict="PASS")
        for detector in ("IFU", "IMG1")
    )
    one = {"specification": "ramp.bias", "algorithm": "gls", "setting": "chain"}
    overall = [one | {"detector": "IFU", "verdict": "FAIL"}, one | {"detector": "IMG1", "verdict": "PASS"}]
    (matrix,) = build_matrices(Scorecard({"requirements": overall}, rows), {})
    found = [(line.where, [cell.verdict for cell in line.cells if cell]) for line in matrix.lines]
    assert found == [("chain, IMG1", ["PASS"]), ("chain, IFU", ["FAIL"])]


def test_what_was_never_measured_stands_in_every_column(make_row: Row) -> None:
    rows = (
        make_row(metric="ramp.bias", family="ramp", algorithm="gls", setting="alone", verdict="PASS"),
        make_row(metric="ramp.yield", family="ramp", verdict="NOT_MEASURED"),
    )
    (matrix,) = build_matrices(Scorecard({"requirements": "nonsense"}, rows), {})
    assert matrix.algorithms == ("gls",)
    cell = matrix.lines[1].cells[0]
    assert cell is not None
    assert cell.verdict == "NOT_MEASURED"


def test_requirements_state_limits_once(make_row: Row) -> None:
    rows = [
        make_row(metric="ramp.bias", family="ramp", verdict="PASS", limit_low=-0.01, limit_high=0.01, unit="sigma"),
        make_row(metric="ramp.bias", family="ramp", verdict="ERROR"),
    ]
    (requirement,) = list_requirements(rows, {})
    assert requirement.limits == "within ±0.01 σ"
    assert requirement.goals == ""
    assert requirement.kind == "engineering"


def test_two_specifications_of_one_metric_have_a_line_each(make_row: Row) -> None:
    """Each with its own limits, words and verdict over all conditions."""
    rows = tuple(
        make_row(metric="ramp.bias", family="ramp", algorithm="gls", setting=setting, verdict="FAIL",
                 requirement=name, limit_low=-limit, limit_high=limit)
        for setting, name, limit in (("alone", "ramp.bias", 0.01), ("chain", "ramp.bias_chain", 0.2))
    )  # fmt: skip
    overall = [{"specification": "ramp.bias_chain", "algorithm": "gls", "setting": "chain", "verdict": "INCONCLUSIVE"}]
    (matrix,) = build_matrices(Scorecard({"requirements": overall, "detector": "IMG1"}, rows), read_specifications({}))
    assert [line.limits for line in matrix.lines] == ["within ±0.01", "within ±0.2"]
    titles = [line.requirement.title for line in matrix.lines]
    assert titles == ["Mean error of the rate", "Mean error of the rate in the chain"]
    assert [cell.verdict for line in matrix.lines for cell in line.cells if cell] == ["FAIL", "INCONCLUSIVE"]
    assert "0.5 % of mean gain" in matrix.lines[1].requirement.document


def test_a_line_has_the_limits_of_its_setting(make_row: Row) -> None:
    rows = tuple(
        make_row(metric="x", family="ramp", algorithm="gls", setting=setting, verdict="PASS", limit_high=limit)
        for setting, limit in (("alone", 1.0), ("chain", 2.0))
    )
    (matrix,) = build_matrices(Scorecard({}, rows), {})
    assert [line.limits for line in matrix.lines] == ["at most 1", "at most 2"]
