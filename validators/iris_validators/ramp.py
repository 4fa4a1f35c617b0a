"""Ramp fits: the level 1 rate image against the rate that the detector saw, per scene rate.

Errors are measured in units of the Cramer-Rao bound of each pixel (`cramer_rao`), taken at its true
rate, noise and gain:

    bias          mean((est - true) / bound)
    rms_over_crb  sqrt(mean((est - true)^2 / bound^2)); 1 is the best that can be done
    pull_*        (est - true) / ERR: mean, width about the mean
    coverage_*    share of pulls within 1 and within 2
    yield         good pixels that are neither flagged DO_NOT_USE nor NaN

Hit pixels are not good in truth and stand apart, in `repair`. Not modelled: covariance between pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from iris_contract.dq import has
from iris_contract.manifest import ManifestRow
from iris_validators.evidence import ImageEvidence
from iris_validators.metric import Metric, index_metrics
from iris_validators.residuals import Residuals, mean_of, rms_of, split_rates
from iris_validators.sample import Sample

__all__ = ["METRICS", "sample_ramps"]

METRICS = index_metrics(
    Metric("ramp.bias", "mean", "sigma", 0, "Mean error in units of the Cramér-Rao bound"),
    Metric("ramp.rms_over_crb", "ratio", "1", 0, "Rms error over the Cramér-Rao bound"),
    Metric("ramp.pull_mean", "mean", "1", 0, "Mean of error over own sigma"),
    Metric("ramp.pull_width", "ratio", "1", 1, "Width of error over own sigma"),
    Metric("ramp.coverage_68", "events", "1", 0.6827, "Share of errors within 1 own sigma"),
    Metric("ramp.coverage_95", "events", "1", 0.9545, "Share of errors within 2 own sigma"),
    Metric("ramp.yield", "pixels", "1", 1, "Share of good pixels that have a usable rate"),
)
COVERAGES = {"ramp.coverage_68": 1, "ramp.coverage_95": 2}

Array = npt.NDArray[np.float64]


def sample_ramps(exposures: Sequence[ImageEvidence]) -> list[Sample]:
    """Return the samples of one night's exposures, pooled: one set per scene rate."""
    row, pairs = exposures[0].row, [(e, e.good) for e in exposures]
    scene = np.concatenate([e.truth.rate_scene[good] for e, good in pairs])
    pixels = Residuals.join(*(Residuals.of_image(e.image, e.truth.rate_detected, good) for e, good in pairs))
    bound = np.concatenate([e.bound(good) for e, good in pairs])
    parts = dict(split_rates(scene))
    samples = [s for name, index in parts.items() for s in _sample_rate(row, name, pixels.pick(index), bound[index])]
    lit = np.concatenate([e.truth.rate_scene[~has(e.truth.cause, "REFERENCE_PIXEL")] for e in exposures])
    lost = [name for name, _ in split_rates(lit) if name not in parts and "all" not in parts]
    return samples + [m.lack(row, "no pixel is good in truth", name) for name in lost for m in METRICS.values()]


def _sample_rate(row: ManifestRow, condition: str, pixels: Residuals, bound: Array) -> list[Sample]:
    scaled, pulls = (pixels.error / bound)[pixels.judged], pixels.pulls
    values = {
        "ramp.bias": mean_of(scaled),
        "ramp.rms_over_crb": rms_of(scaled),
        "ramp.pull_mean": mean_of(pulls),
        "ramp.pull_width": rms_of(pulls - mean_of(pulls)),
    }
    inside = {name: int(np.count_nonzero(np.abs(pulls) <= s)) for name, s in COVERAGES.items()}
    return [
        *(METRICS[name].sample(row, value, condition, pulls.size) for name, value in values.items()),
        *(METRICS[name].count(row, k, pulls.size, condition) for name, k in inside.items()),
        METRICS["ramp.yield"].count(row, pixels.usable, pixels.judged.size, condition),
    ]
