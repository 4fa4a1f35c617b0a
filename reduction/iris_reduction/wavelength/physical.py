"""The grating equation, a smooth field on it, and of each spectrum's own an offset and a scale.

    x_l(lambda) = X_l(lambda) + sum_abk beta_abk xi^a eta^b t^k + b_l0 + b_l1 t

X_l is where the design traces the ray (`rays`); the field holds what alignment and distortion do to it, with second
and third order in wavelength of low degree over the field (`field`). Offset and scale
of a spectrum are free within the scatter that all spectra show (`mixed`): with 0.02 px a line and four lines a free
scale has 0.02 px / sqrt(4) / 0.6 at the edge of the lines and twice that at twice their distance, where a second order
that is free has several tenths. Covariance: of offset, scale and field, turned into the coefficients.
Not modelled: errors common to a line of all spectra, as of a listed wavelength; they enter the jitter of all lines.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from iris_reduction.wavelength.field import SmoothField, make_place
from iris_reduction.wavelength.mixed import MixedFit, Observations, fit_mixed
from iris_reduction.wavelength.protocol import ArcLines, Spectra, WavelengthSolution
from iris_reduction.wavelength.series import NCOEFF, expand_series, make_nodes, make_solution

__all__ = ["physical"]

Double = npt.NDArray[np.float64]
_FIELD = SmoothField()
_BLOCK = 1024  # spectra whose factors are in memory at a time


def physical(lines: ArcLines, spectra: Spectra) -> WavelengthSolution:
    """Solve for every spectrum; arguments, result and errors as `WavelengthSolver`."""
    place, group, number = make_place(spectra), lines.spectrum, len(spectra.x)
    t = place.scale(lines.wavelength)
    fixed = _FIELD.evaluate(place.xi[group], place.eta[group], t)
    own = np.stack([np.ones_like(t), t], axis=1)
    value = lines.x - spectra.trace(group, lines.wavelength)[0]
    fit = fit_mixed(Observations(value, lines.error, group, number, fixed, _FIELD.variances, own))
    coeffs, covariance = np.zeros((number, NCOEFF)), np.zeros((number, NCOEFF, NCOEFF))
    for start in range(0, number, _BLOCK):
        block = np.arange(start, min(start + _BLOCK, number))
        coeffs[block], covariance[block] = _expand(fit, spectra, block)
    return make_solution(lines, spectra, coeffs, covariance, fit.used)


def _expand(fit: MixedFit, spectra: Spectra, block: npt.NDArray[np.int64]) -> tuple[Double, Double]:
    """Return coefficients and covariance of the spectra `block`."""
    place, nodes = make_place(spectra), make_nodes(spectra.limits)
    each, at = np.repeat(block, len(nodes)), np.tile(place.scale(nodes), len(block))
    fixed = _FIELD.evaluate(place.xi[each], place.eta[each], at)
    own = np.stack([np.ones_like(at), at], axis=1)
    value, factors = fit.propagate(each, fixed, own)
    x = (value + spectra.trace(each, np.tile(nodes, len(block)))[0]).reshape(len(block), -1)
    coeffs, maps = expand_series(nodes, x, spectra.domain[block])
    maps = maps * spectra.setting.dispersion(nodes)
    of_field = maps @ factors.reshape(len(block), len(nodes), -1)
    of_own = maps @ own.reshape(len(block), len(nodes), -1)
    covariance = of_field @ fit.covariance @ of_field.transpose(0, 2, 1)
    covariance += of_own @ fit.effects_covariance[block] @ of_own.transpose(0, 2, 1)
    return coeffs, covariance
