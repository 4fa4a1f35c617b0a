"""Score rows as the pages print them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from iris_contract.scorecard import ScoreRow
from iris_reports.catalogue import describe_family
from iris_reports.conditions import parse_condition, sort_key
from iris_reports.detectors import name_place
from iris_reports.specifications import SpecificationText, identify
from iris_reports.wording import describe_range, describe_value, humanize

__all__ = ["RowView", "view_rows"]


@dataclass(frozen=True, slots=True)
class RowView:
    """One row in words, with what sorts and filters it."""

    row: ScoreRow
    family: str
    algorithm: str
    metric: str
    id: str
    title: str
    document: str
    condition: str
    place: float
    where: str
    value: str
    limits: str
    goal: str
    page: str
    note: str
    predicted: str


def view_rows(
    rows: Sequence[ScoreRow],
    specifications: Mapping[str, SpecificationText],
    pages: Mapping[tuple[str, str], str],
    several: bool = False,
) -> list[RowView]:
    """Return the rows in reading order; `pages` maps (family, algorithm) to its page.

    Where the run has `several` detectors, each row says which it is of.
    """
    return [_view(row, specifications, pages, several) for row in sorted(rows, key=sort_key)]


def _view(
    row: ScoreRow,
    specifications: Mapping[str, SpecificationText],
    pages: Mapping[tuple[str, str], str],
    several: bool,
) -> RowView:
    condition = parse_condition(row.condition)
    goal = describe_range(row.goal_low, row.goal_high, row.unit)
    if goal != "none" and row.goal_met is not None:
        goal += ", met" if row.goal_met else ", not met"
    name = identify(row, specifications)
    spec = specifications.get(name)
    return RowView(
        row=row,
        family=describe_family(row.family).title,
        algorithm=humanize(row.algorithm) or "any",
        metric=humanize((spec.metric if spec else row.metric).removeprefix(f"{row.family}.")),
        id=name,
        title=spec.title if spec else "",
        document=spec.document if spec else row.requirement,
        condition=condition.words or "all",
        place=condition.place if condition.place is not None else -1.0,
        where=name_place(row.setting, row.detector if several else ""),
        value=describe_value(row.value, row.low, row.high, row.unit),
        limits=describe_range(row.limit_low, row.limit_high, row.unit),
        goal=goal,
        page=pages.get((row.family, row.algorithm), ""),
        note=spec.note if spec else "",
        predicted=spec.predicted if spec else "",
    )
