"""Line drawings as SVG text: panels with ticks, lines, points with intervals, bars and shaded ranges.

The text is written directly. A general plotting library takes fifty times as long for the same few
marks and is the largest part of the time that a report takes. Text stays text in the reader's own
font, colours are classes that follow a light or a dark screen, and the same figures give the same bytes.
Not modelled: minor ticks, grids, text that is measured (a digit counts as `LETTER` pixels).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

from iris_reports.wording import format_number, format_power

__all__ = ["ALLOWED", "FAINT", "GOAL", "INK", "LINES", "Drawing", "Panel", "Scale", "Ticks", "choose_ticks"]

_LIGHT = ("#0b62b0", "#c8501e", "#0a8065", "#9a4fa8", "#8a6d00", "#5b6673", "#1d2733", "#8a94a0", "#e3eef9", "#c6e2cd")
_DARK = ("#63acf2", "#f28b5c", "#4fc7a6", "#cf8fdb", "#d9b640", "#a9b3bd", "#e4e8ec", "#7f8a96", "#1d3145", "#234a35")
LINES = 6
"""The first so many colours are for lines, each with a marker of its own."""
INK, FAINT, ALLOWED, GOAL = range(LINES, LINES + 4)
LETTER, LINE = 7.0, 15.0
_TICK, _FONT = 5.0, "system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
_MARKERS = (
    "M-3.6 0a3.6 3.6 0 1 0 7.2 0a3.6 3.6 0 1 0 -7.2 0z",
    "M-3.3 -3.3h6.6v6.6h-6.6z",
    "M0 -4.2L4 3.2H-4z",
    "M0 -4.6L4.6 0L0 4.6L-4.6 0z",
    "M0 4.2L4 -3.2H-4z",
    "M-1.5 -4h3v2.5h2.5v3h-2.5v2.5h-3v-2.5h-2.5v-3h2.5z",
)

Ticks = tuple[Sequence[float], Sequence[str]]
"""Places on an axis, in its own units, and their labels."""


def _style() -> str:
    def rules(colours: Sequence[str]) -> str:
        return "".join(f".s{n}{{stroke:{c}}}.f{n}{{fill:{c}}}" for n, c in enumerate(colours))

    dark = f"@media screen and (prefers-color-scheme: dark){{{rules(_DARK)}}}"
    return f"<style>{rules(_LIGHT)}path{{fill:none}}text{{font:12.5px {_FONT}}}{dark}</style>"


def _print(value: float) -> str:
    """A coordinate to a hundredth of a pixel."""
    return f"{value:.2f}".rstrip("0").rstrip(".").replace("-0", "0", int(abs(value) < 0.005))


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps `low`..`high` to 0..1, in logarithms where `log`."""

    low: float
    high: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Return the place of `value`, between 0 and 1: what lies outside stands at the edge."""
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        if self.log:
            value = math.log(value) if value > 0 else low
        return min(max((value - low) / (high - low), 0.0), 1.0)


@dataclass(slots=True)
class Drawing:
    """An SVG of `width` x `height` CSS pixels; marks are added one over the other."""

    width: float
    height: float
    marks: list[str] = field(default_factory=list)

    def text(self, x: float, y: float, words: str, anchor: str = "middle", turn: bool = False) -> None:
        """Write `words` with their baseline at (x, y), or upwards along it."""
        place = f'transform="translate({_print(x)} {_print(y)})' + (' rotate(-90)"' if turn else '"')
        self.marks.append(f'<text class="f{INK}" text-anchor="{anchor}" {place}>{escape(words)}</text>')

    def path(self, data: str, colour: int, width: float = 1.0, dashed: bool = False) -> None:
        """Draw along SVG path `data`."""
        dashes = ' stroke-dasharray="4 3"' if dashed else ""
        self.marks.append(f'<path class="s{colour}" stroke-width="{width:g}"{dashes} d="{data}"/>')

    def fill(self, left: float, top: float, right: float, bottom: float, colour: int, opacity: float = 1.0) -> None:
        """Fill a rectangle."""
        shine = f' fill-opacity="{opacity:g}"' if opacity < 1 else ""
        size = f'width="{_print(right - left)}" height="{_print(bottom - top)}"'
        self.marks.append(f'<rect class="f{colour}"{shine} x="{_print(left)}" y="{_print(top)}" {size}/>')

    def mark(self, x: float, y: float, colour: int) -> None:
        """Draw the marker of a line's colour."""
        place = f"translate({_print(x)} {_print(y)})"
        self.marks.append(f'<path class="f{colour}" transform="{place}" d="{_MARKERS[colour]}"/>')

    def legend(self, x: float, y: float, labels: Iterable[tuple[str, int]]) -> None:
        """Write labels beside their markers in one line."""
        for label, colour in labels:
            self.mark(x, y - 4, colour)
            self.text(x + 9, y, label, "start")
            x += 28 + LETTER * len(label)

    def render(self) -> str:
        """Return the SVG text."""
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width:g} {self.height:g}">'
        return "\n".join([head, _style(), *self.marks, "</svg>\n"])


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of a drawing with its own scales; edges in pixels, values in units of the scales."""

    drawing: Drawing
    x: Scale
    y: Scale
    left: float
    right: float
    top: float
    bottom: float

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return the pixel of a value."""
        across = self.left + self.x(x) * (self.right - self.left)
        return across, self.bottom - self.y(y) * (self.bottom - self.top)

    def shade(self, left: float, right: float, low: float, high: float, colour: int, opacity: float = 1.0) -> None:
        """Fill the rectangle between the values."""
        (x0, y1), (x1, y0) = self.at(left, low), self.at(right, high)
        self.drawing.fill(x0, y0, x1, y1, colour, opacity)

    def line(
        self, points: Sequence[tuple[float, float]], colour: int, width: float = 1.4, dashed: bool = False
    ) -> None:
        """Join the points."""
        places = (" ".join(map(_print, self.at(x, y))) for x, y in points)
        self.drawing.path("M" + "L".join(places), colour, width, dashed)

    def points(self, points: Sequence[tuple[float, float, float, float]], colour: int) -> None:
        """Draw a marker at each (x, value, low, high) and a bar from low to high; ends that do not fit stay open."""
        for x, value, low, high in points:
            across = self.at(x, value)[0]
            self.line([(x, low), (x, high)], colour, 1.5)
            for end in (low, high):
                if low < high and self.y.low <= end <= self.y.high:
                    level = _print(self.at(x, end)[1])
                    self.drawing.path(f"M{_print(across - 3)} {level}H{_print(across + 3)}", colour, 1.5)
            self.drawing.mark(*self.at(x, value), colour)

    def frame(self, x: Ticks, y: Ticks, x_label: str = "", y_label: str = "") -> None:
        """Draw both axes with ticks and labels; a label of the lower axis may have several lines."""
        data = f"M{_print(self.left)} {_print(self.top)}V{_print(self.bottom)}H{_print(self.right)}"
        for place, label in zip(*x, strict=True):
            across = self.at(place, self.y.low)[0]
            data += f"M{_print(across)} {_print(self.bottom)}v{_print(_TICK)}"
            for number, line in enumerate(label.split("\n")):
                self.drawing.text(across, self.bottom + 19 + LINE * number, line)
        for place, label in zip(*y, strict=True):
            up = self.at(self.x.low, place)[1]
            data += f"M{_print(self.left)} {_print(up)}h{_print(-_TICK)}"
            self.drawing.text(self.left - 9, up + 4.5, label, "end")
        self.drawing.path(data, FAINT)
        more = LINE * max((label.count("\n") for label in x[1]), default=0)
        self.drawing.text((self.left + self.right) / 2, self.bottom + 39 + more, x_label)
        if y_label:
            beside = self.left - 20 - LETTER * max(map(len, y[1]), default=0)
            self.drawing.text(beside, (self.top + self.bottom) / 2, y_label, turn=True)


def choose_ticks(low: float, high: float, most: int = 6, log: bool = False) -> Ticks:
    """Return at most `most` + 1 round places from `low` to `high`, labels with equally many decimals.

    Those of tiny and of huge numbers share a power of ten.

    On a logarithmic scale they are 1, 2 and 5 times the powers of ten, or fewer of them.
    """
    if log:
        return _choose_powers(low, high, most)
    size = 10.0 ** math.floor(math.log10((high - low) / most))
    step = next(s for s in (1, 2, 2.5, 5, 10, 20) if s * size * most >= (high - low) * (1 - 1e-9)) * size
    numbers = range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
    places = [number * step for number in numbers]
    largest = max(abs(place) for place in places) if places else 1.0
    power = 0 if 1e-3 <= largest < 1e7 or not largest else math.floor(math.log10(largest) + 1e-9)
    decimals = next((n for n in range(6) if abs(round(step / 10.0**power, n) / step * 10.0**power - 1) < 1e-6), None)
    if decimals is None:
        return places, [format_number(float(f"{place:.6g}")) for place in places]
    tail = f"×10{format_power(power)}" if power else ""
    return places, [_label(place / 10.0**power, decimals, tail) for place in places]


def _label(value: float, decimals: int, tail: str) -> str:
    text = f"{value:.{decimals}f}"
    zero = not float(text)
    return text.lstrip("-") if zero and not tail else "0" if zero else text.replace("-", "−") + tail


def _choose_powers(low: float, high: float, most: int) -> Ticks:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits, every in (((1, 2, 5), 1), ((1, 3), 1), *(((1,), n) for n in range(1, len(powers) + 1))):
        places = [digit * 10.0**power for power in powers[::every] for digit in digits]
        places = [place for place in places if low <= place <= high]
        if len(places) <= most + 1:
            break
    return places, [format_number(place) for place in places]
