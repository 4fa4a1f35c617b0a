"""Drawings: well-formed, escaped, in both colour schemes, with round ticks; and without a plotting library."""

from __future__ import annotations

import subprocess
import sys
from xml.etree import ElementTree

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from iris_reports.figures import FAINT, LINES, Drawing, Panel, Scale, choose_ticks

SVG = "{http://www.w3.org/2000/svg}"


def _panel(y: Scale | None = None) -> Panel:
    return Panel(Drawing(100, 60), Scale(0, 10), y or Scale(0, 1), left=20, right=90, top=10, bottom=50)


def test_text_is_escaped_and_colours_follow_the_screen() -> None:
    panel = _panel()
    panel.frame(([0, 10], ["<b>", "\"&'"]), ([0, 1], ["0", "1"]), "x < 1", "</svg><script>")
    for colour in range(LINES):
        panel.points([(5, 0.5, 0.2, 0.7)], colour)
    svg = panel.drawing.render()
    tree = ElementTree.fromstring(svg)
    assert [text.text for text in tree.iter(f"{SVG}text")][:2] == ["<b>", "\"&'"]
    assert not list(tree.iter(f"{SVG}script"))
    assert "prefers-color-scheme: dark" in svg
    assert panel.drawing.render() == svg


def test_what_lies_outside_stands_at_the_edge_with_an_open_end() -> None:
    panel = _panel()
    panel.points([(5, 0.5, -7.0, 0.75)], 0)
    bar, cap, _ = panel.drawing.marks
    assert 'd="M55 50L55 20"' in bar
    assert 'd="M52 20H58"' in cap


def test_places() -> None:
    panel = _panel(Scale(1, 1000, log=True))
    assert panel.at(5, 10) == pytest.approx((55, 50 - 40 / 3))
    assert panel.at(5, -3) == panel.at(5, 1)


def test_a_level_is_dashed() -> None:
    panel = _panel()
    panel.line([(0, 0.5), (10, 0.5)], FAINT, dashed=True)
    assert "stroke-dasharray" in panel.drawing.render()


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0.97, 1.03, ["0.97", "0.98", "0.99", "1.00", "1.01", "1.02", "1.03"]),
        (-0.2, 0.23, ["−0.2", "−0.1", "0.0", "0.1", "0.2"]),
        (0, 1.4e-6, ["0", "0.25×10⁻⁶", "0.50×10⁻⁶", "0.75×10⁻⁶", "1.00×10⁻⁶", "1.25×10⁻⁶"]),
        (9e-5, 1.61e-4, ["1.0×10⁻⁴", "1.2×10⁻⁴", "1.4×10⁻⁴", "1.6×10⁻⁴"]),
        (-3e-5, 2e-5, ["−3×10⁻⁵", "−2×10⁻⁵", "−1×10⁻⁵", "0", "1×10⁻⁵", "2×10⁻⁵"]),
        (0, 24000, ["0", "5000", "10000", "15000", "20000"]),
    ],
)
def test_ticks_are_round(low: float, high: float, labels: list[str]) -> None:
    assert choose_ticks(low, high)[1] == labels


@given(st.floats(-1e6, 1e6), st.floats(1e-9, 1e6))
def test_ticks_lie_inside(low: float, size: float) -> None:
    high = low + size
    assume(high > low + abs(low) * 1e-9)
    places, labels = choose_ticks(low, high)
    assert 2 <= len(places) <= 7
    assert len(labels) == len(places)
    assert all(low - 1e-6 * size <= place <= high + 1e-6 * size for place in places)


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0.7, 1800, ["1", "3", "10", "30", "100", "300", "1000"]),
        (0.7, 60, ["1", "2", "5", "10", "20", "50"]),
        (1e-3, 1e9, ["0.001", "0.1", "10", "1000", "1×10⁵", "1×10⁷", "1×10⁹"]),
    ],
)
def test_ticks_of_logarithmic_scales(low: float, high: float, labels: list[str]) -> None:
    assert choose_ticks(low, high, log=True)[1] == labels


def test_no_plotting_library_is_loaded() -> None:
    """One took two thirds of the time that a report takes."""
    code = "import sys, iris_reports; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
