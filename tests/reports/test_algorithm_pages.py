"""What the overview of calibrations shows of each specification."""

from __future__ import annotations

from collections.abc import Callable

from iris_contract.scorecard import ScoreRow
from iris_reports.algorithm_pages import _sum_up


def test_the_condition_nearest_to_its_limit_stands_for_the_others(make_row: Callable[..., ScoreRow]) -> None:
    values = {"output=0": 0.001, "output=1": -0.009, "output=2": 0.008}
    limits = {
        "metric": "gain.relative_error",
        "family": "gain",
        "verdict": "PASS",
        "limit_low": -0.01,
        "limit_high": 0.01,
    }
    rows = [make_row(condition=name, value=value, **limits) for name, value in values.items()]
    assert [row.condition for row in _sum_up(rows)] == ["output=1"]
    lost = make_row(condition="output=3", value=None, **limits)
    assert _sum_up([*rows, lost]) == [lost]
    overall = make_row(condition="all", value=0.0, **limits)
    assert _sum_up([*rows, overall]) == [overall]
    assert len(_sum_up([*rows, make_row(condition="output=0", setting="chain", value=0.0, **limits)])) == 2
