"""Optimal ramp fitting: generalised least squares on read differences, with one-omit jump rejection.

Differences d_k of neighbouring usable reads, x_k seconds apart, have the tridiagonal covariance

    C_kk = R x_k + 2 s^2,   C_k,k+1 = -s^2      (R rate, s read noise, both in electrons),

which is exact for photons that arrive between reads and white read noise, at any spacing, and is
free of pedestal and reset noise. With A = d C^-1 d, B = x C^-1 d, N = x C^-1 x, summed over all
ramps of the pixel: rate = B/N, variance 1/N, chi2 = A - B^2/N. C is evaluated with max(R, 0) of a
first guess. Weights that follow the noise of the data bias the rate at low flux, unless the guess is
nearly efficient itself: efficient estimates are uncorrelated with the contrasts that weights bring in
(compare the second fit of Brandt 2024, PASP 136, 045004 and 045005). So the guess is the best fit for
one rate, that at which photons and reads are equally noisy, the same weighted sum of reads for all
pixels. With 11 e- of read noise and up to 64 reads it is within 0.002 sigma of no bias at every flux, where the
mean difference, as a guess, leaves 0.014; with 1 or 2 e-, where few photons tell, 0.005 to 0.02 are left.

One sweep along the differences factorises C and yields A, B, N. A second sweep from the other end
yields, with h_k = 1/[C^-1]_kk, m_k = h_k [C^-1 (d - R x)]_k and n_k = h_k [C^-1 x]_k,

    drop of chi2 if difference k is omitted = (m_k - 0)^2 / (h_k - n_k^2/N)

for *every* difference in O(n). Omitting a difference is exactly the same as fitting a jump of
unknown size in it, and in the sweeps it is just a pivot set to zero. So are differences into reads
with JUMP_DET, from the start. A jump also raises the rate and
so the variance that it is tested against. Therefore the worst difference is omitted on trial where
its drop exceeds (0.8 jump_sigma)^2, and stays so where, with the weights found without it, keeping
it would raise chi2 by more than jump_sigma^2. Then the next one is tried, so several jumps are found
one by one. Both signs count. Two differences alone cannot tell which holds a jump: none is tested.

Pixels whose ramps are complete and show no jump are done in float32 and DN, many side by side; the
others one by one in float64. Not modelled: 1/f noise, interpixel capacitance, persistence,
nonlinearity, the skewness of few photons. Read noise as darks show it holds the quantisation noise
already.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

import numpy as np
from numba import njit

from iris_reduction.ramp.protocol import NO_JUMPS, Block, Float32, Float64, Jumps, RampFitter, fit_blocks

__all__ = ["gls"]

LANES = 64  # pixels side by side; buffers of a 20-read ramp then fit the first-level cache
# Rows of LANES values in `state`, fixed offsets so that the compiler can vectorise: guessed rate and
# rate/variance; normal equations and B/N; e-/DN and read variance; for the backward sweep the
# differences found, limit s^2 and limit s^2/N, and the carried p, p u, p w.
ROWS = 14
REF, FLUX, A, B, N, SHIFT, GAIN, VAR, FOUND, LIMIT, CREDIT, P, PU, PW = (row * LANES for row in range(ROWS))
SCREEN = 0.64  # on the squared threshold
ONE, TWO, ZERO = np.float32(1), np.float32(2), np.float32(0)


def _fit_block(block: Block) -> Jumps:
    steps, weights, faint = _prepare(block.times.shape, block.times.tobytes())
    limit = block.jump_sigma**2
    suspect = np.empty(len(block.reads), np.bool_)
    results = block.rate, block.error, block.chi2
    _fit_complete(
        block.reads,
        steps,
        weights,
        block.gain,
        block.variance,
        np.float32(SCREEN * limit),
        *results,
        suspect,
    )
    special = np.flatnonzero(suspect | (block.flags != 0) | ~np.isfinite(block.rate))
    if not len(special):
        return NO_JUMPS
    reads = block.reads[special].astype(np.float32, copy=False)
    amplitude = np.zeros_like(reads)
    better = np.empty((len(special), 3), np.float32)
    _fit_special(
        reads,
        block.usable_reads(special),
        block.jumped_reads(special),
        block.times,
        faint,
        block.gain[special],
        block.variance[special],
        limit,
        better,
        amplitude,
    )
    for plane, values in zip(results, better.T, strict=True):
        plane[special] = values
    pixel, group, read = np.nonzero(amplitude)
    return special[pixel], group, read, amplitude[pixel, group, read]


gls: RampFitter = partial(fit_blocks, _fit_block)
"""Fit ramps by generalised least squares; arguments, units and errors as `RampFitter`."""


@lru_cache(maxsize=8)
def _prepare(shape: tuple[int, int], times: bytes) -> tuple[Float32, Float32, Float64]:
    """Return the steps s, the weights of the guess and its rates of reads at `times`, once for all blocks."""
    seconds = np.frombuffer(times).reshape(shape)
    return np.diff(seconds, axis=1).astype(np.float32), _weigh_reads(seconds), _find_faint(seconds)


def _find_faint(times: Float64) -> Float64:
    """Return for each ramp (ngroups,) the rate 1/s, over the read variance, at which photons and reads are as noisy.

    A straight line through n reads a time x apart has the variance 12 s^2 / (n^3 x^2) of reads and R / (n x) of
    photons; nan for a single read.
    """
    nreads = times.shape[1]
    with np.errstate(invalid="ignore"):
        return np.asarray(12.0 / nreads**2 * (nreads - 1) / (times[:, -1] - times[:, 0]))


def _weigh_reads(times: Float64) -> Float32:
    """Return the weights 1/s (ngroups, nreads) of the best fit at the rate of `_find_faint`; nan without two reads."""
    weights, norm = np.zeros(times.shape), 0.0
    for row, x, faint in zip(weights, np.diff(times, axis=1), _find_faint(times), strict=True):
        if len(x):
            covariance = np.diag(2 + faint * x) - np.eye(len(x), k=1) - np.eye(len(x), k=-1)
            solved = np.linalg.solve(covariance, x)
            norm += float(x @ solved)
            row[:] = np.diff(-solved, prepend=0.0, append=0.0)
    with np.errstate(invalid="ignore"):
        return np.asarray(weights / np.float64(norm), dtype=np.float32)


@njit(nogil=True, cache=True, error_model="numpy")
def _fit_complete(
    reads: Any,
    steps: Any,
    weights: Any,
    gain: Any,
    variance: Any,
    limit: Any,
    rate: Any,
    error: Any,
    chi2: Any,
    suspect: Any,
) -> None:
    """Fit pixels whose every read is usable, LANES at a time; `suspect` tells which may hold a jump."""
    ngroups, nsteps = steps.shape
    tests = np.isfinite(limit) and steps.size > 2
    freedom = np.float32(steps.size - 1 if steps.size > 1 else np.nan)
    tile = np.zeros(weights.size * LANES, np.float32)
    trail = np.zeros(ngroups * (nsteps + 1) * 3 * LANES, np.float32)
    state = np.ones(ROWS * LANES, np.float32)
    flat = reads.reshape(-1)
    for first in range(0, len(reads), LANES):
        last = min(first + LANES, len(reads))
        _load(flat[first * weights.size :], gain[first:last], variance[first:last], tile, state)
        _guess_rate(weights, tile, state)
        _sweep_forward(steps, tile, trail, state)
        if tests:
            _sweep_backward(steps, tile, trail, state, limit)
        _finish(state, freedom)
        for i in range(last - first):
            rate[first + i] = state[REF + i]
            error[first + i] = state[N + i]
            chi2[first + i] = state[A + i]
            suspect[first + i] = tests and state[FOUND + i] > ZERO


@njit(cache=True, error_model="numpy")
def _load(reads: Any, gain: Any, variance: Any, tile: Any, state: Any) -> None:
    """Put up to LANES pixels side by side, in the order in which memory has them; variances in DN^2."""
    size = tile.size // LANES
    for i in range(len(gain)):
        state[GAIN + i] = gain[i]
        state[VAR + i] = variance[i] / (gain[i] * gain[i])
        for k in range(size):
            tile[k * LANES + i] = np.float32(reads[i * size + k])


@njit(cache=True, error_model="numpy")
def _finish(state: Any, freedom: Any) -> None:
    """Turn REF, N, A into rate and error in electrons, and chi2 per degree of freedom."""
    for i in range(LANES):
        state[A + i] = (state[A + i] - state[B + i] * state[SHIFT + i]) / (state[VAR + i] * freedom)
        state[REF + i] = (state[REF + i] + state[SHIFT + i]) * state[GAIN + i]
        state[N + i] = np.sqrt(state[VAR + i] / state[N + i]) * state[GAIN + i]


@njit(cache=True, error_model="numpy")
def _guess_rate(weights: Any, tile: Any, state: Any) -> None:
    """Put the weighted sum of the reads, each ramp from its first read on, into REF."""
    ngroups, nreads = weights.shape
    for i in range(LANES):
        state[REF + i] = ZERO
    for g in range(ngroups):
        ramp = tile[g * nreads * LANES : (g + 1) * nreads * LANES]
        for k in range(1, nreads):
            weight = weights[g, k]
            read = ramp[k * LANES : (k + 1) * LANES]
            for i in range(LANES):
                state[REF + i] += weight * (read[i] - ramp[i])


@njit(cache=True, error_model="numpy")
def _sweep_forward(steps: Any, tile: Any, trail: Any, state: Any) -> None:
    """Fit about REF; leaves A, B, N, SHIFT = B/N, and the pivots in `trail`.

    With inverse pivots p of C = L diag(1/p) L': u = L^-1 (d - REF x), w = L^-1 x. `trail` holds
    p, p u, p w for each difference, after a row of zeros for each ramp.
    """
    ngroups, nsteps = steps.shape
    for i in range(LANES):
        rate = state[REF + i]
        state[FLUX + i] = (rate if rate > ZERO else ZERO) / (state[VAR + i] * state[GAIN + i])
        state[A + i] = ZERO
        state[B + i] = ZERO
        state[N + i] = ZERO
    for g in range(ngroups):
        for k in range(nsteps):
            x = steps[g, k]
            start = (g * (nsteps + 1) + k) * LANES
            link = trail[3 * start : 3 * start + 6 * LANES]
            pair = tile[start : start + 2 * LANES]
            for i in range(LANES):
                p = ONE / (TWO + state[FLUX + i] * x - link[i])
                u = pair[LANES + i] - pair[i] - state[REF + i] * x + link[LANES + i]
                w = x + link[2 * LANES + i]
                pu, pw = p * u, p * w
                link[3 * LANES + i] = p
                link[4 * LANES + i] = pu
                link[5 * LANES + i] = pw
                state[A + i] += pu * u
                state[B + i] += pu * w
                state[N + i] += pw * w
    for i in range(LANES):
        state[SHIFT + i] = state[B + i] / state[N + i]


@njit(cache=True, error_model="numpy")
def _sweep_backward(steps: Any, tile: Any, trail: Any, state: Any, limit: Any) -> None:
    """Count in FOUND the differences with (m - SHIFT n)^2 > limit s^2 (h - n^2/N)."""
    ngroups, nsteps = steps.shape
    for i in range(LANES):
        state[FOUND + i] = ZERO
        state[LIMIT + i] = limit * state[VAR + i]
        state[CREDIT + i] = state[LIMIT + i] / state[N + i]
    for g in range(ngroups):
        for i in range(3 * LANES):
            state[P + i] = ZERO
        for back in range(nsteps):
            k = nsteps - 1 - back
            x = steps[g, k]
            start = (g * (nsteps + 1) + k) * LANES
            link = trail[3 * start : 3 * start + 3 * LANES]
            pair = tile[start : start + 2 * LANES]
            for i in range(LANES):
                diagonal = TWO + state[FLUX + i] * x - state[P + i]
                u = pair[LANES + i] - pair[i] - state[REF + i] * x + state[PU + i]
                w = x + state[PW + i]
                p = ONE / diagonal
                state[P + i] = p
                state[PU + i] = p * u
                state[PW + i] = p * w
                n = w + link[2 * LANES + i]
                m = u + link[LANES + i] - state[SHIFT + i] * n
                excess = m * m - state[LIMIT + i] * (diagonal - link[i]) + state[CREDIT + i] * n * n
                state[FOUND + i] += ONE if excess > ZERO else ZERO


@njit(nogil=True, cache=True, error_model="numpy")
def _fit_special(
    reads: Any,
    usable: Any,
    jumped: Any,
    times: Any,
    faint: Any,
    gain: Any,
    variance: Any,
    limit: Any,
    results: Any,
    amplitude: Any,
) -> None:
    """Fit pixels one by one: `usable` reads only, jumps omitted and put into `amplitude`.

    reads DN, usable and jumped bool, amplitude e- (npix, ngroups, nreads); results (npix, 3): rate, error, chi2.
    """
    nreads = reads.shape[2]
    work, where = np.zeros((WORK, times.size)), np.zeros(times.size, np.int64)
    for i in range(len(reads)):
        noise = float(variance[i])
        n = _take_differences(reads[i], usable[i], jumped[i], times, faint, float(gain[i]), work, where)
        left, rate, norm, spread = _reject_jumps(work, n, noise, limit)
        results[i, 0], results[i, 1] = rate, np.sqrt(noise / norm)
        results[i, 2] = spread / (noise * (left - 1)) if left > 1 else np.nan
        for k in range(n):
            if work[KEPT, k] == 0.0 and (work[GIVEN, k] == 0.0 or work[CHANGE, k] > limit * noise):
                amplitude[i, where[k] // nreads, where[k] % nreads] = work[M, k]


# Rows of `work`, one column per difference: electrons, seconds, 1 unless omitted, 1 if coupled to the one before,
# diagonal of C/s^2 for the guess and for the fit, p, p u and p w of the forward sweep, m, change of chi2, and 1 if
# omitted from the start.
WORK = 12
D, X, KEPT, CHAINED, FAINT, DIAGONAL, FP, FPU, FPW, M, CHANGE, GIVEN = range(WORK)


@njit(cache=True, error_model="numpy")
def _reject_jumps(work: Any, n: int, variance: float, limit: float) -> tuple[int, float, float, float]:
    """Omit jumps one by one; return differences kept, and rate, N and chi2 as `_fit_one`."""
    left, last = int(work[KEPT, :n].sum()), -1
    rate, norm, spread = np.nan, np.nan, np.nan
    while left > 0:
        rate, norm, spread = _fit_one(work, n, variance)
        worst = _test_all(work, n, rate, norm)
        if last >= 0 and not work[CHANGE, last] > limit * variance:
            work[KEPT, last], last, limit = 1.0, -1, np.inf  # no jump after all: fit once more with it
            left += 1
            continue
        if left < 3 or not work[CHANGE, worst] > SCREEN * limit * variance:
            break
        work[KEPT, worst], last = 0.0, worst
        left -= 1
    return left, rate, norm, spread


@njit(cache=True, error_model="numpy")
def _take_differences(
    reads: Any, usable: Any, jumped: Any, times: Any, faint: Any, gain: Any, work: Any, where: Any
) -> int:
    """Fill D, X, KEPT, CHAINED, FAINT, GIVEN and `where` (flat index of the later read); return how many."""
    ngroups, nreads = reads.shape
    n = 0
    for g in range(ngroups):
        before = -1
        chained, given = 0.0, 0.0
        for k in range(nreads):
            given = 1.0 if jumped[g, k] else given  # a read that is not usable passes its jump on
            if usable[g, k]:
                if before >= 0:
                    work[D, n] = gain * (float(reads[g, k]) - float(reads[g, before]))
                    work[X, n] = times[g, k] - times[g, before]
                    work[KEPT, n], work[GIVEN, n] = 1.0 - given, given
                    work[CHAINED, n] = chained
                    work[FAINT, n] = 2.0 + faint[g] * work[X, n]
                    where[n] = g * nreads + k
                    n += 1
                    chained = 1.0
                before, given = k, 0.0
    return n


@njit(cache=True, error_model="numpy")
def _fit_one(work: Any, n: int, variance: float) -> tuple[float, float, float]:
    """Guess, then fit the kept differences; return rate, N and chi2 in units of the read variance, and fill M."""
    rate, norm, spread, shift = 0.0, 0.0, 0.0, 0.0
    for guess in (True, False):
        a, b, norm, p, pu, pw = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for k in range(n):
            chained = work[CHAINED, k]
            diagonal = work[FAINT, k] if guess else 2.0 + max(rate, 0.0) * work[X, k] / variance
            u = work[D, k] - rate * work[X, k] + chained * pu
            w = work[X, k] + chained * pw
            p = work[KEPT, k] / (diagonal - chained * p)
            pu, pw = p * u, p * w
            work[DIAGONAL, k], work[FP, k], work[FPU, k], work[FPW, k] = diagonal, p, pu, pw
            a, b, norm = a + pu * u, b + pu * w, norm + pw * w
        shift = b / norm
        spread = a - b * shift
        rate += shift
    for k in range(n):  # refer p u to the final rate; the weights keep those of the guess
        work[FPU, k] -= shift * work[FPW, k]
    return rate, norm, spread


@njit(cache=True, error_model="numpy")
def _test_all(work: Any, n: int, rate: float, norm: float) -> int:
    """Fill M and CHANGE, the drop of chi2 if a kept difference is omitted, or its rise if an omitted
    one is kept; return which kept difference lowers chi2 most.
    """
    worst, largest = -1, -np.inf
    chained, p, pu, pw = 0.0, 0.0, 0.0, 0.0  # coupling to, and sweep values of, the next difference
    for k in range(n - 1, -1, -1):
        before, kept = work[CHAINED, k], work[KEPT, k]
        diagonal = work[DIAGONAL, k] - chained * p
        u = work[D, k] - rate * work[X, k] + chained * pu
        w = work[X, k] + chained * pw
        h, m, n_k = diagonal, u, w
        if before:
            h, m, n_k = h - work[FP, k - 1], m + work[FPU, k - 1], n_k + work[FPW, k - 1]
        work[M, k] = m
        work[CHANGE, k] = m * m / (h + (1.0 - 2.0 * kept) * n_k * n_k / norm)
        if kept and work[CHANGE, k] > largest:
            worst, largest = k, work[CHANGE, k]
        p = kept / diagonal
        pu, pw, chained = p * u, p * w, before
    return worst
