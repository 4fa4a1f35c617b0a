"""Pull histogram against N(0,1), per-output plots of a reference, and where a run's seconds went."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from iris_contract.exposure import Subarray
from iris_contract.instrument import Detector
from iris_reports.comparison import Comparison
from iris_reports.figures import FAINT, INK, LETTER, LINES, Drawing, Panel, Scale, Ticks, choose_ticks
from iris_reports.wording import format_number, format_unit, humanize

__all__ = [
    "OutputFigures",
    "PullHistogram",
    "count_pulls",
    "draw_output_figures",
    "draw_pulls",
    "draw_timings",
    "measure_outputs",
    "measure_pulls",
]

EDGES = np.linspace(-6, 6, 61)

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PullHistogram:
    """Counts per bin (60,) of `EDGES`, the number of pulls, those beyond the edges, mean, width; whose they are."""

    counts: Array
    number: int
    beyond: int
    mean: float
    width: float
    noun: str

    @property
    def expected(self) -> Array:
        """Counts per bin (60,) that N(0,1) would give."""
        expected: Array = self.number * np.diff(special.ndtr(EDGES))
        return expected

    @property
    def words(self) -> str:
        """Mean and width beside what is expected, for the caption."""
        mean, width = (format_number(value, 0.01) for value in (self.mean, self.width))
        return f"Mean {mean} (0 expected), width {width} (1 expected), {self.beyond} of {self.number} beyond ±6"

    @property
    def alt(self) -> str:
        """The picture in words."""
        return f"Histogram of pulls of {self.noun} against the normal distribution. {self.words}."

    def table(self) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
        """Head and rows of the numbers behind the picture."""
        rows = zip(EDGES[:-1], EDGES[1:], self.counts, self.expected, strict=True)
        return ("from", "to", "counted", "expected of N(0,1)"), [
            (round(float(a), 3), round(float(b), 3), int(n), float(f"{e:.6g}")) for a, b, n, e in rows
        ]


def measure_pulls(comparison: Comparison) -> PullHistogram | None:
    """Return the histogram of good pixels' pulls, or None where there is none."""
    return count_pulls(comparison.pulls)


def count_pulls(pulls: Array, noun: str = "good pixels") -> PullHistogram | None:
    """Return the histogram of finite pulls (n,) of what `noun` says, or None where there is none."""
    if pulls.size < 2:
        return None
    counts = np.histogram(pulls, EDGES)[0].astype(np.float64)
    beyond = int(np.sum(np.abs(pulls) > 6))
    return PullHistogram(counts, pulls.size, beyond, float(pulls.mean()), float(pulls.std()), noun)


def draw_pulls(histogram: PullHistogram) -> str:
    """Return the histogram as SVG text, once on a linear and once on a logarithmic scale."""
    drawing = Drawing(730, 260)
    step = float(EDGES[1] - EDGES[0])
    x = np.linspace(-6, 6, 121)
    normal = histogram.number * step * np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)
    most = max(float(histogram.counts.max()), float(normal.max()), 1.0)
    for left, scale in ((78.0, Scale(0, 1.06 * most)), (436.0, Scale(0.5, 2 * most, log=True))):
        panel = Panel(drawing, Scale(-6, 6), scale, left, left + 280, top=30, bottom=208)
        for edge, count in zip(EDGES, histogram.counts, strict=False):
            if count:
                panel.shade(float(edge), float(edge) + step, scale.low, float(count), 0, 0.35)
        panel.line([(float(a), float(b)) for a, b in zip(x, normal, strict=True) if b > scale.low], INK)
        up, words = (_powers(most), ", logarithmic scale") if scale.log else (choose_ticks(0, scale.high), "")
        panel.frame(choose_ticks(-6, 6), up, f"Pull{words}", "" if scale.log else "Number")
    drawing.fill(82, 11, 94, 21, 0, 0.35)
    words = f"pulls of {histogram.noun}"
    drawing.text(100, 20, words, "start")
    right = 106 + LETTER * len(words)
    drawing.path(f"M{right:g} 16h14", INK, 1.4)
    drawing.text(right + 20, 20, "N(0,1)", "start")
    return drawing.render()


def _powers(largest: float) -> Ticks:
    """Powers of ten up to `largest` with plain labels."""
    powers = [10.0**n for n in range(max(1, math.ceil(math.log10(max(largest, 10)))))]
    return powers, [f"{power:.0f}" for power in powers]


@dataclass(frozen=True, slots=True)
class OutputFigures:
    """Per output: its number, mean over nights of median product ÷ truth − 1 (or mean difference), t interval."""

    outputs: tuple[int, ...]
    values: Array
    lows: Array
    highs: Array
    truths: Array
    nights: int
    ratio: bool
    unit: str

    @property
    def label(self) -> str:
        """What the figures are."""
        unit = format_unit(self.unit)
        return "Product ÷ truth − 1 (%)" if self.ratio else f"Product − truth{f' ({unit})' if unit else ''}"

    @property
    def alt(self) -> str:
        """The picture in words."""
        points = "; ".join(
            f"output {n}: {format_number(float(v), float(h - v))}"
            for n, v, h in zip(self.outputs, self.values, self.highs, strict=True)
        )
        return f"{self.label} per output, median over its good pixels, mean of {self.nights} nights. {points}."

    def table(self) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
        """Head and rows of the numbers behind the picture."""
        columns = zip(self.outputs, self.truths, self.values, self.lows, self.highs, strict=True)
        head = ("output", "median truth", self.label, "low (95 %)", "high (95 %)")
        return head, [(n, *(float(f"{x:.7g}") for x in rest)) for n, *rest in columns]


def measure_outputs(nights: Sequence[Comparison], region: Subarray, detector: Detector) -> OutputFigures | None:
    """Return the figures per output from one comparison per night, or None where there are no good pixels."""
    numbers = tuple(region.outputs(detector))
    column = region.output_of_column(detector)
    ratio = nights[0].row.family in ("gain", "read_noise", "flat")
    table = np.array([[_median(night, column == number, ratio) for number in numbers] for night in nights])
    truths = np.array([_truth_median(nights[0], column == number) for number in numbers])
    if not np.all(np.isfinite(table)):
        return None
    half = np.zeros(len(numbers))
    if len(nights) > 2:
        half = special.stdtrit(len(nights) - 1, 0.975) * table.std(axis=0, ddof=1) / math.sqrt(len(nights))
    mean = table.mean(axis=0)
    return OutputFigures(numbers, mean, mean - half, mean + half, truths, len(nights), ratio, nights[0].unit)


def _median(night: Comparison, columns: npt.NDArray[np.bool_], ratio: bool) -> float:
    use = night.good & columns[None, :] & np.isfinite(night.product)
    if not use.any():
        return math.nan
    product, truth = night.product[use], night.truth[use]
    return 100 * float(np.median(product / truth) - 1) if ratio else float(np.mean(product - truth))


def _truth_median(night: Comparison, columns: npt.NDArray[np.bool_]) -> float:
    use = night.good & columns[None, :]
    return float(np.median(night.truth[use])) if use.any() else math.nan


def draw_output_figures(series: Mapping[str, OutputFigures]) -> str:
    """Return the per-output plot as SVG text; one line per setting."""
    first = next(iter(series.values()))
    drawing = Drawing(730, 250)
    numbers = sorted({number for figures in series.values() for number in figures.outputs})
    ends = [end for figures in series.values() for end in (*figures.lows, *figures.highs, 0.0)]
    pad = 0.06 * (max(ends) - min(ends)) or 1.0
    y = Scale(min(ends) - pad, max(ends) + pad)
    panel = Panel(drawing, Scale(numbers[0] - 0.6, numbers[-1] + 0.6), y, left=90, right=716, top=30, bottom=198)
    panel.line([(panel.x.low, 0), (panel.x.high, 0)], FAINT, 1, dashed=True)
    for colour, figures in enumerate(series.values()):
        shift = (colour - (len(series) - 1) / 2) * 0.15
        columns = zip(figures.outputs, figures.values, figures.lows, figures.highs, strict=True)
        panel.points([(n + shift, float(v), float(a), float(b)) for n, v, a, b in columns], colour % LINES)
    shown = numbers[:: max(1, len(numbers) // 16)]
    panel.frame((shown, [str(n) for n in shown]), choose_ticks(y.low, y.high), "Output", first.label)
    drawing.legend(panel.left + 4, 20, [(setting, colour % LINES) for colour, setting in enumerate(series)])
    return drawing.render()


def draw_timings(stages: Sequence[tuple[str, float]]) -> str:
    """Return a bar per stage, in the order given, as SVG text."""
    names, count = [humanize(name) for name, _ in stages], len(stages)
    bottom = 12.0 + 28 * count
    drawing = Drawing(730, bottom + 48)
    x = Scale(0, 1.12 * max(*(seconds for _, seconds in stages), 1e-3))
    left = 24 + LETTER * max(map(len, names))
    panel = Panel(drawing, x, Scale(-0.5, count - 0.5), left, right=716, top=12, bottom=bottom)
    places = [float(count - 1 - number) for number in range(count)]
    for place, (_, seconds) in zip(places, stages, strict=True):
        panel.shade(0, seconds, place - 0.31, place + 0.31, 0)
        across, up = panel.at(seconds, place)
        drawing.text(across + 6, up + 4.5, f"{seconds:.1f} s", "start")
    panel.frame(choose_ticks(0, x.high), (places, names), "Seconds")
    return drawing.render()
