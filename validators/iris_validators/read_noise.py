"""Read noise map against the true noise of a single read, per output.

`relative_error` of an output is rms(est) / rms(true) - 1 over its light-sensitive pixels that are
good in truth and not flagged DO_NOT_USE. Squares, because the variance is what a per-pixel
estimate from few ramps gets right on average, and what weights a fit. The estimate may contain the
converter's rounding noise gain^2 / 12: 0.1 % at 11 e- and 2 e-/DN.
"""

from __future__ import annotations

from collections.abc import Sequence

from iris_validators.evidence import ReferenceEvidence
from iris_validators.metric import Metric, index_metrics
from iris_validators.residuals import rms_of
from iris_validators.sample import Sample

__all__ = ["METRICS", "sample_read_noises"]

METRICS = index_metrics(
    Metric("read_noise.relative_error", "mean", "1", 0, "Relative error of the read noise of one output"),
)


def sample_read_noises(references: Sequence[ReferenceEvidence]) -> list[Sample]:
    """Return the samples of one night's read noise maps, one per output."""
    metric, samples = METRICS["read_noise.relative_error"], []
    for e in references:
        for condition, est, true in e.split_by_output(e.reference.content["DATA"], e.maps.read_noise):
            if est.size and not true.any():
                samples.append(metric.skip(e.row, "the true read noise is zero", condition))
                continue
            samples.append(metric.sample(e.row, rms_of(est) / rms_of(true) - 1, condition, est.size))
    return samples
