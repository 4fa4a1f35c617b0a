"""Rates that are a fixed weighted sum of the reads of each ramp, with their exact variance.

An algorithm is a function of the read times t that returns weights w with sum(w) = 0 (pedestal and
reset noise drop out) and sum(w t) = 1. Its variance at rate R and read variance s^2 is exactly

    s^2 sum_i w_i^2  +  R sum_ij w_i w_j min(t_i, t_j),

since the photons in read i are also in every later read. Ramps of one pixel are combined with
inverse variances, evaluated at rate zero first and then at the rate found so far, max(R, 0).
chi2 is the scatter of the ramps about their mean, NaN for a single ramp. A read with JUMP_DET begins
a ramp of its own: the parts on either side share no difference, hence no noise.

Not modelled: jumps (none is looked for), anything that leaves a trend within a ramp.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from numba import njit

from iris_reduction.ramp.protocol import Block, Float64, RampFitter, fit_blocks

__all__ = ["make_linear_fitter"]

Weigh: TypeAlias = Callable[[Float64], Float64]


def make_linear_fitter(weigh: Weigh) -> RampFitter:
    """Return the ramp fitter with the weights (n,) 1/s that `weigh` gives for times (n,) s, n >= 2."""
    return partial(fit_blocks, partial(_fit_block, weigh=weigh))


def _fit_block(block: Block, weigh: Weigh) -> None:
    weights, read, photon = map(np.array, zip(*(_describe(t, weigh) for t in block.times), strict=True))
    result = block.rate, block.error, block.chi2
    _fit_complete(block.reads, weights, read, photon, block.gain, block.variance, *result)
    special = np.flatnonzero((block.flags != 0) | ~np.isfinite(block.rate))
    if len(special):
        better = np.empty((3, len(special)), np.float32)
        slopes = _refit(block, special, weigh)
        _combine_all(*slopes, block.variance[special], *better)
        for plane, values in zip(result, better, strict=True):
            plane[special] = values


def _describe(times: Float64, weigh: Weigh) -> tuple[Float64, float, float]:
    """Return weights and the coefficients of s^2 and of R in the variance; NaN for a single read."""
    if len(times) < 2:
        return np.zeros(len(times)), np.nan, np.nan
    w = weigh(times)
    return w, float(w @ w), float(w @ np.minimum.outer(times, times) @ w)


def _refit(block: Block, pixels: npt.NDArray[np.intp], weigh: Weigh) -> tuple[Float64, Float64, Float64]:
    """Return slopes e-/s of pixels with flagged reads, and the two coefficients, (n, number of parts) each.

    A ramp without a flagged jump has one part. Equal patterns of usable reads share their weights.
    """
    part = np.cumsum(block.jumped_reads(pixels), axis=-1, dtype=np.int16)
    part[~block.usable_reads(pixels)] = -1
    ngroups, nparts = len(block.times), int(part.max()) + 1
    slopes, read, photon = (np.full((len(pixels), ngroups, max(nparts, 1)), np.nan) for _ in range(3))
    for g, times in enumerate(block.times):
        patterns, which, counts = np.unique(part[:, g], axis=0, return_inverse=True, return_counts=True)
        members = np.split(np.argsort(which.ravel(), kind="stable"), np.cumsum(counts)[:-1])
        for pattern, chosen in zip(patterns, members, strict=True):
            for p in np.unique(pattern[pattern >= 0]):
                weights, read[chosen, g, p], photon[chosen, g, p] = _describe(times[pattern == p], weigh)
                kept = block.reads[pixels[chosen], g][:, pattern == p]
                slopes[chosen, g, p] = (kept * weights).sum(axis=1)  # not BLAS: it may depend on threads
    slopes *= block.gain[pixels, None, None]
    return slopes.reshape(len(pixels), -1), read.reshape(len(pixels), -1), photon.reshape(len(pixels), -1)


@njit(nogil=True, cache=True, error_model="numpy")
def _fit_complete(
    reads: Any, weights: Any, read: Any, photon: Any, gain: Any, variance: Any, rate: Any, error: Any, chi2: Any
) -> None:
    """Fit pixels whose every read is usable; the coefficients (ngroups,) are the same for all."""
    npix, ngroups, nreads = reads.shape
    slopes = np.empty(ngroups)
    for i in range(npix):
        for g in range(ngroups):
            total = 0.0
            for k in range(nreads):
                total += weights[g, k] * reads[i, g, k]
            slopes[g] = total * gain[i]
        rate[i], error[i], chi2[i] = _combine(slopes, read, photon, variance[i])


@njit(nogil=True, cache=True, error_model="numpy")
def _combine_all(slopes: Any, read: Any, photon: Any, variance: Any, rate: Any, error: Any, chi2: Any) -> None:
    """Combine the ramps of pixels with coefficients (npix, ngroups) of their own."""
    for i in range(len(slopes)):
        rate[i], error[i], chi2[i] = _combine(slopes[i], read[i], photon[i], variance[i])


@njit(cache=True, error_model="numpy")
def _combine(slopes: Any, read: Any, photon: Any, variance: float) -> tuple[float, float, float]:
    """Return rate, error and chi2 of one pixel; ramps whose coefficients are NaN are left out."""
    rate, total, square, ramps = 0.0, 0.0, 0.0, 0
    for _ in range(3):
        last, total, shift, square, ramps = rate, 0.0, 0.0, 0.0, 0
        for g in range(len(slopes)):
            if not np.isnan(read[g]):
                precision = 1.0 / (variance * read[g] + max(last, 0.0) * photon[g])
                total += precision
                shift += precision * (slopes[g] - last)
                square += precision * (slopes[g] - last) ** 2
                ramps += 1
        rate = last + shift / total
        square -= shift * shift / total
    return rate, 1.0 / np.sqrt(total), square / (ramps - 1) if ramps > 1 else np.nan
