"""Which pages a run gets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from iris_contract.manifest import ManifestRow
from iris_contract.scorecard import Scorecard, ScoreRow
from iris_reports.navigation import plan_pages
from iris_reports.run_files import RunFiles

Row = Callable[..., ScoreRow]


def _plan(rows: list[ScoreRow]) -> RunFiles:
    return RunFiles(Path(), Path("scores"), Scorecard({}, tuple(rows)), (), None, ())


def test_names_that_differ_only_in_punctuation_get_pages_of_their_own(make_row: Row) -> None:
    names = ("a_b", "a-b", "a<b")
    pages = plan_pages(_plan([make_row(metric="m", family="ramp", algorithm=n, verdict="PASS") for n in names]))
    assert len(set(pages.algorithms.values())) == 3
    assert pages.families["ramp"] == "ramp.html"
    assert pages.find("ramp") == "ramp.html"
    assert pages.members("ramp") == sorted(names)


def test_a_family_with_one_algorithm_needs_no_comparison(make_row: Row) -> None:
    pages = plan_pages(_plan([make_row(metric="m", family="dark", algorithm="x", verdict="PASS")]))
    assert pages.families == {}
    assert pages.find("dark") == "dark-x.html"
    assert pages.find("flat") == ""


def test_references_without_metrics_of_their_own_have_pages_among_the_calibrations(make_row: Row) -> None:
    """No row of the scorecard names them: the manifest does."""
    names = {"traps": "two_populations", "saturation_level": "full_well"}
    place = ("truth.fits", {}, "tmt_0001.pmap")
    made = tuple(
        ManifestRow(f"{family}.fits", "0" * 64, "M", 1, "chain", "k", family, name, ("raw.fits",), ("0" * 64,), *place)
        for family, name in names.items()
    )
    pages = plan_pages(replace(_plan([]), manifest=made))
    assert list(pages.algorithms) == [("saturation_level", "full_well"), ("traps", "two_populations")]
    group = next(group for group in pages.nav if group.title == "Calibrations")
    assert [link.text for link in group.links] == ["All calibrations", "Saturation levels", "Persistence traps"]


def test_the_simulator_has_its_fixed_page(make_row: Row) -> None:
    pages = plan_pages(_plan([make_row(metric="m", family="simulator", algorithm="x", verdict="PASS")]))
    assert not pages.algorithms
