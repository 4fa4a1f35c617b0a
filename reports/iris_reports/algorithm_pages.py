"""Pages of algorithms, comparisons of the algorithms of a family, and the overview of calibrations."""

from __future__ import annotations

import math
from collections.abc import Sequence

from iris_contract.scorecard import FAMILIES, ScoreRow
from iris_reports.catalogue import CALIBRATION_FAMILIES, describe_family
from iris_reports.conditions import parse_condition
from iris_reports.context import Report
from iris_reports.curves import Curve, collect_curves, describe_curve, describe_limits, draw_curve, tabulate_curve
from iris_reports.detectors import word_place
from iris_reports.matrix import build_family_matrix, judge_rows
from iris_reports.site import Plot
from iris_reports.wording import (
    count_verdicts,
    describe_value,
    humanize,
    join_words,
    make_slug,
    summarize_counts,
)
from iris_validators import Limits

__all__ = ["plot_curves", "write_algorithm_page", "write_calibrations_page", "write_family_page"]


def plot_curves(report: Report, curves: Sequence[Curve], stem: str) -> list[Plot]:
    """Write the curves as figures and return them."""
    plots = []
    for curve in curves:
        name = f"{stem}-{make_slug(*filter(None, (curve.setting, curve.detector, curve.metric, curve.others)))}"
        axis = f"{curve.axis_label[:1].lower()}{curve.axis_label[1:]}"
        where = ", ".join(filter(None, (axis, curve.others, word_place(curve.setting, curve.detector))))
        notes = f"{_explain_unjudged(curve)}{_note_alarms(report, curve)}"
        caption = f"{curve.title}, against {where}. {describe_limits(curve)}{notes}"
        numbers = tabulate_curve(curve)
        plots.append(report.site.write_plot(name, draw_curve(curve), describe_curve(curve), caption, numbers))
    return plots


def _explain_unjudged(curve: Curve) -> str:
    """Say which points no specification judges, and why, where that is known."""
    unjudged = [point for point in curve.points if not point.verdict]
    if not unjudged:
        return ""
    reasons = describe_family(unjudged[0].family).unjudged
    reason = reasons.get(curve.metric) or reasons.get(curve.setting, "")
    judged = {point.condition for point in curve.points} - {point.condition for point in unjudged}
    places = list(dict.fromkeys(point.where.words for point in unjudged))
    where = f". Shown but not judged: {join_words(places)}" if judged else ""
    return f"{where}{': ' if reason else ''}{reason}"


def _note_alarms(report: Report, curve: Curve) -> str:
    """Completeness says little without its price: the false alarms at the same threshold."""
    if curve.metric != "jump.completeness":
        return ""
    labels = {series.points[0].algorithm for series in curve.series}
    alarms = [
        f"{humanize(p.algorithm)} {describe_value(p.value, p.low, p.high, p.unit)}"
        for p in report.points_of("jump", curve.setting)
        if p.metric == "jump.false_alarms" and p.algorithm in labels and p.detector == curve.points[0].detector
    ]
    return f". False alarms: {'; '.join(alarms)}" if alarms else ""


def _pair_curves(report: Report, family: str, algorithm: str | None, stem: str) -> list[list[Plot]]:
    """Plots of a family or algorithm: one list per metric, its settings side by side."""
    points = [p for setting in report.settings_of(family) for p in report.points_of(family, setting, algorithm)]
    curves = collect_curves(points, report.pages.members(family), report.metric_titles)
    metrics = dict.fromkeys(curve.metric for curve in curves)
    return [plot_curves(report, [curve for curve in curves if curve.metric == metric], stem) for metric in metrics]


def write_algorithm_page(report: Report, family: str, algorithm: str) -> None:
    """Write the page of one algorithm: what it is, its verdicts, curves, pictures and files."""
    page = report.pages.algorithms[family, algorithm]
    stem, texts = page.removesuffix(".html"), describe_family(family)
    rows = report.rows_of(family, algorithm)
    has_outputs = any(point.where.axis == "output" for point in report.points if point.family == family)
    wants_outputs = family in CALIBRATION_FAMILIES and not has_outputs
    report.site.write_page(
        page,
        "algorithm.html.j2",
        page_title=f"{texts.title}: {humanize(algorithm)}",
        family=texts,
        algorithm=algorithm,
        description=texts.describe(algorithm),
        comparison=report.pages.families.get(family, ""),
        summary=summarize_counts(count_verdicts(rows)),
        caveats=report.list_caveats(rows),
        rows=report.view(rows),
        curves=_pair_curves(report, family, algorithm, stem),
        outputs=report.gallery.outputs(family, algorithm) if wants_outputs else None,
        exhibits=report.gallery.exhibits(family, algorithm),
        absent=report.gallery.absent[family, algorithm],
        commands=_list_once([row.reproduce for row in rows]),
        scenario=report.site.link_into_run("scenario.yaml"),
        seeds=_list_once([row.seeds for row in rows]),
        artifacts=[report.site.link_into_run(name) for name in _list_once([a for row in rows for a in row.artifacts])],
    )


def _list_once(texts: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(text for text in texts if text))


def write_family_page(report: Report, family: str) -> None:
    """Write the page that compares the algorithms of a family: leaderboards, matrix, curves side by side."""
    page = report.pages.families[family]
    stem, texts = page.removesuffix(".html"), describe_family(family)
    rows = report.rows_of(family)
    order = report.pages.members(family)
    report.site.write_page(
        page,
        "family.html.j2",
        page_title=f"{texts.title}: comparison",
        family=texts,
        summary=summarize_counts(count_verdicts(rows)),
        boards=[board for board in report.boards if board.family == family],
        matrix=build_family_matrix(report.run.scorecard, family, report.specifications),
        curves=_pair_curves(report, family, None, stem),
        single=_list_single(report, rows),
        members=[(humanize(name), report.pages.algorithms[family, name], texts.describe(name)) for name in order],
        pages=report.pages.algorithms,
    )


def _list_single(report: Report, rows: Sequence[ScoreRow]) -> list[object]:
    """Rows without a place on an axis (`all`, `significance > 7`): no curve shows them."""
    return list(report.view([row for row in rows if parse_condition(row.condition).place is None]))


def _sum_up(rows: Sequence[ScoreRow]) -> list[ScoreRow]:
    """Per specification, setting and detector the rows over all conditions, or else the nearest to its limit."""
    groups: dict[tuple[str, str, str], list[ScoreRow]] = {}
    for row in rows:
        groups.setdefault((row.metric, row.setting, row.detector), []).append(row)
    chosen = []
    for group in groups.values():
        overall = [row for row in group if parse_condition(row.condition).place is None]
        chosen += overall or [min(group, key=_measure_margin)]
    return chosen


def _measure_margin(row: ScoreRow) -> float:
    """Distance of the figure to the nearer limit, negative outside; what has no figure comes first."""
    usable = row.value is not None and math.isfinite(row.value)
    return Limits(row.limit_low, row.limit_high).margin(float(row.value or 0)) if usable else -math.inf


def write_calibrations_page(report: Report) -> None:
    """Write the overview of calibrations: one line each, with the verdict and where it is shown."""
    cards = []
    for family in CALIBRATION_FAMILIES:
        for name in report.pages.members(family):
            rows, texts = report.rows_of(family, name), describe_family(family)
            cell = judge_rows(rows)
            cards.append(
                {
                    "page": report.pages.algorithms[family, name],
                    "title": texts.title,
                    "short": texts.short,
                    "judged": texts.judged,
                    "algorithm": humanize(name),
                    "verdict": cell.verdict if cell else "NOT_MEASURED" if family in FAMILIES else "",
                    "summary": summarize_counts(count_verdicts(rows)) if family in FAMILIES else "",
                    "rows": report.view(_sum_up(rows)),
                }
            )
    report.site.write_page("calibrations.html", "calibrations.html.j2", page_title="Calibrations", cards=cards)
