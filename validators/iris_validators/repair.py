"""What jump rejection leaves: rates of hit pixels against the bound without the hit.

The Cramer-Rao bound of a hit pixel leaves out the read differences that hold a hit: what is lost when
the place of the hit is known and its size is not. `hit_rms_over_crb` takes all hit pixels and
includes hits too small to find; `repaired_rms_over_crb` takes those whose every hit a 4.5-sigma test
must find (`hits.SURE`). Per scene rate. A hit pixel flagged DO_NOT_USE costs `hit_yield`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from iris_validators.evidence import ImageEvidence
from iris_validators.hits import SURE, find_hits
from iris_validators.metric import Metric, index_metrics
from iris_validators.residuals import Residuals, rms_of, split_rates
from iris_validators.sample import Sample

__all__ = ["METRICS", "sample_hit_pixels"]

METRICS = index_metrics(
    Metric("jump.hit_rms_over_crb", "ratio", "1", 0, "Rms error of hit pixels over the bound without the hit"),
    Metric("jump.repaired_rms_over_crb", "ratio", "1", 0, "Rms error of pixels hit beyond 7 sigma over that bound"),
    Metric("jump.hit_yield", "events", "1", 1, "Share of hit pixels that have a usable rate"),
)

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def sample_hit_pixels(exposures: Sequence[ImageEvidence]) -> list[Sample]:
    """Return the samples of one night's exposures, pooled: one pair per scene rate, one yield."""
    row, compared = exposures[0].row, [_compare(e) for e in exposures]
    pixels = Residuals.join(*(c[0] for c in compared))
    scene, scaled, sure = (np.concatenate(part) for part in list(zip(*compared, strict=True))[1:])
    samples = [METRICS["jump.hit_yield"].count(row, pixels.usable, pixels.judged.size)]
    for condition, index in split_rates(scene):
        judged = pixels.judged[index]
        for name, keep in (("jump.hit_rms_over_crb", judged), ("jump.repaired_rms_over_crb", judged & sure[index])):
            values = scaled[index][keep]
            sample = METRICS[name].sample(row, rms_of(values), condition, values.size)
            samples.append(sample if values.size else METRICS[name].lack(row, "no such hit", condition))
    return samples


def _compare(evidence: ImageEvidence) -> tuple[Residuals, npt.NDArray[np.float32], Array, Mask]:
    """Residuals, scene rate, error over bound, and whether all hits are sure, of hit pixels (n,)."""
    hits, truth = find_hits(evidence), evidence.truth
    mask = hits.pixels
    pixels = Residuals.of_image(evidence.image, truth.rate_detected, mask)
    scaled = pixels.error / evidence.bound(mask, hits.omitted)
    return pixels, truth.rate_scene[mask], scaled, hits.weakest[mask] > SURE
