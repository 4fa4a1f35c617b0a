"""The smallest error that any unbiased linear ramp fit can reach: known-rate generalised least squares.

Let the reads of a ramp be s_0..s_n at times t_0..t_n, each the charge so far plus independent read
noise of variance v, all above an unknown pedestal. Everything about the rate f is in the differences
d_k = s_k - s_(k-1): mean f dt_k, variance f dt_k + 2 v, covariance -v between neighbours and zero
otherwise. With that covariance C, taken at the true rate, the best linear unbiased estimate has
variance 1 / (dt' C^-1 dt). Elimination of the tridiagonal C (C = L D L') gives it in one sweep:

    D_k = f dt_k + 2 v - v^2 / D_(k-1)      y_k = dt_k + v y_(k-1) / D_(k-1)
    information = sum over k of y_k^2 / D_k

A difference that holds a cosmic ray of unknown size carries no information. Leaving it out cuts the
ramp in two independent ramps, because d_(k-1) and d_(k+1) share no read: the sweep restarts there.
Ramps are independent, so their informations add; sigma = information^(-1/2).

Not modelled: what the *variance* of the reads tells about the rate (nothing more for pure Poisson
counts), noise that is not white, nonlinearity, saturation. Quantisation is white noise of
gain^2 / 12. Written from the formulae above and shared with no ramp fitter.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["difference_sigma", "rate_bound", "read_variance"]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def read_variance(read_noise: npt.ArrayLike, gain: npt.ArrayLike) -> Array:
    """Return the variance e-^2 of a read: `read_noise` e- and the rounding of `gain` e-/DN."""
    return np.asarray(read_noise, dtype=np.float64) ** 2 + np.asarray(gain, dtype=np.float64) ** 2 / 12


def difference_sigma(rate: npt.ArrayLike, variance: npt.ArrayLike, interval: npt.ArrayLike) -> Array:
    """Return sigma e- of one read difference over `interval` s at `rate` e-/s; shapes broadcast."""
    signal = np.asarray(rate, dtype=np.float64) * np.asarray(interval, dtype=np.float64)
    return np.asarray(np.sqrt(signal + 2 * np.asarray(variance, dtype=np.float64)))


def rate_bound(rate: npt.ArrayLike, variance: npt.ArrayLike, times: Array, omitted: Mask | None = None) -> Array:
    """Return the smallest sigma e-/s of a fitted rate, shape (npix,).

    `rate` e-/s and read `variance` e-^2 are true values (npix,) or scalars; `times` s is
    (ngroups, nreads); `omitted` (npix, ngroups, nreads-1) marks differences that must not be used.
    Infinite where nothing is left. Raises ValueError where shapes disagree.
    """
    f, v = np.broadcast_arrays(np.atleast_1d(np.asarray(rate, np.float64)), np.asarray(variance, np.float64))
    steps = np.diff(np.atleast_2d(times), axis=1)
    if omitted is not None and omitted.shape != (*f.shape, *steps.shape):
        raise ValueError(f"omitted has shape {omitted.shape}, expected {(*f.shape, *steps.shape)}")
    total = np.zeros(f.shape)
    if omitted is None:
        patterns, repeats = np.unique(steps, axis=0, return_counts=True)
        for pattern, number in zip(patterns, repeats, strict=True):
            total += number * _sweep(f, v, pattern, None)
    else:
        for group, pattern in enumerate(steps):
            total += _sweep(f, v, pattern, omitted[:, group])
    with np.errstate(divide="ignore"):
        return np.asarray(1 / np.sqrt(total))


def _sweep(f: Array, v: Array, steps: Array, omitted: Mask | None) -> Array:
    """Information 1/(e-/s)^2 of one ramp, shape (npix,), by the recursion of the module docstring."""
    information, carry, y = np.zeros(f.shape), np.zeros(f.shape), np.zeros(f.shape)
    for k, dt in enumerate(steps):
        inverse = 1 / (f * dt + v * (2 - carry))
        y = dt + carry * y
        if omitted is not None:
            inverse, y = np.where(omitted[:, k], 0, inverse), np.where(omitted[:, k], 0, y)
        information += y * y * inverse
        carry = v * inverse
    return information
