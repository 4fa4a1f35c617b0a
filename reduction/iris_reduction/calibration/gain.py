"""Conversion gain of each output by photon transfer.

Between ramps of one flat exposure the increment from read to read varies by photon noise and read
noise only: fixed pattern is the same in every ramp and cancels. Per pixel the variance over ramps
of each increment (n - 1 degrees of freedom, so unbiased), averaged over pixels and increments,
follows variance = mean / gain + offset exactly, at whatever response; the offset is the read noise
of two reads plus quantisation. A weighted straight line over the levels, lamp off among them,
gives the gain. What the whole output does in common (lamp flicker) is taken out first.

A cosmic ray makes a pixel's variance huge; pixels above what chance allows once in 10^7 are left
out, which changes the mean by less than 10^-6. Not modelled: nonlinearity and interpixel
capacitance, which need covariances between neighbours (8 to 13 % at 1.25 % coupling).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from iris_contract.errors import InputError
from iris_reduction.blocks import map_each

__all__ = ["TransferPoint", "fit_gain", "measure_photon_transfer"]

Double = npt.NDArray[np.float64]
_CHANCE = 1e-7
_QUANTISATION = 1 / 6  # DN^2 of a difference of two rounded reads
_DARK = 1.0  # DN per increment below which an output counts as unlit
_FEWEST = 100  # usable pixels of an output below which no gain is claimed


class TransferPoint(NamedTuple):
    """Mean increment DN, its variance DN^2 and the error of that variance, of one output at one level."""

    mean: float
    variance: float
    error: float


def measure_photon_transfer(
    reads: npt.NDArray[np.uint16 | np.float32], usable: npt.NDArray[np.bool_], outputs: npt.NDArray[np.int64]
) -> dict[int, TransferPoint]:
    """Return one point per output (by number) from the ramps of one flat exposure.

    `reads` DN (ny, nx, ngroups, nreads); `usable` (ny, nx) leaves out reference and saturated
    pixels; `outputs` (nx,) is the output of each column. Raises InputError for fewer than two ramps
    or an output with fewer than 100 usable pixels.
    """
    if reads.shape[2] < 2:
        raise InputError("photon transfer needs two or more ramps in an exposure", key="NGROUPS", value=reads.shape[2])
    numbers = np.unique(outputs).tolist()

    def measure(output: int) -> TransferPoint:
        mine = outputs == output
        pixels = reads[:, mine][usable[:, mine]]
        if len(pixels) < _FEWEST:
            raise InputError(f"output {output} has {len(pixels)} usable pixels; needs {_FEWEST}", key="XSIZE,YSIZE")
        return _measure_output(pixels)

    return dict(zip(numbers, map_each(measure, numbers), strict=True))


def _measure_output(pixels: npt.NDArray[np.uint16 | np.float32]) -> TransferPoint:
    increments = np.diff(pixels.astype(np.float32), axis=2)  # (npix, ngroups, nreads - 1)
    own = increments.mean(axis=1, keepdims=True)
    residual = increments - own
    mean = own.mean(axis=(1, 2), dtype=np.float64)
    level = float(np.median(mean))
    lit = level > _DARK
    share = own / np.float32(level) if lit else np.float32(1)  # flicker scales with the response
    residual -= share * np.median(residual, axis=0)
    freedom = (increments.shape[1] - 1) * increments.shape[2]
    variance = np.einsum("pgk,pgk->p", residual, residual, dtype=np.float64) / freedom
    typical = float(np.median(variance)) / (1 - 2 / (9 * freedom)) ** 3  # Wilson & Hilferty 1931
    expected = typical * (np.maximum(1.0, mean / level) if lit else np.ones_like(mean))
    kept = variance <= expected * stats.chi2.isf(_CHANCE, freedom) / freedom
    found = float(variance[kept].mean())
    error = max(found, _QUANTISATION) * np.sqrt(2 / (freedom * kept.sum()))
    return TransferPoint(float(mean[kept].mean()), found, float(error))


def fit_gain(levels: Sequence[TransferPoint]) -> tuple[float, float]:
    """Return gain and error in e-/DN from one output's points at two or more levels.

    Raises InputError where the levels do not differ enough to give a slope.
    """
    mean, variance, error = (np.array(column, dtype=np.float64) for column in zip(*levels, strict=True))
    weight = error**-2.0
    centre = np.average(mean, weights=weight)
    lever = float((weight * (mean - centre) ** 2).sum())
    slope = float((weight * (mean - centre) * variance).sum()) / lever if lever > 0 else 0.0
    if slope <= 5 * lever**-0.5 if lever > 0 else True:
        raise InputError("flats give no photon transfer curve: needs exposures at two or more levels", key="CALLAMP")
    return 1 / slope, lever**-0.5 / slope**2
