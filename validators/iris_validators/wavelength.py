"""Wavelength solutions of the lenslet spectrograph against the spectrograph as built, per filter.

Every detector column of every judged spectrum, between half transmissions: the error in px (`solution_errors`), between
the lines used and beyond them, where the solution is extrapolated, apart. Which these are tells the table of lines, of
those that are right; the product's own word SPAN is not asked.

    residual, edge            rms of the error between lines, and beyond
    residual_999, edge_999    99.9 % quantile of its absolute value
    largest                   its largest value anywhere; shown
    velocity, edge_velocity   rms in km/s; shown, since px are what is allowed
    drift                     mean error between lines: the zero point
    pull_mean                 mean of error over stated sigma between lines
    pull_width                width of what a spectrum's error has of its own over the sigma that it states of that
    common_width              width of what all spectra share, less the zero point, over COMMON (`common_errors`)
    line_pull_width           rms of errors of lines used over X_ERR (`line_errors`)
    yield                     judged lenslets with a finite solution, flagged neither DO_NOT_USE nor NON_SCIENCE
    completeness, purity      true lines that were used, and used lines that are true (`line_identification`)

Errors are of the moment of the arcs: truth is moved by their mean flexure. Truth is that of the sky, whose light fills
lenslets otherwise than lamps do, and a solution from lamps is off by that. Columns of one spectrum share their error,
so no interval counts them. What is its own is the error less the curve over the spectrum that all errors follow:
flexure between exposures and errors of the line list bend all spectra alike, and a night holds one draw of that.
With that curve one spectrum in n is taken off, which sqrt(n / (n - 1)) gives back; below FEWEST nothing is told of
widths. A row is of one filter, grating, scale and mask.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from numpy.polynomial.legendre import legfit, legval

from iris_validators.arc_evidence import ArcEvidence
from iris_validators.common_errors import find_common_width
from iris_validators.line_errors import find_line_pulls
from iris_validators.line_identification import identify
from iris_validators.metric import Metric, index_metrics
from iris_validators.residuals import mean_of, rms_of
from iris_validators.sample import Sample
from iris_validators.solution_errors import SolutionErrors, is_covariance

__all__ = ["METRICS", "sample_solutions"]

METRICS = index_metrics(
    Metric("wavelength.residual", "ratio", "pixel", 0, "Rms error of the wavelength between lines"),
    Metric("wavelength.residual_999", "ratio", "pixel", 0, "99.9 % quantile of that error"),
    Metric("wavelength.edge", "ratio", "pixel", 0, "Rms error of the wavelength where it is extrapolated"),
    Metric("wavelength.edge_999", "ratio", "pixel", 0, "99.9 % quantile of that error"),
    Metric("wavelength.largest", "ratio", "pixel", 0, "Largest error of the wavelength"),
    Metric("wavelength.velocity", "ratio", "km/s", 0, "Rms error of the wavelength between lines"),
    Metric("wavelength.edge_velocity", "ratio", "km/s", 0, "Rms error of the wavelength where it is extrapolated"),
    Metric("wavelength.drift", "mean", "pixel", 0, "Zero point of the wavelength"),
    Metric("wavelength.pull_mean", "mean", "1", 0, "Mean of error over stated sigma of the wavelength"),
    Metric(
        "wavelength.pull_width", "ratio", "1", 1, "Width of a spectrum's own error over the sigma it states of that"
    ),
    Metric("wavelength.common_width", "ratio", "1", 1, "Width of what all spectra share over what COMMON states of it"),
    Metric("wavelength.line_pull_width", "ratio", "1", 1, "Rms of errors of measured lines over their X_ERR"),
    Metric("wavelength.yield", "pixels", "1", 1, "Share of lenslets that have a usable solution"),
    Metric("wavelength.completeness", "pixels", "1", 1, "Share of bright lines that were identified and used"),
    Metric("wavelength.purity", "pixels", "1", 1, "Share of used lines that are what they are called"),
)

Array = npt.NDArray[np.float64]
CURVE = 5
"""Degree of the curve over a spectrum that the errors of all share; grating and field leave no more than a quartic."""
FEWEST = 8
"""Spectra and lines below which no width is told: half of what eight normal numbers would show is chance."""


def sample_solutions(arcs: Sequence[ArcEvidence]) -> list[Sample]:
    """Return the samples of one night's wavelength solutions."""
    return [sample for evidence in arcs for sample in _sample(evidence)]


def _sample(evidence: ArcEvidence) -> list[Sample]:
    row, condition, number = evidence.row, evidence.condition, int(evidence.good.sum())
    if not number:
        return [metric.lack(row, "no spectrum lies wholly in it", condition) for metric in METRICS.values()]
    errors, lines = SolutionErrors.of(evidence), identify(evidence)
    samples = [
        METRICS["wavelength.yield"].count(row, int((errors.usable & evidence.good).sum()), number, condition),
        METRICS["wavelength.completeness"].count(row, lines.found, lines.expected, condition),
        METRICS["wavelength.purity"].count(row, lines.right, lines.used, condition),
    ]
    inside, outside = errors.between, ~errors.between
    values = {
        "wavelength.residual": rms_of(errors.error[inside]),
        "wavelength.residual_999": _find_quantile(errors.error[inside], 0.999),
        "wavelength.velocity": rms_of(errors.velocity[inside]),
        "wavelength.drift": mean_of(errors.error[inside]),
        "wavelength.largest": _find_quantile(errors.error, 1.0),
        "wavelength.pull_mean": mean_of(errors.pulls[inside]),
    }
    weights = dict.fromkeys(values, int(inside.sum()))
    samples += _sample_widths(evidence, errors)
    ends = {
        "wavelength.edge": rms_of(errors.error[outside]),
        "wavelength.edge_999": _find_quantile(errors.error[outside], 0.999),
        "wavelength.edge_velocity": rms_of(errors.velocity[outside]),
    }
    if inside.any() and not outside.any():
        samples += [METRICS[name].lack(row, "lines reach to both ends of every spectrum", condition) for name in ends]
    else:
        values, weights = values | ends, weights | dict.fromkeys(ends, int(outside.sum()))
    return samples + [METRICS[name].sample(row, v, condition, weights[name]) for name, v in values.items()]


def _sample_widths(evidence: ArcEvidence, errors: SolutionErrors) -> list[Sample]:
    """Return the samples of error estimates: of a spectrum's own, of what all share, of lines."""
    row, condition, common = evidence.row, evidence.condition, np.asarray(evidence.reference.content["COMMON"])
    own, shared, line = (METRICS[f"wavelength.{name}"] for name in ("pull_width", "common_width", "line_pull_width"))
    pulls, means = find_line_pulls(evidence)
    few = f"fewer than {FEWEST}"
    if evidence.good.sum() < FEWEST:
        samples = [metric.lack(row, f"{few} spectra lie wholly in it", condition) for metric in (own, shared)]
    else:
        spectra = len(np.unique(errors.lenslet[errors.between]))
        samples = [own.sample(row, _find_own_width(errors, spectra), condition, spectra)]
        if common.any():
            width = find_common_width(errors, common) if is_covariance(common) else float("nan")
            samples.append(shared.sample(row, width, condition, spectra))
        else:
            samples.append(shared.skip(row, "the solver tells no error apart that all spectra share", condition))
    if len(pulls) - means < FEWEST:
        return [*samples, line.lack(row, f"{few} right lines were used", condition)]
    width = float(np.sqrt(np.sum(pulls**2) / (len(pulls) - means)))
    return [*samples, line.sample(row, width, condition, len(pulls))]


def _find_own_width(errors: SolutionErrors, spectra: int) -> float:
    """Return the width of pulls between lines of errors less what all `spectra` share; NaN of less than two."""
    inside = errors.between
    error = errors.error[inside]
    pull = (error - _find_curve(errors.u[inside], error)) / errors.own[inside]
    return rms_of(pull) * float(np.sqrt(spectra / (spectra - 1))) if spectra > 1 else float("nan")


def _find_curve(u: Array, error: Array) -> Array:
    """Return the polynomial of u that fits the errors of all spectra together; NaN where one of them is."""
    if len(error) <= CURVE or not np.isfinite(error).all():
        return np.full(len(error), np.nan)
    return np.asarray(legval(u, legfit(u, error, CURVE)))


def _find_quantile(error: Array, share: float) -> float:
    return float(np.quantile(np.abs(error), share)) if error.size else float("nan")
