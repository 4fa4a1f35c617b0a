"""Render a run directory as static HTML.

The report is written beside its place and renamed into it, so there is always an old one or a new
one. Rendering again gives the same bytes.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from iris_contract.errors import RunDirectoryError
from iris_reports.algorithm_pages import write_algorithm_page, write_calibrations_page, write_family_page
from iris_reports.comparison import Comparer
from iris_reports.context import Report
from iris_reports.gallery import Gallery
from iris_reports.maps import DIVERGING, SEQUENTIAL, encode_ramp
from iris_reports.navigation import plan_pages
from iris_reports.points import collect_points
from iris_reports.ranking import make_leaderboards
from iris_reports.result_pages import write_overview, write_requirements_page, write_verdicts_page
from iris_reports.run_files import RunFiles, load_run
from iris_reports.site import Site
from iris_reports.specifications import read_specifications
from iris_reports.trust_pages import write_controls_page, write_provenance_page, write_simulator_page
from iris_reports.wording import make_slug

__all__ = ["render_report"]


def render_report(run: Path) -> Path:
    """Write the report of a run directory to `run`/report and return its index.html.

    Raises InputError where a file of the run is missing or broken, RunDirectoryError where the
    report cannot be written.
    """
    files = load_run(run)
    target, fresh = files.path / "report", files.path / f".{os.getpid()}.tmp.report"
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        _write(files, fresh)
        shutil.rmtree(target, ignore_errors=True)
        fresh.rename(target)
    except OSError as error:
        raise RunDirectoryError(f"cannot write the report: {error.strerror or error}", file=target) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return target / "index.html"


def _write(files: RunFiles, root: Path) -> None:
    pages = plan_pages(files)
    title = str(files.scorecard.run.get("scenario", files.path.name))
    site = Site(root, files.path, pages.nav, title)
    site.copy_assets()
    for name in (SEQUENTIAL, DIVERGING):
        site.write_png(f"scale-{make_slug(name)}", encode_ramp(name))
    specifications = read_specifications(files.scorecard.run)
    boards = tuple(make_leaderboards(files.samples))
    points = tuple(collect_points(files.samples, files.scorecard.rows, specifications))
    report = Report(files, site, pages, specifications, boards, points, Gallery(site, files, Comparer(files.path)))
    write_overview(report)
    write_requirements_page(report)
    write_verdicts_page(report)
    for family, algorithm in pages.algorithms:
        write_algorithm_page(report, family, algorithm)
    for family in pages.families:
        write_family_page(report, family)
    write_calibrations_page(report)
    write_simulator_page(report)
    write_controls_page(report)
    write_provenance_page(report)
