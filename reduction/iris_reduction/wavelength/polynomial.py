"""One polynomial in place and wavelength for the whole field: the simplest rival.

x - x_l is a polynomial of total degree four in xi, eta and the wavelength, x_l the lenslet's place in its array,
narrowed; nothing else is known of gratings, and no spectrum has anything of its own. Its error is therefore the scatter
of the spectra about the field, which no number of lines brings down, and beyond the outermost lines that of a free
polynomial. Lines more than five robust standard deviations off are left out. Covariance: of the polynomial, and of the
scatter as an offset of each spectrum.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from iris_contract.errors import InputError
from iris_reduction.wavelength.field import make_place
from iris_reduction.wavelength.protocol import ArcLines, Spectra, WavelengthSolution
from iris_reduction.wavelength.series import expand_series, make_nodes, make_solution

__all__ = ["polynomial"]

Double = npt.NDArray[np.float64]
_DEGREE = 4
_POWERS = [(a, b, k) for k in range(_DEGREE + 1) for b in range(_DEGREE + 1 - k) for a in range(_DEGREE + 1 - k - b)]
_SIZE = 1000.0  # px, a coefficient of the polynomial in the wavelength; keeps the normal equations solvable
_MIDDLE = 2047.5  # px, about: a constant is free
_LIMIT, _MAD, _ROUNDS = 5.0, 1.4826, 10


def polynomial(lines: ArcLines, spectra: Spectra) -> WavelengthSolution:
    """Solve for every spectrum; arguments, result and errors as `WavelengthSolver`."""
    if len(lines.x) == 0:
        raise InputError("no line could be measured", key="lines", value=0)
    terms = _make_terms(spectra, lines.spectrum, lines.wavelength)
    stand = _MIDDLE + spectra.setting.anamorphism * spectra.along
    value = lines.x - stand[lines.spectrum]
    used = np.ones(len(value), dtype=np.bool_)
    for _ in range(_ROUNDS):
        normal = terms[used].T @ terms[used] + np.eye(len(_POWERS)) / _SIZE**2
        beta = np.linalg.solve(normal, terms[used].T @ value[used])
        residual = value - terms @ beta
        spread = max(_MAD * float(np.median(np.abs(residual[used]))), 1e-6)
        before, used = used, np.abs(residual) < _LIMIT * spread
        if np.array_equal(before, used):
            break
    scatter = float(np.mean(residual[used] ** 2))
    nodes, each = make_nodes(spectra.limits), np.arange(len(spectra.along))
    at = np.broadcast_to(nodes, (len(each), len(nodes)))
    design = _make_terms(spectra, np.repeat(each, len(nodes)), at.ravel()).reshape(*at.shape, -1)
    coeffs, maps = expand_series(nodes, design @ beta + stand[:, None], spectra.domain)
    maps = maps * spectra.setting.dispersion(nodes)
    of_field, offset = maps @ design, maps.sum(axis=2)
    covariance = scatter * (of_field @ np.linalg.inv(normal) @ of_field.transpose(0, 2, 1))
    covariance += scatter * offset[:, :, None] * offset[:, None, :]
    return make_solution(lines, spectra, coeffs, covariance, used)


def _make_terms(spectra: Spectra, spectrum: npt.NDArray[np.int64], wavelength: Double) -> Double:
    """Return the terms (m, nterm) at wavelengths (m,) of spectra (m,)."""
    place, (low, high) = make_place(spectra), spectra.limits
    xi, eta, t = place.xi[spectrum], place.eta[spectrum], (2 * wavelength - low - high) / (high - low)
    return np.stack([xi**a * eta**b * t**k for a, b, k in _POWERS], axis=-1)
