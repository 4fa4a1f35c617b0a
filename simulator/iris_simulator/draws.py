"""Random numbers addressed by row, column, ramp and read.

Each draw has its own short SplitMix64 sequence (Steele, Lea & Flood 2014, OOPSLA), begun at a hash
of (key, row) and (column, ramp, read). Normal deviates: the ziggurat with 256 layers (Marsaglia &
Tsang 2000, J. Stat. Softw. 5, 8), layer and abscissa from different bits. Poisson deviates: below a
mean of 10 inversion, by a table of the distribution function; above it PD of Ahrens & Dieter 1982
(ACM TOMS 8, 163), a normal deviate that is accepted as it is in all but a few draws in a hundred,
and otherwise corrected. All are exact to rounding, for means up to 1e9. What depends on the mean
alone is computed once for all equal intervals of a pixel.

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

__all__ = ["add_arrivals", "add_increments", "add_normal", "draw_normal", "draw_uniform", "draw_uniform_at"]

Cube = npt.NDArray[np.float64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_S12, _S27, _S30, _S31 = np.uint64(12), np.uint64(27), np.uint64(30), np.uint64(31)
_COLUMN, _RAMP = np.uint64(34), np.uint64(17)  # ramps and reads number up to 100 000 < 2**17 each
_STEP = 2.0**-52

_LAYERS = 256
_LAYER = np.uint64(_LAYERS - 1)
_TAIL = 3.6541528853610088  # where the tail begins, for layers of equal area with 256 of them
_SMALL = 10.0  # smallest mean for PD
_LOG_FACTORIAL = np.array([math.lgamma(k + 1.0) for k in range(1024)])


def _layer_ziggurat() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the right ends of the layers from the bottom up, and the density exp(-x**2 / 2) there."""
    area = _TAIL * math.exp(-0.5 * _TAIL**2) + math.sqrt(math.pi / 2) * math.erfc(_TAIL / math.sqrt(2))
    ends = [area * math.exp(0.5 * _TAIL**2), _TAIL]
    while len(ends) < _LAYERS:
        ends.append(math.sqrt(-2 * math.log(area / ends[-1] + math.exp(-0.5 * ends[-1] ** 2))))
    x = np.array([*ends, 0.0])
    return x, np.exp(-0.5 * x**2)


_ENDS, _DENSITY = _layer_ziggurat()


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
def _states(out, row_key, column):  # type: ignore[no-untyped-def]
    """Begin the sequences of all draws of one pixel, in `out` (ramps, reads)."""
    for g in range(out.shape[0]):
        for r in range(out.shape[1]):
            place = (np.uint64(column) << _COLUMN) | (np.uint64(g) << _RAMP) | np.uint64(r)
            out[g, r] = _mix(row_key + _GOLDEN * (place + np.uint64(1)))


@njit(nogil=True)
def _unit(state):  # type: ignore[no-untyped-def]
    """Return a number inside (0, 1), both ends excluded also after rounding."""
    return (np.float64(np.int64(state >> _S12)) + 0.5) * _STEP


@njit(nogil=True)
def _normal(state):  # type: ignore[no-untyped-def]
    """Return a standard normal deviate; only one in a hundred needs more than the first number."""
    layer = np.int64(state & _LAYER)
    x = (np.float64(np.int64(state) >> 11) + 0.5) * _STEP * _ENDS[layer]
    if abs(x) < _ENDS[layer + 1]:
        return x
    return math.copysign(_normal_rare(state, abs(x)), x)


@njit(nogil=True)
def _normal_rare(state, x):  # type: ignore[no-untyped-def]
    """Go on with an abscissa that left the core of its layer; return the size of a normal deviate."""
    while True:
        layer = np.int64(state & _LAYER)
        state = _mix(state + _GOLDEN)
        if layer == 0:
            return _normal_tail(state)
        below, above = _DENSITY[layer], _DENSITY[layer + 1]
        if below + _unit(state) * (above - below) < math.exp(-0.5 * x * x):
            return x
        state = _mix(state + _GOLDEN)
        layer = np.int64(state & _LAYER)
        x = _unit(state) * _ENDS[layer]
        if x < _ENDS[layer + 1]:
            return x


@njit(nogil=True)
def _normal_tail(state):  # type: ignore[no-untyped-def]
    """Return a normal deviate beyond _TAIL (Marsaglia 1964, Technometrics 6, 101)."""
    while True:
        x = -math.log(_unit(state)) / _TAIL
        state = _mix(state + _GOLDEN)
        y = -math.log(_unit(state))
        if 2 * y > x * x:
            return _TAIL + x
        state = _mix(state + _GOLDEN)


@njit(nogil=True)
def _list_cdf(mean, cdf):  # type: ignore[no-untyped-def]
    """Write P(X <= k) from k = 0 on into `cdf`, all but 1 in 200; return how many, and the last P(X = k)."""
    term = math.exp(-mean)
    cdf[0] = below = term
    count = 1
    while below < 0.995:
        term *= mean / count
        below += term
        cdf[count] = below
        count += 1
    return count, term


@njit(nogil=True)
def _poisson_small(mean, cdf, listed, term, state):  # type: ignore[no-untyped-def]
    """Invert the distribution function for a deviate known not to be 0: count its values below a uniform number."""
    u = _unit(state)
    count = 1
    for k in range(1, listed):
        count += u > cdf[k]
    if count == listed:
        count -= 1
        below = cdf[count]
        while u > below and count < 128:  # P(X > 128) < 1e-90
            count += 1
            term *= mean / count
            below += term
    return np.float64(count)


@njit(nogil=True)
def _log_probability(k, mean):  # type: ignore[no-untyped-def]
    """Return log P(X = k); factorials beyond the table by Stirling's series, good to 1e-12."""
    if k < 1024.0:
        return k * math.log(mean) - mean - _LOG_FACTORIAL[int(k)]
    return k * math.log(mean / k) + k - mean - 0.5 * math.log(2 * math.pi * k) - 1 / (12.0 * k)


@njit(nogil=True)
def _poisson_large(mean, root, state):  # type: ignore[no-untyped-def]
    """Ahrens and Dieter's PD: steps N, I and S; `root` is sqrt(mean)."""
    g = math.floor(mean + root * _normal(state))
    u = _unit(_mix(state ^ _MIX_1))
    below = mean - g
    if g >= 0.0 and below * below * below <= 6.0 * mean * mean * u:
        return g
    return _poisson_rare(mean, root, g, u, state)


@njit(nogil=True)
def _poisson_rare(mean, root, k, u, state):  # type: ignore[no-untyped-def]
    """Steps Q, E and H of PD, with the normal's probability of k in closed form."""
    if k >= 0.0 and (1.0 - u) * _floored_normal(k, mean, root) <= math.exp(_log_probability(k, mean)):
        return k
    state ^= _MIX_2
    while True:
        state = _mix(state + _GOLDEN)
        e = -math.log(_unit(state))
        state = _mix(state + _GOLDEN)
        u = 2.0 * _unit(state) - 1.0
        t = 1.8 + math.copysign(e, u)
        if t > -0.6744:
            k = math.floor(mean + root * t)
            gap = math.exp(_log_probability(k, mean)) - _floored_normal(k, mean, root)
            if 0.1069 / mean * abs(u) <= gap * math.exp(e):
                return k


@njit(nogil=True)
def _floored_normal(k, mean, root):  # type: ignore[no-untyped-def]
    """Return the probability that a normal number of the same mean and variance lies in [k, k + 1)."""
    low, high = (k - mean) / root, (k + 1.0 - mean) / root
    if low > 0.0:
        low, high = -high, -low
    return 0.5 * (math.erfc(-high / math.sqrt(2.0)) - math.erfc(-low / math.sqrt(2.0)))


@njit(nogil=True, cache=True)
def _add_arrivals(charge, rate, intervals, stream):  # type: ignore[no-untyped-def]
    rows, columns, ramps, reads = charge.shape
    states, cdf = np.empty((ramps, reads), np.uint64), np.empty(64)
    for i in range(rows):
        row_key = _row_key(stream, i)
        for j in range(columns):
            if rate[i, j] <= 0.0:
                continue
            _states(states, row_key, stream.column + j)
            tabled, rooted, root, listed, term = 0.0, 0.0, 0.0, 0, 0.0
            for g in range(ramps):
                total = 0.0
                for r in range(reads):
                    mean = rate[i, j] * intervals[g, r]
                    if mean >= _SMALL:
                        if mean != rooted:
                            rooted, root = mean, math.sqrt(mean)
                        total += _poisson_large(mean, root, states[g, r])
                    elif _unit(states[g, r]) > 1.0 - mean:  # else 0 for certain, since exp(-mean) > 1 - mean
                        if mean != tabled:
                            listed, term = _list_cdf(mean, cdf)
                            tabled = mean
                        if _unit(states[g, r]) > cdf[0]:
                            total += _poisson_small(mean, cdf, listed, term, states[g, r])
                    charge[i, j, g, r] += total


@njit(nogil=True, cache=True)
def _add_normal(signal, rms, stream):  # type: ignore[no-untyped-def]
    rows, columns, ramps, reads = signal.shape
    states = np.empty((ramps, reads), np.uint64)
    for i in range(rows):
        row_key = _row_key(stream, i)
        for j in range(columns):
            _states(states, row_key, stream.column + j)
            for g in range(ramps):
                for r in range(reads):
                    signal[i, j, g, r] += rms[i, j] * _normal(states[g, r])


@njit(nogil=True, cache=True)
def _fill_uniform(out, stream):  # type: ignore[no-untyped-def]
    rows, columns, ramps, reads = out.shape
    states = np.empty((ramps, reads), np.uint64)
    for i in range(rows):
        row_key = _row_key(stream, i)
        for j in range(columns):
            _states(states, row_key, stream.column + j)
            for g in range(ramps):
                for r in range(reads):
                    out[i, j, g, r] = _unit(states[g, r])


@njit(nogil=True, cache=True)
def _fill_uniform_at(out, rows, columns, stream):  # type: ignore[no-untyped-def]
    pixels, ramps, reads = out.shape
    states = np.empty((ramps, reads), np.uint64)
    for n in range(pixels):
        _states(states, _row_key(stream, rows[n]), stream.column + columns[n])
        for g in range(ramps):
            for r in range(reads):
                out[n, g, r] = _unit(states[g, r])


def add_arrivals(charge: Cube, rate: Cube, times: Cube, stream: Stream, noisy: bool = True) -> None:
    """Add to `charge` what has arrived by each read at `rate` per second.

    `charge` (rows, columns, ramps, reads), `rate` (rows, columns) 1/s, `times` (ramps, reads) s from
    the reset, which empties the pixel at time 0. Increments between reads are independent Poisson
    draws; where `noisy` is false the expectation is added instead.
    """
    intervals = np.diff(times, axis=-1, prepend=0.0).round(9)  # to the nanosecond: equal ones are found equal
    add_increments(charge, rate, intervals if noisy else np.diff(times, axis=-1, prepend=0.0), stream, noisy)


def add_increments(charge: Cube, amount: Cube, shares: Cube, stream: Stream, noisy: bool = True) -> None:
    """Add to `charge`, summed over the reads of a ramp, Poisson numbers of mean `amount` times `shares`.

    `charge` (rows, columns, ramps, reads), `amount` (rows, columns), `shares` (ramps, reads); the mean
    itself where `noisy` is false.
    """
    if noisy:
        _add_arrivals(charge, amount, shares, stream)
    else:
        charge += amount[:, :, None, None] * np.cumsum(shares, axis=-1)


def add_normal(signal: Cube, rms: Cube, stream: Stream) -> None:
    """Add to each read of `signal` (rows, columns, ramps, reads) a normal number of rms (rows, columns)."""
    _add_normal(signal, rms, stream)


def draw_normal(shape: tuple[int, int, int, int], stream: Stream) -> Cube:
    """Return standard normal numbers for (rows, columns, ramps, reads)."""
    out = np.zeros(shape)
    _add_normal(out, np.ones(shape[:2]), stream)
    return out


def draw_uniform(shape: tuple[int, int, int, int], stream: Stream) -> Cube:
    """Return numbers uniform inside (0, 1) for (rows, columns, ramps, reads)."""
    out = np.empty(shape)
    _fill_uniform(out, stream)
    return out


def draw_uniform_at(
    rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64], ramps: int, reads: int, stream: Stream
) -> npt.NDArray[np.float64]:
    """Return what `draw_uniform` has at some pixels, (pixels, ramps, reads)."""
    out = np.empty((len(rows), ramps, reads))
    _fill_uniform_at(out, rows, columns, stream)
    return out
