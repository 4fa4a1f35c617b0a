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


def render_report(run: Path, scores: Path | None = None, manifest: Path | None = None) -> Path:
    """Write the report of a run directory to `run`/report and return its index.html.

    With `scores`, a directory below the run that holds another scorecard (of a foreign pipeline), the report is
    about that and goes to `scores`/report; `manifest` lists the products that were scored. Raises InputError where
    the scorecard is missing or a table is broken, RunDirectoryError where the report cannot be written.
    """
    files = load_run(run, scores, manifest)
    home = files.scores if files.foreign else files.path
    target, fresh = home / "report", home / f".{os.getpid()}.tmp.report"
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        _write(files, fresh, os.path.relpath(files.path, target))
        shutil.rmtree(target, ignore_errors=True)
        fresh.rename(target)
    except OSError as error:
        raise RunDirectoryError(f"cannot write the report: {error.strerror or error}", file=target) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return target / "index.html"


def _write(files: RunFiles, root: Path, way_back: str) -> None:
    pages = plan_pages(files)
    title = str(files.scorecard.run.get("scenario", files.path.name))
    title += f", scores {files.scores.name}" if files.foreign else ""
    site = Site(root, files.path, pages.nav, title, way_back)
    site.copy_assets()
    for name in (SEQUENTIAL, DIVERGING):
        site.write_png(f"scale-{make_slug(name)}", encode_ramp(name))
    specifications = read_specifications(files.scorecard.run)
    boards = tuple(make_leaderboards(files.samples))
    points = tuple(collect_points(files.samples, files.scorecard.rows, specifications))
    stems = {pair: page.removesuffix(".html") for pair, page in pages.algorithms.items()}
    gallery = Gallery(site, files, Comparer(files.path), stems)
    report = Report(files, site, pages, specifications, boards, points, gallery)
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
