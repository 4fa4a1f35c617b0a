"""What every page needs: the run, the site, the plan of pages, titles of metrics, leaderboards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from iris_contract.manifest import SETTINGS
from iris_contract.scorecard import ScoreRow
from iris_reports.gallery import Gallery
from iris_reports.navigation import PageMap
from iris_reports.points import Point
from iris_reports.ranking import Leaderboard
from iris_reports.rows import RowView, view_rows
from iris_reports.run_files import RunFiles
from iris_reports.site import Site
from iris_reports.specifications import SpecificationText, identify
from iris_validators.sampling import METRICS

__all__ = ["Report"]


@dataclass(frozen=True, slots=True)
class Report:
    """One report being written."""

    run: RunFiles
    site: Site
    pages: PageMap
    specifications: Mapping[str, SpecificationText]
    boards: tuple[Leaderboard, ...]
    points: tuple[Point, ...]
    gallery: Gallery

    @property
    def titles(self) -> dict[str, str]:
        """Title of each specification, by id."""
        return {name: spec.title for name, spec in self.specifications.items()}

    @property
    def metric_titles(self) -> dict[str, str]:
        """Title of each metric, by name."""
        return {name: metric.title for name, metric in METRICS.items()}

    def rows_of(self, family: str, algorithm: str | None = None) -> list[ScoreRow]:
        """Rows of a family, or of one of its algorithms."""
        rows = self.run.scorecard.rows
        return [row for row in rows if row.family == family and algorithm in (None, row.algorithm)]

    def points_of(self, family: str, setting: str, algorithm: str | None = None) -> list[Point]:
        """Points of a family in one setting, or of one of its algorithms."""
        place = family, setting
        return [p for p in self.points if (p.family, p.setting) == place and algorithm in (None, p.algorithm)]

    def settings_of(self, family: str) -> list[str]:
        """Settings that a family has points in, in the contract's order."""
        found = {point.setting for point in self.points if point.family == family}
        return [setting for setting in SETTINGS if setting in found]

    def list_caveats(self, rows: Sequence[ScoreRow]) -> list[tuple[str, str]]:
        """Title and note of the specifications that have a note and that some of the rows fail."""
        failed = (identify(row, self.specifications) for row in rows if row.verdict == "FAIL")
        specs = [self.specifications[name] for name in dict.fromkeys(failed) if name in self.specifications]
        return [(spec.title, spec.note) for spec in specs if spec.note]

    def view(self, rows: Sequence[ScoreRow]) -> list[RowView]:
        """Return rows as printed."""
        return view_rows(rows, self.specifications, self.pages.algorithms, self.run.several)
