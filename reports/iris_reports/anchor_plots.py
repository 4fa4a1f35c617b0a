"""Figures of the simulator's page: what simulated frames show beside what was published of real detectors."""

from __future__ import annotations

from collections.abc import Sequence

from iris_reports.catalogue import AnchorPlot, load_anchors
from iris_reports.figures import LINES, Drawing, Panel, Scale, choose_ticks
from iris_reports.points import Point
from iris_reports.site import Plot, Site
from iris_reports.wording import describe_value, make_slug

__all__ = ["draw_anchor", "plot_anchors"]

SIMULATED = "simulated"
ROOM = 1.25  # factor beyond the outermost points

Mark = tuple[float, float, float, float]


def plot_anchors(site: Site, points: Sequence[Point]) -> list[Plot]:
    """Write one figure per anchor that has one and of which there are points."""
    plots = []
    for plot in (anchor.plot for anchor in load_anchors() if anchor.plot):
        own = [p for p in points if p.metric == plot.metric and p.where.place is not None and (p.value or 0) > 0]
        if own:
            alt = f"{plot.title}. {_describe(plot, own)}"
            caption = f"{plot.title}, simulated with 95 % intervals over nights, and published"
            name = make_slug("simulator", plot.metric)
            plots.append(site.write_plot(name, draw_anchor(plot, own), alt, caption, _tabulate(plot, own)))
    return plots


def draw_anchor(plot: AnchorPlot, points: Sequence[Point]) -> str:
    """Return SVG text: both axes logarithmic, values above zero."""
    series = [(SIMULATED, [_mark(point) for point in points])]
    series += [(label, [(x, y, y, y) for x, y in found]) for label, found in plot.published.items()]
    x, y = (_span([mark[axis] for _, marks in series for mark in marks]) for axis in (0, 1))
    drawing = Drawing(520, 320)
    panel = Panel(drawing, x, y, left=78, right=506, top=34, bottom=268)
    for number, (_, marks) in enumerate(series):
        panel.line([(mark[0], mark[1]) for mark in marks], number % LINES, dashed=number > 0)
        panel.points(marks, number % LINES)
    panel.frame(choose_ticks(x.low, x.high, log=True), choose_ticks(y.low, y.high, log=True), plot.x, plot.y)
    drawing.legend(panel.left + 4, 20, [(label, number % LINES) for number, (label, _) in enumerate(series)])
    return drawing.render()


def _span(values: Sequence[float]) -> Scale:
    return Scale(min(values) / ROOM, max(values) * ROOM, log=True)


def _mark(point: Point) -> Mark:
    value = float(point.value or 0.0)
    ends = [value if end is None else end for end in (point.low, point.high)]
    return float(point.where.place or 0.0), value, ends[0], ends[1]


def _describe(plot: AnchorPlot, points: Sequence[Point]) -> str:
    own = "; ".join(f"{p.where.words}: {describe_value(p.value, p.low, p.high, p.unit)}" for p in points)
    others = [f"{label}: {'; '.join(f'{x:g}: {y:g}' for x, y in found)}" for label, found in plot.published.items()]
    return f"{'. '.join([f'Simulated: {own}', *others])}."


def _tabulate(plot: AnchorPlot, points: Sequence[Point]) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    rows: list[tuple[object, ...]] = [(SIMULATED, p.where.place, p.value, p.low, p.high) for p in points]
    rows += [(label, x, y, None, None) for label, found in plot.published.items() for x, y in found]
    return ("whose", plot.x, plot.y, "low", "high"), rows
