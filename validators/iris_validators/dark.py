"""Master dark against the true dark current, over light-sensitive pixels good in truth.

Where pixels are coupled, true is what they show of it, their neighbours' share included: a dark is subtracted
from frames that are coupled alike.

    mean_bias  mean(est - true) in e-/s
    chi2       mean(((est - true) / ERR)^2), 1 if ERR is right; sigma per night sqrt(2 / N)
    residual   rms of est - true in e-/s, what subtracting it adds to the noise of a pixel
    yield      good pixels neither flagged DO_NOT_USE nor NaN

Not modelled: structure that the mean hides, for example an error per output.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from iris_validators.evidence import ReferenceEvidence
from iris_validators.metric import Metric, index_metrics
from iris_validators.residuals import Residuals, mean_of, rms_of
from iris_validators.sample import Sample

__all__ = ["METRICS", "sample_darks"]

METRICS = index_metrics(
    Metric("dark.mean_bias", "mean", "electron/s", 0, "Mean error of the master dark"),
    Metric("dark.chi2", "ratio", "1", 1, "Chi-square per pixel of the master dark"),
    Metric("dark.residual", "ratio", "electron/s", 0, "Rms error of a pixel of the master dark"),
    Metric("dark.yield", "pixels", "1", 1, "Share of good pixels that have a usable dark"),
)


def sample_darks(references: Sequence[ReferenceEvidence]) -> list[Sample]:
    """Return the samples of one night's master darks."""
    samples: list[Sample] = []
    for evidence in references:
        row, content = evidence.row, evidence.reference.content
        maps = evidence.maps
        true = maps.dark if maps.dark_shown is None else maps.dark_shown
        pixels = Residuals.of(content["DATA"], content["ERR"], content["DQ"], true, evidence.good)
        error = pixels.error[pixels.judged]
        samples += [
            METRICS["dark.mean_bias"].sample(row, mean_of(error), weight=error.size),
            METRICS["dark.chi2"].sample(row, mean_of(np.square(pixels.pulls)), weight=error.size),
            METRICS["dark.residual"].sample(row, rms_of(error), weight=error.size),
            METRICS["dark.yield"].count(row, pixels.usable, pixels.judged.size),
        ]
    return samples
