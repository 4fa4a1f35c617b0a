"""Writing pages, tables and links."""

from __future__ import annotations

from pathlib import Path

import pytest

from iris_reports.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site below a run directory with one file."""
    run = tmp_path / "run"
    run.mkdir()
    (run / "a b#.json").write_text("{}")
    return Site(run / "report", run)


def test_links_lead_into_the_run_and_nowhere_else(site: Site) -> None:
    assert site.link_into_run("a b#.json").href == "../a%20b%23.json"
    for name in ("missing", "../../etc/passwd", "/etc/passwd", "nul\0", "report/../.."):
        link = site.link_into_run(name)
        assert (link.href, link.text) == ("", name)


def test_tables_are_plain_csv(site: Site) -> None:
    address = site.write_csv("t", ("a", "b"), [(1.5, float("nan")), (None, 'say "x"')])
    assert (site.root / address).read_text() == 'a,b\n1.5,NaN\n,"say ""x"""\n'


def test_plots_know_their_size(site: Site) -> None:
    plot = site.write_plot("p", '<svg viewBox="0 0 300 150">', "alt", "caption", (("a",), [(1,)]))
    assert (plot.width, plot.height) == (300, 150)
    assert (site.root / plot.csv).exists()
