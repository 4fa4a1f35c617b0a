"""Reference pixel correction: noise that rows and outputs still have in common. Blank level 1 images.

Over pixels good in truth and not flagged DO_NOT_USE, est - true is averaged over groups of pixels that
are read together, and each mean is divided by what it would scatter if its pixels had white noise
alone: their Cramer-Rao bounds in quadrature. `striping` is the rms over groups; 1 is the best that
there is, the square less 1 the variance of the common noise over that of the white noise of the mean.

    rows of an output    a row of one output, 64 columns
    whole rows           a row of all outputs
    outputs              an output of all rows
    alternating columns  half the difference of even and odd columns of a row of an output

`common_mode` is the rms over rows of the mean of whole rows in electrons, that is times the time from first
to last read; it contains the white noise of that mean. Not modelled: correlation between rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from iris_contract.dq import has
from iris_validators.evidence import ImageEvidence
from iris_validators.metric import Metric, index_metrics
from iris_validators.residuals import rms_of
from iris_validators.sample import Sample

__all__ = ["METRICS", "sample_striping"]

METRICS = index_metrics(
    Metric("reference_pixel.striping", "ratio", "1", 1, "Rms of means of pixels read together over white noise"),
    Metric("reference_pixel.common_mode", "ratio", "electron", 0, "Noise that all outputs of a row share"),
)

Array = npt.NDArray[np.float64]
Groups = npt.NDArray[np.int64]


class _Pixels(NamedTuple):
    """Judged pixels (n,) in `rows` rows and `outputs` outputs: `y`, output, 1 on odd columns, error, variance."""

    rows: int
    outputs: int
    y: Groups
    output: Groups
    odd: Groups
    error: Array
    variance: Array


class _Means(NamedTuple):
    """Mean error of groups of pixels and its variance, both (ngroups,), without empty groups."""

    value: Array
    variance: Array


def sample_striping(exposures: Sequence[ImageEvidence]) -> list[Sample]:
    """Return the samples of one night's exposures of one role, pooled."""
    row, found = exposures[0].row, [_average(e) for e in exposures]
    samples = []
    for condition in found[0]:
        scaled = np.concatenate([f[condition].value / np.sqrt(f[condition].variance) for f in found])
        samples.append(METRICS["reference_pixel.striping"].sample(row, rms_of(scaled), condition, scaled.size))
    spans = [float(np.mean(e.times[:, -1] - e.times[:, 0])) for e in exposures]
    levels = np.concatenate([f["whole rows"].value * span for f, span in zip(found, spans, strict=True)])
    return [*samples, METRICS["reference_pixel.common_mode"].sample(row, rms_of(levels), weight=levels.size)]


def _average(evidence: ImageEvidence) -> dict[str, _Means]:
    pixels = _take(evidence)
    number = pixels.y * pixels.outputs + pixels.output
    return {
        "rows of an output": _mean(pixels, number),
        "whole rows": _mean(pixels, pixels.y),
        "outputs": _mean(pixels, pixels.output),
        "alternating columns": _half_difference(pixels, number),
    }


def _take(evidence: ImageEvidence) -> _Pixels:
    judged = evidence.good & ~has(evidence.image.dq, "DO_NOT_USE")
    region, detector = evidence.region, evidence.detector
    y, x = np.nonzero(judged)
    first = region.outputs(detector).start
    error = (evidence.image.data[judged] - evidence.truth.rate_detected[judged]).astype(np.float64)
    return _Pixels(
        rows=region.ysize,
        outputs=len(region.outputs(detector)),
        y=y,
        output=region.output_of_column(detector)[x] - first,
        odd=(x + region.xstart - 1) % 2,
        error=error,
        variance=np.square(evidence.bound(judged)),
    )


def _mean(pixels: _Pixels, group: Groups) -> _Means:
    number = np.bincount(group)
    kept = number > 0
    value, variance = (np.bincount(group, weights=plane)[kept] for plane in (pixels.error, pixels.variance))
    return _Means(value / number[kept], variance / number[kept] ** 2)


def _half_difference(pixels: _Pixels, group: Groups) -> _Means:
    """Half the difference of even and odd columns, of groups that have both."""
    size, sides = pixels.rows * pixels.outputs, []
    for odd in (0, 1):
        mine = pixels.odd == odd
        sides.append(
            [
                np.bincount(group[mine], weights=plane, minlength=size)
                for plane in (np.ones(np.count_nonzero(mine)), pixels.error[mine], pixels.variance[mine])
            ]
        )
    kept = (sides[0][0] > 0) & (sides[1][0] > 0)
    (n, e, v), (m, f, w) = ([plane[kept] for plane in side] for side in sides)
    return _Means((e / n - f / m) / 2, (v / n**2 + w / m**2) / 4)
