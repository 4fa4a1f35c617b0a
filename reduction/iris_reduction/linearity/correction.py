"""Straighten ramps with the coefficients of each pixel, and bend signals back.

    S_lin = S * (1 + sum_k c_k u^(k+1)),   u = S/S0 held within 0..1,

in float32, which resolves 0.004 DN. Signal counts from the pedestal of the ramp at its reset. That is
read off the line through the ramp's first usable read and the one `SPAN` reads later, S_1 - t_1 R: no
noise is added where the first read follows the reset at once, and a third of the first interval's
photons else. The pedestal enters through the slope of the correction only (17 % at 80 ke-): an error
of 60 e- there is one of 10 e-, 0.01 %. What the two reads lost already is put back once.

The result of a ramp is its reads plus their corrections, so pedestals stay and coefficients 0 change
nothing. `bend_back` is the inverse, by Newton's method. Photon noise is straightened with the signal
and comes out as it went in; read noise grows by the slope, 13 e- for 11 e- at 80 ke-, beside 280 e-
of photons. Not modelled: dependence on flux (reciprocity) and on the neighbours' charge.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from iris_contract import DQ
from iris_reduction.blocks import map_rows
from iris_reduction.linearity.protocol import FlatRamps, Float32

__all__ = ["bend_back", "find_norm", "find_pedestal", "measure_highest", "straighten", "straighten_signal"]

SPAN = 3
BEYOND = np.float32(1.02)
ONE, ZERO = np.float32(1), np.float32(0)
_SATURATED, _UNUSABLE = np.uint8(DQ["SATURATED"]), np.uint8(DQ["DO_NOT_USE"])


def straighten(
    reads: npt.NDArray[np.uint16] | Float32,
    times: npt.NDArray[np.float64],
    coeffs: Float32,
    norm: float,
    read_dq: npt.NDArray[np.uint8] | None = None,
    skip: int = 0,
) -> tuple[Float32, npt.NDArray[np.bool_]]:
    """Return the reads of a linear detector, float32 DN like `reads`, and where (ny, nx) some cannot be known.

    `reads` DN (ny, nx, ngroups, nreads), `times` s (ngroups, nreads) from the reset, `coeffs`
    (ny, nx, ncoeff), `norm` S0 in DN; `read_dq` uint8 like `reads`: the pedestal rests on reads
    before the first SATURATED one and without DO_NOT_USE, and not on the first `skip` ones. Not known
    are usable reads whose signal is above 1.02 S0.
    """
    result = np.empty(reads.shape, np.float32)
    beyond = np.zeros(reads.shape[:2], np.bool_)
    read_dq = np.zeros((1, 1, *reads.shape[2:]), np.uint8) if read_dq is None else read_dq
    flags = np.broadcast_to(read_dq, reads.shape)

    def work(rows: slice) -> None:
        result[rows] = reads[rows]
        mine = np.ascontiguousarray(coeffs[rows])
        _straighten_rows(result[rows], times, mine, np.float32(norm), flags[rows], skip, beyond[rows])

    map_rows(work, reads.shape)
    return result, beyond


def straighten_signal(signal: Float32, coeffs: Float32, norm: float) -> Float32:
    """Return the linear signal of `signal`, both float32 DN above the pedestal (ny, nx, ...)."""
    planes = signal.reshape(*coeffs.shape[:2], -1)
    out = np.empty(planes.shape, np.float32)
    for k in range(planes.shape[2]):
        out[:, :, k] = planes[:, :, k] * (1 + _evaluate_plane(planes[:, :, k] / np.float32(norm), coeffs))
    return out.reshape(signal.shape)


def bend_back(linear: Float32, coeffs: Float32, norm: float) -> Float32:
    """Return the signal that pixels show for a `linear` one, both float32 DN above the pedestal (ny, nx, ...).

    The inverse of `straighten_signal` where that increases with signal.
    """
    target = linear.reshape(*coeffs.shape[:2], -1).astype(np.float64)
    order = np.arange(2, coeffs.shape[2] + 2)
    signal = target.copy()
    for k in range(target.shape[2]):
        for _ in range(12):
            u = signal[:, :, k] / norm
            inside = (u > 0) & (u < 1)
            ratio = 1 + _evaluate_plane(u, coeffs)
            slope = np.where(inside, 1 + _evaluate_plane(u, coeffs * order), ratio)
            signal[:, :, k] -= (signal[:, :, k] * ratio - target[:, :, k]) / slope
    return signal.reshape(linear.shape).astype(np.float32)


def _evaluate_plane(u: npt.NDArray[np.floating], coeffs: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Return sum_k c_k u^(k+1), u held within 0..1."""
    held, total = np.clip(u, 0, 1), np.zeros_like(u)
    for k in reversed(range(coeffs.shape[2])):
        total = (total + coeffs[:, :, k]) * held
    return total


@njit(nogil=True, cache=True, error_model="numpy")
def find_pedestal(reads: Any, times: Any, flags: Any, skip: int) -> tuple[float, int, int, float]:
    """Return pedestal DN, the two reads it rests on (-1: none), and t_1/(t_2 - t_1), of one ramp (nreads,)."""
    first, second = -1, -1
    for r in range(skip, len(reads)):
        if flags[r] & _SATURATED:
            break
        if flags[r] & _UNUSABLE or not np.isfinite(reads[r]):
            continue
        if first < 0:
            first = r
        second = r
        if r >= first + SPAN:
            break
    if first < 0:
        return 0.0, -1, -1, 0.0
    share = times[first] / (times[second] - times[first]) if second > first else 0.0
    return reads[first] - share * (reads[second] - reads[first]), first, second, share


def measure_highest(exposures: Iterable[FlatRamps]) -> Float32:
    """Return the highest signal in DN that each pixel shows in the mean of an exposure's ramps, (ny, nx)."""
    highest = np.zeros((0, 0), np.float32)
    for exposure in exposures:
        shape = exposure.reads.shape
        highest = highest if highest.size else np.zeros(shape[:2], np.float32)
        map_rows(partial(_raise_rows, exposure, highest), shape)
        del exposure  # or it would stay while the next one is read
    return highest


def _raise_rows(exposure: FlatRamps, highest: Float32, rows: slice) -> None:
    reads = exposure.reads[rows].astype(np.float32, copy=False)
    read_dq = np.zeros((1, 1, *reads.shape[2:]), np.uint8) if exposure.read_dq is None else exposure.read_dq[rows]
    _raise_highest(reads, exposure.times, np.broadcast_to(read_dq, reads.shape), highest[rows])


def find_norm(highest: Float32, usable: npt.NDArray[np.bool_]) -> float:
    """Return the highest signal in DN that flats show, the 99.9 % quantile of `usable` pixels (ny, nx)."""
    return float(np.quantile(highest[usable], 0.999)) if usable.any() else 0.0


@njit(nogil=True, cache=True, error_model="numpy")
def _raise_highest(reads: Any, times: Any, flags: Any, highest: Any) -> None:
    rows, columns, ngroups, nreads = reads.shape
    for i in range(rows):
        for j in range(columns):
            mean = 0.0
            for g in range(ngroups):
                ramp, last = reads[i, j, g], 0.0
                pedestal, first, _, _ = find_pedestal(ramp, times[g], flags[i, j, g], 0)
                for r in range(nreads):
                    if first < 0 or flags[i, j, g, r] & _SATURATED:
                        break
                    last = max(last, ramp[r] - pedestal)
                mean += last / ngroups
            highest[i, j] = max(highest[i, j], mean)


@njit(nogil=True, cache=True, error_model="numpy")
def _straighten_rows(reads: Any, times: Any, coeffs: Any, norm: Any, flags: Any, skip: int, beyond: Any) -> None:
    """Straighten `reads` float32 (rows, nx, ngroups, nreads) in place; mark in `beyond` where some are too high."""
    rows, columns, ngroups, nreads = reads.shape
    u, ratio = np.empty(nreads, np.float32), np.empty(nreads, np.float32)
    for i in range(rows):
        for j in range(columns):
            c = coeffs[i, j]
            for g in range(ngroups):
                ramp = reads[i, j, g]
                start, first, second, share = find_pedestal(ramp, times[g], flags[i, j, g], skip)
                if first < 0:
                    continue
                lost = (1 + share) * (ramp[first] - start) * _evaluate_one(ramp[first], np.float32(start), c, norm)
                lost -= share * (ramp[second] - start) * _evaluate_one(ramp[second], np.float32(start), c, norm)
                pedestal = np.float32(start + lost)
                _evaluate(ramp, pedestal, c, norm, u, ratio)
                full = False
                for r in range(nreads):
                    full |= (flags[i, j, g, r] & _SATURATED) != 0
                    if not full and (ramp[r] - pedestal) > BEYOND * norm:
                        beyond[i, j] = True
                    ramp[r] += (ramp[r] - pedestal) * ratio[r]


@njit(nogil=True, cache=True, error_model="numpy")
def _evaluate_one(read: Any, pedestal: Any, coeffs: Any, norm: Any) -> Any:
    """Return sum_k c_k u^(k+1) for one read."""
    u = min(max((read - pedestal) * (ONE / norm), ZERO), ONE)
    ratio = ZERO
    for k in range(len(coeffs) - 1, -1, -1):
        ratio = (ratio + coeffs[k]) * u
    return ratio


@njit(nogil=True, cache=True, error_model="numpy")
def _evaluate(ramp: Any, pedestal: Any, coeffs: Any, norm: Any, u: Any, ratio: Any) -> None:
    """Fill `ratio` with sum_k c_k u^(k+1) for the reads of one ramp."""
    inverse = ONE / norm
    for r in range(len(ramp)):
        u[r] = min(max((ramp[r] - pedestal) * inverse, ZERO), ONE)
        ratio[r] = ZERO
    for k in range(len(coeffs) - 1, -1, -1):
        c = coeffs[k]
        for r in range(len(ramp)):
            ratio[r] = (ratio[r] + c) * u[r]
