"""Telegraph pixels from darks: their reads switch between two levels.

A pixel is TELEGRAPH where, in the ramps of a dark,

- its reads scatter about a straight line more than those of its output's other pixels: beyond 6 robust
  standard deviations, photon noise of its own dark rate allowed for;
- that excess is correlated in time: it is more than 1.3 times the excess of neighbouring reads' differences
  (half their variance). White noise, however strong, has equal excesses; a level that switches rarely has
  next to none in the differences;
- the reads of a ramp fall into two groups: split in two at the best place, they scatter within the groups
  as other pixels do (at most 1.6 times their variance). A random walk does not.

Cosmic rays touch single ramps, so the worst fifth of the ramps, rounded up, is left out of every mean.
What all pixels of an output do, such as settling after a reset, is taken out by their median. With
read noise s and the same time in both levels, h apart, the scatter grows by nearly h^2/4 on s^2: ten
ramps of twenty reads find two thirds of those with h = 3 s, and nearly all from 5 s on. Not modelled:
more than two levels, switches rarer than one in five ramps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from iris_contract.errors import InputError

__all__ = ["find_telegraph_pixels"]

Flags = npt.NDArray[np.bool_]
Double = npt.NDArray[np.float64]
_LIMIT = 6.0
_CORRELATED = 1.3
_TWO_LEVELS = 1.6
_WORST = 0.2  # of the ramps
_SAMPLE = 4096  # pixels per output that tell what all have in common


def find_telegraph_pixels(
    reads: npt.NDArray[np.uint16 | np.float32],
    times: Double,
    gain: npt.NDArray[np.float32],
    science: Flags,
    outputs: npt.NDArray[np.int64],
) -> Flags:
    """Return where a light-sensitive pixel switches between two levels, bool (ny, nx).

    `reads` DN of a dark (ny, nx, ngroups, nreads), `times` s (ngroups, nreads), `gain` e-/DN (ny, nx),
    `science` True on light-sensitive pixels (ny, nx), `outputs` (nx,). Raises InputError for fewer
    than three ramps or four reads, of which nothing can be told.
    """
    ngroups, nreads = reads.shape[2:]
    if ngroups < 3 or nreads < 4:
        raise InputError("telegraph pixels need three ramps of four reads", key="NGROUPS", value=(ngroups, nreads))
    found = np.zeros(science.shape, np.bool_)
    scatter, steps, rate = (np.zeros(science.shape) for _ in range(3))
    common = np.zeros((outputs.max() + 1, ngroups, nreads))
    for output in np.unique(outputs):
        common[output] = _measure_common(reads, science & (outputs == output))
    worst = int(np.ceil(_WORST * ngroups))
    _measure_scatter(reads, times, gain, common[outputs], worst, scatter, steps, rate)
    walk = _find_walk(times)
    for output in np.unique(outputs):
        mine = science & (outputs == output)
        if not mine.any():
            continue
        middle, middle_steps = float(np.median(scatter[mine])), float(np.median(steps[mine]))
        expected = middle + np.maximum(rate, 0) * walk
        spread = 1.4826 * float(np.median(np.abs(scatter / expected - 1)[mine]))
        suspects = np.argwhere(mine & (scatter > expected * (1 + _LIMIT * spread)))
        for y, x in suspects:
            electrons = (reads[y, x] - common[outputs[x]]) * float(gain[y, x])
            of_steps = middle_steps + max(rate[y, x], 0) * np.diff(times, axis=1).mean() / 2
            found[y, x] = _has_two_levels(electrons, times, worst, expected[y, x], of_steps)
    return found


def _measure_common(reads: npt.NDArray[np.uint16 | np.float32], mine: Flags) -> Double:
    """Return what the reads of these pixels do in common about each ramp's mean, DN (ngroups, nreads)."""
    rows, columns = np.nonzero(mine)
    step = max(1, rows.size // _SAMPLE)
    pixels = reads[rows[::step], columns[::step]].astype(np.float64)
    if not len(pixels):
        return np.zeros(reads.shape[2:])
    return np.asarray(np.median(pixels - pixels.mean(axis=2, keepdims=True), axis=0))


def _find_walk(times: Double) -> float:
    """Return the variance about a straight line of photons that arrive at 1 e-/s, as scatter measures it, in e-^2."""
    values = []
    for ramp in times:
        basis = np.linalg.qr(np.stack([np.ones_like(ramp), ramp - ramp.mean()], axis=1))[0]
        project = np.eye(len(ramp)) - basis @ basis.T
        values.append(float(np.trace(project @ np.minimum.outer(ramp, ramp))) / (len(ramp) - 2))
    return float(np.mean(values))


@njit(nogil=True, cache=True)
def _measure_scatter(
    reads: Any, times: Any, gain: Any, common: Any, worst: int, scatter: Any, steps: Any, rate: Any
) -> None:
    """Fill per pixel, in e-: variance about lines, half that of differences, mean slope; worst ramps left out."""
    ny, nx, ngroups, nreads = reads.shape
    about, half, slope = np.zeros(ngroups), np.zeros(ngroups), np.zeros(ngroups)
    ramp = np.zeros(nreads)
    for y in range(ny):
        for x in range(nx):
            for g in range(ngroups):
                for r in range(nreads):
                    ramp[r] = (reads[y, x, g, r] - common[x, g, r]) * gain[y, x]
                about[g], half[g], slope[g] = _describe_ramp(ramp, times[g])
            kept = np.argsort(about)[: ngroups - worst]
            scatter[y, x], steps[y, x], rate[y, x] = about[kept].mean(), half[kept].mean(), slope[kept].mean()


@njit(cache=True)
def _describe_ramp(ramp: Any, times: Any) -> tuple[float, float, float]:
    """Return variance about the straight line, half the variance of differences about their mean, and slope."""
    n = len(ramp)
    mean, middle = ramp.mean(), times.mean()
    along, square = 0.0, 0.0
    for r in range(n):
        along += (times[r] - middle) * (ramp[r] - mean)
        square += (times[r] - middle) ** 2
    slope = along / square
    about, half, last = 0.0, 0.0, 0.0
    for r in range(n):
        residual = ramp[r] - mean - slope * (times[r] - middle)
        about += residual**2
        if r > 0:
            half += (residual - last) ** 2
        last = residual
    return about / (n - 2), half / (2 * (n - 1)), slope


def _has_two_levels(electrons: Double, times: Double, worst: int, expected: float, expected_steps: float) -> bool:
    """Tell whether the ramps e- (ngroups, nreads) of a suspect scatter in a correlated way, and in two groups."""
    about, half, _ = np.array([_describe_ramp(ramp, t) for ramp, t in zip(electrons, times, strict=True)]).T
    kept = np.argsort(about)[: len(about) - worst]
    excess, of_steps = about[kept].mean() - expected, half[kept].mean() - expected_steps
    within = np.mean([_split_best(ramp) for ramp in electrons[kept]])
    return bool(excess > _CORRELATED * of_steps and within < _TWO_LEVELS * expected)


def _split_best(ramp: Double) -> float:
    """Return the variance within two groups of values, split where it is least."""
    values = np.sort(ramp)
    count = np.arange(1, len(values))
    sums, squares = np.cumsum(values), np.cumsum(values**2)
    low = squares[:-1] - sums[:-1] ** 2 / count
    high = squares[-1] - squares[:-1] - (sums[-1] - sums[:-1]) ** 2 / (len(values) - count)
    return float((low + high).min()) / (len(values) - 2)
