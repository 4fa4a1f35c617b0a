"""Pages on whether to believe the others: the simulator, the controls, and where everything comes from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from iris_contract.instrument import load_facts
from iris_contract.scorecard import ScoreRow
from iris_reports.anchor_plots import plot_anchors
from iris_reports.catalogue import Anchor, load_anchors
from iris_reports.conditions import parse_condition
from iris_reports.context import Report
from iris_reports.distributions import draw_timings
from iris_reports.points import Point
from iris_reports.site import Plot
from iris_reports.wording import (
    count_verdicts,
    describe_range,
    describe_value,
    format_number,
    humanize,
    parse_number,
    summarize_counts,
)

__all__ = ["write_controls_page", "write_provenance_page", "write_simulator_page"]

SETTING = "chain"  # everything on
_TAGS = {
    "R": "read in a public repository file",
    "W": "read in a public web page or abstract",
    "D": "derived from figures that were read",
    "C": "a choice of this project",
}


def write_simulator_page(report: Report) -> None:
    """Write each anchor with what this run shows of it: value, limits, verdict and source."""
    rows = report.rows_of("simulator")
    facts = load_facts()
    tags = Counter(_TAGS.get(fact.tag.partition("-")[0], "from memory of papers, not verified") for fact in facts)
    points = report.points_of("simulator", SETTING)
    report.site.write_page(
        "simulator.html",
        "simulator.html.j2",
        page_title="How real is the simulator",
        compared=bool(rows or points),
        summary=summarize_counts(count_verdicts(rows)),
        anchors=[(anchor, _compare(report, anchor, points, rows)) for anchor in load_anchors()],
        plots=plot_anchors(report.site, points),
        tags=sorted(tags.items(), key=lambda item: (-item[1], item[0])),
        facts=facts,
        fact_count=len(facts),
    )


@dataclass(frozen=True, slots=True)
class AnchorLine:
    """One figure in words; without a verdict it is shown and not judged."""

    title: str
    condition: str
    value: str
    limits: str
    verdict: str
    reason: str = ""


def _compare(report: Report, anchor: Anchor, points: Sequence[Point], rows: Sequence[ScoreRow]) -> list[AnchorLine]:
    """Return a line for every figure of an anchor, measured or due."""
    titles, lines = report.metric_titles, []
    for metric in anchor.metrics:
        title = titles.get(metric, metric)
        for p in (point for point in points if point.metric == metric):
            where = "" if p.condition == "all" else p.where.words
            where = _join_words(p.detector if report.run.several else "", where)
            limits = describe_range(p.limit_low, p.limit_high, p.unit)
            lines.append(AnchorLine(title, where, describe_value(p.value, p.low, p.high, p.unit), limits, p.verdict))
        lines += [
            AnchorLine(title, parse_condition(row.condition).words if row.condition != "all" else "", "not measured",
                       describe_range(row.limit_low, row.limit_high, row.unit), row.verdict, row.reason)
            for row in rows
            if row.value is None and _name_metric(report, row) == metric
        ]  # fmt: skip
    return lines


def _name_metric(report: Report, row: ScoreRow) -> str:
    spec = report.specifications.get(row.requirement) or report.specifications.get(row.metric)
    return spec.metric if spec else row.metric


def write_controls_page(report: Report) -> None:
    """Write the table of faults put in on purpose, and whether the validators noticed."""
    controls = report.run.controls
    lines = [
        {
            "control": control,
            "where": _join_words(control.setting, control.detector if report.run.several else "", control.condition),
            "twin": _print_value(control.twin_value),
            "broken": _print_value(control.broken_value),
            "limits": _find_limits(report, control.specification),
        }
        for control in controls or ()
    ]
    held = sum(control.held for control in controls or ())
    report.site.write_page(
        "controls.html",
        "controls.html.j2",
        page_title="Fault-injection controls",
        ran=controls is not None,
        lines=lines,
        held=held,
        undecided=sum(control.outcome == "undecided" for control in controls or ()),
        titles=report.titles,
    )


def _join_words(*words: str) -> str:
    return ", ".join(word for word in words if word and word != "all")


def _print_value(value: object) -> str:
    number = parse_number(value)
    return format_number(number) if number is not None else ("" if value is None else str(value))


def _find_limits(report: Report, specification: str) -> str:
    spec = report.specifications.get(specification)
    return spec.limits if spec else ""


def write_provenance_page(report: Report) -> None:
    """Write versions, seeds, contexts, references and timings.

    It renders the two files of a run that differ from one execution to the next (provenance.json and
    timings.json); so this page and the timing figure do too, and no other part of the report does.
    """
    provenance, manifest = report.run.provenance, report.run.manifest
    known = ("scenario", "seed", "nights", "command", "platform")
    references = sorted({(row.setting, kind, name) for row in manifest for kind, name in row.references.items()})
    report.site.write_page(
        "provenance.html",
        "provenance.html.j2",
        page_title="Provenance",
        facts=[(humanize(key), provenance[key]) for key in known if key in provenance],
        versions=_items(provenance.get("versions")),
        contexts=_items(provenance.get("contexts")),
        references=references,
        timing=_plot_timings(report),
        total=parse_number(report.run.timings.get("total")),
        has_report=any(isinstance(e, dict) and e.get("stage") == "report" for e in _stages(report)),
        products=len(manifest),
        files=[report.site.link_into_run(name) for name in _list_files(report)],
    )


def _list_files(report: Report) -> list[str]:
    scores = ("scorecard.json", "samples.parquet", "controls.json", "junit.xml")
    return ["scenario.yaml", "manifest.json", *map(report.run.name, scores), "provenance.json", "timings.json"]


def _items(table: Any) -> list[tuple[str, str]]:
    return sorted((str(key), str(value)) for key, value in table.items()) if isinstance(table, dict) else []


def _stages(report: Report) -> list[Any]:
    entries = report.run.timings.get("stages")
    return entries if isinstance(entries, list) else []


def _plot_timings(report: Report) -> Plot | None:
    stages = [
        (str(entry.get("stage", "")), seconds, entry.get("tasks"))
        for entry in _stages(report)
        if isinstance(entry, dict) and (seconds := parse_number(entry.get("seconds"))) is not None
    ]
    if not stages:
        return None
    alt = "Seconds per stage. " + "; ".join(f"{humanize(name)}: {seconds:.1f} s" for name, seconds, _ in stages) + "."
    head, rows = ("stage", "seconds", "tasks"), [tuple(stage) for stage in stages]
    svg = draw_timings([(name, seconds) for name, seconds, _ in stages])
    return report.site.write_plot(
        "timings", svg, alt, "Where the seconds went, in the order of the stages", (head, rows)
    )
