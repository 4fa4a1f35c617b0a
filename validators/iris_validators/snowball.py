"""Snowballs: what is left in their halos, and what flags about them cost. Level 1 images, per role.

A snowball in truth is a connected group of at least 25 pixels that hold charge of the same ramp and read, after
the first read that the product says it has used (`iris_validators.hits`).

    bias         mean of (est - true) over the Cramer-Rao bound, of halo pixels whose charge is 0.5 to 4.5 sigma
                 of one read difference: what a test of single pixels misses. The bound is that without the hit.
                 The mean error of good pixels about the snowball is taken off first: what rows, outputs and
                 the frame share is no snowball's.
    cost         flagged pixels about snowballs that hold no charge, over pixels that hold 0.5 sigma or more
    false_flags  pixels away from snowballs and hits that carry JUMP_DET

About a snowball is within 2.5 of its radii, that is half its longer side; there a flag is no error but costs a
difference of the ramp. The eight neighbours of a hit pixel are coupled to it and count neither way. Without a
snowball there is neither bias nor cost. Not modelled: snowballs that overlap between the same reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from iris_contract.dq import has
from iris_contract.errors import LayoutError
from iris_validators.cramer_rao import difference_sigma, read_variance
from iris_validators.evidence import ImageEvidence
from iris_validators.hits import find_first_read, find_hits
from iris_validators.metric import Metric, index_metrics
from iris_validators.residuals import mean_of
from iris_validators.sample import Sample

__all__ = ["METRICS", "sample_snowballs"]

METRICS = index_metrics(
    Metric("snowball.bias", "mean", "sigma", 0, "Mean error in the halos of snowballs"),
    Metric("snowball.cost", "mean", "1", 0, "Pixels flagged about snowballs for nothing over those they reach"),
    Metric("snowball.false_flags", "events", "1", 0, "Share of pixels away from hits that are flagged"),
)
SMALLEST = 25
"""Pixels of the smallest snowball."""
FAINT, CLEAR = 0.5, 4.5
"""Charge in sigma of one difference: above which a halo tells, and above which any test of a pixel finds it."""
ABOUT = 2.5
NEIGHBOURS = np.ones((3, 3), dtype=bool)

Mask = npt.NDArray[np.bool_]
Events = npt.NDArray[np.void]


class _Judged(NamedTuple):
    """One exposure: scaled errors in halos, whether there are snowballs, and numbers of pixels."""

    errors: npt.NDArray[np.float64]
    snowballs: int
    wasted: int
    reached: int
    wrong: int
    spared: int


def sample_snowballs(exposures: Sequence[ImageEvidence]) -> list[Sample]:
    """Return the samples of one night's exposures of one role, pooled."""
    row, condition = exposures[0].row, f"role={exposures[0].row.exposure}"
    judged = [_judge(e) for e in exposures]
    wrong, spared = sum(j.wrong for j in judged), sum(j.spared for j in judged)
    samples = [METRICS["snowball.false_flags"].count(row, wrong, spared, condition)]
    if not any(j.snowballs for j in judged):
        return samples
    errors, reached = np.concatenate([j.errors for j in judged]), sum(j.reached for j in judged)
    if errors.size:
        samples.append(METRICS["snowball.bias"].sample(row, mean_of(errors), condition, errors.size))
    if reached:
        cost = sum(j.wasted for j in judged) / reached
        samples.append(METRICS["snowball.cost"].sample(row, cost, condition, reached))
    return samples


def _judge(evidence: ImageEvidence) -> _Judged:
    near = evidence.near_hit
    if near is None:
        raise LayoutError("hits are needed to judge snowballs", file=evidence.row.product)
    snowballs = list(_find_snowballs(evidence))
    about, flagged = np.zeros(evidence.truth.cause.shape, dtype=bool), has(evidence.image.dq, "JUMP_DET")
    for ball in snowballs:
        about |= _draw_disc(ball, about.shape)
    clean = evidence.good & ~near
    spared = clean & ~about
    numbers = (int(np.count_nonzero(mask)) for mask in (spared & flagged, spared))
    wasted = int(np.count_nonzero(evidence.good & about & flagged))
    reached = int(sum(np.count_nonzero(_scale(evidence, ball) >= FAINT) for ball in snowballs))
    return _Judged(_take_errors(evidence, snowballs, clean), len(snowballs), wasted, reached, *numbers)


def _find_snowballs(evidence: ImageEvidence) -> Iterator[Events]:
    """Yield the events of each snowball that arrived after the first read that the product has used."""
    events, (ngroups, nreads), first = evidence.truth.events, evidence.times.shape, find_first_read(evidence)
    when = events["GROUP"].astype(np.int64) * nreads + events["READ"]
    for moment in np.flatnonzero(np.bincount(when, minlength=ngroups * nreads) >= SMALLEST):
        mine = events[when == moment]
        plane = np.zeros(evidence.truth.cause.shape, dtype=bool)
        plane[mine["Y"], mine["X"]] = True
        label, _ = ndimage.label(plane, NEIGHBOURS)
        sizes = np.bincount(label.ravel())
        for number in np.flatnonzero(sizes[1:] >= SMALLEST) + 1:
            if moment % nreads > first:  # what arrived before the first read that counts is in the pedestal
                yield mine[label[mine["Y"], mine["X"]] == number]


def _draw_disc(ball: Events, shape: tuple[int, ...]) -> Mask:
    """Pixels (ny, nx) within `ABOUT` radii of a snowball's middle."""
    ends = [(int(ball[axis].min()), int(ball[axis].max())) for axis in ("Y", "X")]
    radius = (max(high - low for low, high in ends) + 1) / 2
    (y, x), (ny, nx) = [(low + high) / 2 for low, high in ends], shape
    distance = np.hypot(np.arange(ny)[:, None] - y, np.arange(nx) - x)
    return np.asarray(distance <= ABOUT * radius)


def _scale(evidence: ImageEvidence, ball: Events) -> npt.NDArray[np.float64]:
    """Charge of each event of a snowball in sigma of its difference."""
    truth, times = evidence.truth, evidence.times
    y, x, group, read = (ball[name] for name in ("Y", "X", "GROUP", "READ"))
    interval = times[group, read] - times[group, read - 1]
    variance = read_variance(truth.read_noise[y, x], truth.gain[y, x])
    return np.asarray(ball["ELECTRONS"] / difference_sigma(truth.rate_detected[y, x], variance, interval))


def _take_errors(evidence: ImageEvidence, snowballs: Sequence[Events], clean: Mask) -> npt.NDArray[np.float64]:
    """Errors over bounds of the halo pixels that are judged and have no other defect.

    `clean` (ny, nx) are pixels without charge, whose mean error about each snowball is taken off.
    """
    hits, image = find_hits(evidence), evidence.image
    error = image.data.astype(np.float64) - evidence.truth.rate_detected
    usable = ~has(image.dq, "DO_NOT_USE")
    level = np.zeros(error.shape)
    for ball in snowballs:
        beside = error[clean & usable & _draw_disc(ball, error.shape)]
        level[ball["Y"], ball["X"]] = mean_of(beside) if beside.size else 0.0
    parts = [_number(_place(ball), hits.shape) for ball in snowballs]
    inside = np.isin(_number(hits.places, hits.shape), np.concatenate([np.zeros(0, np.intp), *parts]))
    y, x = hits.places[:2, inside & (hits.significance >= FAINT) & (hits.significance <= CLEAR)]
    halo = np.zeros(error.shape, dtype=bool)
    halo[y, x] = True
    mask = hits.pixels
    return np.asarray(((error - level)[mask] / evidence.bound(mask, hits.omitted))[(halo & usable)[mask]])


def _place(ball: Events) -> npt.NDArray[Any]:
    return np.stack([ball[name].astype(np.intp) for name in ("Y", "X", "GROUP", "READ")])


def _number(places: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[np.intp]:
    """One number for each place (4, n) of y, x, group and read."""
    number: npt.NDArray[np.intp] = np.ravel_multi_index(tuple(places), shape)
    return number
