"""From places of wavelengths to the wavelength of places: Legendre series, their covariance, and what they come of.

A model that places wavelengths, x(lambda), is evaluated on Chebyshev nodes over the limits of the filter, and the
series is the least-squares fit to the nodes. Seven coefficients leave below 1e-5 px over a tenth of the wavelength,
since the grating's equation is smooth. An error dx of a place is an error -dx dlambda/dx of the wavelength there.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numpy.polynomial import legendre

from iris_contract.dq import DQ
from iris_reduction.wavelength.protocol import ArcLines, Spectra, WavelengthSolution

__all__ = ["NCOEFF", "evaluate_series", "expand_series", "make_nodes", "make_solution", "normalise"]

Double = npt.NDArray[np.float64]
NCOEFF = 7
_NODES = 14


def normalise(x: Double, domain: Double) -> Double:
    """Return u of columns x (n, ...) over domains (n, 2)."""
    first, last = (domain[:, end].reshape(-1, *[1] * (x.ndim - 1)) for end in (0, 1))
    u: Double = (2 * x - first - last) / (last - first)
    return u


def evaluate_series(coeffs: Double, domain: Double, spectrum: npt.NDArray[np.int64], x: Double) -> Double:
    """Return the value (m,) of the series (n, ncoeff) of `spectrum` (m,) at columns x (m,)."""
    basis = legendre.legvander(normalise(x, domain[spectrum]), coeffs.shape[1] - 1)
    value: Double = np.einsum("mk,mk->m", basis, coeffs[spectrum])
    return value


def make_nodes(limits: tuple[float, float]) -> Double:
    """Return wavelengths in nm between `limits` on which a series is well determined."""
    low, high = limits
    nodes: Double = (low + high) / 2 - (high - low) / 2 * np.cos(np.pi * np.arange(_NODES) / (_NODES - 1))
    return nodes


def expand_series(nodes: Double, x: Double, domain: Double) -> tuple[Double, Double]:
    """Return the series (n, NCOEFF) in nm that pass through wavelengths `nodes` (k,) at columns x (n, k).

    With them the linear maps (n, NCOEFF, k) that make a series of values at these columns.
    """
    basis = legendre.legvander(normalise(x, domain), NCOEFF - 1)
    maps = np.asarray(np.linalg.pinv(basis), dtype=np.float64)
    return maps @ nodes, maps


def make_solution(
    lines: ArcLines,
    spectra: Spectra,
    coeffs: Double,
    covariance: Double,
    used: npt.NDArray[np.bool_],
    common: Double | None = None,
) -> WavelengthSolution:
    """Return the solution with span, rms, number of lines and flags of each spectrum."""
    number = len(spectra.along)
    group, x, wavelength = lines.spectrum[used], lines.x[used], lines.wavelength[used]
    middle = spectra.domain.mean(axis=1)
    first, last = np.full(number, np.inf), np.full(number, -np.inf)
    np.minimum.at(first, group, x)
    np.maximum.at(last, group, x)
    nlines = np.bincount(group, minlength=number)
    lit = nlines > 0
    span = np.where(lit[:, None], np.stack([first, last], axis=1), middle[:, None])
    residual = evaluate_series(coeffs, spectra.domain, group, x) - wavelength
    squares = (residual / spectra.setting.dispersion(wavelength)) ** 2
    rms = np.sqrt(np.bincount(group, weights=squares, minlength=number) / np.maximum(nlines, 1))
    distinct = _count_distinct(group, wavelength, number)
    dq = np.where(distinct < 2, DQ["UNRELIABLE_WS"], 0).astype(np.uint32)
    return WavelengthSolution(coeffs, covariance, span, rms, nlines.astype(np.int32), dq, used, common)


def _count_distinct(group: npt.NDArray[np.int64], wavelength: Double, number: int) -> npt.NDArray[np.int64]:
    """Return how many different wavelengths each spectrum has."""
    pairs = np.unique(np.stack([group.astype(np.float64), wavelength], axis=1), axis=0)
    counted: npt.NDArray[np.int64] = np.bincount(pairs[:, 0].astype(np.int64), minlength=number)
    return counted
