"""Random numbers addressed by row, column, ramp and read.

Each draw has its own short SplitMix64 sequence (Steele, Lea & Flood 2014, OOPSLA), begun at a hash
of (key, row) and (column, ramp, read). Normal deviates: the ziggurat with 256 layers (Marsaglia &
Tsang 2000, J. Stat. Softw. 5, 8), layer and abscissa from different bits. Poisson deviates by the mean
of their interval, whatever the other intervals: below 0.1 arrivals come one after another, with
exponential gaps (the same ziggurat) in expected counts, in one sequence per ramp that passes over all other
intervals; below 10 inversion of the distribution function; above it PD of Ahrens & Dieter 1982
(ACM TOMS 8, 163), a normal deviate that is accepted as it is in all but a few draws in a hundred,
and otherwise corrected. All are exact to rounding, in the correction of PD to
1e-9 (estimated, not tested), for means up to 1e9. What depends on the mean alone is computed once for each
run of equal intervals of a pixel.

All arrays are (rows, columns, ramps, reads), contiguous; frames are float32, all else float64. Kernels
release the interpreter lock and use no threads of their own. They stay in one module because numba's
disk cache notices an edit only in the file of the cached function itself.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

from iris_simulator.seeds import Stream
from iris_simulator.ziggurat import CORES, DENSITY, ENDS, LAYERS, LONG, TAIL, WAIT_DENSITY, WAIT_ENDS, WIDTHS

__all__ = ["add_arrivals", "add_increments", "add_normal", "draw_normal", "draw_uniform", "draw_uniform_at"]

Cube = npt.NDArray[np.floating]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_S12, _S27, _S30, _S31 = np.uint64(12), np.uint64(27), np.uint64(30), np.uint64(31)
_COLUMN, _RAMP = np.uint64(34), np.uint64(17)  # ramps and reads number up to 100 000 < 2**17 each
_STEP = 2.0**-52
_ONE, _BELOW_ONE = np.uint64(0x3FF0000000000000), 1.0 - 2.0**-53  # the bits of 1.0

_LAYER = np.uint64(LAYERS - 1)
_RARE, _MANY = 0.1, 10.0  # means from which on inversion, and PD, take over
_NEXT = np.uint64(1)
_NO_READ = np.uint64(2**17 - 1)  # the address of a ramp's arrivals
_INVERSE = 1.0 / np.maximum(np.arange(128), 1)
_NODES, _WEIGHTS = (values / 2 for values in np.polynomial.legendre.leggauss(5))
_NODES += 0.5
_LOG_FACTORIAL = np.array([math.lgamma(k + 1.0) for k in range(1024)])


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
def _list_places(ramps, reads):  # type: ignore[no-untyped-def]
    """Return by how much the beginnings of a pixel's sequences differ from that of the pixel, (ramps * reads)."""
    places = np.empty(ramps * reads, np.uint64)
    for g in range(ramps):
        for r in range(reads):
            places[g * reads + r] = _GOLDEN * (((np.uint64(g) << _RAMP) | np.uint64(r)) + np.uint64(1))
    return places


@njit(nogil=True)
def _pixel(row_key, column):  # type: ignore[no-untyped-def]
    return row_key + _GOLDEN * (np.uint64(column) << _COLUMN)


@njit(nogil=True)
def _begin(states, places, pixel):  # type: ignore[no-untyped-def]
    """Begin the sequences of all draws of one pixel."""
    for n in range(places.size):
        states[n] = _mix(pixel + places[n])


@njit(nogil=True)
def _unit(state):  # type: ignore[no-untyped-def]
    """Return a number inside (0, 1), both ends excluded also after rounding."""
    return np.uint64((state >> _S12) | _ONE).view(np.float64) - _BELOW_ONE


@njit(nogil=True)
def _normal(state):  # type: ignore[no-untyped-def]
    """Return a standard normal deviate; only one in a hundred needs more than the first number."""
    layer = state & _LAYER
    place = np.int64(state) >> 11
    x = (np.float64(place) + 0.5) * WIDTHS[layer]
    if abs(place) < CORES[layer]:
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
        below, above = DENSITY[layer], DENSITY[layer + 1]
        if below + _unit(state) * (above - below) < math.exp(-0.5 * x * x):
            return x
        state = _mix(state + _GOLDEN)
        layer = np.int64(state & _LAYER)
        x = _unit(state) * ENDS[layer]
        if x < ENDS[layer + 1]:
            return x


@njit(nogil=True)
def _normal_tail(state):  # type: ignore[no-untyped-def]
    """Return a normal deviate beyond TAIL (Marsaglia 1964, Technometrics 6, 101)."""
    while True:
        x = -math.log(_unit(state)) / TAIL
        state = _mix(state + _GOLDEN)
        y = -math.log(_unit(state))
        if 2 * y > x * x:
            return TAIL + x
        state = _mix(state + _GOLDEN)


@njit(nogil=True)
def _wait(state):  # type: ignore[no-untyped-def]
    """Return an exponential deviate of mean 1."""
    layer = np.int64(state & _LAYER)
    x = _unit(state) * WAIT_ENDS[layer]
    if x < WAIT_ENDS[layer + 1]:
        return x
    return _wait_rare(state, x)


@njit(nogil=True)
def _wait_rare(state, x):  # type: ignore[no-untyped-def]
    """Go on with an abscissa that left the core of its layer."""
    while True:
        layer = np.int64(state & _LAYER)
        state = _mix(state ^ _MIX_1)
        if layer == 0:
            return LONG - math.log(_unit(state))
        below, above = WAIT_DENSITY[layer], WAIT_DENSITY[layer + 1]
        if below + _unit(state) * (above - below) < math.exp(-x):
            return x
        state = _mix(state ^ _MIX_1)
        layer = np.int64(state & _LAYER)
        x = _unit(state) * WAIT_ENDS[layer]
        if x < WAIT_ENDS[layer + 1]:
            return x


@njit(nogil=True)
def _log_probability(k, mean):  # type: ignore[no-untyped-def]
    """Return log P(X = k); factorials beyond the table by Stirling's series, good to 1e-12."""
    if k < 1024.0:
        return k * math.log(mean) - mean - _LOG_FACTORIAL[int(k)]
    return k * math.log(mean / k) + k - mean - 0.5 * math.log(2 * math.pi * k) - 1 / (12.0 * k)


@njit(nogil=True)
def _correct(mean, root, k, u, state):  # type: ignore[no-untyped-def]
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
    """Return the probability that a normal number of the same mean and variance lies in [k, k + 1).

    Gauss-Legendre with five points, good to 1e-12 within 3 and 1e-9 within 6 standard deviations.
    """
    total = 0.0
    for n in range(5):
        x = (k + _NODES[n] - mean) / root
        total += _WEIGHTS[n] * math.exp(-0.5 * x * x)
    return total / (math.sqrt(2 * math.pi) * root)


@njit(nogil=True)
def _count_rare(counts, passed, amount, ramp, reads, state, arrival):  # type: ignore[no-untyped-def]
    """Walk from arrival to arrival in expected counts, `amount` times `passed`, until the ramp is over."""
    place, end = np.uint64(ramp * reads), np.uint64((ramp + 1) * reads)
    while True:
        while place < end and amount * passed[place] <= arrival:
            place += _NEXT
        if place == end:
            return
        counts[place] += np.int64(1)
        state = _mix(state + _GOLDEN)
        arrival += _wait(state)


@njit(nogil=True)
def _count_few(counts, numbers, mean):  # type: ignore[no-untyped-def]
    """Invert the distribution function: count its values below uniform numbers, for all intervals at once."""
    highest = 0.0
    for n in range(numbers.size):
        highest = max(highest, numbers[n])
    term = below = math.exp(-mean)
    k = 0
    while highest > below and k < 127:  # P(X > 127) < 1e-90
        for n in range(numbers.size):
            counts[n] += np.int64(numbers[n] > below)
        k += 1
        term *= mean * _INVERSE[k]
        below += term


@njit(nogil=True)
def _count_many(counts, numbers, states, mean):  # type: ignore[no-untyped-def]
    """Ahrens and Dieter's PD: steps N, I and S for all intervals, the others for those that these refuse."""
    root, limit = math.sqrt(mean), 6.0 * mean * mean
    for n in range(numbers.size):
        numbers[n] = np.floor(mean + root * _normal(states[n]))
    refused = 0
    for n in range(numbers.size):
        below = mean - numbers[n]
        counts[n] = np.int64(numbers[n])
        refused += below * below * below > limit * _unit(_mix(states[n] ^ _MIX_1))
    if refused == 0:
        return
    for n in range(numbers.size):
        below, u = mean - numbers[n], _unit(_mix(states[n] ^ _MIX_1))
        if below * below * below > limit * u:
            counts[n] = np.int64(_correct(mean, root, numbers[n], u, states[n]))


@njit(nogil=True)
def _list_passed(shares, amount):  # type: ignore[no-untyped-def]
    """Return the sums of the intervals that are rare at `amount`, by reads, (ramps * reads)."""
    passed = np.zeros(shares.size)
    for g in range(shares.shape[0]):
        total = 0.0
        for r in range(shares.shape[1]):
            if amount * shares[g, r] < _RARE:
                total += shares[g, r]
            passed[g * shares.shape[1] + r] = total
    return passed


@njit(nogil=True)
def _count_numerous(counts, numbers, states, flat, ends, amount):  # type: ignore[no-untyped-def]
    """Count the arrivals of all intervals that are not rare, run by run."""
    first = 0
    for end in ends:
        mean = amount * flat[first]
        if mean >= _MANY:
            _count_many(counts[first:end], numbers[first:end], states[first:end], mean)
        elif mean >= _RARE:
            for n in range(first, end):
                numbers[n] = _unit(states[n])
            _count_few(counts[first:end], numbers[first:end], mean)
        first = end


@njit(nogil=True)
def _add_running(charge, counts, i, j):  # type: ignore[no-untyped-def]
    """Add to a pixel's charge what has arrived since the reset, and forget it."""
    _, _, ramps, reads = charge.shape
    for g in range(ramps):
        held = np.int64(0)
        for r in range(reads):
            held += counts[g * reads + r]
            counts[g * reads + r] = 0
            charge[i, j, g, r] += held


@njit(nogil=True, cache=True)
def _add_arrivals(charge, amounts, shares, ends, least, stream):  # type: ignore[no-untyped-def]
    rows, columns, ramps, reads = charge.shape
    size, flat = ramps * reads, shares.reshape(-1)
    places, passed = _list_places(ramps, reads), _list_passed(shares, 0.0)
    most = shares.max()
    states, counts, numbers = np.empty(size, np.uint64), np.zeros(size, np.int64), np.empty(size)
    for i in range(rows):
        row_key = _row_key(stream, i)
        for j in range(columns):
            amount, pixel = amounts[i, j], _pixel(row_key, stream.column + j)
            if amount <= 0.0:
                continue
            if amount * most < _RARE:  # few in every interval
                arrived = False
                for g in range(ramps):
                    state = _mix(pixel + _GOLDEN * (((np.uint64(g) << _RAMP) | _NO_READ) + np.uint64(1)))
                    arrival = _wait(state)
                    if arrival < amount * passed[(g + 1) * reads - 1]:
                        arrived = True
                        _count_rare(counts, passed, amount, g, reads, state, arrival)
                if arrived:
                    _add_running(charge, counts, i, j)
                continue
            if amount * least < _RARE:  # few in some
                some = _list_passed(shares, amount)
                for g in range(ramps):
                    state = _mix(pixel + _GOLDEN * (((np.uint64(g) << _RAMP) | _NO_READ) + np.uint64(1)))
                    _count_rare(counts, some, amount, g, reads, state, _wait(state))
            _begin(states, places, pixel)
            _count_numerous(counts, numbers, states, flat, ends, amount)
            _add_running(charge, counts, i, j)


@njit(nogil=True, cache=True)
def _add_normal(signal, rms, stream):  # type: ignore[no-untyped-def]
    rows, columns, ramps, reads = signal.shape
    places = _list_places(ramps, reads)
    states = np.empty(places.size, np.uint64)
    for i in range(rows):
        row_key = _row_key(stream, i)
        for j in range(columns):
            _begin(states, places, _pixel(row_key, stream.column + j))
            for g in range(ramps):
                for r in range(reads):
                    signal[i, j, g, r] += rms[i, j] * _normal(states[g * reads + r])


@njit(nogil=True, cache=True)
def _fill_uniform(out, rows, columns, stream):  # type: ignore[no-untyped-def]
    pixels, ramps, reads = out.shape
    places = _list_places(ramps, reads)
    states = np.empty(places.size, np.uint64)
    for n in range(pixels):
        _begin(states, places, _pixel(_row_key(stream, rows[n]), stream.column + columns[n]))
        for g in range(ramps):
            for r in range(reads):
                out[n, g, r] = _unit(states[g * reads + r])


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
        ends = np.flatnonzero(np.diff(shares.ravel(), append=np.nan)) + 1  # of runs of equal intervals
        least = float(shares[shares > 0].min(initial=np.inf))
        _add_arrivals(charge, amount.astype(np.float64), shares, ends, least, stream)
    else:
        charge += amount[:, :, None, None] * np.cumsum(shares, axis=-1)


def add_normal(signal: Cube, rms: Cube, stream: Stream) -> None:
    """Add to each read of `signal` (rows, columns, ramps, reads) a normal number of rms (rows, columns)."""
    _add_normal(signal, rms, stream)


def draw_normal(shape: tuple[int, int, int, int], stream: Stream) -> npt.NDArray[np.float64]:
    """Return standard normal numbers for (rows, columns, ramps, reads)."""
    out = np.zeros(shape)
    _add_normal(out, np.ones(shape[:2]), stream)
    return out


def draw_uniform(shape: tuple[int, int, int, int], stream: Stream) -> npt.NDArray[np.float64]:
    """Return numbers uniform inside (0, 1) for (rows, columns, ramps, reads)."""
    rows, columns = (index.ravel() for index in np.indices(shape[:2]))
    return draw_uniform_at(rows, columns, *shape[2:], stream).reshape(shape)


def draw_uniform_at(
    rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64], ramps: int, reads: int, stream: Stream
) -> npt.NDArray[np.float64]:
    """Return what `draw_uniform` has at some pixels, (pixels, ramps, reads)."""
    out = np.empty((len(rows), ramps, reads))
    _fill_uniform(out, rows, columns, stream)
    return out
