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

Darks come one by one, twice: once for the mean pixel, once for five sums of each pixel (two products of its reads with
the curves, three of the curves with each other), float32 since they are known no better than to 1e-3.

Not modelled: drifts common to all reads, which the mean curves share; correlation of the two shares
over pixels; the errors of constants and power.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import optimize

from iris_contract.errors import InputError
from iris_reduction.blocks import map_rows
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


class _Curve(NamedTuple):
    """What the mean pixel of a dark shows: `reads` e- (ngroups, nreads), each ramp less its mean, and what was before.

    `past` has charges of shape (1, 1), the median over pixels.
    """

    reads: Float64
    times: Float64
    period: float
    past: tuple[Afterimage, ...]


def fit_mean_traps(darks: Iterable[Afterglow], usable: Bool) -> Traps:
    """Return the traps of the mean pixel; raises InputError where no afterglow can be told from noise.

    `usable` (ny, nx) are the pixels that go into the mean. `darks` may yield them one by one.
    """
    curves = list(map(partial(_average, usable=usable), darks))
    latest = [float(curve.past[-1].charge[0, 0]) for curve in curves]
    norm, free = max(latest), max(latest) > _UNEQUAL * min(latest)
    noise = np.sqrt(np.mean([np.mean(np.diff(curve.reads, n=2, axis=1) ** 2) / 6 for curve in curves]))

    def describe(values: Float64) -> tuple[Float64, Float64, float]:
        return np.exp(values[:2]), values[2:4] * 1e-4, float(values[4]) if free else 1.0

    def differ(values: Float64) -> Float64:
        constants, shares, power = describe(values)
        parts = [(values[:2] - _PRIOR) / _PRIOR_SPREAD]
        for curve in curves:
            held = shares * fill_traps(curve.past, constants, norm, power)[0, 0]
            expected = np.tensordot(held, release_charge(curve.times, curve.period, constants), axes=1)
            parts.append((curve.reads - expected + expected.mean(axis=1, keepdims=True)).ravel() / noise)
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


def _average(dark: Afterglow, usable: Bool) -> _Curve:
    """Return the mean of the usable pixels that were not hit."""
    reads = dark.reads
    rises = map_rows(lambda rows: (reads[rows, ..., -1] - reads[rows, ..., 0])[usable[rows]], reads.shape)
    away = np.concatenate(rises)
    away -= np.median(away, axis=0)
    np.abs(away, out=away)
    quiet = usable.copy()
    quiet[usable] = (away <= 5 * 1.4826 * np.median(away, axis=0)).all(axis=1)
    sums = map_rows(lambda rows: reads[rows][quiet[rows]].sum(axis=0, dtype=np.float64), reads.shape)
    curve = np.sum(sums, axis=0) / np.count_nonzero(quiet)
    past = [Afterimage(np.full((1, 1), float(np.median(charge[usable]))), delay) for charge, delay in dark.past]
    return _Curve(curve - curve.mean(axis=1, keepdims=True), dark.times, dark.period, tuple(past))


def fit_shares(darks: Iterable[Afterglow], usable: Bool, noise: Float32, traps: Traps) -> tuple[Float32, Float32]:
    """Return the shares of each pixel and their errors, (ny, nx, 2), from `noise` e- of a read (ny, nx).

    Pixels that are not usable get the mean shares, and their spread for an error. `darks` may yield them one by one.
    """
    sums = np.zeros((*usable.shape, 5), np.float32)
    for dark in darks:
        _add_dark(dark, traps, sums)
        del dark  # or it would stay while the next one is read
    shares, errors = (np.empty((*usable.shape, 2), np.float32) for _ in range(2))
    known = usable & (noise > 0)

    def fit_alone(rows: slice) -> None:
        mixed, normal = _take_sums(sums[rows])
        inverse, works = _invert(normal)
        known[rows] &= works
        shares[rows] = _multiply(inverse, mixed)
        errors[rows] = np.sqrt(np.maximum(inverse[..., ::2], 0)) * noise[rows, :, None]

    map_rows(fit_alone, sums.shape)
    mean, spread2 = _find_population(shares, errors, known)

    def draw(rows: slice) -> None:
        own = np.square(errors[rows], dtype=np.float64)
        believed = (np.abs(shares[rows] - mean) < _CLIP * np.sqrt(own + spread2)).all(axis=-1) & known[rows]
        variance = np.where(believed, np.square(noise[rows], dtype=np.float64), 1.0)[..., None]
        mixed, normal = (np.where(believed[..., None], part / variance, 0.0) for part in _take_sums(sums[rows]))
        inverse, _ = _invert(normal + np.array([1 / spread2[0], 0.0, 1 / spread2[1]]))
        shares[rows] = np.maximum(_multiply(inverse, mixed + mean / spread2), 0.0)
        errors[rows] = np.sqrt(inverse[..., ::2])

    map_rows(draw, sums.shape)
    return shares, errors


def _add_dark(dark: Afterglow, traps: Traps, sums: Float32) -> None:
    """Add to `sums` (ny, nx, 5) the products of a dark's reads with both curves, and those of the curves."""
    seen = release_charge(dark.times, dark.period, traps.constants)
    seen = seen - seen.mean(axis=2, keepdims=True)
    (first, both), (_, second) = np.einsum("igr,jgr->ij", seen, seen)

    def add(rows: slice) -> None:
        past = [Afterimage(charge[rows], delay) for charge, delay in dark.past]
        held = fill_traps(past, traps.constants, traps.norm, traps.power).astype(np.float64)
        sums[rows, :, :2] += held * np.einsum("yxgr,igr->yxi", dark.reads[rows], seen)
        sums[rows, :, 2:] += held[..., [0, 0, 1]] * held[..., [0, 1, 1]] * (first, both, second)

    map_rows(add, dark.reads.shape)


def _take_sums(sums: Float32) -> tuple[Float64, Float64]:
    """Return the products with the reads (rows, nx, 2), and the symmetric matrices as (rows, nx, 3)."""
    values = sums.astype(np.float64)
    return values[..., :2], values[..., 2:]


def _invert(matrix: Float64) -> tuple[Float64, Bool]:
    """Return the inverses of symmetric matrices, as they are: xx, xy, yy on the last axis; and where there is one."""
    determinant = matrix[..., 0] * matrix[..., 2] - matrix[..., 1] ** 2
    works = determinant > 0
    return matrix[..., ::-1] * (1, -1, 1) / np.where(works, determinant, 1.0)[..., None], works


def _multiply(matrix: Float64, vector: Float64) -> Float64:
    """Return the products of symmetric matrices (..., 3) with vectors (..., 2)."""
    return matrix[..., :2] * vector[..., :1] + matrix[..., 1:] * vector[..., 1:]


def _find_population(shares: Float32, errors: Float32, known: Bool) -> tuple[Float64, Float64]:
    """Return the mean of the shares (ny, nx, 2) of known pixels and the variance beyond their own, robustly, each (2,).

    Each kind of trap for itself, since a quantile takes copies.
    """
    found = []
    for kind in range(2):
        low, middle, high = np.quantile(shares[..., kind][known], (0.16, 0.5, 0.84)).astype(np.float64)
        own = float(np.median(errors[..., kind][known])) ** 2
        middle = max(middle, 0.0)
        least, most = ((spread * middle) ** 2 + 1e-12 for spread in _SPREADS)
        found.append((middle, np.clip(((high - low) / 2) ** 2 - own, least, most)))
    mean, spread2 = np.array(found).T
    return mean, spread2
