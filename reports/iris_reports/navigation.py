"""Which pages a run gets, and the navigation that joins them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from iris_contract.scorecard import FAMILIES
from iris_reports.catalogue import CALIBRATION_FAMILIES, describe_family
from iris_reports.run_files import RunFiles
from iris_reports.site import Link, NavGroup
from iris_reports.wording import humanize, make_slug

__all__ = ["PageMap", "plan_pages"]

_UNPAGED = ("simulator",)  # has a page of its own


@dataclass(frozen=True, slots=True)
class PageMap:
    """Page of every (family, algorithm), of every family with several algorithms, and the navigation."""

    algorithms: Mapping[tuple[str, str], str]
    families: Mapping[str, str]
    nav: tuple[NavGroup, ...]

    def members(self, family: str) -> list[str]:
        """Algorithms of a family, in the order of their pages."""
        return [algorithm for name, algorithm in self.algorithms if name == family]

    def find(self, family: str) -> str:
        """Page that stands for a family: its comparison, or its only algorithm's page."""
        return self.families.get(family) or next((p for (f, _), p in self.algorithms.items() if f == family), "")


def plan_pages(run: RunFiles) -> PageMap:
    """Return the pages for what the scorecard and the manifest name."""
    named = {(row.family, row.algorithm) for row in run.scorecard.rows if row.algorithm}
    named |= {(row.family, row.algorithm) for row in run.manifest}
    paged = [family for family in dict.fromkeys((*FAMILIES, *CALIBRATION_FAMILIES)) if family not in _UNPAGED]
    pairs = sorted((p for p in named if p[0] in paged), key=lambda p: (paged.index(p[0]), p[1]))
    taken: set[str] = set()
    algorithms = {pair: _unique(make_slug(*pair), taken) for pair in pairs}
    counts = {family: sum(f == family for f, _ in pairs) for family, _ in pairs}
    families = {family: _unique(make_slug(family), taken) for family, n in counts.items() if n > 1}
    return PageMap(algorithms, families, _navigate(algorithms, families))


def _unique(slug: str, taken: set[str]) -> str:
    """Different names can have the same letters and digits: the later one gets a number."""
    name, number = slug, 1
    while name in taken:
        number += 1
        name = f"{slug}-{number}"
    taken.add(name)
    return f"{name}.html"


def _navigate(algorithms: Mapping[tuple[str, str], str], families: Mapping[str, str]) -> tuple[NavGroup, ...]:
    groups = [
        NavGroup(
            "Results",
            (
                Link("index.html", "Overview"),
                Link("requirements.html", "Requirements"),
                Link("verdicts.html", "Every verdict"),
            ),
        )
    ]
    order = list(dict.fromkeys(family for family, _ in algorithms))
    for family in (f for f in order if f not in CALIBRATION_FAMILIES):
        links = [Link(families[family], "Comparison")] if family in families else []
        links += [Link(page, humanize(name)) for (f, name), page in algorithms.items() if f == family]
        groups.append(NavGroup(describe_family(family).title, tuple(links)))
    calibrations = [family for family in CALIBRATION_FAMILIES if family in order]
    if calibrations:
        links = [Link("calibrations.html", "All calibrations")]
        for family in calibrations:
            title = describe_family(family).title
            own = [(name, page) for (f, name), page in algorithms.items() if f == family]
            links += [Link(page, title if len(own) == 1 else f"{title}: {humanize(name)}") for name, page in own]
        groups.append(NavGroup("Calibrations", tuple(links)))
    trust = (
        Link("simulator.html", "How real is the simulator"),
        Link("controls.html", "Fault-injection controls"),
        Link("provenance.html", "Provenance"),
    )
    return (*groups, NavGroup("Can I trust this", trust))
