"""Effective read noise: the white noise that would make rates scatter as those of darks do.

Slow noise (1/f, drift of outputs) adds more to the rate of a ramp than to neighbouring reads' difference,
so the white noise underestimates errors. What a rate of this read pattern has in excess is measured
where it acts: each ramp of the darks gets the rate of an unweighted straight line (at the flux of
darks the weights of every fitter but differences of few reads are near these); its
variance over ramps, (n - 1) degrees of freedom, less the photons', divided by the sum of squared weights
is the effective read variance,

    s_eff^2 = (var(rate) - photon term) / sum w^2.

Some ten ramps give this to 50 % only. So the excess over the white variance (`differences`) is averaged
over the pixels of each output, which share their slow noise, and added to each pixel's own
white variance. A pixel whose rates scatter by more than chance allows once in 10^5 (telegraph
noise) keeps its own. Rates that deviate from the median of a pixel by more than 5 sigma, by cosmic rays,
are left out.

The result holds for the read pattern and the reference pixel correction of the darks: with longer or
shorter ramps slow noise enters otherwise. What pixels share is in the error of each, not in that of a sum.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from scipy import stats

from iris_contract.errors import InputError
from iris_reduction.read_noise.differences import add_moments, estimate
from iris_reduction.read_noise.protocol import DarkRamps, Float

__all__ = ["effective"]

Double = npt.NDArray[np.float64]
_CLIP = 5.0
_CHANCE = 1e-5
_ROWS = 32  # rows at a time


def effective(exposures: Iterable[DarkRamps], outputs: npt.NDArray[np.int64]) -> tuple[Float, Float]:
    """Return noise and error e- (ny, nx); arguments as `ReadNoiseEstimator`.

    Raises InputError where the darks have fewer than two ramps.
    """
    moments, squares, freedom = np.zeros((3, 1, 1)), np.zeros((1, 1)), np.zeros((1, 1))
    for dark in exposures:
        moments = moments + add_moments(dark)
        if dark.reads.shape[2] > 1:
            variance, number = _measure_rates(dark)
            squares, freedom = squares + variance * number, freedom + number
        del dark  # or it would stay while the next one is read
    if not freedom.any():
        raise InputError("the effective read noise needs two or more ramps in an exposure", key="NGROUPS", value=1)
    white, error = estimate(moments, outputs)
    found = squares / np.maximum(freedom, 1)
    noise = white.copy()
    for output in np.unique(outputs):
        mine = outputs == output
        noise[:, mine], error[:, mine] = _combine(white[:, mine], error[:, mine], found[:, mine], freedom[:, mine])
    return noise, error


def _measure_rates(dark: DarkRamps) -> tuple[Double, Double]:
    """Return the effective read variance e-^2 of each pixel and its degrees of freedom, (ny, nx)."""
    times = dark.times - dark.times.mean(axis=1, keepdims=True)
    weights = times / (times**2).sum(axis=1, keepdims=True)
    squares = float((weights**2).sum(axis=1).mean())
    photon = float(np.mean([w @ np.minimum.outer(t, t) @ w for w, t in zip(weights, dark.times, strict=True)]))
    shape = dark.reads.shape[:2]
    variance, freedom = np.zeros(shape), np.zeros(shape)
    for first in range(0, shape[0], _ROWS):
        part = slice(first, first + _ROWS)
        rates = np.einsum("yxgr,gr->yxg", dark.reads[part].astype(np.float32), weights.astype(np.float32))
        rates = rates.astype(np.float64) * dark.gain[part, :, None]
        kept = _keep(rates)
        number = np.maximum(kept.sum(axis=2), 2)
        mean = (rates * kept).sum(axis=2) / number
        scatter = (((rates - mean[..., None]) ** 2) * kept).sum(axis=2) / (number - 1)
        variance[part] = (scatter - np.maximum(mean, 0) * photon) / squares
        freedom[part] = number - 1
    return variance, freedom


def _keep(rates: Double) -> npt.NDArray[np.bool_]:
    """Return the rates (ny, nx, ngroups) that are not outliers by the scatter that pixels of these rows have."""
    deviation = np.abs(rates - np.median(rates, axis=2, keepdims=True))
    own = 1.4826 * np.median(deviation, axis=2, keepdims=True)
    kept: npt.NDArray[np.bool_] = deviation <= _CLIP * np.maximum(own, np.median(own))
    return kept


def _combine(white: Float, error: Float, found: Double, freedom: Double) -> tuple[Double, Double]:
    """Return noise and error e- of one output's pixels from the white noise and the variance of rates."""
    own = np.square(white, dtype=np.float64)
    typical = float(np.median(found / own)) / (1 - 2 / (9 * float(np.median(freedom)))) ** 3
    odd = found > own * typical * stats.chi2.isf(_CHANCE, freedom) / freedom
    excess = max(0.0, float((found - own)[~odd].mean())) if not odd.all() else 0.0
    doubt = float((found - own)[~odd].std()) / np.sqrt(max((~odd).sum(), 1)) if not odd.all() else 0.0
    variance = np.where(odd, np.maximum(found, own), own + excess)
    noise = np.sqrt(variance)
    spread = np.where(odd, variance * np.sqrt(2 / np.maximum(freedom, 1)), np.hypot(2 * white * error, doubt))
    return noise, spread / (2 * noise)
