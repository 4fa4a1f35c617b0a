"""The drawings of docs/lenslet.md: lit field, spectra on the detector and a corner of it, computed from the contract.

Each drawing is SVG text in which nothing is placed by hand but the panels, so the same contract gives the same bytes.
The drawings are committed, for readers of the repository; every build of the documentation writes them anew where
they changed, and a test compares. Not drawn: the width of spectra across dispersion, that they rise, by 2 px at most
in a 5 % filter, and anything as built.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from iris_contract.lenslet import (
    LensletMode,
    find_complete,
    find_ends,
    find_spectrum,
    load_grating_setting,
    load_lattice,
)

__all__ = ["DRAWINGS", "draw_format", "write_drawings"]

DRAWINGS = {
    "lenslet_narrow": LensletMode(4.0, "FINE_MASK", "4000-K", "Kbb"),
    "lenslet_wide": LensletMode(4.0, "SERRATED_WIDE", "4000-K", "KN3"),
    "lenslet_wide_overlap": LensletMode(4.0, "SERRATED_WIDE", "4000-Y", "YN4"),
}
"""Name of each file to the mode that it shows."""

SIZE = 4096
BORDER = 4
CELL = 2.2
"""Side of a lenslet in the drawing of the field."""
DRAWN_ROWS = 8
"""Of so many rows of lenslets one is drawn on the whole detector, or the page would be solid."""
CORNER = (720.0, 44.0)
"""Columns and rows of the detector that the last panel shows."""
COLOURS = {"whole": "#0b62b0", "cut": "#d9622b", "edge": "#9dc3e6", "frame": "#5b6673", "border": "#e3d9c6"}
WIDTH, HEIGHT, TOP = 1010, 420, 52


@dataclass(frozen=True, slots=True)
class Panel:
    """A rectangle of the page, `left`, `width` and `height`, that shows x from `x0` and y, upwards, from `y0`."""

    left: float
    width: float
    height: float
    x0: float
    y0: float
    x1: float
    y1: float

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Page coordinates of a point."""
        across, up = (x - self.x0) / (self.x1 - self.x0), (y - self.y0) / (self.y1 - self.y0)
        return self.left + self.width * across, TOP + self.height * (1 - up)

    def draw_box(self, x0: float, y0: float, x1: float, y1: float) -> str:
        """Path of a rectangle, cut off at the panel; empty where nothing of it is inside."""
        x0, x1, y0, y1 = max(x0, self.x0), min(x1, self.x1), max(y0, self.y0), min(y1, self.y1)
        if x1 <= x0 or y1 <= y0:
            return ""
        (left, bottom), (right, top) = self.place(x0, y0), self.place(x1, y1)
        return f"M{_print(left)} {_print(top)}h{_print(right - left)}v{_print(bottom - top)}h{_print(left - right)}z"


def _print(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _fill(paths: Iterable[str], colour: str, more: str = "") -> str:
    return f'<path fill="{COLOURS[colour]}"{more} d="{"".join(paths)}"/>'


def _write(x: float, y: float, text: str, more: str = "") -> str:
    return f'<text x="{_print(x)}" y="{_print(y)}"{more}>{text}</text>'


def _frame(panel: Panel, title: str, ticks: Iterable[float]) -> Iterator[str]:
    """Outline, title and labelled columns below."""
    box = panel.draw_box(panel.x0, panel.y0, panel.x1, panel.y1)
    yield f'<path fill="none" stroke="{COLOURS["frame"]}" d="{box}"/>'
    yield _write(panel.left, TOP - 10, title)
    for tick in ticks:
        x, y = panel.place(tick, panel.y0)
        yield f'<path stroke="{COLOURS["frame"]}" d="M{_print(x)} {_print(y)}v4"/>'
        yield _write(x, y + 17, f"{tick:g}", ' text-anchor="middle"')


def _find_runs(row: np.ndarray, column: np.ndarray) -> Iterator[tuple[int, int, int]]:
    """Row, first and last column of each run of neighbours, of lenslets sorted by row, then column."""
    starts = np.flatnonzero((np.diff(row, prepend=-1) != 0) | (np.diff(column, prepend=-1) != 1))
    for start, stop in zip(starts, [*starts[1:], len(row)], strict=True):
        yield row[start], column[start], column[stop - 1]


def _draw_field(mode: LensletMode) -> Iterator[str]:
    """Lit lenslets by bounding column and row; each row is a few runs."""
    lattice, complete = load_lattice(mode.mask), find_complete(mode)
    rows, columns = lattice.shape
    panel = Panel(20, CELL * columns, CELL * rows, -0.5, -0.5, columns - 0.5, rows - 0.5)
    for colour, chosen in (("whole", complete), ("cut", ~complete)):
        runs = _find_runs(lattice.row[chosen], lattice.column[chosen])
        yield _fill((panel.draw_box(a - 0.5, row - 0.5, b + 0.5, row + 0.5) for row, a, b in runs), colour)
    yield from _frame(panel, f"Field, {columns} x {rows} lenslets", (0, columns - 1))


def _find_spectra(mode: LensletMode) -> tuple[np.ndarray, ...]:
    """First and last column of each spectrum, to half and to 1e-3 transmission, its row, and whether it is complete."""
    x, y = find_ends(mode)
    faint, _ = find_ends(mode, 1e-3)
    return *x.T, *faint.T, y.mean(axis=1), find_complete(mode)


def _draw_border(panel: Panel) -> str:
    """The reference pixels within a panel."""
    end = SIZE - 0.5
    sides = (
        (-0.5, -0.5, BORDER - 0.5, end),
        (end - BORDER, -0.5, end, end),
        (-0.5, -0.5, end, BORDER - 0.5),
        (-0.5, end - BORDER, end, end),
    )
    return _fill((panel.draw_box(*side) for side in sides), "border")


def _draw_detector(mode: LensletMode) -> Iterator[str]:
    first, last, _, _, y, complete = _find_spectra(mode)
    panel = Panel(310, 300, 300, -0.5, -0.5, SIZE - 0.5, SIZE - 0.5)
    yield _draw_border(panel)
    drawn = load_lattice(mode.mask).row % DRAWN_ROWS == 0
    for colour, chosen in (("whole", drawn & complete), ("cut", drawn & ~complete)):
        spectra = zip(first[chosen], y[chosen], last[chosen], strict=True)
        yield _fill((panel.draw_box(a, b - 3, c, b + 3) for a, b, c in spectra), colour)
    yield from _frame(panel, f"Detector, every {DRAWN_ROWS}th row of lenslets", (0, 1024, 2048, 3072, 4095))


def _draw_corner(mode: LensletMode) -> Iterator[str]:
    """The lower left of the spectra, rows stretched: each step along a row of lenslets is 2 px up."""
    first, last, dim, end, y, complete = _find_spectra(mode)
    left, bottom = np.floor(first.min() / 10) * 10, -8.5
    panel = Panel(650, 340, 300, left, bottom, left + CORNER[0], bottom + CORNER[1])
    yield _draw_border(panel)
    near = (y < panel.y1 + 1) & (dim < panel.x1)
    faint = zip(dim[near], y[near], end[near], strict=True)
    yield _fill((panel.draw_box(a, b - 0.2, c, b + 0.2) for a, b, c in faint), "edge")
    for colour, chosen in (("whole", near & complete), ("cut", near & ~complete)):
        spectra = zip(first[chosen], y[chosen], last[chosen], strict=True)
        boxes = (panel.draw_box(a, b - 0.6, c, b + 0.6) for a, b, c in spectra)
        yield _fill(boxes, colour, ' stroke="#fff" stroke-width=".7"')  # white ends tell neighbours on a line apart
    ticks = np.arange(np.ceil(left / 200) * 200, panel.x1, 200)
    yield from _frame(panel, f"Its lower edge, rows {bottom + 0.5:g} to {panel.y1 - 0.5:g}", ticks)


def draw_format(mode: LensletMode) -> str:
    """Return the drawing of a mode as SVG text."""
    complete = find_complete(mode)
    title = f"{mode.mask}, {mode.grating}, {mode.filter}: {len(complete)} lit, {complete.sum()} complete"
    (low, high), (first, last) = find_spectrum(mode), find_ends(mode)[0].T
    step = 514 * load_grating_setting(mode.grating).anamorphism
    text = f"Spectra {(last - first).min():.0f} to {(last - first).max():.0f} px long"
    text += f"; in the middle {low:+.0f} to {high:+.0f} px, and on one line one every {step:.0f} px"
    legend = (
        ("whole", "complete"),
        ("cut", "not complete"),
        ("edge", "to 0.001 transmission"),
        ("border", "reference"),
    )
    key = []
    for place, (colour, word) in zip((310, 400, 510, 680), legend, strict=True):
        key.append(f'<path fill="{COLOURS[colour]}" d="M{place} {HEIGHT - 27}h14v9h-14z"/>')
        key.append(_write(place + 19, HEIGHT - 18, word))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{title}</title><desc>{text}</desc>",
        "<style>text{font:12px system-ui,'DejaVu Sans',sans-serif;fill:#1d2733}</style>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        _write(20, 18, f"{title}. {text}."),
        *_draw_field(mode),
        *_draw_detector(mode),
        *_draw_corner(mode),
        *key,
        "</svg>\n",
    ]
    return "\n".join(parts)


def write_drawings(folder: Path) -> None:
    """Write every drawing to `folder`, and only where it changed."""
    for name, mode in DRAWINGS.items():
        path, text = folder / f"{name}.svg", draw_format(mode)
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")


if __name__ == "__main__":
    write_drawings(Path(__file__).parent / "images")
