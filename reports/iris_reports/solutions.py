"""A wavelength solution beside truth: maps over lenslets and over the detector, pulls, and the figures behind them.

What is compared, and how, is the validator's own (`iris_validators.solution_errors`); here it is drawn. On the map of
the detector, which shrinks to a picture, each picture pixel has the mean error of the columns of spectra in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from iris_contract.exposure import Subarray
from iris_contract.lenslet import load_lattice
from iris_contract.manifest import ManifestRow
from iris_reports.distributions import PullHistogram, count_pulls
from iris_reports.maps import DIVERGING, LARGEST, Map, Scale, draw_plane, print_value
from iris_reports.wording import format_number, pluralize
from iris_validators.arc_evidence import ArcEvidence, read_arc
from iris_validators.line_errors import find_line_pulls
from iris_validators.line_identification import Identification, identify
from iris_validators.solution_errors import SolutionErrors

__all__ = [
    "LEGEND",
    "SolutionComparison",
    "compare_solution",
    "describe_ends",
    "describe_region",
    "draw_solution_maps",
    "list_histograms",
    "solution_limit",
    "summarize_solution",
]

LEGEND = (
    "On maps of the field one map pixel is one lenslet, on maps of the detector a block of detector pixels; the first "
    "column and row are at the lower left, and count from 0. Errors of wavelengths are in pixels along "
    "dispersion, positive where the solution names too long a wavelength. Maps of residuals share their limits between "
    "the algorithms of this family, where nothing else is said. Grey: no lenslet, or none that is judged, since its "
    "spectrum leaves the pixels that were read out."
)
_FIELD = (
    "Mean over the columns of each spectrum. Should be pale; one colour all over is an error of the zero point, which "
    "all spectra share."
)
_STRUCTURE = (
    "Limits are those of this map alone. Should be grain: a slope, a ring or steps are what the solution missed of the "
    "field."
)
_DETECTOR = "Should be as pale as the field; colours that change along a spectrum are bends that the solution missed."

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class SolutionComparison:
    """A solution and what the validators find of it."""

    row: ManifestRow
    evidence: ArcEvidence
    errors: SolutionErrors
    lines: Identification


def compare_solution(run: Path, row: ManifestRow) -> SolutionComparison | None:
    """Return the comparison, or None for a product of another kind; raises InputError."""
    if row.model != "ArcModel":
        return None
    evidence = read_arc(run, row)
    return SolutionComparison(row, evidence, SolutionErrors.of(evidence), identify(evidence))


def solution_limit(comparisons: Sequence[SolutionComparison]) -> float:
    """Return the half-range px for maps of several algorithms: the 99 % quantile of all their errors."""
    errors = [np.abs(c.errors.error[np.isfinite(c.errors.error)]) for c in comparisons]
    pooled = np.concatenate(errors) if errors else np.empty(0)
    return float(np.quantile(pooled, 0.99)) or 1.0 if pooled.size else 1.0


def draw_solution_maps(comparison: SolutionComparison, limit: float) -> list[Map]:
    """Return mean errors of lenslets, between lines and beyond, and errors over the detector, within +-`limit` px.

    Between lines once more without their mean and within limits of their own; beyond only where there are columns.
    """
    errors = comparison.errors
    (bottom, top), (left, right) = _find_box(comparison)
    box = f"Across: lenslet columns {left} to {right}; up: rows {bottom} to {top}."
    field, ends = (_gather(comparison, chosen) for chosen in (errors.between, ~errors.between))
    shown = np.isfinite(field)
    mean = float(field[shown].mean()) if shown.any() else 0.0
    own = float(np.max(np.abs(field - mean), where=shown, initial=0.0)) or 1.0
    less = f"The same less its mean, {print_value(mean, 'pixel')}"
    maps = [
        _draw("field", "Residual over the field, between lines", field, limit, "lenslets", f"{box} {_FIELD}"),
        _draw("structure", less, field - mean, own, "lenslets", f"{box} {_STRUCTURE}"),
    ]
    if np.isfinite(ends).any():
        title = "Residual over the field, beyond the lines"
        maps.append(_draw("ends", title, ends, limit, "lenslets", f"{box} {describe_ends(comparison)}"))
    where = describe_region(comparison.evidence.region)
    title = "Residual over the detector, on lit spectra"
    return [*maps, _draw("detector", title, _paint(comparison), limit, "blocks", f"{where} {_DETECTOR}")]


def _draw(name: str, title: str, plane: Array, limit: float, noun: str, note: str) -> Map:
    scale = Scale(print_value(-limit, "pixel"), "0", print_value(limit, "pixel"), DIVERGING)
    return draw_plane(name, title, plane, (-limit, limit), _describe(plane, noun), scale, noun, note)


def describe_ends(comparison: SolutionComparison) -> str:
    """Say for how many lenslets the solution is extrapolated, and why for no more."""
    errors = comparison.errors
    beyond, shown = (np.unique(errors.lenslet[chosen]).size for chosen in (~errors.between, slice(None)))
    reach = "lines that they used lie at both ends of the filter’s band, so nothing is extrapolated"
    if not beyond:
        return f"No map shows columns beyond the lines: of all {shown} lenslets {reach}."
    rest = f"; of the {shown - beyond} others, grey, {reach}" if beyond < shown else ""
    columns = pluralize(int((~errors.between).sum()), "column")
    return f"{beyond} of {shown} lenslets have columns beyond the lines that they used, {columns} in all{rest}."


def describe_region(region: Subarray) -> str:
    """Return the place of a picture on the detector, columns and rows counted from 0."""
    left, low = region.xstart - 1, region.ystart - 1
    return f"Across: detector columns {left} to {left + region.xsize - 1}; up: rows {low} to {low + region.ysize - 1}."


def _describe(plane: Array, noun: str) -> str:
    """Mean, scatter and number of what a map shows, in words."""
    values = plane[np.isfinite(plane)]
    if not values.size:
        return f"none of the {noun} has a value"
    mean, scatter, largest = (
        print_value(float(x), "pixel") for x in (values.mean(), values.std(), np.abs(values).max())
    )
    return f"{values.size} {noun} with a value: mean {mean}, standard deviation {scatter}, largest {largest}"


def _find_box(comparison: SolutionComparison) -> tuple[tuple[int, int], tuple[int, int]]:
    """First and last row and column of the lenslets that are judged, from 0 in the mask; of all if none is."""
    truth, good = comparison.evidence.truth, comparison.evidence.good
    chosen = good if good.any() else np.ones_like(good)
    rows, columns = truth.row[chosen], truth.column[chosen]
    return (int(rows.min()), int(rows.max())), (int(columns.min()), int(columns.max()))


def _gather(comparison: SolutionComparison, chosen: Mask) -> Array:
    """Mean error px of the `chosen` columns of each lenslet, in the box (nrow, ncol) of those that are judged."""
    truth, mode = comparison.evidence.truth, comparison.evidence.mode
    number = len(truth.column)
    lenslet, error = comparison.errors.lenslet[chosen], comparison.errors.error[chosen]
    plane = np.full(load_lattice(mode.mask, mode.column).shape, np.nan)
    plane[truth.row, truth.column] = _average(lenslet, error, number)
    (bottom, top), (left, right) = _find_box(comparison)
    return plane[bottom : top + 1, left : right + 1]


def _paint(comparison: SolutionComparison) -> Array:
    """Mean error px of the spectra in each block of the region, of at most LARGEST blocks a side."""
    region, errors = comparison.evidence.region, comparison.errors
    step = max(1, -(-max(region.shape) // LARGEST))
    ny, nx = (-(-size // step) for size in region.shape)
    row = np.clip(np.rint(np.nan_to_num(errors.row)) - region.ystart + 1, 0, region.ysize - 1).astype(int) // step
    column = (errors.column - region.xstart + 1).astype(int) // step
    return _average(row * nx + column, errors.error, ny * nx).reshape(ny, nx)


def _average(place: npt.NDArray[np.integer], error: Array, number: int) -> Array:
    """Mean of the errors at each of `number` places, NaN where there is none."""
    counts = np.bincount(place, minlength=number)
    with np.errstate(invalid="ignore"):
        mean: Array = np.bincount(place, weights=error, minlength=number) / counts
    return mean


def list_histograms(comparison: SolutionComparison) -> list[tuple[str, str, PullHistogram]]:
    """Return file stem, caption and histogram of the pulls of columns between lines, and of the lines used."""
    errors, (pulls, _) = comparison.errors, find_line_pulls(comparison.evidence)
    found = [
        (
            "pulls",
            "Pulls of the wavelength between lines: error of each column over what the solution’s own covariance "
            "states, against the normal distribution. Columns of one spectrum share their error, so lumps are no "
            "surprise; a centre off zero is an error that all spectra share",
            errors.pulls[errors.between],
            "columns of spectra",
        ),
        (
            "lines",
            "Pulls of the right lines used, as they are judged: error of the measured place over its own stated error, "
            "less the mean of the exposure, which lamps move as a whole, against the normal distribution. A wide "
            "histogram means that the stated errors are too small",
            -pulls,
            "lines",
        ),
    ]
    counted = [(stem, caption, count_pulls(of[np.isfinite(of)], noun)) for stem, caption, of, noun in found]
    return [(stem, f"{caption}. {histogram.words}", histogram) for stem, caption, histogram in counted if histogram]


def summarize_solution(comparison: SolutionComparison) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Return head and rows of the table of figures."""
    errors, lines, good = comparison.errors, comparison.lines, comparison.evidence.good
    head = ("", "number", "rms", "99.9 % quantile", "largest", "mean", "rms in km/s")
    places = (("columns between lines", errors.between), ("columns beyond them", ~errors.between))
    rows = [(what, *_list_figures(errors.error[chosen], errors.velocity[chosen])) for what, chosen in places]
    usable = f"{int((errors.usable & good).sum())} of {int(good.sum())}"
    none = ("",) * 5
    rows += [
        ("spectra with a solution", usable, *none),
        ("used lines that are right", f"{lines.right} of {lines.used}", *none),
        ("bright lines that were used", f"{lines.found} of {lines.expected}", *none),
    ]
    return head, tuple(rows)


def _list_figures(error: Array, velocity: Array) -> tuple[str, ...]:
    if not error.size:
        return ("0", *("none",) * 5)
    size = np.abs(error)
    px = np.sqrt(np.mean(error**2)), np.quantile(size, 0.999), size.max(), error.mean()
    speed = f"{format_number(float(np.sqrt(np.mean(velocity**2))))} km/s"
    return (str(error.size), *(print_value(float(value), "pixel") for value in px), speed)
