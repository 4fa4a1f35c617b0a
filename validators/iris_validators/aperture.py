"""Pulls of apertures: whether errors of sums over pixels are what independent pixels would have.

The error of a sum over an aperture is divided by its ERR, added in quadrature. Noise that neighbours
share (coupling, 1/f) or that ERR does not know of widens the pulls the more the larger the aperture.
Apertures of 4 x 4, 8 x 8 and 1 x 64 pixels (a row of an output) lie side by side on the detector's own
grid. One takes part if it sees a single scene rate and at least half of its pixels are good in truth
and not flagged DO_NOT_USE; its sum is over those. Not modelled: apertures with weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from iris_contract.dq import has
from iris_validators.evidence import ImageEvidence
from iris_validators.metric import Metric, index_metrics
from iris_validators.residuals import mean_of, rms_of, split_rates
from iris_validators.sample import Sample

__all__ = ["APERTURES", "METRICS", "sample_apertures"]

METRICS = index_metrics(
    Metric("ramp.aperture_pull_width", "ratio", "1", 1, "Width of the pulls of sums over apertures"),
)
APERTURES: tuple[tuple[int, int], ...] = ((4, 4), (8, 8), (1, 64))
"""Rows and columns."""

Array = npt.NDArray[np.float64]
Plane = npt.NDArray[np.floating]


def sample_apertures(exposures: Sequence[ImageEvidence]) -> list[Sample]:
    """Return the samples of one night's exposures, pooled: one per aperture and scene rate."""
    planes = [_prepare(e) for e in exposures]
    corners = [(e.region.ystart - 1, e.region.xstart - 1) for e in exposures]
    return [s for size in APERTURES for s in _sample(exposures, planes, corners, size)]


def _prepare(evidence: ImageEvidence) -> list[Plane]:
    """Scene rate, judged (0 or 1), error and variance, all (ny, nx); the last two 0 where not judged."""
    image, truth = evidence.image, evidence.truth
    judged = evidence.good & ~has(image.dq, "DO_NOT_USE")
    error = np.where(judged, image.data - truth.rate_detected, 0)
    variance = np.where(judged, np.where(image.err > 0, np.square(image.err), np.nan), 0)
    return [truth.rate_scene, judged.astype(np.float32), error, variance]


def _sample(
    exposures: Sequence[ImageEvidence],
    planes: Sequence[Sequence[Plane]],
    corners: Sequence[tuple[int, int]],
    size: tuple[int, int],
) -> Iterator[Sample]:
    row, metric, name = exposures[0].row, METRICS["ramp.aperture_pull_width"], f"aperture={size[0]}x{size[1]}"
    parts = [_pull(p, corner, size) for p, corner in zip(planes, corners, strict=True)]
    scene, pulls = (np.concatenate(part) for part in zip(*parts, strict=True))
    if not pulls.size:
        yield metric.skip(row, f"every aperture of {size[0]}x{size[1]} pixels mixes rates or has few good pixels", name)
        return
    for rate, index in split_rates(scene):
        x = pulls[index]
        yield metric.sample(row, rms_of(x - mean_of(x)), f"{name} {rate}", x.size)


def _pull(planes: Sequence[Plane], corner: tuple[int, int], size: tuple[int, int]) -> tuple[Plane, Array]:
    """Scene rate and pull of the apertures that take part, (n,)."""
    rate, judged, error, variance = (_tile(plane, corner, size) for plane in planes)
    sums = [np.asarray(plane.sum(axis=(1, 3), dtype=np.float64)) for plane in (judged, error, variance)]
    lowest = rate.min(axis=(1, 3))
    kept = (lowest == rate.max(axis=(1, 3))) & (sums[0] >= size[0] * size[1] / 2)
    return lowest[kept], np.asarray(sums[1][kept] / np.sqrt(sums[2][kept]))


def _tile(plane: Plane, corner: tuple[int, int], size: tuple[int, int]) -> Plane:
    """View (ny, rows, nx, columns) of the whole apertures in a plane whose `corner` is y, x on the detector."""
    first = [-c % s for c, s in zip(corner, size, strict=True)]
    number = [max(0, (length - f) // s) for length, f, s in zip(plane.shape, first, size, strict=True)]
    inner = plane[first[0] :, first[1] :][: number[0] * size[0], : number[1] * size[1]]
    return inner.reshape(number[0], size[0], number[1], size[1])
