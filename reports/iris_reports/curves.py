"""Curves of a metric against its condition: values with intervals, limits and goal shaded behind.

One `Curve` is both the picture and the numbers: its points become SVG, alternative text, a table and
a CSV file. Points with the same axis are joined; conditions in words stand side by side.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from matplotlib.axes import Axes

from iris_reports.conditions import Condition
from iris_reports.figures import ALLOWED, FAINT, GOAL, LINES, MARKERS, mark_places, new_figure, to_svg
from iris_reports.points import Point
from iris_reports.wording import capitalize, describe_range, describe_value, format_number, format_unit, humanize

__all__ = ["Curve", "Series", "collect_curves", "describe_curve", "describe_limits", "draw_curve", "tabulate_curve"]

Number = float | None


@dataclass(frozen=True, slots=True)
class Series:
    """The points of one line in the order of their places; `colour` numbers its colour and marker."""

    label: str
    points: tuple[Point, ...]
    colour: int = 0


@dataclass(frozen=True, slots=True)
class Curve:
    """One metric over one axis (`numeric`) or over conditions in words; one line per algorithm."""

    metric: str
    setting: str
    title: str
    axis_label: str
    numeric: bool
    unit: str
    conditions: tuple[str, ...]
    series: tuple[Series, ...]

    @property
    def points(self) -> list[Point]:
        """All points, line after line."""
        return [point for series in self.series for point in series.points]

    def place(self, point: Point) -> float:
        """Place of a point on the horizontal axis."""
        place = point.where.place
        return place if self.numeric and place is not None else float(self.conditions.index(point.condition))


def collect_curves(points: Sequence[Point], algorithms: Sequence[str], titles: Mapping[str, str]) -> list[Curve]:
    """Return one curve per metric and setting that has two or more places.

    `points` come ordered as from `collect_points`; `algorithms` lists all of the family in the order
    of their colours, so that an algorithm has the same colour on every page.
    """
    curves = []
    for (metric, setting), group in groupby(points, key=lambda point: (point.metric, point.setting)):
        members = list(group)
        numeric = [point for point in members if point.where.place is not None]
        chosen = numeric or members
        conditions = tuple(dict.fromkeys(point.condition for point in chosen))
        if len(conditions) > 1:
            series = tuple(
                Series(humanize(name), tuple(own), number)
                for number, name in enumerate(algorithms)
                if (own := [point for point in chosen if point.algorithm == name])
            )
            label = chosen[0].where.axis_label
            title = titles.get(metric) or humanize(metric.partition(".")[2] or metric)
            curves.append(Curve(metric, setting, title, label, bool(numeric), chosen[0].unit, conditions, series))
    return curves


def _finite(values: Sequence[Number]) -> list[float]:
    return [v for v in values if v is not None and math.isfinite(v)]


def draw_curve(curve: Curve) -> str:
    """Return the curve as SVG text."""
    with new_figure() as figure:
        axes: Axes = figure.add_subplot()
        low, high = _span(curve)
        _label(axes, curve)
        _shade(axes, curve, low, high)
        for number, series in enumerate(curve.series):
            _draw_series(axes, curve, series, number)
        axes.set_ylim(low, high)
        if len(curve.series) > 1:
            axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 0.98), ncols=5, borderaxespad=0, columnspacing=1.2)
        return to_svg(figure)


def _span(curve: Curve) -> tuple[float, float]:
    """Vertical range: all values and typical intervals; limits and long intervals unless they dwarf those."""
    points = [point for point in curve.points if point.value is not None and math.isfinite(point.value)]
    values = [float(point.value or 0.0) for point in points] or [0.0]
    low, high = min(values), max(values)
    halves = [(p.high - p.low) / 2 for p in points if p.low is not None and p.high is not None]
    size = high - low + 2 * (float(np.median(_finite(halves))) if _finite(halves) else 0.0)
    limits = _finite([edge for p in points for edge in (p.limit_low, p.limit_high)])
    ends = _finite([edge for p in points for edge in (p.low, p.high)])
    reach = max(size, *(0.01 * abs(edge) for edge in limits), 1e-12)
    kept = [edge for edge in limits if low - 9 * reach <= edge <= high + 9 * reach]
    kept += [edge for edge in ends if low - 3 * reach <= edge <= high + 3 * reach]
    low, high = min([low, *kept]), max([high, *kept])
    pad = 0.08 * (high - low) or 0.05 * abs(high) or 1.0
    return low - pad, high + pad


def _edges(curve: Curve) -> list[tuple[float, float, Point]]:
    """Left and right edge of each condition's cell, with one of its points, in order of place."""
    rows: dict[float, Point] = {}
    for point in curve.points:
        judged = point.limit_low is not None or point.limit_high is not None
        rows[curve.place(point)] = point if judged else rows.get(curve.place(point), point)
    places = sorted(rows)
    log = _is_log(curve)
    x = np.log10(places) if log else np.asarray(places, dtype=float)
    middle = (x[1:] + x[:-1]) / 2
    ends = np.concatenate([[x[0] - (middle[0] - x[0])], middle, [x[-1] + (x[-1] - middle[-1])]])
    ends = 10**ends if log else ends
    return [(float(a), float(b), rows[p]) for a, b, p in zip(ends[:-1], ends[1:], places, strict=True)]


def _is_log(curve: Curve) -> bool:
    places = [curve.place(point) for point in curve.points]
    return curve.numeric and min(places) > 0 and max(places) / min(places) > 12


def _shade(axes: Axes, curve: Curve, low: float, high: float) -> None:
    """Colour what lies within limits and goals; cells with equal ones are drawn as one."""
    cells = _edges(curve)
    axes.set_xlim(cells[0][0], cells[-1][1])
    for lower, upper, colour in (("limit_low", "limit_high", ALLOWED), ("goal_low", "goal_high", GOAL)):
        for ends, group in groupby(cells, key=lambda cell: (getattr(cell[2], lower), getattr(cell[2], upper))):
            if ends != (None, None):
                same = list(group)
                left, right = same[0][0], same[-1][1]
                bottom, top = low if ends[0] is None else ends[0], high if ends[1] is None else ends[1]
                axes.fill_between([left, right], bottom, top, color=colour, linewidth=0, zorder=0)
                levels = _finite(ends) if colour == ALLOWED else []
                axes.hlines(levels, left, right, color=FAINT, linewidth=0.8, linestyle=(0, (4, 2)), zorder=1)


def _draw_series(axes: Axes, curve: Curve, series: Series, number: int) -> None:
    rows = [row for row in series.points if row.value is not None and math.isfinite(row.value)]
    if not rows:
        return
    colour, marker = LINES[series.colour % len(LINES)], MARKERS[series.colour % len(MARKERS)]
    x = _spread([curve.place(row) for row in rows], number, len(curve.series), _is_log(curve))
    y = [float(row.value or 0.0) for row in rows]
    down = [v - row.low if row.low is not None else 0.0 for v, row in zip(y, rows, strict=True)]
    up = [row.high - v if row.high is not None else 0.0 for v, row in zip(y, rows, strict=True)]
    axes.errorbar(
        x,
        y,
        yerr=np.nan_to_num(np.clip([down, up], 0, None), posinf=0),
        color=colour,
        marker=marker,
        markersize=5,
        linewidth=1.1 if curve.numeric else 0,
        elinewidth=1.2,
        capsize=2.5,
        label=series.label,
        zorder=3,
    )


def _spread(places: list[float], number: int, total: int, log: bool) -> list[float]:
    """Move lines a little sideways so that their intervals do not hide each other."""
    shift = (number - (total - 1) / 2) * 0.05
    return [p * 10**shift if log else p + shift for p in places]


def _label(axes: Axes, curve: Curve) -> None:
    unit = format_unit(curve.unit)
    axes.set_ylabel(f"{humanize(curve.metric.partition('.')[2] or curve.metric)}{f' ({unit})' if unit else ''}")
    axes.set_xlabel(curve.axis_label)
    if _is_log(curve):
        axes.set_xscale("log")
    marks = {curve.place(point): point.where for point in curve.points}
    places = sorted(marks)
    labels = [_mark(marks[place]) if curve.numeric else marks[place].words for place in places]
    step = -(-len(places) // 16)
    mark_places(axes.xaxis, places[::step], labels[::step])


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
        (s.label, p.condition, p.value, p.low, p.high, p.unit, p.limit_low, p.limit_high, p.goal_low, p.goal_high,
         p.nights, p.verdict or "not judged")
        for s in curve.series for p in s.points
    ]  # fmt: skip
    return head, body
