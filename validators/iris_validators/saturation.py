"""Saturation: pixels that filled their wells must say so, others must not. Level 1 images, per role.

    completeness  pixels saturated in truth that carry SATURATED
    false_flags   pixels far from saturation that carry it

Between the two nobody is right or wrong, and these pixels count neither way:

- by charge: let Q be the rate detected times the time of the last read. A pixel counts as saturated if
  truth says so and Q is above 1.05 wells, as unsaturated if Q is below 0.90. In between noise decides
  whether the well was reached, and a careful reduction flags a little below it.
- by place: the eight neighbours of a pixel that is saturated in truth. They are coupled to it, and flags may
  grow to them.
- pixels with another defect or a hit, whose charge the rate does not tell.

The well is the as-built one. Not modelled: saturation of the converter alone, how early a read is flagged.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from iris_contract import DQ
from iris_contract.dq import has
from iris_contract.errors import LayoutError
from iris_validators.evidence import ImageEvidence
from iris_validators.metric import Metric, index_metrics
from iris_validators.sample import Sample

__all__ = ["FULL", "METRICS", "PARTIAL", "sample_saturation"]

METRICS = index_metrics(
    Metric("saturation.completeness", "pixels", "1", 1, "Share of saturated pixels that are flagged"),
    Metric("saturation.false_flags", "pixels", "1", 0, "Share of unsaturated pixels that are flagged"),
)
FULL, PARTIAL = 1.05, 0.90
"""Charge over well above which a pixel is surely saturated, and below which surely not."""

Mask = npt.NDArray[np.bool_]


def sample_saturation(exposures: Sequence[ImageEvidence]) -> list[Sample]:
    """Return the samples of one night's exposures of one role, pooled."""
    row, condition = exposures[0].row, f"role={exposures[0].row.exposure}"
    found, full, wrong, spared = np.sum([_count(e) for e in exposures], axis=0).tolist()
    return [
        METRICS["saturation.completeness"].count(row, found, full, condition),
        METRICS["saturation.false_flags"].count(row, wrong, spared, condition),
    ]


def _count(evidence: ImageEvidence) -> list[int]:
    """Flagged and all of the saturated pixels, then of the unsaturated ones."""
    if evidence.well is None or evidence.near_full is None:
        raise LayoutError("as-built wells are needed to judge saturation", file=evidence.row.product)
    truth, flagged = evidence.truth, has(evidence.image.dq, "SATURATED")
    fill = truth.rate_detected * np.float32(evidence.times[:, -1].max()) / evidence.well
    saturated = (truth.cause == DQ["SATURATED"]) & (fill > FULL)
    spared = evidence.good & ~evidence.near_full & (fill < PARTIAL)
    return [_number(mask) for where in (saturated, spared) for mask in (where & flagged, where)]


def _number(mask: Mask) -> int:
    return int(np.count_nonzero(mask))
