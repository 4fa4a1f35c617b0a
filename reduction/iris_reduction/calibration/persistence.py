"""Share of charge that the traps of each pixel take, from bright flats and the darks that follow them.

First the mean pixel: its reads in all darks together give the two time constants, the mean shares
and, where flats of unequal brightness were taken, the power of the charge (else 1), by non-linear
least squares on charges released since each reset. Drifts common to all reads hide the constants (3 e-
a read, where 20 e- come back), so a wide prior holds them at the order of what is usual.

Then each pixel: with the constants known its reads are linear in its two shares, so least squares
needs only the products of its reads with the two curves. White read noise dominates by far. Single
pixels are noisy (some 8 e- in a ramp of 20 reads), so the shares are drawn to their means by noise
and spread (a Gaussian prior with the mean and the excess variance of all pixels, which is believed up
to (mean/2)^2); a pixel that lies further off than six standard deviations, hit or hot, gets the means.
Pedestals are free in each ramp.

Not modelled: drifts common to all reads, which the mean curves share; correlation of the two shares
over pixels; the errors of constants and power.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import optimize

from iris_contract.errors import InputError
from iris_reduction.blocks import split_rows
from iris_reduction.kernels.persistence import Afterimage, fill_traps, release_charge

__all__ = ["Afterglow", "Traps", "fit_mean_traps", "fit_shares"]

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]
_PRIOR, _PRIOR_SPREAD = np.log([30.0, 300.0]), 0.7  # s; a factor of two: the order of what HgCdTe detectors show
_SEEN = 25.0  # drop of chi-square that an afterglow must bring
_UNEQUAL = 1.3  # ratio of charges from which the power can be told
_CLIP = 6.0
_SPREADS = 0.05, 0.5  # of the mean share: the least and most that is believed


class Afterglow(NamedTuple):
    """A dark exposure: `reads` e- (ny, nx, ngroups, nreads) without dark current, `times` s (ngroups, nreads).

    `period` s from reset to reset; `past` are the exposures before it.
    """

    reads: Float32
    times: Float64
    period: float
    past: tuple[Afterimage, ...]


class Traps(NamedTuple):
    """Time constants s (2,), mean shares (2,), and power of the charge over `norm` e-."""

    constants: Float64
    shares: Float64
    norm: float
    power: float


def fit_mean_traps(darks: Sequence[Afterglow], usable: Bool) -> Traps:
    """Return the traps of the mean pixel; raises InputError where no afterglow can be told from noise.

    `usable` (ny, nx) are the pixels that go into the mean.
    """
    curves = [_average(dark, usable) for dark in darks]
    levels = [[float(np.median(image.charge[usable])) for image in dark.past] for dark in darks]
    latest = [charges[-1] for charges in levels]
    norm, free = max(latest), max(latest) > _UNEQUAL * min(latest)
    noise = np.sqrt(np.mean([np.mean(np.diff(curve, n=2, axis=1) ** 2) / 6 for curve in curves]))

    def describe(values: Float64) -> tuple[Float64, Float64, float]:
        return np.exp(values[:2]), values[2:4] * 1e-4, float(values[4]) if free else 1.0

    def differ(values: Float64) -> Float64:
        constants, shares, power = describe(values)
        parts = [(values[:2] - _PRIOR) / _PRIOR_SPREAD]
        for dark, curve, charges in zip(darks, curves, levels, strict=True):
            past = [Afterimage(np.full((1, 1), q), i.delay) for q, i in zip(charges, dark.past, strict=True)]
            held = shares * fill_traps(past, constants, norm, power)[0, 0]
            expected = np.tensordot(held, release_charge(dark.times, dark.period, constants), axes=1)
            parts.append((curve - expected + expected.mean(axis=1, keepdims=True)).ravel() / noise)
        return np.concatenate(parts)

    start = np.array([*_PRIOR, 1.0, 1.0, *([1.0] if free else [])])
    low, high = np.array([(1.0, 6.0), (4.0, 9.0), (0.0, 1e3), (0.0, 1e3), (0.3, 3.0)][: len(start)]).T
    found = optimize.least_squares(differ, start, bounds=(low, high))
    without = np.where(np.isin(np.arange(len(start)), (2, 3)), 0.0, start)
    silent = np.sum(differ(without) ** 2)
    if not silent - 2 * found.cost > _SEEN:
        raise InputError("the darks show no afterglow of the flats before them", key="IMTYPE", value="DRK")
    constants, shares, power = describe(found.x)
    order = np.argsort(constants)
    return Traps(constants[order], shares[order], norm, power)


def _average(dark: Afterglow, usable: Bool) -> Float64:
    """Return the mean reads e- (ngroups, nreads) of the usable pixels that were not hit, each ramp less its mean."""
    pixels = dark.reads[usable]
    rise = pixels[:, :, -1] - pixels[:, :, 0]
    away = np.abs(rise - np.median(rise, axis=0))
    quiet = (away <= 5 * 1.4826 * np.median(away, axis=0)).all(axis=1)
    curve = pixels[quiet].mean(axis=0, dtype=np.float64)
    return np.asarray(curve - curve.mean(axis=1, keepdims=True))


def fit_shares(darks: Sequence[Afterglow], usable: Bool, noise: Float32, traps: Traps) -> tuple[Float32, Float32]:
    """Return the shares of each pixel and their errors, (ny, nx, 2), from `noise` e- of a read (ny, nx).

    Pixels that are not usable get the mean shares, and their spread for an error.
    """
    normal, mixed = np.zeros((*usable.shape, 2, 2)), np.zeros((*usable.shape, 2))
    for dark in darks:
        seen = release_charge(dark.times, dark.period, traps.constants)
        seen = seen - seen.mean(axis=2, keepdims=True)
        held = fill_traps(dark.past, traps.constants, traps.norm, traps.power).astype(np.float64)
        normal += held[..., :, None] * held[..., None, :] * np.einsum("igr,jgr->ij", seen, seen)
        for rows in split_rows(dark.reads.shape):
            mixed[rows] += held[rows] * np.einsum("yxgr,igr->yxi", dark.reads[rows], seen)
    known = usable & (np.linalg.det(normal) > 0) & (noise > 0)
    variance = np.where(known, np.square(noise, dtype=np.float64), 1.0)[..., None]
    normal[~known] = np.eye(2)
    covariance = np.linalg.inv(normal) * variance[..., None]
    shares = np.einsum("...ij,...j->...i", covariance, mixed / variance)
    own = np.einsum("...ii->...i", covariance)
    mean, spread2 = _find_population(shares[known], own[known])
    known &= (np.abs(shares - mean) < _CLIP * np.sqrt(own + spread2)).all(axis=-1)
    precision = np.where(known[..., None, None], normal / variance[..., None], 0.0) + np.diag(1 / spread2)
    posterior = np.linalg.inv(precision)
    right = np.where(known[..., None], mixed / variance, 0.0) + mean / spread2
    drawn = np.einsum("...ij,...j->...i", posterior, right)
    errors = np.sqrt(np.einsum("...ii->...i", posterior))
    return np.maximum(drawn, 0.0).astype(np.float32), errors.astype(np.float32)


def _find_population(shares: Float64, variance: Float64) -> tuple[Float64, Float64]:
    """Return the mean of the shares (npix, 2) and the variance beyond their own, robustly, each (2,)."""
    low, middle, high = np.quantile(shares, (0.16, 0.5, 0.84), axis=0)
    excess = np.square((high - low) / 2) - np.median(variance, axis=0)
    middle = np.maximum(middle, 0.0)
    least, most = (np.square(share * middle) + 1e-12 for share in _SPREADS)
    return middle, np.clip(excess, least, most)
