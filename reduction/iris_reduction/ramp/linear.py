"""Rates that are a fixed weighted sum of the reads of each ramp, with their exact variance.

An algorithm is a function of the read times t that returns weights w with sum(w) = 0 (pedestal and
reset noise drop out) and sum(w t) = 1. Its variance at rate R and read variance s^2 is exactly

    s^2 sum_i w_i^2  +  R sum_ij w_i w_j min(t_i, t_j),

since the photons in read i are also in every later read. Ramps of one pixel are combined with
inverse variances, evaluated at rate zero first and then at the rate found so far, max(R, 0).
chi2 is the scatter of the ramps about their mean, NaN for a single ramp.

Not modelled: jumps (none is rejected), anything that leaves a trend within a ramp.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from numba import njit

from iris_reduction.ramp.protocol import Block, Float32, Float64, RampFit, RampFitter, Reads, fit_blocks

__all__ = ["make_linear_fitter"]

Weigh: TypeAlias = Callable[[Float64], Float64]


def make_linear_fitter(weigh: Weigh) -> RampFitter:
    """Return the ramp fitter with the weights (n,) 1/s that `weigh` gives for times (n,) s, n >= 2."""

    def fit(
        reads: Reads,
        times: Float64,
        *,
        gain: Float32,
        read_noise: Float32,
        read_dq: npt.NDArray[np.uint8] | None = None,
        jump_sigma: float = 4.5,
    ) -> RampFit:
        """Fit every pixel; arguments, result and errors as `RampFitter`."""
        return fit_blocks(
            lambda block: _fit_block(block, weigh),
            reads,
            times,
            gain=gain,
            read_noise=read_noise,
            read_dq=read_dq,
            jump_sigma=jump_sigma,
        )

    return fit


def _fit_block(block: Block, weigh: Weigh) -> None:
    weights, read, photon = (
        np.array(column) for column in zip(*(_describe(t, weigh) for t in block.times), strict=True)
    )
    slopes = np.empty(block.reads.shape[:2])
    _sum_weighted(block.reads, weights, slopes)
    slopes *= block.gain[:, None]
    block.rate[:], block.error[:], block.chi2[:] = _combine(slopes, block.variance, read, photon)
    special = np.flatnonzero((block.flags != 0) | ~np.isfinite(block.rate))
    if len(special):
        block.rate[special], block.error[special], block.chi2[special] = _refit(block, special, weigh)


def _describe(times: Float64, weigh: Weigh) -> tuple[Float64, float, float]:
    """Return weights and the coefficients of s^2 and of R in the variance; NaN for a single read."""
    if len(times) < 2:
        return np.zeros(len(times)), np.nan, np.nan
    w = weigh(times)
    return w, float(w @ w), float(w @ np.minimum.outer(times, times) @ w)


@njit(nogil=True, cache=True)
def _sum_weighted(reads: Any, weights: Any, slopes: Any) -> None:
    """Sum reads (npix, ngroups, nreads) with weights (ngroups, nreads), in float64."""
    npix, ngroups, nreads = reads.shape
    for i in range(npix):
        for g in range(ngroups):
            total = 0.0
            for k in range(nreads):
                total += weights[g, k] * float(reads[i, g, k])
            slopes[i, g] = total


def _refit(block: Block, pixels: npt.NDArray[np.intp], weigh: Weigh) -> tuple[Float64, Float64, Float64]:
    """Fit pixels with left out reads: equal patterns of usable reads share their weights."""
    usable = block.usable_reads(pixels)
    slopes, read, photon = (np.full(usable.shape[:2], np.nan) for _ in range(3))
    for g, times in enumerate(block.times):
        patterns, which, counts = np.unique(usable[:, g], axis=0, return_inverse=True, return_counts=True)
        members = np.split(np.argsort(which.ravel(), kind="stable"), np.cumsum(counts)[:-1])
        for pattern, chosen in zip(patterns, members, strict=True):
            weights, read[chosen, g], photon[chosen, g] = _describe(times[pattern], weigh)
            kept = block.reads[pixels[chosen], g][:, pattern]
            slopes[chosen, g] = (kept * weights).sum(axis=1)  # not BLAS: it may depend on threads
    slopes *= block.gain[pixels, None]
    return _combine(slopes, block.variance[pixels], read, photon)


def _combine(slopes: Float64, variance: Float32, read: Float64, photon: Float64) -> tuple[Float64, Float64, Float64]:
    """Return rate, error and chi2 (npix,) of ramps (npix, ngroups); a NaN in `read` leaves a ramp out."""
    usable = np.broadcast_to(np.isfinite(read), slopes.shape)
    values, noise = np.where(usable, slopes, 0.0), variance[:, None] * read
    rate = total = np.zeros(len(slopes))
    precision = np.zeros(slopes.shape)
    with np.errstate(invalid="ignore", divide="ignore"):
        for _ in range(3):
            precision = np.where(usable, 1 / (noise + np.maximum(rate, 0)[:, None] * photon), 0.0)
            total = precision.sum(axis=1)
            rate = (precision * values).sum(axis=1) / total
        scatter = (precision * (values - rate[:, None]) ** 2).sum(axis=1)
        freedom = usable.sum(axis=1) - 1.0
        return rate, 1 / np.sqrt(total), np.where(freedom > 0, scatter / freedom, np.nan)
