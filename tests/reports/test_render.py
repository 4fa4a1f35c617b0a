"""The whole report: complete, escaped, linked, small, and the same every time."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from iris_contract.atomic import write_json
from iris_contract.errors import InputError, RunDirectoryError
from iris_contract.manifest import read_manifest, write_manifest
from iris_contract.scorecard import Scorecard, ScoreRow, write_scorecard
from iris_reports import render_report
from iris_reports.catalogue import load_anchors

Row = Callable[..., ScoreRow]
VOID = {"meta", "link", "img", "input", "br", "hr", "col"}


class Page(HTMLParser):
    """Collects tags and text of a page and checks that tags are closed in order."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path, self.stack = path, list[str]()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(path.read_text("utf-8"))
        self.close()
        assert not self.stack, f"{path.name}: {self.stack} not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of a tag."""
        self.tags.append((tag, {k: v or "" for k, v in attrs}))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Check that it closes the last one."""
        assert self.stack.pop() == tag, f"{self.path.name}: </{tag}> closes another tag"

    def handle_data(self, data: str) -> None:
        """Take note of text."""
        self.text += data

    def all(self, tag: str) -> list[dict[str, str]]:
        """Attributes of every such tag."""
        return [attrs for name, attrs in self.tags if name == tag]


def _pages(run: Path) -> list[Page]:
    return [Page(path) for path in sorted((run / "report").glob("*.html"))]


def _hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_every_page_is_there(shared_run: Path) -> None:
    names = {path.name for path in (shared_run / "report").glob("*.html")}
    assert names >= {
        "index.html", "requirements.html", "verdicts.html", "calibrations.html", "simulator.html", "controls.html",
        "provenance.html", "ramp.html", "jump.html", "ramp-cds.html", "ramp-gls.html", "ramp-mcds.html",
        "ramp-ols.html", "image-gls.html", "dark-ramp-mean.html", "flat-lamp-on-off.html",
        "gain-photon-transfer.html", "read-noise-differences.html", "bad-pixel-class-limits.html",
    }  # fmt: skip


def test_nothing_of_a_file_becomes_markup(shared_run: Path) -> None:
    for page in _pages(shared_run):
        scripts = page.all("script")
        assert [script["src"] for script in scripts] == ["assets/report.js"], page.path.name
        assert not [tag for tag, attrs in page.tags if any(name.startswith("on") for name in attrs)], page.path.name
        assert "<script>alert('x')</script>" in page.text, "the scenario's name is shown as it is"
        assert not [attrs for attrs in page.all("img") if attrs["src"] == "x"]


def test_links_lead_to_files_and_anchors_that_exist(shared_run: Path) -> None:
    anchors = {page.path.name: {attrs.get("id") for _, attrs in page.tags} for page in _pages(shared_run)}
    for page in _pages(shared_run):
        for tag, name in (("a", "href"), ("img", "src"), ("link", "href"), ("script", "src")):
            for attrs in page.all(tag):
                target, _, anchor = attrs[name].partition("#")
                assert ":" not in target, f"{page.path.name} leads outside: {target}"
                path = (page.path.parent / target).resolve() if target else page.path
                assert path.is_file(), f"{page.path.name}: {target} is missing"
                assert path.is_relative_to(shared_run.resolve())
                assert not anchor or anchor in anchors[path.name], f"{page.path.name}: no #{anchor} in {path.name}"


def test_pages_are_accessible(shared_run: Path) -> None:
    for page in _pages(shared_run):
        names = [tag for tag, _ in page.tags]
        assert names.count("h1") == 1
        assert names.count("table") == names.count("caption")
        assert all("scope" in attrs for attrs in page.all("th"))
        assert all(len(attrs["alt"]) > 10 for attrs in page.all("img"))
        assert page.all("html") == [{"lang": "en"}]
        ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
        assert len(ids) == len(set(ids)), page.path.name
        labels = [attrs["aria-labelledby"] for _, attrs in page.tags if "aria-labelledby" in attrs]
        assert set(labels) <= set(ids), page.path.name


def test_verdicts_are_words(shared_run: Path) -> None:
    text = Page(shared_run / "report" / "verdicts.html").text
    for word in ("PASS", "FAIL", "INCONCLUSIVE", "NOT MEASURED", "NOT APPLICABLE", "ERROR"):
        assert word in text


def test_the_overview_is_small(shared_run: Path) -> None:
    page = Page(shared_run / "report" / "index.html")
    files = {attrs["src"] for attrs in page.all("img")} | {"assets/report.css", "assets/report.js", "index.html"}
    assert sum((shared_run / "report" / name).stat().st_size for name in files) < 2_000_000


def test_the_overview_says_who_leads(shared_run: Path) -> None:
    text = " ".join(Page(shared_run / "report" / "index.html").text.split())
    assert "GLS ranks first of 4 algorithms" in text
    assert "2 of 3 controls held" in text


def test_the_simulator_page_says_what_is_not_measured(shared_run: Path) -> None:
    text = " ".join(Page(shared_run / "report" / "simulator.html").text.split())
    assert "Not compared in this run" in text
    assert text.count("not compared") == len(load_anchors())
    assert "NOT MEASURED" not in text, "that is a verdict, and no verdict was due"


def test_every_calibration_has_a_table(shared_run: Path) -> None:
    text = Page(shared_run / "report" / "calibrations.html").text
    for title in ("Dark current", "Relative response", "Gain", "Read noise", "Bad pixels"):
        assert f"{title}: figures; of those by detector output, the one nearest to its limit" in text


def test_the_overview_says_who_looks_for_no_jumps(shared_run: Path) -> None:
    text = Page(shared_run / "report" / "index.html").text
    assert text.count("CDS, MCDS and OLS look for no jumps") == 2  # where verdicts are counted, and above the matrix


def test_the_bound_has_one_spelling(shared_run: Path) -> None:
    assert not [page.path.name for page in _pages(shared_run) if "Cramer" in page.path.read_text("utf-8")]


def test_numbers_behind_the_plots_are_downloads(shared_run: Path) -> None:
    for page in _pages(shared_run):
        plots = [a for a in page.all("img") if a["src"].endswith(".svg")]
        downloads = {a["href"] for a in page.all("a") if "download" in a}
        assert {a["src"].replace("figures/", "data/").replace(".svg", ".csv") for a in plots} <= downloads


def test_the_same_bytes_from_another_process(shared_run: Path, tmp_path: Path) -> None:
    """Other hash seed, other directory, other time zone."""
    before = _hashes(shared_run / "report")
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Pacific/Auckland"}
    code = "import sys, pathlib, iris_reports; print(iris_reports.render_report(pathlib.Path(sys.argv[1])))"
    command = [sys.executable, "-c", code, str(shared_run)]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()) == shared_run.resolve() / "report" / "index.html"
    assert _hashes(shared_run / "report") == before


def test_only_provenance_depends_on_the_files_that_differ_between_executions(
    build_run: Callable[..., Path], make_row: Row
) -> None:
    run = build_run()
    (run / "manifest.json").unlink()
    write_scorecard(
        run / "scores" / "scorecard.json",
        Scorecard({"scenario": "s"}, (make_row(metric="dark.chi2", family="dark", verdict="PASS"),)),
    )
    (run / "scores" / "samples.parquet").unlink()
    render_report(run)
    before = _hashes(run / "report")
    (run / "provenance.json").unlink()
    (run / "timings.json").unlink()
    render_report(run)
    after = _hashes(run / "report")
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    assert changed == {"provenance.html", "figures/timings.svg", "data/timings.csv"}


def test_a_bare_scorecard_is_enough(tmp_path: Path) -> None:
    write_scorecard(tmp_path / "scores" / "scorecard.json", Scorecard({}, ()))
    index = render_report(tmp_path)
    assert index.is_file()
    assert "nothing was judged" in index.read_text("utf-8")
    assert "No controls were run" in (tmp_path / "report" / "controls.html").read_text("utf-8")


def test_a_failed_rendering_leaves_the_old_report(tmp_path: Path) -> None:
    write_scorecard(tmp_path / "scores" / "scorecard.json", Scorecard({}, ()))
    index = render_report(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(InputError):
        render_report(tmp_path)
    assert index.is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manifest.json", "report", "scores"]


def test_an_unwritable_run_is_one_line(tmp_path: Path) -> None:
    write_scorecard(tmp_path / "scores" / "scorecard.json", Scorecard({}, ()))
    (tmp_path / "report").write_text("a file in the way")
    with pytest.raises(RunDirectoryError, match="cannot write the report"):
        render_report(tmp_path)


def test_a_missing_or_broken_product_is_named_and_the_rest_is_shown(build_run: Callable[..., Path]) -> None:
    run = build_run()
    rows = {(row.family, row.algorithm): row for row in read_manifest(run / "manifest.json") if row.night == 1}
    (run / rows["ramp", "cds"].product).unlink()
    (run / rows["flat", "lamp_on_off"].product).write_bytes(b"SIMPLE  = nonsense")
    render_report(run)
    page = Page(run / "report" / "ramp-cds.html")
    assert f"{rows['ramp', 'cds'].product}: no such file" in page.text
    assert str(run) not in page.text, "where the run lies is nobody's business"
    assert not [image for image in page.all("img") if "residual" in image["src"]]
    assert "Not shown" in Page(run / "report" / "flat-lamp-on-off.html").text
    others = Page(run / "report" / "ramp-gls.html")
    assert "Not shown" not in others.text
    assert [image for image in others.all("img") if "residual" in image["src"]]


def test_absent_parts_are_named(build_run: Callable[..., Path]) -> None:
    run = build_run()
    for name in ("scores/samples.parquet", "scores/controls.json", "manifest.json", "provenance.json", "timings.json"):
        (run / name).unlink()
    report = render_report(run).parent
    text = Page(report / "index.html").text
    for words in ("no samples", "no list of products", "controls were not run"):
        assert words in text
    assert "lists no product of this algorithm" in Page(report / "ramp-gls.html").text
    assert "No provenance.json" in Page(report / "provenance.html").text


def test_one_family_only(tmp_path: Path, make_row: Row) -> None:
    write_scorecard(
        tmp_path / "scores" / "scorecard.json",
        Scorecard({"scenario": "s"}, (make_row(metric="ramp.bias", family="ramp", algorithm="gls", verdict="PASS"),)),
    )
    report = render_report(tmp_path).parent
    assert "Ramp fitting: the one judgement passes" in Page(report / "index.html").text
    assert "made no calibrations" in Page(report / "calibrations.html").text


def test_a_foreign_score_gets_a_report_of_its_own(build_run: Callable[..., Path], make_row: Row) -> None:
    run = build_run()
    (ours,) = (r for r in read_manifest(run / "manifest.json") if (r.family, r.algorithm) == ("ramp", "cds"))
    manifest = run / "theirs.json"
    write_manifest(manifest, [replace(ours, algorithm="their_fit")])
    scores = run / "scores" / "theirs"
    row = make_row(metric="ramp.bias", family="ramp", algorithm="their_fit", verdict="PASS", artifacts=(ours.product,))
    write_scorecard(scores / "scorecard.json", Scorecard({"scenario": "s", "nights": 1}, (row,)))
    index = render_report(run, scores, manifest)
    assert index == scores.resolve() / "report" / "index.html"
    assert not (run / "report").exists()
    assert "reduced by another pipeline" in Page(index).text
    page = Page(index.parent / "ramp-their-fit.html")
    assert [image for image in page.all("img") if "residual" in image["src"]]
    links = [attrs["href"] for attrs in page.all("a") if attrs["href"].endswith(".fits")]
    assert links
    assert all((page.path.parent / link).resolve().is_file() for link in links)
    scorecard = [a["href"] for a in Page(index.parent / "verdicts.html").all("a") if "scorecard" in a["href"]]
    assert [(index.parent / link).resolve() for link in scorecard] == [(scores / "scorecard.json").resolve()]


def test_headings_come_in_order(shared_run: Path) -> None:
    for page in _pages(shared_run):
        levels = [int(tag[1]) for tag, _ in page.tags if tag in ("h1", "h2", "h3", "h4")]
        assert levels[0] == 1, page.path.name
        assert all(after <= before + 1 for before, after in pairwise(levels)), page.path.name


def test_the_total_says_whether_the_report_is_in_it(build_run: Callable[..., Path]) -> None:
    run = build_run()
    render_report(run)
    assert "s in all, without this report." in Page(run / "report" / "provenance.html").text
    timings = json.loads((run / "timings.json").read_text())
    timings["stages"].append({"stage": "report", "seconds": 7.0, "tasks": 1})
    (run / "timings.json").write_text(json.dumps(timings))
    render_report(run)
    assert "s in all." in Page(run / "report" / "provenance.html").text


def test_every_row_says_how_to_make_it_again(shared_run: Path) -> None:
    page = Page(shared_run / "report" / "ramp-gls.html")
    assert page.text.count("iris-testbed run quick --seed 20350110") > 10


def test_curves_say_what_is_not_judged_and_why(shared_run: Path) -> None:
    text = " ".join(Page(shared_run / "report" / "ramp-gls.html").text.split())
    assert "Shown but not judged: rate 50 e⁻/s, rate 200 e⁻/s and rate 500 e⁻/s: the measured gain" in text


NASTY = "\"><img src=x onerror=alert(1)> onload='alert(2)' ../../"


def test_names_are_text_in_attributes_file_names_and_drawings(build_run: Callable[..., Path], make_row: Row) -> None:
    """Scenario, title, algorithm, condition, reason, unit, exposure, references and controls, all with markup."""
    run = build_run(scenario=NASTY)
    rows = tuple(
        make_row(metric="ramp.bias", family="ramp", algorithm=NASTY, setting="alone", condition=condition, value=1.0,
                 low=0.5, high=1.5, unit=NASTY, verdict="PASS", reason=NASTY, requirement=NASTY,
                 provenance="engineering", reproduce=NASTY, seeds=NASTY, context=NASTY, detector=NASTY, method=NASTY,
                 artifacts=(NASTY,))
        for condition in (f"class={NASTY}", f"class=2{NASTY}")
    )  # fmt: skip
    header = {"scenario": NASTY, "title": NASTY, "nights": 4, NASTY: NASTY}
    spec = dict.fromkeys(("title", "limits", "provenance", "document", "metric", "note"), NASTY)
    scorecard = Scorecard({**header, "specifications": {NASTY: spec}, "outside": [NASTY]}, rows)
    write_scorecard(run / "scores" / "scorecard.json", scorecard)
    products = [r for r in read_manifest(run / "manifest.json") if (r.family, r.algorithm) == ("ramp", "gls")]
    named = [replace(r, algorithm=NASTY, exposure=NASTY, references={NASTY: NASTY}, context=NASTY) for r in products]
    write_manifest(run / "manifest.json", named)
    control = {"name": NASTY, "fault": NASTY, "specification": NASTY, "condition": NASTY, "unmoved": [NASTY]}
    control |= {"twin_verdict": NASTY, "broken_verdict": NASTY, "twin_value": NASTY, "reason": NASTY}
    write_json(run / "scores" / "controls.json", {"schema": "iris-testbed/controls/1", "controls": [control]})
    stages = [{"stage": NASTY, "seconds": 1.0, "tasks": NASTY}]
    write_json(run / "timings.json", {"schema": "iris-testbed/timings/1", "stages": stages, "total": 1.0})
    provenance = {"scenario": NASTY, "command": NASTY, "versions": {NASTY: NASTY}, "contexts": {NASTY: NASTY}}
    write_json(run / "provenance.json", {"schema": "iris-testbed/provenance/1", **provenance})
    report = render_report(run).parent
    for page in _pages(run):
        assert "onerror=alert(1)" in page.text, page.path.name
        assert not [attrs for attrs in page.all("img") if attrs["src"] == "x"], page.path.name
        assert not [tag for tag, attrs in page.tags if any(n.startswith("on") for n in attrs)], page.path.name
    drawings = list(report.rglob("*.svg"))
    assert len(drawings) > 3
    for path in drawings:
        ElementTree.parse(path)
    assert all(re.fullmatch(r"[a-z0-9-]+(\.[a-z]+)?", path.name) for path in report.rglob("*"))
    assert [path.name for path in run.parent.iterdir()] == [run.name]


def test_a_control_with_too_few_nights_is_undecided(build_run: Callable[..., Path]) -> None:
    run = build_run()
    path = run / "scores" / "controls.json"
    content = json.loads(path.read_text())
    content["controls"][2] |= {"outcome": "undecided", "reason": "two nights give no interval"}
    path.write_text(json.dumps(content))
    page = (render_report(run).parent / "controls.html").read_text()
    assert page.count("UNDECIDED") == 1
    assert "NOT HELD" not in page
