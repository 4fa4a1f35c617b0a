"""The grating equation, a smooth field on it, and of each spectrum's own an offset and a scale.

    x_l(lambda) = X_l(lambda) + sum_abk beta_abk xi^a eta^b t^k + b_l0 + b_l1 t

X_l is where the design traces a ray (`trace_rays`); the field holds what alignment and distortion do to it, with second
and third order in wavelength of low degree over the field (`field`). Offset and scale
of a spectrum are free within the scatter that all spectra show (`mixed`): with 0.02 px a line and four lines a free
scale has 0.02 px / sqrt(4) / 0.6 at the edge of the lines and twice that at twice their distance, where a second order
that is free has several tenths. Flexure of exposures and errors of listed wavelengths are terms beside the field
(`shared_errors`). Covariance: of offset, scale, field and these, turned into the coefficients; what of it all spectra
have in common is that of their mean. A spectrum whose error answers less to the field than the mean does has a
covariance from which COMMON cannot wholly be taken: it is given what lacks.
Not modelled: lamps that light the lenslets otherwise than the sky.
"""

from __future__ import annotations

import logging

import numpy as np
import numpy.typing as npt

from iris_reduction.wavelength.field import SmoothField, make_place
from iris_reduction.wavelength.mixed import MixedFit, Observations, fit_mixed
from iris_reduction.wavelength.protocol import ArcLines, Spectra, WavelengthSolution
from iris_reduction.wavelength.series import NCOEFF, expand_series, make_nodes, make_solution
from iris_reduction.wavelength.shared_errors import FLEXURE, LISTED, SharedErrors, list_shared_errors

__all__ = ["physical"]

Double = npt.NDArray[np.float64]
_LOG = logging.getLogger(__name__)
_FIELD = SmoothField()
_BLOCK = 1024  # spectra whose factors are in memory at a time


def physical(lines: ArcLines, spectra: Spectra) -> WavelengthSolution:
    """Solve for every spectrum; arguments, result and errors as `WavelengthSolver`."""
    place, group, number = make_place(spectra), lines.spectrum, len(spectra.along)
    t = place.scale(lines.wavelength)
    shared = list_shared_errors(lines.exposure, lines.wavelength, spectra.setting)
    fixed = np.concatenate([_FIELD.evaluate(place.xi[group], place.eta[group], t), shared.terms], axis=1)
    variances = np.concatenate([_FIELD.find_variances(place), shared.variances])
    own = np.stack([np.ones_like(t), t], axis=1)
    value = lines.x - spectra.trace(group, lines.wavelength)[0]
    seen = Observations(value, lines.error, group, number, fixed, variances, own, shared.groups)
    fit = fit_mixed(seen)
    coeffs, covariance = np.zeros((number, NCOEFF)), np.zeros((number, NCOEFF, NCOEFF))
    lit = np.bincount(group[fit.used], minlength=number) > 0
    mean = np.zeros((NCOEFF, fixed.shape[1]))
    for start in range(0, number, _BLOCK):
        block = np.arange(start, min(start + _BLOCK, number))
        coeffs[block], covariance[block], of_field = _expand(fit, spectra, shared, block)
        mean += of_field[lit[block]].sum(axis=0) / max(int(lit.sum()), 1)
    common = mean @ fit.covariance @ mean.T
    _tell_sizes(fit.raised)
    return make_solution(lines, spectra, coeffs, _hold(covariance, common), fit.used, common)


def _hold(covariance: Double, common: Double) -> Double:
    """Return covariances (n, k, k) of which `common` (k, k) is a part: no variance of what is left is below zero."""
    left, axes = np.linalg.eigh(covariance - common)
    return np.asarray(common + (axes * np.maximum(left, 0)[:, None, :]) @ axes.transpose(0, 2, 1))


def _tell_sizes(raised: Double) -> None:
    """Log the sizes of what lines share."""
    _LOG.info(
        "exposures are moved by %.3g px rms, listed wavelengths are off by %.2g nm rms (expected: %.3g px, %.2g nm)",
        *(raised * (FLEXURE, LISTED)),
        *(FLEXURE, LISTED),
    )


def _expand(
    fit: MixedFit, spectra: Spectra, shared: SharedErrors, block: npt.NDArray[np.int64]
) -> tuple[Double, Double, Double]:
    """Return coefficients and covariance of the spectra `block`, and how they answer to the field (n, NCOEFF, p)."""
    place, nodes = make_place(spectra), make_nodes(spectra.limits)
    each, at = np.repeat(block, len(nodes)), np.tile(place.scale(nodes), len(block))
    fixed = shared.add_mean(_FIELD.evaluate(place.xi[each], place.eta[each], at))
    own = np.stack([np.ones_like(at), at], axis=1)
    value, factors = fit.propagate(each, fixed, own)
    x = (value + spectra.trace(each, np.tile(nodes, len(block)))[0]).reshape(len(block), -1)
    coeffs, maps = expand_series(nodes, x, spectra.domain[block])
    maps = maps * spectra.setting.dispersion(nodes)
    of_field = maps @ factors.reshape(len(block), len(nodes), -1)
    of_own = maps @ own.reshape(len(block), len(nodes), -1)
    covariance = of_field @ fit.covariance @ of_field.transpose(0, 2, 1)
    covariance += of_own @ fit.effects_covariance[block] @ of_own.transpose(0, 2, 1)
    return coeffs, covariance, of_field
