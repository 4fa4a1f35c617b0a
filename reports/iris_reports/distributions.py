"""Pull histogram against N(0,1), per-output plots of a reference, and where a run's seconds went."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from iris_contract.exposure import Subarray
from iris_contract.instrument import Detector
from iris_reports.comparison import Comparison
from iris_reports.figures import FAINT, INK, LINES, MARKERS, mark_places, new_figure, to_svg
from iris_reports.wording import format_number, format_unit, humanize

__all__ = [
    "OutputFigures",
    "PullHistogram",
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
    """Counts per bin (60,) of `EDGES`, the number of pulls, those beyond the edges, mean and width."""

    counts: Array
    number: int
    beyond: int
    mean: float
    width: float

    @property
    def expected(self) -> Array:
        """Counts per bin (60,) that N(0,1) would give."""
        expected: Array = self.number * np.diff(stats.norm.cdf(EDGES))
        return expected

    @property
    def alt(self) -> str:
        """The picture in words."""
        return (
            f"Histogram of {self.number} pulls against the normal distribution: mean {format_number(self.mean)} "
            f"(expected 0), width {format_number(self.width)} (expected 1), {self.beyond} beyond 6 sigma."
        )

    def table(self) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
        """Head and rows of the numbers behind the picture."""
        rows = zip(EDGES[:-1], EDGES[1:], self.counts, self.expected, strict=True)
        return ("from", "to", "counted", "expected of N(0,1)"), [
            (round(float(a), 3), round(float(b), 3), int(n), float(f"{e:.6g}")) for a, b, n, e in rows
        ]


def measure_pulls(comparison: Comparison) -> PullHistogram | None:
    """Return the histogram of good pixels' pulls, or None where there is none."""
    pulls = comparison.pulls
    if pulls.size < 2:
        return None
    counts = np.histogram(pulls, EDGES)[0].astype(np.float64)
    return PullHistogram(counts, pulls.size, int(np.sum(np.abs(pulls) > 6)), float(pulls.mean()), float(pulls.std()))


def draw_pulls(histogram: PullHistogram) -> str:
    """Return the histogram as SVG text, once on a linear and once on a logarithmic scale."""
    with new_figure(7.6, 2.7) as figure:
        axes = figure.subplots(1, 2)
        x = np.linspace(-6, 6, 241)
        normal = histogram.number * (EDGES[1] - EDGES[0]) * stats.norm.pdf(x)
        for panel, scale in zip(axes, ("linear", "log"), strict=True):
            panel.stairs(histogram.counts, EDGES, fill=True, color=LINES[0], alpha=0.35, label="pulls of good pixels")
            panel.plot(x, normal, color=INK, linewidth=1.2, label="N(0,1)")
            panel.set_yscale(scale)
            panel.set_xlabel("Pull")
            panel.set_xlim(-6, 6)
        axes[1].set_ylim(0.5, None)
        axes[0].set_ylim(0, None)
        axes[0].set_ylabel("Pixels")
        axes[0].legend(loc="lower left", bbox_to_anchor=(-0.02, 0.98), ncols=2, borderaxespad=0)
        mark_places(axes[1].yaxis, *_powers(float(histogram.counts.max())))
        return to_svg(figure)


def _powers(largest: float) -> tuple[list[float], list[str]]:
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
        return "Product ÷ truth − 1 (%)" if self.ratio else f"Product − truth ({format_unit(self.unit)})"

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
        half = stats.t.ppf(0.975, len(nights) - 1) * table.std(axis=0, ddof=1) / math.sqrt(len(nights))
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
    with new_figure(7.6, 2.6) as figure:
        axes = figure.add_subplot()
        for number, (setting, figures) in enumerate(series.items()):
            shift = (number - (len(series) - 1) / 2) * 0.15
            x = np.asarray(figures.outputs, dtype=float) + shift
            errors = [figures.values - figures.lows, figures.highs - figures.values]
            axes.errorbar(x, figures.values, yerr=errors, color=LINES[number], marker=MARKERS[number],
                          markersize=4.5, linewidth=0, elinewidth=1.2, capsize=2.5, label=setting)  # fmt: skip
        first = next(iter(series.values()))
        axes.axhline(0.0, color=FAINT, linewidth=0.8, linestyle=(0, (4, 2)), zorder=0)
        axes.set_xlabel("Output")
        axes.set_ylabel(first.label)
        axes.set_xticks(first.outputs[:: max(1, len(first.outputs) // 16)])
        axes.legend(loc="lower left", bbox_to_anchor=(-0.01, 0.98), ncols=3, borderaxespad=0)
        return to_svg(figure)


def draw_timings(stages: Sequence[tuple[str, float]]) -> str:
    """Return a bar per stage, longest time first as given, as SVG text."""
    with new_figure(7.6, 0.9 + 0.3 * len(stages), left=1.2) as figure:
        axes = figure.add_subplot()
        places = np.arange(len(stages))[::-1]
        seconds = [seconds for _, seconds in stages]
        bars = axes.barh(places, seconds, color=LINES[0], height=0.62)
        axes.bar_label(bars, [f"{value:.1f} s" for value in seconds], padding=4)
        axes.set_yticks(places, [humanize(name) for name, _ in stages])
        axes.margins(x=0.12)
        axes.set_xlabel("Seconds")
        axes.tick_params(axis="y", length=0)
        return to_svg(figure)
