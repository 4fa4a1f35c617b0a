"""Overview, requirements and the table of every verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from iris_contract.scorecard import ScoreRow
from iris_reports.algorithm_pages import plot_curves
from iris_reports.catalogue import describe_family
from iris_reports.context import Report
from iris_reports.curves import collect_curves
from iris_reports.detectors import order_detectors, word_place
from iris_reports.matrix import Requirement, build_matrices, list_requirements
from iris_reports.ranking import RANKING_METRICS, Leaderboard
from iris_reports.site import Link, Plot
from iris_reports.specifications import read_outside
from iris_reports.wording import (
    capitalize,
    count_verdicts,
    humanize,
    join_words,
    make_slug,
    pluralize,
    summarize_counts,
)

__all__ = ["write_overview", "write_requirements_page", "write_verdicts_page"]


@dataclass(frozen=True, slots=True)
class Ranking:
    """The leaderboards of a family, and its ranking metric against the condition, all algorithms in one picture."""

    family: str
    title: str
    boards: tuple[Leaderboard, ...]
    plots: tuple[Plot, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence of the overview, with where it leads."""

    text: str
    link: Link


def write_overview(report: Report) -> None:
    """Write index.html: what this run was, what came out, and where to read on."""
    rows = list(report.run.scorecard.rows)
    counts = count_verdicts(rows)
    report.site.write_page(
        "index.html",
        "index.html.j2",
        page_title="Overview",
        info=_list_facts(report.run.scorecard.run),
        run_title=str(report.run.scorecard.run.get("title", "")),
        lead=_describe_run(report),
        counts=counts,
        total=len(rows),
        summary=summarize_counts(counts),
        failures=_count_failures(rows),
        findings=_find(report),
        absent=_list_absent(report),
        rankings=_list_rankings(report),
        matrices=[
            (describe_family(m.family).title, m) for m in build_matrices(report.run.scorecard, report.specifications)
        ],
        notes=_list_notes(report),
        pages=report.pages.algorithms,
        find=report.pages.find,
    )


def _list_notes(report: Report) -> dict[str, str]:
    """What to know before the verdicts of each family are read."""
    return {row.family: describe_family(row.family).note for row in report.run.scorecard.rows}


def _count_failures(rows: Sequence[ScoreRow]) -> str:
    """Whose the failures are, most first; nothing where there are none."""
    counts = Counter(humanize(row.algorithm) or "no algorithm" for row in rows if row.verdict == "FAIL")
    parts = [f"{count} of {name}" for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
    return f"The failures: {join_words(parts)}." if parts else ""


def _list_absent(report: Report) -> list[str]:
    """What the run does not hold, and what the report therefore lacks."""
    run, absent = report.run, []
    if not run.scorecard.rows:
        absent.append("The scorecard has no rows, so there are no verdicts.")
    if not run.samples:
        absent.append("There are no samples, so there is no leaderboard, and curves show judged figures only.")
    if not run.manifest:
        absent.append("There is no list of products, so there are no maps and no histograms.")
    return absent


def _list_facts(run: dict[str, Any]) -> list[tuple[str, str]]:
    """Plain facts of the run, without the lists that have pages of their own."""
    plain = [(key, value) for key, value in sorted(run.items()) if isinstance(value, (str, int, float)) and value != ""]
    return [(humanize(key), str(value)) for key, value in plain]


def _describe_run(report: Report) -> str:
    run, rows = report.run.scorecard.run, report.run.scorecard.rows
    nights = run.get("nights")
    what = pluralize(nights, "night") if isinstance(nights, int) else "some nights"
    detectors = order_detectors(row.detector for row in rows if row.detector)
    families = list(dict.fromkeys(describe_family(row.family).title.lower() for row in rows))
    seen = f" of detector{'s' if len(detectors) > 1 else ''} {join_words(detectors)}" if detectors else ""
    ours = "calibrated and reduced the way the observatory will"
    whom = "reduced by another pipeline" if report.run.foreign else ours
    return (
        f"{what}{seen} {'was' if nights == 1 else 'were'} simulated with known truth, {whom}, "
        "and compared with the truth. "
        f"Judged are {join_words(families) or 'no families'}."
    )


def _find(report: Report) -> list[Finding]:
    families = dict.fromkeys(row.family for row in report.run.scorecard.rows if report.pages.find(row.family))
    findings = [
        _find_leader(report, family) if family in RANKING_METRICS else _find_family(report, family)
        for family in families
    ]
    controls = report.run.controls
    if controls is None:
        text = "Fault-injection controls were not run, so the validators themselves are unproven here."
    else:
        held = sum(control.held for control in controls)
        undecided = sum(control.outcome == "undecided" for control in controls)
        text = f"Validators tested by faults: {held} of {pluralize(len(controls), 'control')} held"
        text += f", {undecided} undecided." if undecided else "."
    return [*findings, Finding(text, Link("controls.html", "Controls"))]


def _find_family(report: Report, family: str) -> Finding:
    """What came out for a family without a ranking: in all, or algorithm by algorithm."""
    title, members, note = describe_family(family).title, report.pages.members(family), describe_family(family).note
    if len(members) == 1:
        text = summarize_counts(count_verdicts(report.rows_of(family)))
    else:
        parts = [(name, count_verdicts(report.rows_of(family, name))) for name in members]
        text = "; ".join(f"{humanize(name)} {counts['PASS']} of {sum(counts.values())} pass" for name, counts in parts)
        text += f". {note}".rstrip(". ")
    caveats = _word_caveats(report, report.rows_of(family))
    return Finding(f"{title}: {text}.{caveats}", Link(report.pages.find(family), title))


def _word_caveats(report: Report, rows: Sequence[ScoreRow]) -> str:
    """What to know of specifications that some of the rows fail, as sentences behind another."""
    return "".join(f" About “{title}”: {note}" for title, note in report.list_caveats(rows))


def _find_leader(report: Report, family: str) -> Finding:
    board = next((b for b in report.boards if b.family == family), None)
    if board is None:
        return _find_family(report, family)
    if board.unranked:
        plain = _find_family(report, family)
        return Finding(f"{plain.text} {capitalize(board.unranked)}.", plain.link)
    title, leaders = describe_family(family).title, board.leaders
    names = join_words([humanize(name) for name in leaders])
    rank, whose = ("rank first together", "their") if len(leaders) > 1 else ("ranks first", "its")
    rows = [r for r in report.rows_of(family) if r.algorithm in leaders and board.detector in ("", r.detector)]
    text = (
        f"{title}: {names} {rank} of {len(board.standings)} algorithms ({word_place(board.setting, board.detector)}); "
        f"{whose} verdicts: {summarize_counts(count_verdicts(rows))}.{_word_caveats(report, rows)}"
    )
    return Finding(text, Link(report.pages.find(family), title))


def _list_rankings(report: Report) -> list[Ranking]:
    rankings = []
    for family in dict.fromkeys(board.family for board in report.boards):
        boards = tuple(board for board in report.boards if board.family == family)
        plots = [plot for board in boards for plot in _plot_ranking(report, board)]
        rankings.append(Ranking(family, describe_family(family).title.lower(), boards, tuple(plots)))
    return rankings


def _plot_ranking(report: Report, board: Leaderboard) -> list[Plot]:
    points = [
        p
        for p in report.points_of(board.family, board.setting)
        if p.metric == board.metric and board.detector in ("", p.detector)
    ]
    curves = collect_curves(points, report.pages.members(board.family), report.metric_titles)
    return plot_curves(report, curves, make_slug(*filter(None, ("overview", board.family, board.detector))))


def write_verdicts_page(report: Report) -> None:
    """Write the table of every row, to filter and sort, and the same as CSV."""
    rows = list(report.run.scorecard.rows)
    names = [f.name for f in fields(ScoreRow) if f.name != "artifacts"]
    download = report.site.write_csv("verdicts", names, [[getattr(row, name) for name in names] for row in rows])
    report.site.write_page(
        "verdicts.html",
        "verdicts.html.j2",
        page_title="Every verdict",
        rows=report.view(rows),
        summary=summarize_counts(count_verdicts(rows)),
        download=download,
        scorecard=report.site.link_into_run(report.run.name("scorecard.json")),
    )


def write_requirements_page(report: Report) -> None:
    """Write what was asked, by whom, and what was shown; and what lies outside this scenario."""
    requirements = list_requirements(report.run.scorecard.rows, report.specifications)
    asked = {requirement.id for requirement in requirements}
    names = read_outside(report.run.scorecard.run, asked, report.specifications)
    report.site.write_page(
        "requirements.html",
        "requirements.html.j2",
        page_title="Requirements",
        groups=_group(requirements),
        outside=[report.specifications[name] for name in names],
        kinds=_count_kinds(requirements),
        matrices=[
            (describe_family(m.family).title, m) for m in build_matrices(report.run.scorecard, report.specifications)
        ],
        notes=_list_notes(report),
        pages=report.pages.algorithms,
        find=report.pages.find,
    )


def _group(requirements: Sequence[Requirement]) -> list[tuple[str, list[tuple[Requirement, str]]]]:
    families = dict.fromkeys(requirement.family for requirement in requirements)
    return [
        (
            describe_family(family).title,
            [(r, summarize_counts(count_verdicts(list(r.rows)))) for r in requirements if r.family == family],
        )
        for family in families
    ]


def _count_kinds(requirements: Sequence[Requirement]) -> list[tuple[str, int]]:
    kinds = sorted({requirement.kind for requirement in requirements})
    return [(kind, sum(requirement.kind == kind for requirement in requirements)) for kind in kinds]
