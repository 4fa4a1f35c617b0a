"""What all linearity fitters need of flat ramps: moments of the increments of each pixel.

Under constant light, S_k + sum_j c_j x_jk = R t_k + pedestal with x_j = S (S/S0)^(j+1). Taken from
read to read, the increments of the x_j and of S, each less its mean rate in the ramp (which takes
out R, so the lamp may differ from ramp to ramp), are linear in the c_j. The increments of the
straightened signal are photons that arrived between two reads: independent, with variances
proportional to the interval dt, so each product is weighted by 1/dt.

Plain least squares fails: the x_j carry the noise of S, six of them are nearly alike, and a c that
shrinks the noise with the signal wins (20 % of the signal at ten ramps). So the equations are
multiplied with instruments z_j instead, the x_j of the mean signal of the *other* ramps of the same
pixel, whose noise is independent (instrumental variables: Reiersol 1941, Econometrica 9, 1):

    N_ij = sum z_i x_j / dt,   b_i = sum z_i s / dt,   c = -N^-1 b,   cov(c) = v N^-1

with v, the variance of an increment over dt, from the scatter between ramps. That is unbiased with
two ramps or more. Increments that differ from the same ones of the other ramps by more than six
robust standard deviations hold a cosmic ray and are left out; the signal after it is what it is.

Not modelled: read noise, which couples neighbouring increments (5 % of their variance at 5000 e-
per increment); light that drifts within a ramp, which looks like nonlinearity; the first reads
after a reset, where the level settles: leave them out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from iris_contract.errors import InputError
from iris_reduction.linearity.correction import find_pedestal
from iris_reduction.linearity.protocol import FlatRamps

__all__ = [
    "Moments",
    "add_scatter",
    "average_others",
    "check_times",
    "collect_moments",
    "leave_out_hits",
    "sum_signals",
    "take_signal",
]

Float64 = npt.NDArray[np.float64]
LOWEST = 0.02  # of S0, below which weights grow no more


class Moments(NamedTuple):
    """Sums over the increments of pixels (rows, nx): `normal` N (..., n, n), `mixed` b (..., n).

    `variance` of the increments over their interval, DN^2/s; `number` of increments; `rate` mean DN/s.
    """

    normal: Float64
    mixed: Float64
    variance: Float64
    number: Float64
    rate: Float64


def collect_moments(
    exposures: Sequence[FlatRamps], norm: float, ncoeff: int, rows: slice, power: float = 0.0
) -> Moments:
    """Return the moments of the pixels in `rows`, all exposures together; `norm` S0 in DN.

    Increments at signal u = S/S0 have `power` more of weight, u^-power: where noise does not matter,
    it is the misfit at low signal, to which all is anchored, that does.

    Raises InputError for an exposure of a single ramp, or whose ramps were not read at the same times.
    """
    nn = ncoeff**2
    total = np.zeros((*exposures[0].reads[rows].shape[:2], nn + ncoeff + 5))
    for exposure in exposures:
        check_times(exposure.times)
        reads = np.ascontiguousarray(exposure.reads[rows], dtype=np.float32)
        flags = np.zeros(reads.shape, np.uint8) if exposure.read_dq is None else exposure.read_dq[rows]
        _add(reads, np.ascontiguousarray(exposure.times[0]), np.ascontiguousarray(flags), norm, ncoeff, power, total)
    scatter, freedom, number, signal, seconds = np.moveaxis(total[:, :, nn + ncoeff :], -1, 0)
    normal = total[:, :, :nn].reshape(*total.shape[:2], ncoeff, ncoeff)
    variance, rate = scatter / np.maximum(freedom, 1), signal / np.maximum(seconds, 1e-9)
    return Moments(normal, total[:, :, nn : nn + ncoeff], variance, number, rate)


def check_times(times: Float64) -> None:
    """Raise InputError for an exposure of a single ramp, or whose ramps were not read at the same times."""
    if len(times) < 2:
        raise InputError("linearity needs two or more ramps in an exposure", key="NGROUPS", value=len(times))
    if not np.allclose(times, times[0], rtol=0, atol=1e-6):
        raise InputError("linearity needs ramps that were read at the same times", key="TIMES")


@njit(nogil=True, cache=True, error_model="numpy")
def _add(reads: Any, times: Any, flags: Any, norm: float, ncoeff: int, power: float, sums: Any) -> None:
    """Add the moments of every pixel of one exposure to `sums` (rows, nx, :)."""
    rows, columns, ngroups, nreads = reads.shape
    signal = np.empty((ngroups, nreads))  # DN above the pedestal, NaN where not usable
    steps = np.empty((ngroups, nreads))  # increments DN from the read before, NaN where not used
    away = np.empty((ngroups, nreads))
    scratch = np.empty(ngroups * nreads)
    work = np.empty((nreads, 2 * ncoeff + 2))
    totals = np.empty((nreads, 2))
    tail = ncoeff**2 + ncoeff
    for i in range(rows):
        for j in range(columns):
            for g in range(ngroups):
                take_signal(reads[i, j, g], times, flags[i, j, g], signal[g])
                steps[g, 0] = np.nan
                for r in range(1, nreads):
                    steps[g, r] = signal[g, r] - signal[g, r - 1]
            leave_out_hits(steps, away, scratch)
            add_scatter(steps, times, sums[i, j, tail:])
            sum_signals(signal, totals)
            for g in range(ngroups):
                _add_ramp(signal[g], steps[g], totals, times, norm, power, work, sums[i, j])


@njit(cache=True, error_model="numpy")
def take_signal(ramp: Any, times: Any, flags: Any, signal: Any) -> None:
    """Fill `signal` with DN above the pedestal of one ramp, NaN where a read is not usable."""
    signal[:] = np.nan
    pedestal, first, second, _ = find_pedestal(ramp, times, flags, 0)
    if second == first:
        return
    for r in range(first, len(ramp)):
        if flags[r] & 2:
            break
        if not flags[r] & 1:
            signal[r] = ramp[r] - pedestal


@njit(cache=True, error_model="numpy")
def leave_out_hits(steps: Any, away: Any, scratch: Any) -> None:
    """Set increments to NaN that differ from the median of the ramps, where there are three or more.

    `away` and `scratch` are room to work in, of the shape of `steps` and of its size.
    """
    ngroups, nreads = steps.shape
    if ngroups < 3:
        return
    away[:] = np.nan
    for r in range(1, nreads):
        n = _gather(steps[:, r], scratch, 0)
        if n > 2:
            middle = _find_median(scratch, n)
            for g in range(ngroups):
                away[g, r] = np.abs(steps[g, r] - middle)
    n = 0
    for g in range(ngroups):
        n = _gather(away[g], scratch, n)
    highest, large = 0.0, 0
    for k in range(n):
        highest = max(highest, scratch[k])
    for k in range(n):
        large += scratch[k] * (6.0 * 1.4826) >= highest
    if n == 0 or 2 * large > n + 1:
        return  # the median is one of these: none exceeds the limit, and it need not be sought
    limit = 6.0 * 1.4826 * np.median(scratch[:n])
    for g in range(ngroups):
        for r in range(1, nreads):
            if away[g, r] > limit:
                steps[g, r] = np.nan


@njit(cache=True, error_model="numpy")
def _find_median(values: Any, n: int) -> float:
    """Return the median of the first `n` values, which are sorted on the way; for few of them."""
    for i in range(1, n):
        value, k = values[i], i
        while k > 0 and values[k - 1] > value:
            values[k] = values[k - 1]
            k -= 1
        values[k] = value
    return float((values[(n - 1) // 2] + values[n // 2]) / 2)


@njit(cache=True, error_model="numpy")
def _gather(values: Any, scratch: Any, n: int) -> int:
    """Append the finite values to `scratch`, which holds n; return how many it holds then."""
    for value in values:
        if np.isfinite(value):
            scratch[n] = value
            n += 1
    return n


@njit(cache=True, error_model="numpy")
def add_scatter(steps: Any, times: Any, tail: Any) -> None:
    """Add to `tail`: squares of differences from the mean of the ramps over dt, their degrees of
    freedom, the number of increments, their sum and their seconds.
    """
    ngroups, nreads = steps.shape
    for r in range(1, nreads):
        dt, n, mean, square = times[r] - times[r - 1], 0, 0.0, 0.0
        for g in range(ngroups):
            if np.isfinite(steps[g, r]):
                n += 1
                mean += steps[g, r]
        if n == 0:
            continue
        tail[3] += mean
        mean /= n
        for g in range(ngroups):
            if np.isfinite(steps[g, r]):
                square += (steps[g, r] - mean) ** 2
        tail[0] += square / dt
        tail[1] += n - 1
        tail[2] += n
        tail[4] += n * dt


@njit(cache=True, error_model="numpy")
def _add_ramp(
    signal: Any, steps: Any, totals: Any, times: Any, norm: float, power: float, work: Any, sums: Any
) -> None:
    """Add the products of one ramp; rows of `work`: rates of x, of z, of S, and the weight of an increment."""
    nreads, last = len(steps), work.shape[1] - 2
    ncoeff, n, total = last // 2, 0, 0.0
    mean = np.zeros(last + 1)
    for r in range(1, nreads):
        if not (np.isfinite(steps[r]) and min(totals[r - 1, 1], totals[r, 1]) > 1.0):
            continue
        before, after = average_others(totals[r - 1], signal[r - 1]), average_others(totals[r], signal[r])
        dt = times[r] - times[r - 1]
        _take_powers(signal[r - 1], signal[r], norm, dt, work[n, :ncoeff])
        _take_powers(before, after, norm, dt, work[n, ncoeff:last])
        work[n, last] = steps[r] / dt
        weight = dt * max((before + after) / (2 * norm), LOWEST) ** -power
        work[n, last + 1] = weight
        total += weight
        for a in range(last + 1):
            mean[a] += work[n, a] * weight
        n += 1
    if n < 2:
        return
    mean /= total
    for k in range(n):
        for a in range(ncoeff):
            z = (work[k, ncoeff + a] - mean[ncoeff + a]) * work[k, last + 1]
            for b in range(ncoeff):
                sums[a * ncoeff + b] += z * (work[k, b] - mean[b])
            sums[ncoeff * ncoeff + a] += z * (work[k, last] - mean[last])


@njit(cache=True, error_model="numpy")
def _take_powers(low: float, high: float, norm: float, dt: float, out: Any) -> None:
    """Fill `out` with (high u_high^(k+1) - low u_low^(k+1)) / dt."""
    first, second = low, high
    for k in range(len(out)):
        first *= max(low / norm, 0.0)
        second *= max(high / norm, 0.0)
        out[k] = (second - first) / dt


@njit(cache=True, error_model="numpy")
def sum_signals(signal: Any, totals: Any) -> None:
    """Fill `totals` (nreads, 2) with the sum of the signal of all ramps in each read and their number."""
    totals[:] = 0.0
    for ramp in signal:
        for r in range(len(ramp)):
            if np.isfinite(ramp[r]):
                totals[r, 0] += ramp[r]
                totals[r, 1] += 1.0


@njit(cache=True, error_model="numpy")
def average_others(total: Any, own: float) -> float:
    """Return the mean signal of the ramps other than the one that shows `own`."""
    return float((total[0] - own) / (total[1] - 1.0))
