"""Figures that come out the same whatever the user's own matplotlib settings and the clock say."""

from __future__ import annotations

import re

import matplotlib

from iris_reports.figures import INK, LINES, new_figure, to_svg


def _draw() -> str:
    with new_figure() as figure:
        axes = figure.add_subplot()
        axes.plot([0, 1], [1, 2], color=LINES[0], marker="o", label="$not math$ <b>")
        axes.legend()
        return to_svg(figure)


def test_same_bytes_whatever_the_settings() -> None:
    first = _draw()
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "svg.hashsalt": "other"}):
        assert _draw() == first


def test_colours_follow_the_page_and_text_stays_text() -> None:
    svg = _draw()
    assert f"var(--c0, {INK})" in svg
    assert "prefers-color-scheme: dark" in svg
    assert "$not math$ &lt;b&gt;" in svg
    assert not re.search(r"<dc:date>|DejaVu Sans'(?!, sans-serif)", svg)


def test_settings_are_given_back() -> None:
    before = dict(matplotlib.rcParams)
    _draw()
    assert dict(matplotlib.rcParams) == before
