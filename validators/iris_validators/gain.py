"""Gain map against the true gain, per output.

`relative_error` of an output is mean(est) / mean(true) - 1 over its light-sensitive pixels that are
good in truth and not flagged DO_NOT_USE. Not modelled: gain structure within an output.
"""

from __future__ import annotations

from collections.abc import Sequence

from iris_validators.evidence import ReferenceEvidence
from iris_validators.metric import Metric, index_metrics
from iris_validators.residuals import mean_of
from iris_validators.sample import Sample

__all__ = ["METRICS", "sample_gains"]

METRICS = index_metrics(
    Metric("gain.relative_error", "mean", "1", 0, "Relative error of the gain of one output"),
)


def sample_gains(references: Sequence[ReferenceEvidence]) -> list[Sample]:
    """Return the samples of one night's gain maps, one per output."""
    metric = METRICS["gain.relative_error"]
    return [
        metric.sample(e.row, mean_of(est) / mean_of(true) - 1, condition, est.size)
        for e in references
        for condition, est, true in e.split_by_output(e.reference.content["DATA"], e.maps.gain)
    ]
