"""The whole report: complete, escaped, linked, small, and the same every time."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from iris_contract.errors import InputError, RunDirectoryError
from iris_contract.manifest import ManifestRow, write_manifest
from iris_contract.scorecard import Scorecard, ScoreRow, write_scorecard
from iris_reports import render_report

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
    assert "Not measured yet" in text
    assert text.count("NOT MEASURED") == 6


def test_numbers_behind_the_plots_are_downloads(shared_run: Path) -> None:
    for page in _pages(shared_run):
        plots = [a for a in page.all("img") if a["src"].endswith(".svg")]
        downloads = {a["href"] for a in page.all("a") if "download" in a}
        assert {a["src"].replace("figures/", "data/").replace(".svg", ".csv") for a in plots} <= downloads


def test_the_same_bytes_from_another_process(shared_run: Path, tmp_path: Path) -> None:
    """Other hash seed, other directory, other time zone, other matplotlib settings."""
    before = _hashes(shared_run / "report")
    (tmp_path / "matplotlibrc").write_text("font.size: 25\nsvg.fonttype: path\n")
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Pacific/Auckland", "MATPLOTLIBRC": str(tmp_path)}
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


def test_a_missing_product_is_named(tmp_path: Path) -> None:
    write_scorecard(tmp_path / "scores" / "scorecard.json", Scorecard({}, ()))
    row = ManifestRow(
        "gone.fits", "0" * 64, "DarkModel", 1, "alone", "dark", "dark", "x", ("r",), ("0" * 64,), "truth.fits"
    )
    write_manifest(tmp_path / "manifest.json", [row])
    with pytest.raises(InputError, match=r"truth\.fits.*no such file"):
        render_report(tmp_path)
