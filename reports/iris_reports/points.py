"""Points of the curves: every measured figure, judged or not, with the limits that hold where it stands.

A point is made from the samples, so curves also show conditions that no specification judges. The
scorecard adds limits, goals and verdict; a scorecard row without samples makes a point of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from iris_contract.instrument import DETECTORS
from iris_contract.scorecard import ScoreRow
from iris_reports.conditions import Condition, parse_condition
from iris_reports.specifications import SpecificationText
from iris_validators.measurement import combine
from iris_validators.sample import Sample, group_samples

__all__ = ["Point", "collect_points"]

Number = float | None
Key = tuple[str, str, str, str, str]  # metric, setting, algorithm, condition, detector


@dataclass(frozen=True, slots=True)
class Point:
    """A value with its 95 % interval in `unit`, where it was measured, and what it must reach."""

    metric: str
    family: str
    algorithm: str
    setting: str
    condition: str
    unit: str
    nights: int
    value: Number
    low: Number
    high: Number
    limit_low: Number = None
    limit_high: Number = None
    goal_low: Number = None
    goal_high: Number = None
    verdict: str = ""
    detector: str = ""

    @property
    def where(self) -> Condition:
        """The condition, taken apart."""
        return parse_condition(self.condition)


def collect_points(
    samples: Iterable[Sample], rows: Sequence[ScoreRow], specifications: Mapping[str, SpecificationText]
) -> list[Point]:
    """Return the points of all metrics, conditions in order of their place."""
    judged: dict[Key, ScoreRow] = {}
    for row in rows:
        spec = specifications.get(row.metric)
        metric = spec.metric if spec else row.metric
        judged[metric, row.setting, row.algorithm, row.condition, row.detector] = row
    points: dict[Key, Point] = {}
    for key, group in group_samples(samples).items():
        family, metric, setting, algorithm, condition, detector = key
        found = combine(group)
        if found.value is not None:
            head, measured = (metric, family, algorithm, setting, condition), (found.value, found.low, found.high)
            point = Point(*head, group[0].unit, found.n, *measured, detector=detector)
            points[metric, setting, algorithm, condition, detector] = point
    for place, row in judged.items():
        if row.value is not None:
            points[place] = _judge(points.get(place) or _from_row(place[0], row), row)
    return sorted(points.values(), key=_order)


def _from_row(metric: str, row: ScoreRow) -> Point:
    place = metric, row.family, row.algorithm, row.setting, row.condition
    return Point(*place, row.unit, row.nights, row.value, row.low, row.high, detector=row.detector)


def _judge(point: Point, row: ScoreRow) -> Point:
    return replace(
        point,
        limit_low=row.limit_low,
        limit_high=row.limit_high,
        goal_low=row.goal_low,
        goal_high=row.goal_high,
        verdict=row.verdict,
    )


def _order(point: Point) -> tuple[str, str, int, str, str, float, str]:
    place = -1.0 if point.where.place is None else point.where.place
    number = DETECTORS.index(point.detector) if point.detector in DETECTORS else -1
    return point.metric, point.setting, number, point.algorithm, point.where.rest, place, point.condition
