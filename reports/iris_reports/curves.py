"""Curves of a metric against its condition: values with intervals, limits and goal shaded behind.

One `Curve` is both the picture and the numbers: its points become SVG, alternative text, a table and
a CSV file. Points with the same axis are joined; conditions in words stand side by side.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from statistics import median

from iris_reports.conditions import Condition
from iris_reports.detectors import tell_apart
from iris_reports.figures import ALLOWED, FAINT, GOAL, LETTER, LINE, LINES, Drawing, Panel, Scale, Ticks, choose_ticks
from iris_reports.points import Point
from iris_reports.wording import capitalize, describe_range, describe_value, format_number, format_unit, humanize

__all__ = ["Curve", "Series", "collect_curves", "describe_curve", "describe_limits", "draw_curve", "tabulate_curve"]

_WIDTH = 420.0  # of a plot between its axes

Number = float | None


@dataclass(frozen=True, slots=True)
class Series:
    """The points of one line in the order of their places; `colour` numbers its colour and marker."""

    label: str
    points: tuple[Point, ...]
    colour: int = 0


@dataclass(frozen=True, slots=True)
class Curve:
    """One metric over one axis (`numeric`) or over conditions in words; one line per algorithm.

    Conditions that name more than a place on the axis (`aperture=4x4 rate=2`) are lines where there is one algorithm;
    of several algorithms each makes a curve, and `others` says which.
    """

    metric: str
    setting: str
    title: str
    axis_label: str
    numeric: bool
    unit: str
    conditions: tuple[str, ...]
    series: tuple[Series, ...]
    detector: str = ""
    others: str = ""

    @property
    def points(self) -> list[Point]:
        """All points, line after line."""
        return [point for series in self.series for point in series.points]

    def place(self, point: Point) -> float:
        """Place of a point on the horizontal axis."""
        place = point.where.place
        return place if self.numeric and place is not None else float(self.conditions.index(point.condition))


def collect_curves(points: Sequence[Point], algorithms: Sequence[str], titles: Mapping[str, str]) -> list[Curve]:
    """Return one curve per metric, setting and detector that has two or more places; it names one of several detectors.

    `points` come ordered as from `collect_points`; `algorithms` lists all of the family in the order
    of their colours, so that an algorithm has the same colour on every page; unlisted ones come last.
    """
    curves: list[Curve] = []
    several = tell_apart(point.detector for point in points)
    for (metric, _, detector), group in groupby(points, key=lambda p: (p.metric, p.setting, p.detector)):
        members = list(group)
        chosen = [point for point in members if point.where.place is not None] or members
        title = titles.get(metric) or humanize(metric.partition(".")[2] or metric)
        for others, lines in _share_out(chosen, algorithms):
            curve = _make(title, lines, detector if several else "", others)
            curves += [curve] if tell_apart(map(curve.place, curve.points)) else []
    return curves


def _make(title: str, lines: tuple[Series, ...], detector: str, others: str) -> Curve:
    points = [point for series in lines for point in series.points]
    first = points[0]
    conditions = tuple(dict.fromkeys(point.condition for point in points))
    axis = title, first.where.axis_label, first.where.place is not None, first.unit, conditions
    return Curve(first.metric, first.setting, *axis, lines, detector, others)


def _share_out(points: Sequence[Point], algorithms: Sequence[str]) -> list[tuple[str, tuple[Series, ...]]]:
    """Return lines, and what all their conditions name besides the axis; points of one algorithm make one group."""
    names = list(dict.fromkeys([*algorithms, *(point.algorithm for point in points)]))
    parts = list(dict.fromkeys(point.where.others for point in points))
    if len(parts) > 1 and not tell_apart(point.algorithm for point in points):
        lines = [Series(part, tuple(p for p in points if p.where.others == part), n) for n, part in enumerate(parts)]
        return [("", tuple(lines))]
    groups = []
    for part in parts:
        own = [(humanize(name), [p for p in points if (p.algorithm, p.where.others) == (name, part)]) for name in names]
        lines = [Series(label, tuple(mine), number) for number, (label, mine) in enumerate(own) if mine]
        groups.append((part, tuple(lines)))
    return groups


def _finite(values: Sequence[Number]) -> list[float]:
    return [v for v in values if v is not None and math.isfinite(v)]


def draw_curve(curve: Curve) -> str:
    """Return the curve as SVG text."""
    cells, y = _edges(curve), _span(curve)
    beyond = _tell_beyond(curve, y)
    top = 48 if beyond else 30
    places = _choose_places(curve)
    more = LINE * max((label.count("\n") for label in places[1]), default=0)
    drawing = Drawing(520, top + 270 + more)
    x = Scale(cells[0][0], cells[-1][1], _is_log(curve))
    ticks = choose_ticks(y.low, y.high, log=y.log)
    left = max(78.0, 38 + LETTER * max(map(len, ticks[1]), default=0))  # room for the labels and the name beside them
    panel = Panel(drawing, x, y, left=left, right=506, top=top, bottom=top + 218)
    _shade(panel, cells)
    for number, series in enumerate(curve.series):
        _draw_series(panel, curve, series, number)
    panel.frame(places, ticks, curve.axis_label, _name_value(curve))
    if beyond:
        drawing.text(panel.right, 18, beyond, "end")
    if len(curve.series) > 1:
        drawing.legend(panel.left + 4, top - 10, [(series.label, series.colour % LINES) for series in curve.series])
    return drawing.render()


def _tell_beyond(curve: Curve, y: Scale) -> str:
    """Name the limits that lie off the scale, since nothing else in the picture shows them."""
    limits = dict.fromkeys(_finite([edge for p in curve.points for edge in (p.limit_low, p.limit_high)]))
    parts = [f"{format_number(limit)} {'above' if limit > y.high else 'below'}" for limit in limits
             if not y.low <= limit <= y.high]  # fmt: skip
    return f"Off this scale: {'limit' if len(parts) == 1 else 'limits'} {', '.join(parts)}" if parts else ""


def _span(curve: Curve) -> Scale:
    """Vertical range: all values and typical intervals; limits and long intervals unless they dwarf those.

    Values that differ by more than a factor of 30 get a logarithmic scale.
    """
    points = [point for point in curve.points if point.value is not None and math.isfinite(point.value)]
    values = [float(point.value or 0.0) for point in points] or [0.0]
    low, high = min(values), max(values)
    if 0 < 30 * low < high < math.inf:
        return Scale(low / 1.5, high * 1.5, log=True)
    halves = [(p.high - p.low) / 2 for p in points if p.low is not None and p.high is not None]
    size = high - low + 2 * (median(_finite(halves)) if _finite(halves) else 0.0)
    limits = _finite([edge for p in points for edge in (p.limit_low, p.limit_high)])
    ends = _finite([edge for p in points for edge in (p.low, p.high)])
    reach = max(size, *(0.01 * abs(edge) for edge in limits), 1e-12)
    kept = [edge for edge in limits if low - 9 * reach <= edge <= high + 9 * reach]
    kept += [edge for edge in ends if low - 3 * reach <= edge <= high + 3 * reach]
    low, high = min([low, *kept]), max([high, *kept])
    pad = 0.08 * (high - low) or 0.05 * abs(high) or 1.0
    return Scale(low - pad, high + pad)


def _edges(curve: Curve) -> list[tuple[float, float, Point]]:
    """Left and right edge of each condition's cell, with one of its points, in order of place."""
    rows: dict[float, Point] = {}
    for point in curve.points:
        judged = point.limit_low is not None or point.limit_high is not None
        rows[curve.place(point)] = point if judged else rows.get(curve.place(point), point)
    places = sorted(rows)
    log = _is_log(curve)
    x = [math.log10(place) for place in places] if log else places
    middle = [(a + b) / 2 for a, b in pairwise(x)]
    ends = [2 * x[0] - middle[0], *middle, 2 * x[-1] - middle[-1]]
    ends = [10**end for end in ends] if log else ends
    return [(a, b, rows[p]) for a, b, p in zip(ends[:-1], ends[1:], places, strict=True)]


def _is_log(curve: Curve) -> bool:
    places = [curve.place(point) for point in curve.points]
    return curve.numeric and min(places) > 0 and max(places) / min(places) > 12


def _shade(panel: Panel, cells: Sequence[tuple[float, float, Point]]) -> None:
    """Colour what lies within limits and goals; cells with equal ones are drawn as one."""
    for lower, upper, colour in (("limit_low", "limit_high", ALLOWED), ("goal_low", "goal_high", GOAL)):
        for ends, group in groupby(cells, key=lambda cell: (getattr(cell[2], lower), getattr(cell[2], upper))):
            if ends != (None, None):
                same = list(group)
                left, right = same[0][0], same[-1][1]
                bottom, top = panel.y.low if ends[0] is None else ends[0], panel.y.high if ends[1] is None else ends[1]
                panel.shade(left, right, bottom, top, colour)
                for level in _finite(ends) if colour == ALLOWED else ():
                    if panel.y.low < level < panel.y.high:
                        panel.line([(left, level), (right, level)], FAINT, 1, dashed=True)


def _draw_series(panel: Panel, curve: Curve, series: Series, number: int) -> None:
    points = [point for point in series.points if point.value is not None and math.isfinite(point.value)]
    places = _spread([curve.place(point) for point in points], number, len(curve.series), panel.x.log)
    marks = [(x, *_ends(point)) for x, point in zip(places, points, strict=True)]
    if curve.numeric and len(marks) > 1:
        panel.line([(x, value) for x, value, _, _ in marks], series.colour % LINES)
    panel.points(marks, series.colour % LINES)


def _ends(point: Point) -> tuple[float, float, float]:
    """Value, low and high; without an interval all three are the value."""
    value = float(point.value or 0.0)
    ends = _finite((point.low, point.high))
    return value, min([value, *ends]), max([value, *ends])


def _spread(places: list[float], number: int, total: int, log: bool) -> list[float]:
    """Move lines a little sideways so that their intervals do not hide each other."""
    shift = (number - (total - 1) / 2) * 0.05
    return [p * 10**shift if log else p + shift for p in places]


def _name_value(curve: Curve) -> str:
    unit = format_unit(curve.unit)
    return f"{humanize(curve.metric.partition('.')[2] or curve.metric)}{f' ({unit})' if unit else ''}"


def _choose_places(curve: Curve) -> Ticks:
    """A tick at every place, or at every second, third... of many; long labels a word a line."""
    marks = {curve.place(point): point.where for point in curve.points}
    places = sorted(marks)
    labels = [_mark(marks[place]) if curve.numeric else marks[place].words for place in places]
    step = -(-len(places) // 16)
    places, labels = places[::step], labels[::step]
    if max(map(len, labels), default=0) * LETTER > _WIDTH / max(len(places), 1):  # they would run into each other
        labels = [label.replace(" ", "\n") for label in labels]
    return places, labels


def _mark(where: Condition) -> str:
    """Tick label: the number, or both ends of a range."""
    if where.high is None:
        return format_number(where.low)
    return (
        f"> {format_number(where.low)}"
        if math.isinf(where.high)
        else f"{format_number(where.low)}–{format_number(where.high)}"
    )


def describe_curve(curve: Curve) -> str:
    """Return the alternative text: every number of the picture, in words."""
    parts = []
    for series in curve.series:
        points = "; ".join(
            f"{point.where.words}: {describe_value(point.value, point.low, point.high, point.unit)}"
            for point in series.points
        )
        parts.append(f"{series.label}: {points}")
    ranges = {describe_range(p.limit_low, p.limit_high, p.unit) for p in curve.points}
    return f"{curve.title}. {'. '.join(parts)}. Limits: {', or '.join(sorted(ranges))}."


def describe_limits(curve: Curve) -> str:
    """Return the limits and goals in words, for the caption; nothing where there are none."""
    limits = {describe_range(p.limit_low, p.limit_high, p.unit) for p in curve.points} - {"none"}
    goals = {describe_range(p.goal_low, p.goal_high, p.unit) for p in curve.points} - {"none"}
    parts = [f"{what} {' or '.join(sorted(ends))}" for what, ends in (("limits", limits), ("goal", goals)) if ends]
    return capitalize("; ".join(parts)) if parts else "Not judged"


def tabulate_curve(curve: Curve) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """Return head and rows of the table of the numbers behind the picture."""
    head = ("algorithm", "condition", "value", "low", "high", "unit", "limit low", "limit high", "goal low",
            "goal high", "nights", "verdict")  # fmt: skip
    body: list[tuple[object, ...]] = [
        (humanize(p.algorithm), p.condition, p.value, p.low, p.high, p.unit, p.limit_low, p.limit_high, p.goal_low,
         p.goal_high, p.nights, p.verdict or "not judged")
        for s in curve.series for p in s.points
    ]  # fmt: skip
    return head, body
