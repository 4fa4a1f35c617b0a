"""Level 2 image against the scene, per exposure role (sky, stars).

    relative_bias  sum(est - true) / sum(true): the flux scale
    pull_mean      mean((est - true) / ERR)
    pull_width     width of the same about its mean
    rms_over_crb   rms of (est - true) about its mean, over the Cramer-Rao bound that its raw ramp has: what
                   the noise of dark and flat adds
    yield          good pixels neither flagged DO_NOT_USE nor NaN
    guide_window   pixels of a guide window, which hold no image, that are flagged DO_NOT_USE

A flat has median 1 over the good pixels it covers, so the unit of a level 2 image is the electron of
such a pixel, not of the whole detector's median pixel as in RATE_SCENE. The ratio of the two is the
median of the as-built response over the good pixels of the region; truth is multiplied by it. The
absolute scale is a matter of the flux calibration.

ERR must contain the noise of master dark and flat. A scale error common to all pixels (gain, lamp)
shows as `relative_bias` and `pull_mean`. Not modelled: covariance between pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from iris_contract.dq import has
from iris_contract.errors import LayoutError
from iris_validators.evidence import ImageEvidence
from iris_validators.metric import Metric, index_metrics
from iris_validators.residuals import Residuals, mean_of, rms_of
from iris_validators.sample import Sample

__all__ = ["METRICS", "sample_images"]

METRICS = index_metrics(
    Metric("image.relative_bias", "mean", "1", 0, "Relative error of the summed flux"),
    Metric("image.pull_mean", "mean", "1", 0, "Mean of error over own sigma"),
    Metric("image.pull_width", "ratio", "1", 1, "Width of error over own sigma"),
    Metric("image.rms_over_crb", "ratio", "1", 1, "Scatter of the error over the Cramer-Rao bound of the raw ramp"),
    Metric("image.yield", "pixels", "1", 1, "Share of good pixels that have a usable value"),
    Metric("image.guide_window", "pixels", "1", 1, "Share of a guide window's pixels that are flagged DO_NOT_USE"),
)


def _compare(evidence: ImageEvidence) -> Residuals:
    truth = evidence.truth.rate_scene * np.float32(evidence.unit)
    return Residuals.of_image(evidence.image, truth, evidence.good)


def _bound(evidence: ImageEvidence) -> npt.NDArray[np.float64]:
    """Bound (n,) of the good pixels in the image's unit."""
    if evidence.response is None:
        raise LayoutError("as-built responses are needed to judge images", file=evidence.row.product)
    good = evidence.good
    return np.asarray(evidence.bound(good) * evidence.unit / evidence.response[good])


def sample_images(exposures: Sequence[ImageEvidence]) -> list[Sample]:
    """Return the samples of one night's exposures of one role, pooled."""
    row, condition = exposures[0].row, f"role={exposures[0].row.exposure}"
    pixels = Residuals.join(*(_compare(e) for e in exposures))
    pulls, error, true = pixels.pulls, pixels.error[pixels.judged], pixels.truth[pixels.judged]
    samples = [METRICS["image.yield"].count(row, pixels.usable, pixels.judged.size, condition)]
    holes = [has(e.truth.cause, "NON_SCIENCE") for e in exposures]
    if any(hole.any() for hole in holes):
        flagged = sum(int(has(e.image.dq[h], "DO_NOT_USE").sum()) for e, h in zip(exposures, holes, strict=True))
        number = sum(int(hole.sum()) for hole in holes)
        samples.append(METRICS["image.guide_window"].count(row, flagged, number, condition))
    flux = METRICS["image.relative_bias"]
    reached = error / np.concatenate([_bound(e) for e in exposures])[pixels.judged]
    values = {
        "image.rms_over_crb": rms_of(reached - mean_of(reached)),
        "image.pull_mean": mean_of(pulls),
        "image.pull_width": rms_of(pulls - mean_of(pulls)),
    }
    if true.size and not true.any():
        samples.append(flux.skip(row, "the scene is dark", condition))
    else:
        samples.append(flux.sample(row, mean_of(error) / mean_of(true), condition, pulls.size))
    return samples + [METRICS[name].sample(row, v, condition, pulls.size) for name, v in values.items()]
