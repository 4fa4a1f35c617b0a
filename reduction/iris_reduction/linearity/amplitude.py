"""Amplitudes of pixels from the moments of their increments, projected on known curves.

With coefficients c(a) = sum_k C_k e^k, e = a - 1, the amplitude of a pixel is the root of f and has
the weight o,

    f(a) = c'(a) (b + N c(a)),   o(a) = c'(a) N c'(a),   N and b of the module `moments`.

Both are polynomials in e, and their coefficients are sums over increments just as N and b are. So
each signal is turned into its projections X_k = S sum_j C_kj u^(j+1) first, whose products
M_kl = sum Z_k X_l / dt replace the larger N, and 24 numbers in float32 keep what a pixel has told so far:
exposures can be taken one at a time, and forgotten.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from iris_reduction.linearity.moments import (
    add_scatter,
    average_others,
    check_times,
    leave_out_hits,
    sum_signals,
    take_signal,
)
from iris_reduction.linearity.protocol import FlatRamps

__all__ = ["SIZE", "TERMS", "add_equations", "solve_amplitudes"]

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
TERMS, ORDERS = 7, 6  # coefficients of a curve, and powers of e in each
FORCES, WEIGHTS = 2 * ORDERS - 2, 2 * ORDERS - 3  # coefficients of f and of o
TAIL = FORCES + WEIGHTS
SIZE = TAIL + 5
_STEPS = 4  # of Newton's method


def add_equations(exposure: FlatRamps, norm: float, curves: Float64, equations: Float32, rows: slice) -> None:
    """Add what one exposure tells of the pixels in `rows` to their `equations` (ny, nx, SIZE).

    `norm` S0 in DN, `curves` C (TERMS, ORDERS). A pixel has the coefficients of f and of o, then scatter, freedom,
    number, signal and seconds of its increments, as `moments` has them. Errors as `collect_moments`.
    """
    check_times(exposure.times)
    reads = np.ascontiguousarray(exposure.reads[rows], dtype=np.float32)
    flags = np.zeros(reads.shape, np.uint8) if exposure.read_dq is None else exposure.read_dq[rows]
    _add(reads, np.ascontiguousarray(exposure.times[0]), np.ascontiguousarray(flags), norm, curves, equations[rows])


@njit(nogil=True, cache=True, error_model="numpy")
def _add(reads: Any, times: Any, flags: Any, norm: float, curves: Any, equations: Any) -> None:
    rows, columns, ngroups, nreads = reads.shape
    size = ngroups * nreads
    signal = np.empty((ngroups, nreads))  # DN above the pedestal, NaN where not usable
    steps = np.empty((ngroups, nreads))  # increments DN from the read before, NaN where not used
    away, scratch, totals, tail = np.empty((ngroups, nreads)), np.empty(size), np.empty((nreads, 2)), np.empty(5)
    others, weights = np.empty((ngroups, nreads)), np.empty((ngroups, nreads))
    x, z = np.empty((ORDERS, size)), np.empty((ORDERS, size))
    products, mixed = np.empty((ORDERS, ORDERS)), np.empty(ORDERS)
    for i in range(rows):
        for j in range(columns):
            for g in range(ngroups):
                take_signal(reads[i, j, g], times, flags[i, j, g], signal[g])
                steps[g, 0] = np.nan
                for r in range(1, nreads):
                    steps[g, r] = signal[g, r] - signal[g, r - 1]
            leave_out_hits(steps, away, scratch)
            tail[:] = 0.0
            add_scatter(steps, times, tail)
            for k in range(5):
                equations[i, j, TAIL + k] += tail[k]
            sum_signals(signal, totals)
            for g in range(ngroups):
                for r in range(nreads):
                    others[g, r] = average_others(totals[r], signal[g, r])
                _weigh(steps[g], totals, times, weights[g])
            _blank(signal, others, steps, weights)
            _project(signal.reshape(-1), norm, curves, x, scratch)
            _project(others.reshape(-1), norm, curves, z, scratch)
            _centre(z, times, weights)
            for k in range(1, ORDERS):
                mixed[k] = _multiply(z[k], steps.reshape(-1))
                for m in range(ORDERS):
                    products[k, m] = _multiply(z[k], x[m])
            _sort_by_power(products, mixed, equations[i, j])


@njit(cache=True, error_model="numpy")
def _weigh(steps: Any, totals: Any, times: Any, weights: Any) -> None:
    """Fill `weights` with 1/dt of the increments of one ramp that are used, 0 for the others and for a single one."""
    n = 0
    weights[0] = 0.0
    for r in range(1, len(steps)):
        used = np.isfinite(steps[r]) and min(totals[r - 1, 1], totals[r, 1]) > 1.0
        weights[r] = 1.0 / (times[r] - times[r - 1]) if used else 0.0
        n += used
    if n < 2:
        weights[:] = 0.0


@njit(cache=True, error_model="numpy")
def _blank(signal: Any, others: Any, steps: Any, weights: Any) -> None:
    """Set to 0 what is not a number, as it has no weight; the loops that follow need not ask."""
    for g in range(signal.shape[0]):
        for r in range(signal.shape[1]):
            if not np.isfinite(signal[g, r]):
                signal[g, r] = 0.0
            if not np.isfinite(others[g, r]):
                others[g, r] = 0.0
            if weights[g, r] == 0.0:
                steps[g, r] = 0.0


@njit(cache=True, error_model="numpy")
def _project(signal: Any, norm: float, curves: Any, out: Any, scratch: Any) -> None:
    """Fill `out` (ORDERS, n) with the increments of S sum_j C_kj u^(j+1) over the signals (n,) of all ramps."""
    inverse = 1.0 / norm
    for k in range(ORDERS):
        c0, c1, c2, c3 = curves[0, k], curves[1, k], curves[2, k], curves[3, k]
        c4, c5, c6 = curves[4, k], curves[5, k], curves[6, k]
        for t in range(len(signal)):
            u = max(signal[t] * inverse, 0.0)
            scratch[t] = signal[t] * u * (c0 + u * (c1 + u * (c2 + u * (c3 + u * (c4 + u * (c5 + u * c6))))))
        row = out[k]
        row[0] = 0.0
        for t in range(1, len(signal)):
            row[t] = scratch[t] - scratch[t - 1]


@njit(cache=True, error_model="numpy")
def _centre(z: Any, times: Any, weights: Any) -> None:
    """Take their mean rate in each ramp out of the increments `z` (ORDERS, ngroups * nreads), and weigh them."""
    ngroups, nreads = weights.shape
    for g in range(ngroups):
        seconds = 0.0
        for r in range(1, nreads):
            seconds += (times[r] - times[r - 1]) * (weights[g, r] > 0.0)
        for k in range(1, ORDERS):
            row, total = z[k, g * nreads : (g + 1) * nreads], 0.0
            for r in range(1, nreads):
                total += row[r] * (weights[g, r] > 0.0)
            share = total / seconds if seconds > 0.0 else 0.0
            row[0] = 0.0
            for r in range(1, nreads):
                row[r] = (row[r] - share * (times[r] - times[r - 1])) * weights[g, r]


@njit(cache=True, error_model="numpy", fastmath={"reassoc"})
def _multiply(one: Any, other: Any) -> float:
    """Return the scalar product; terms may be added in any order, several at a time."""
    total = 0.0
    for t in range(len(one)):
        total += one[t] * other[t]
    return total


@njit(cache=True, error_model="numpy")
def _sort_by_power(products: Any, mixed: Any, equations: Any) -> None:
    """Add the coefficients of f and of o that the projections make."""
    for k in range(1, ORDERS):
        equations[k - 1] += k * mixed[k]
        for m in range(ORDERS):
            equations[k - 1 + m] += k * products[k, m]
            if m > 0:
                equations[FORCES + k + m - 2] += k * m * products[k, m]


def solve_amplitudes(equations: Float32, low: float, high: float) -> tuple[Float64, Float64]:
    """Return the amplitudes, held within `low` and `high`, and o(a) of the last step, (ny, nx)."""
    amplitude, weight = np.empty(equations.shape[:2]), np.empty(equations.shape[:2])
    _solve(equations, low, high, amplitude, weight)
    return amplitude, weight


@njit(nogil=True, cache=True, error_model="numpy")
def _solve(equations: Any, low: float, high: float, amplitude: Any, weight: Any) -> None:
    rows, columns = amplitude.shape
    for i in range(rows):
        for j in range(columns):
            terms, a, o = equations[i, j], 1.0, 0.0
            for _ in range(_STEPS):
                e, f, o = a - 1.0, 0.0, 0.0
                for k in range(FORCES - 1, -1, -1):
                    f = f * e + terms[k]
                for k in range(TAIL - 1, FORCES - 1, -1):
                    o = o * e + terms[k]
                a = min(max(a - (f / o if o > 0.0 else 0.0), low), high)
            amplitude[i, j], weight[i, j] = a, o
