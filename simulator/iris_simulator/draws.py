"""Random numbers addressed by row, column, ramp and read; the only compiled code of the simulator.

Each draw has its own short SplitMix64 sequence (Steele, Lea & Flood 2014, OOPSLA), begun at a hash
of (key, row) and (column, ramp, read). Normal deviates: inversion by the rational approximations of
Wichura 1988 (AS 241, PPND7, relative error 1e-7). Poisson deviates: inversion by sequential search
below a mean of 10, above it transformed rejection, PTRS of Hoermann 1993 (Insurance: Mathematics
and Economics 12, 39). Both are exact for every mean up to 1e9; no normal approximation anywhere.

All arrays are (rows, columns, ramps, reads) float64, so that each kernel is compiled once. Kernels
release the interpreter lock and use no threads of their own. They stay in one module because numba's
disk cache notices an edit only in the file of the cached function itself.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

from iris_simulator.seeds import Stream

__all__ = ["add_arrivals", "draw_normal", "draw_uniform"]

Cube = npt.NDArray[np.float64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_S12, _S27, _S30, _S31 = np.uint64(12), np.uint64(27), np.uint64(30), np.uint64(31)
_COLUMN, _RAMP = np.uint64(34), np.uint64(17)  # ramps and reads number up to 100 000 < 2**17 each
_STEP = 2.0**-52


@njit(nogil=True)
def _mix(z):  # type: ignore[no-untyped-def]
    """Scramble 64 bits."""
    z = (z ^ (z >> _S30)) * _MIX_1
    z = (z ^ (z >> _S27)) * _MIX_2
    return z ^ (z >> _S31)


@njit(nogil=True)
def _row_key(stream, row):  # type: ignore[no-untyped-def]
    return _mix(stream.key + _GOLDEN * np.uint64(stream.row + row + 1))


@njit(nogil=True)
def _state(row_key, column, ramp, read):  # type: ignore[no-untyped-def]
    """Begin the sequence of one draw."""
    place = (np.uint64(column) << _COLUMN) | (np.uint64(ramp) << _RAMP) | np.uint64(read)
    return _mix(row_key + _GOLDEN * (place + np.uint64(1)))


@njit(nogil=True)
def _unit(state):  # type: ignore[no-untyped-def]
    """Return a number inside (0, 1), both ends excluded also after rounding."""
    return (np.float64(state >> _S12) + 0.5) * _STEP


@njit(nogil=True)
def _normal(p):  # type: ignore[no-untyped-def]
    """Return the standard normal quantile of `p` (AS 241, PPND7)."""
    q = p - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        top = ((59.109374720 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179
        return q * top / (((67.187563600 * r + 78.757757664) * r + 17.895169469) * r + 1.0)
    r = math.sqrt(-math.log(p if q < 0.0 else 1.0 - p))
    if r <= 5.0:
        r -= 1.6
        z = ((0.17023821103 * r + 1.3067284816) * r + 2.7568153900) * r + 1.4234372777
        z /= (0.12021132975 * r + 0.73700164250) * r + 1.0
    else:
        r -= 5.0
        z = ((0.017337203997 * r + 0.42868294337) * r + 3.0812263860) * r + 6.6579051150
        z /= (0.012258202635 * r + 0.24197894225) * r + 1.0
    return -z if q < 0.0 else z


@njit(nogil=True)
def _poisson_small(mean, state):  # type: ignore[no-untyped-def]
    """Invert the distribution function; the bound on `term` ends the search where rounding stalls it."""
    u = _unit(state)
    term = math.exp(-mean)
    below, count = term, 0.0
    while u > below and term > 1e-18:
        count += 1.0
        term *= mean / count
        below += term
    return count


@njit(nogil=True)
def _poisson_large(mean, state):  # type: ignore[no-untyped-def]
    """Hoermann's PTRS, for means from 10 on; names as in the paper."""
    b = 0.931 + 2.53 * math.sqrt(mean)
    a = -0.059 + 0.02483 * b
    v_r = 0.9277 - 3.6224 / (b - 2.0)
    while True:
        u = _unit(state) - 0.5
        state += _GOLDEN
        v = _unit(_mix(state))
        us = 0.5 - abs(u)
        k = math.floor((2.0 * a / us + b) * u + mean + 0.43)
        if us >= 0.07 and v <= v_r:
            return k
        if k >= 0.0 and (us >= 0.013 or v <= us):
            inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
            left = math.log(v * inverse_alpha / (a / (us * us) + b))
            if left <= k * math.log(mean) - mean - math.lgamma(k + 1.0):
                return k
        state = _mix(state + _MIX_1)


@njit(nogil=True)
def _poisson(mean, state):  # type: ignore[no-untyped-def]
    if mean < 10.0:
        return _poisson_small(mean, state)
    return _poisson_large(mean, state)


@njit(nogil=True, cache=True)
def _add_arrivals(charge, rate, times, stream, noisy):  # type: ignore[no-untyped-def]
    rows, columns, ramps, reads = charge.shape
    for i in range(rows):
        row_key = _row_key(stream, i)
        for j in range(columns):
            if rate[i, j] <= 0.0:
                continue
            for g in range(ramps):
                total, before = 0.0, 0.0
                for r in range(reads):
                    total_mean = rate[i, j] * (times[g, r] - before)
                    before = times[g, r]
                    if not noisy:
                        total = rate[i, j] * before
                    elif total_mean > 0.0:
                        total += _poisson(total_mean, _state(row_key, stream.column + j, g, r))
                    charge[i, j, g, r] += total


@njit(nogil=True, cache=True)
def _fill(out, stream, normal):  # type: ignore[no-untyped-def]
    rows, columns, ramps, reads = out.shape
    for i in range(rows):
        row_key = _row_key(stream, i)
        for j in range(columns):
            for g in range(ramps):
                for r in range(reads):
                    u = _unit(_state(row_key, stream.column + j, g, r))
                    out[i, j, g, r] = _normal(u) if normal else u


def add_arrivals(charge: Cube, rate: Cube, times: Cube, stream: Stream, noisy: bool = True) -> None:
    """Add to `charge` what has arrived by each read at `rate` per second.

    `charge` (rows, columns, ramps, reads), `rate` (rows, columns) 1/s, `times` (ramps, reads) s from
    the reset, which empties the pixel at time 0. Increments between reads are independent Poisson
    draws; where `noisy` is false the expectation is added instead.
    """
    _add_arrivals(charge, rate, times, stream, noisy)


def draw_normal(shape: tuple[int, int, int, int], stream: Stream) -> Cube:
    """Return standard normal numbers for (rows, columns, ramps, reads)."""
    out = np.empty(shape)
    _fill(out, stream, True)
    return out


def draw_uniform(shape: tuple[int, int, int, int], stream: Stream) -> Cube:
    """Return numbers uniform inside (0, 1) for (rows, columns, ramps, reads)."""
    out = np.empty(shape)
    _fill(out, stream, False)
    return out
