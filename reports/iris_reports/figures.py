"""Matplotlib figures that come out byte for byte the same, and that follow a light or a dark page.

Figures are drawn in named colours of the light theme and written as SVG with text as text. The
colours then become CSS variables with the light colour as fallback, and a style sheet inside the
SVG sets them for dark screens. Neither a date nor a random identifier gets in.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import matplotlib
import matplotlib.style
from matplotlib.axis import Axis
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

__all__ = ["ALLOWED", "FAINT", "GOAL", "INK", "LINES", "MARKERS", "mark_places", "new_figure", "to_svg"]

INK, FAINT, ALLOWED, GOAL = "#1d2733", "#8a94a0", "#e3eef9", "#c6e2cd"
LINES: tuple[str, ...] = ("#0b62b0", "#c8501e", "#0a8065", "#9a4fa8", "#8a6d00", "#5b6673")
MARKERS: tuple[str, ...] = ("o", "s", "^", "D", "v", "P")
_DARK = {
    INK: "#e4e8ec",
    FAINT: "#7f8a96",
    ALLOWED: "#1d3145",
    GOAL: "#234a35",
    **dict(zip(LINES, ("#63acf2", "#f28b5c", "#4fc7a6", "#cf8fdb", "#d9b640", "#a9b3bd"), strict=True)),
}
_NAMES = {colour: f"--c{number}" for number, colour in enumerate(_DARK)}
_STYLE = {
    "axes.edgecolor": FAINT,
    "axes.facecolor": "none",
    "axes.grid": False,
    "axes.labelcolor": INK,
    "axes.labelsize": 10,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10.5,
    "axes.formatter.limits": (-9, 9),
    "axes.formatter.useoffset": False,
    "axes.unicode_minus": True,
    "text.parse_math": False,
    "figure.facecolor": "none",
    "font.size": 9.5,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "legend.handlelength": 1.4,
    "svg.fonttype": "none",
    "svg.hashsalt": "iris-testbed",
    "text.color": INK,
    "xtick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.color": FAINT,
    "ytick.labelcolor": INK,
}


@contextmanager
def new_figure(width: float = 5.4, height: float = 3.1, left: float = 0.95) -> Iterator[Figure]:
    """Yield a figure of `width` x `height` inches in the report's style, whatever the user's own is.

    Margins are fixed (`left` in inches): measuring every label to find them takes ten times as long.
    """
    with matplotlib.style.context(["default", _STYLE]):
        figure = Figure(figsize=(width, height))
        figure.subplots_adjust(
            left=left / width, right=1 - 0.15 / width, bottom=0.55 / height, top=1 - 0.32 / height, wspace=0.25
        )
        FigureCanvasSVG(figure)
        yield figure


def mark_places(axis: Axis, places: Sequence[float], labels: Sequence[str]) -> None:
    """Set ticks at `places` with plain `labels` and nowhere else."""
    axis.set_major_locator(FixedLocator(places))
    axis.set_major_formatter(FixedFormatter(labels))
    axis.set_minor_locator(NullLocator())


def to_svg(figure: Figure) -> str:
    """Return the figure as SVG text; call inside `new_figure`."""
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    return _theme(stream.getvalue())


def _theme(svg: str) -> str:
    svg = re.sub(r"#[0-9a-f]{6}", lambda m: f"var({_NAMES[m[0]]}, {m[0]})" if m[0] in _NAMES else m[0], svg)
    svg = re.sub(r"'DejaVu Sans'[^;\"]*", "system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif", svg)
    dark = "; ".join(f"{_NAMES[light]}: {colour}" for light, colour in _DARK.items())
    style = f"<style>@media screen and (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}</style>"
    head, found, tail = svg.partition("<defs>")
    return f"{head}{style}{found}{tail}"
