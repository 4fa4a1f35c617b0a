"""Flat against the true relative response, over light-sensitive pixels good in truth.

    residual     rms of est / (s true) - 1, the error of a pixel
    chi2         mean(((est - s true) / ERR)^2)
    output_step  rms over outputs of s / mean(s) - 1
    yield        good pixels neither flagged DO_NOT_USE nor NaN

s is the scale of the output that reads the pixel. The overall normalisation is a convention, and a
flat in electrons inherits the gain error of each output; that error cancels when a frame is divided
by the flat. It is judged on its own, as `output_step`, so that it cannot hide in `residual` nor spoil
it. Not modelled: covariance between pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from iris_validators.evidence import ReferenceEvidence
from iris_validators.metric import Metric, index_metrics
from iris_validators.residuals import Residuals, mean_of, rms_of
from iris_validators.sample import Sample

__all__ = ["METRICS", "sample_flats"]

METRICS = index_metrics(
    Metric("flat.residual", "ratio", "1", 0, "Rms relative error of the flat per pixel"),
    Metric("flat.output_step", "ratio", "1", 0, "Rms relative step of the flat between outputs"),
    Metric("flat.chi2", "ratio", "1", 1, "Chi-square per pixel of the flat, one scale per output"),
    Metric("flat.yield", "pixels", "1", 1, "Share of good pixels that have a usable flat"),
)


def sample_flats(references: Sequence[ReferenceEvidence]) -> list[Sample]:
    """Return the samples of one night's flats."""
    return [sample for evidence in references for sample in _sample(evidence)]


def _sample(evidence: ReferenceEvidence) -> list[Sample]:
    row, content, maps = evidence.row, evidence.reference.content, evidence.maps
    pixels = Residuals.of(content["DATA"], content["ERR"], content["DQ"], maps.flat, evidence.good)
    judged, true = pixels.judged, pixels.truth[pixels.judged]
    ratio = 1 + pixels.error[judged] / true
    _, output = np.unique(evidence.output[evidence.good][judged], return_inverse=True)
    scales = np.bincount(output, weights=ratio) / np.bincount(output)
    pulls = (ratio - scales[output]) * true / pixels.own_sigma
    with np.errstate(invalid="ignore", divide="ignore"):  # a flat of zeros has no scale: NaN, which fails
        residual, step = rms_of(ratio / scales[output] - 1), rms_of(scales / mean_of(scales) - 1)
    return [
        METRICS["flat.residual"].sample(row, residual, weight=ratio.size),
        METRICS["flat.output_step"].sample(row, step, weight=ratio.size),
        METRICS["flat.chi2"].sample(row, mean_of(np.square(pulls)), weight=ratio.size),
        METRICS["flat.yield"].count(row, pixels.usable, judged.size),
    ]
