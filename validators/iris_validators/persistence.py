"""Persistence: what is left of the afterglow of earlier exposures, and whether it is flagged.

Level 1 images, over pixels good in truth. The afterglow is measured in units of the Cramer-Rao bound
of its pixel:

    residual      sum(est - (true - afterglow)) / sum(afterglow) where it exceeds 0.1 sigma: 1 if nothing was
                  done, 0 if it was subtracted; pixels flagged DO_NOT_USE left out
    completeness  pixels with more than 3 sigma of afterglow that carry PERSISTENCE
    false_flags   pixels with less than 0.5 sigma that carry it

Between 0.5 and 3 sigma a flag is a matter of taste and counts neither way. What flags alone subtracts
nothing and is judged by the flags. Not modelled: the few per cent of the afterglow that coupling moves to
neighbours, ramps that last long enough for it to fade.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from iris_contract.dq import has
from iris_validators.evidence import ImageEvidence
from iris_validators.metric import Metric, index_metrics
from iris_validators.sample import Sample

__all__ = ["METRICS", "sample_afterglow"]

METRICS = index_metrics(
    Metric("persistence.residual", "mean", "1", 0, "Share of the afterglow that is left"),
    Metric("persistence.completeness", "pixels", "1", 1, "Share of pixels with afterglow that are flagged"),
    Metric("persistence.false_flags", "pixels", "1", 0, "Share of pixels without afterglow that are flagged"),
)
SEEN, NONE, CLEAR = 0.1, 0.5, 3.0
"""Afterglow in sigma: above which it is summed, below which it is none, above which it must be flagged."""


class _Sums(NamedTuple):
    left: float
    afterglow: float
    pixels: int
    found: int
    clear: int
    wrong: int
    none: int


def sample_afterglow(exposures: Sequence[ImageEvidence]) -> list[Sample]:
    """Return the samples of one night's exposures of one role, pooled."""
    row, condition = exposures[0].row, f"role={exposures[0].row.exposure}"
    sums = [_sum(e, e.truth.persistence) for e in exposures if e.truth.persistence is not None]
    if not sums:
        return [metric.skip(row, "nothing persists in truth", condition) for metric in METRICS.values()]
    total, residual = _Sums(*np.sum(sums, axis=0).tolist()), METRICS["persistence.residual"]
    if total.afterglow > 0:
        samples = [residual.sample(row, total.left / total.afterglow, condition, total.pixels)]
    else:
        samples = [residual.lack(row, "no afterglow exceeds a tenth of sigma", condition)]
    return [
        *samples,
        METRICS["persistence.completeness"].count(row, int(total.found), int(total.clear), condition),
        METRICS["persistence.false_flags"].count(row, int(total.wrong), int(total.none), condition),
    ]


def _sum(evidence: ImageEvidence, persistence: npt.NDArray[np.float32]) -> _Sums:
    good, image = evidence.good, evidence.image
    afterglow = persistence[good].astype(np.float64)
    without = evidence.truth.rate_detected[good] - afterglow
    sigma, flagged = afterglow / evidence.bound(good), has(image.dq[good], "PERSISTENCE")
    summed = (sigma > SEEN) & ~has(image.dq[good], "DO_NOT_USE")
    clear, none = sigma > CLEAR, sigma < NONE
    numbers = (int(np.count_nonzero(mask)) for mask in (summed, clear & flagged, clear, none & flagged, none))
    left = float(np.sum((image.data[good] - without)[summed]))
    return _Sums(left, float(np.sum(afterglow[summed])), *numbers)
