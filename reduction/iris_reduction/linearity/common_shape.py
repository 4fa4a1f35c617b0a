"""One shape for all pixels, an amplitude for each.

A pixel that holds the charge Q shows S = Q (1 - a g(Q)): all lose the same share g of signal at the
same charge, but for an amplitude a. The shape, c_k of a = 1, comes from the summed moments of the
quarter of the pixels that are nearest the median amplitude (of evenly spaced rows, 2^15 pixels). It
has the powers 2, 3, 5 and 7 and no first one: the slope at zero signal, to which all is anchored, is
an extrapolation. Near infrared detectors lose signal faster than its square (Keck OSIRIS: 1 % at
44.5 ke-, 5 % at 80 ke-). Weights u^-1 make the misfit small where the anchor is: up to 80 ke- it is
0.04 % for losses as u^2 to u^3, but 0.6 % for one as u. Noise common to all pixels of a read moves
the anchor by 0.04 % per DN; that of photons does so by 0.005 %.

For other amplitudes the curve is inverted by Newton's method at a number of signals and amplitudes,
and c_k(a) is the polynomial in a through them. The amplitude of a pixel then solves the equation of the module
`amplitude`, to which exposures add one by one: of several, one is in memory at a time.

Noise. Let the loss be a u^m at signal u = S/S0, and let N ramps end at U electrons, u = 1. The
derivative of u * u^m varies over the ramp with variance (m+1)^2 (1/(2m+1) - 1/(m+1)^2) = m^2/(2m+1);
n increments of U/n electrons with the Poisson error sqrt(n/(N U)) of their relative rate give

    sigma(a) = sqrt((2m+1)/(N U)) / m,   residual at u: u^m sigma(a).

For m = 2.4, ten ramps to 90 ke-: sigma(a) = 0.11 %, and a residual of 0.08 % at 80 ke-, 0.015 % at
40 ke-. Four ramps reach 0.13 %, a hundred 0.025 %, where differences of shape take over.

Amplitudes differ little from pixel to pixel, so each is drawn to the mean of all by its noise and
their spread (Efron & Morris 1973, JASA 68, 117): a pixel seen only at low signal gets the mean. The
errors of a pixel's coefficients are those of its amplitude, and fully correlated. Not modelled: other
shapes; the noise of the shape. NONLINEAR: a pixel whose increments scatter between ramps more than
twice as much as photons explain, or whose amplitude is beyond 0.4 to 1.6.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from iris_contract import DQ
from iris_contract.errors import InputError
from iris_reduction.blocks import map_rows, split_rows
from iris_reduction.linearity.amplitude import SIZE, TERMS, add_equations, solve_amplitudes
from iris_reduction.linearity.moments import Moments, collect_moments
from iris_reduction.linearity.protocol import FlatRamps, LinearityFit

__all__ = ["common_shape"]

Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]
SHAPE = np.array([1, 2, 4, 6])  # the terms that the shape has
LOW, HIGH = 0.4, 1.6  # amplitudes that make sense
_POWER = 1.0  # of the signal, by which low signals weigh more for the shape
_SAMPLE = 1 << 15  # pixels
_EXCESS = 2.0  # variance over what is typical at a pixel's rate
_UNTOLD = 0.3  # error of an amplitude, whose range is 1.2, from which on it tells nothing
_FEWEST = 10  # increments
_FURTHEST, _MISSED = 1.05, 1e-6  # of S0: where the inverse is sought, and how nearly it must be found


def common_shape(exposures: Iterable[FlatRamps], usable: Bool, *, norm: float) -> LinearityFit:
    """Measure every usable pixel; arguments, result and errors as `LinearityFitter`."""
    curves, typical = _find_curves(exposures, usable, norm)
    amplitude, error, measured = _measure_amplitudes(_collect_equations(exposures, usable, norm, curves), typical)
    measured &= usable
    amplitude, error = _shrink(amplitude, error, measured)
    coeffs, errors = (np.zeros((*usable.shape, TERMS), np.float32) for _ in range(2))
    for rows in split_rows(coeffs.shape):
        found, slopes = _evaluate(curves, amplitude[rows])
        coeffs[rows], errors[rows] = found, np.abs(slopes) * error[rows, :, None]
    coeffs[~usable], errors[~usable] = 0.0, 0.0
    return LinearityFit(coeffs, errors, np.where(usable & ~measured, DQ["NONLINEAR"], 0).astype(np.uint32))


def _collect_equations(
    exposures: Iterable[FlatRamps], usable: Bool, norm: float, curves: Float64
) -> npt.NDArray[np.float32]:
    """Return the equations (ny, nx, SIZE) of all pixels from all exposures, which are taken one at a time."""
    equations = np.zeros((*usable.shape, SIZE), np.float32)
    for exposure in exposures:
        map_rows(partial(add_equations, exposure, norm, curves, equations), exposure.reads.shape)
        del exposure  # or it would stay while the next one is read
    return equations


def _find_curves(exposures: Iterable[FlatRamps], usable: Bool, norm: float) -> tuple[Float64, float]:
    """Return the curves (TERMS, degree + 1), and the typical variance of an increment over its mean, in DN."""
    if not usable.any():
        raise InputError("no pixel of the flats is usable for linearity", key="IMTYPE", value="NFF")
    chosen, kept = _sample(exposures, usable)
    moments = _collect_all(chosen, norm)
    noise = _find_noise(moments.variance, moments.rate)
    kept &= (moments.number >= _FEWEST) & np.isfinite(noise)
    if not kept.any():
        raise InputError("no pixel of the flats is usable for linearity", key="IMTYPE", value="NFF")
    typical = float(np.median(noise[kept]))
    kept &= noise < _EXCESS * typical
    curves = _vary_amplitude(_solve_shape(moments, kept))
    amplitude, _, measured = _measure_amplitudes(_collect_equations(chosen, kept, norm, curves), typical)
    kept &= measured
    away = np.abs(amplitude - np.median(amplitude[kept])) if kept.any() else amplitude
    near = kept & (away <= np.quantile(away[kept], 0.25)) if kept.any() else kept
    return (_vary_amplitude(_solve_shape(moments, near)) if near.any() else curves), typical


def _sample(exposures: Iterable[FlatRamps], usable: Bool) -> tuple[list[FlatRamps], Bool]:
    """Return evenly spaced rows that have usable pixels, and which pixels of them are."""
    rows = np.flatnonzero(usable.any(axis=1))
    rows = rows[:: max(1, rows.size * usable.shape[1] // _SAMPLE)]

    def cut(flat: FlatRamps) -> FlatRamps:
        return FlatRamps(flat.reads[rows], flat.times, None if flat.read_dq is None else flat.read_dq[rows])

    return list(map(cut, exposures)), usable[rows]  # a comprehension would hold a flat while the next one is read


def _collect_all(exposures: Sequence[FlatRamps], norm: float) -> Moments:
    """Return the moments of all pixels of a sample, weighted for the shape."""
    parts = [collect_moments(exposures, norm, TERMS, rows, _POWER) for rows in split_rows(exposures[0].reads.shape)]
    return Moments(*(np.concatenate(planes) for planes in zip(*parts, strict=True)))


def _solve_shape(moments: Moments, kept: Bool) -> Float64:
    normal, mixed = moments.normal[kept].sum(axis=0), moments.mixed[kept].sum(axis=0)
    shape = np.zeros(TERMS)
    shape[SHAPE] = -np.linalg.solve(normal[np.ix_(SHAPE, SHAPE)], mixed[SHAPE])
    return shape


def _vary_amplitude(shape: Float64) -> Float64:
    """Return c_k(a) as polynomials in a - 1, (TERMS, degree + 1): the inverse curves of S = Q (1 - a g(Q)).

    Where flats fill the well, curves of the largest amplitudes turn before they reach S0, and have no inverse. Those
    that are near it would bend the polynomials by 0.05 % for all the others, and are left out as well.
    """
    powers = np.arange(1, TERMS + 1)
    signal = np.linspace(0.02, 1.0, 50)
    amplitudes, found = [], []
    for a in np.linspace(LOW, HIGH, 13):
        known = signal.copy()  # what a pixel of amplitude 1 shows that holds the charge sought
        for _ in range(20):
            grown = known[:, None] ** powers @ shape
            charge = known * (1 + grown)
            shown = charge - a * (charge - known)
            slope = (1 - a) * (1 + known[:, None] ** powers @ (shape * (powers + 1))) + a
            known = np.clip(known - (shown - signal) / np.maximum(slope, 0.1), 0.0, _FURTHEST)
        if np.abs(shown - signal).max() > _MISSED:
            continue
        amplitudes.append(a)
        charge = known * (1 + known[:, None] ** powers @ shape)
        design = signal[:, None] ** powers[1:]
        found.append([0.0, *np.linalg.lstsq(design, charge / signal - 1, rcond=None)[0]])
    degree = 5
    vander = (np.array(amplitudes)[:, None] - 1) ** np.arange(1, degree + 1)
    slopes = np.linalg.lstsq(vander, np.array(found) - shape, rcond=None)[0]
    return np.concatenate([shape[:, None], slopes.T], axis=1)


def _evaluate(curves: Float64, amplitude: Float64) -> tuple[Float64, Float64]:
    """Return c_k(a) and its derivative, (..., TERMS)."""
    order = np.arange(curves.shape[1])
    steps = (amplitude[..., None] - 1) ** order
    return steps @ curves.T, steps[..., :-1] @ (curves[:, 1:] * order[1:]).T


def _find_noise(variance: npt.NDArray[np.floating], rate: npt.NDArray[np.floating]) -> Float64:
    """Return the variance of the increments over their expectation: DN, infinite where there is none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        noise = np.asarray(variance, np.float64) / rate
    return np.asarray(np.where(np.isfinite(noise) & (noise > 0), noise, np.inf))


def _measure_amplitudes(equations: npt.NDArray[np.float32], typical: float) -> tuple[Float64, Float64, Bool]:
    """Return amplitude, its error, and where both were measured."""
    amplitude, own = solve_amplitudes(equations, LOW, HIGH)
    scatter, freedom, number, signal, seconds = np.moveaxis(equations[:, :, -5:], -1, 0)
    rate = signal / np.maximum(seconds, np.float32(1e-9))
    noise = _find_noise(scatter / np.maximum(freedom, 1), rate)
    measured = (own > 0) & (number >= _FEWEST) & (noise < _EXCESS * typical)
    error = np.sqrt(typical * np.maximum(rate, 0.0) / np.where(own > 0, own, np.inf))
    if measured.any() and np.median(error[measured]) > _UNTOLD:  # nothing bends: all pixels share what little there is
        return np.ones_like(amplitude), np.minimum(error, HIGH - LOW), measured
    return amplitude, error, measured & (amplitude > LOW) & (amplitude < HIGH)


def _shrink(amplitude: Float64, error: Float64, measured: Bool) -> tuple[Float64, Float64]:
    """Draw amplitudes to their mean; unmeasured ones get the mean, and the spread for an error."""
    if not measured.any():
        raise InputError("no pixel of the flats is usable for linearity", key="IMTYPE", value="NFF")
    weight = np.where(measured, np.maximum(error, 1e-6) ** -2.0, 0.0)
    mean = float(np.average(amplitude[measured], weights=weight[measured]))
    low, high = np.quantile(amplitude[measured], (0.16, 0.84))
    spread2 = max(((high - low) / 2) ** 2 - float(np.median(error[measured] ** 2)), 1e-4)
    posterior = 1 / (weight + 1 / spread2)
    return posterior * (weight * amplitude + mean / spread2), np.sqrt(posterior)
