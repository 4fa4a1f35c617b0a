"""The requirements matrix: specification x algorithm x setting (x detector), each cell a verdict over its conditions.

A cell shows the verdict that the scorecard's `run.requirements` gives over all its conditions. Where
a scorecard brings none, the worst verdict of the cell's rows stands in. Nothing is judged again here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from iris_contract.scorecard import FAMILIES, VERDICTS, Scorecard, ScoreRow
from iris_reports.detectors import name_place, order_detectors, tell_apart
from iris_reports.specifications import SpecificationText, identify
from iris_reports.wording import count_verdicts, describe_range, humanize

__all__ = [
    "Cell",
    "Line",
    "Matrix",
    "Requirement",
    "build_family_matrix",
    "build_matrices",
    "judge_rows",
    "list_requirements",
]

Overall = dict[tuple[str, ...], tuple[str, str]]

_WORST_FIRST = ("ERROR", "FAIL", "NOT_MEASURED", "INCONCLUSIVE", "PASS", "NOT_APPLICABLE")


@dataclass(frozen=True, slots=True)
class Cell:
    """Verdict over some rows and how many of them have it."""

    verdict: str
    passed: int
    total: int
    reason: str = ""

    @property
    def tally(self) -> str:
        """`7 of 8 pass`, or nothing where there is one row only."""
        return f"{self.passed} of {self.total} pass" if self.total > 1 else ""


@dataclass(frozen=True, slots=True)
class Requirement:
    """A specification as the scorecard's rows state it; `id` is its name, or the metric's where it has none."""

    id: str
    family: str
    title: str
    document: str
    provenance: str
    limits: str
    goals: str
    rows: tuple[ScoreRow, ...]
    note: str = ""
    predicted: str = ""

    @property
    def kind(self) -> str:
        """`requirement`, `allocation` or `engineering`: the first word of the provenance."""
        return self.provenance.partition(":")[0].partition(" ")[0].strip().lower() or "not stated"


@dataclass(frozen=True, slots=True)
class Line:
    """One requirement in one setting, on one detector of several: a cell per algorithm, None where it was not asked."""

    requirement: Requirement
    where: str
    limits: str
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """One family's part of the matrix: a column per algorithm, a line per requirement and setting."""

    family: str
    algorithms: tuple[str, ...]
    lines: tuple[Line, ...]


def judge_rows(rows: Sequence[ScoreRow], overall: tuple[str, str] | None = None) -> Cell | None:
    """Return the cell of some rows with the `overall` verdict and reason, or None where there are no rows."""
    counts = count_verdicts(list(rows))
    judged = len(rows) - counts["NOT_APPLICABLE"]
    for verdict in _WORST_FIRST:
        if counts[verdict]:
            word, reason = overall or (verdict, "")
            return Cell(word, counts["PASS"], judged, reason)
    return None


def list_requirements(rows: Sequence[ScoreRow], table: Mapping[str, SpecificationText]) -> list[Requirement]:
    """Return the specifications that the rows were judged against, families in the contract's order."""
    ordered = sorted(rows, key=lambda row: (FAMILIES.index(row.family), identify(row, table)))
    found = []
    for name, group in groupby(ordered, key=lambda row: identify(row, table)):
        members, spec = tuple(group), table.get(name)
        found.append(
            Requirement(
                id=name,
                family=members[0].family,
                title=(spec and spec.title) or humanize(name),
                document=(spec and spec.document) or _join({row.requirement for row in members}),
                provenance=_join({row.provenance for row in members}),
                limits=_join(_ranges(members, "limit")),
                goals=_join(_ranges(members, "goal")),
                rows=members,
                note=spec.note if spec else "",
                predicted=spec.predicted if spec else "",
            )
        )
    return found


def _ranges(rows: Sequence[ScoreRow], what: str) -> set[str]:
    """The different limits or goals of some rows, in words."""
    ends = {(getattr(row, f"{what}_low"), getattr(row, f"{what}_high"), row.unit) for row in rows}
    return {describe_range(*end) for end in ends if end[:2] != (None, None)}


def _join(texts: set[str]) -> str:
    """Different limits for different conditions stand side by side; many are only counted."""
    texts.discard("")
    return "; ".join(sorted(texts)) if len(texts) < 4 else f"{len(texts)} different, by condition"


def build_matrices(scorecard: Scorecard, table: Mapping[str, SpecificationText]) -> list[Matrix]:
    """Return the matrix, one part per family, families in the contract's order."""
    overall = _read_overall(scorecard.run)
    several = tell_apart(row.detector for row in scorecard.rows)
    matrices = []
    for family, group in groupby(list_requirements(scorecard.rows, table), key=lambda requirement: requirement.family):
        requirements = list(group)
        algorithms = {row.algorithm for requirement in requirements for row in requirement.rows}
        columns = tuple(sorted(algorithms - {""} or algorithms))
        lines = tuple(line for requirement in requirements for line in _lines(requirement, columns, overall, several))
        matrices.append(Matrix(family, columns, lines))
    return matrices


def _lines(requirement: Requirement, columns: Sequence[str], overall: Overall, several: bool) -> list[Line]:
    """A line per setting and detector; rows without an algorithm (nothing was measured) stand in every column."""
    lines = []
    for setting, detector in _list_places(requirement.rows):
        rows = [row for row in requirement.rows if (row.setting, row.detector) == (setting, detector)]
        cells = tuple(
            judge_rows(
                [row for row in rows if row.algorithm in (name, "")],
                overall.get((requirement.id, name, setting, detector)),
            )
            for name in columns
        )
        limits = _join(_ranges(rows, "limit")) or "none"
        lines.append(Line(requirement, name_place(setting, detector if several else ""), limits, cells))
    return lines


def _list_places(rows: Sequence[ScoreRow]) -> list[tuple[str, str]]:
    """Settings and detectors of some rows, in order."""
    places = {(row.setting, row.detector) for row in rows}
    return [
        (setting, detector)
        for setting in sorted({setting for setting, _ in places})
        for detector in order_detectors(detector for _, detector in places)
        if (setting, detector) in places
    ]


def build_family_matrix(scorecard: Scorecard, family: str, table: Mapping[str, SpecificationText]) -> Matrix | None:
    """Return one family's part of the matrix, or None where it has no rows."""
    return next((matrix for matrix in build_matrices(scorecard, table) if matrix.family == family), None)


def _read_overall(run: Mapping[str, object]) -> Overall:
    """Verdict and reason by specification, algorithm, setting, detector; entries of another form are left out.

    An entry that names no detector is of the run's own one.
    """
    found: Overall = {}
    entries, own = run.get("requirements"), {"detector": run.get("detector", "")}
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and entry.get("verdict") in VERDICTS:
            key = tuple(
                str((own | entry).get(name, "")) for name in ("specification", "algorithm", "setting", "detector")
            )
            found[key] = str(entry["verdict"]), str(entry.get("reason", ""))
    return found
