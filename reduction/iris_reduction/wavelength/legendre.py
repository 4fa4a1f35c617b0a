"""A Legendre polynomial of its own for each spectrum, as most pipelines fit it: nothing is shared.

Weighted least squares of the wavelength against the column, degree 1 for two or three lines, 2 for four or five, 3 for
six and more. A line more than five standard errors off the others is left out where at least two are to spare. Errors
are those stated, or the median spectrum's residuals where these are larger. A spectrum with lines of fewer than two
wavelengths gets the mean of its eight nearest solved ones, with their scatter as its covariance.
Not modelled: that neighbours are alike, and that a grating is smooth; so the ends beyond the lines are wild.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numpy.polynomial.legendre import legvander
from scipy import stats
from scipy.spatial import cKDTree

from iris_contract.dq import DQ
from iris_contract.errors import InputError
from iris_reduction.wavelength.protocol import ArcLines, Spectra, WavelengthSolution
from iris_reduction.wavelength.series import evaluate_series, make_solution, normalise

__all__ = ["legendre"]

Double = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
_TERMS = 4
_LIMIT, _ROUNDS, _NEIGHBOURS = 5.0, 3, 8


def legendre(lines: ArcLines, spectra: Spectra) -> WavelengthSolution:
    """Solve for every spectrum; arguments, result and errors as `WavelengthSolver`."""
    used = np.ones(len(lines.x), dtype=np.bool_)
    for _ in range(_ROUNDS):
        terms, coeffs, covariance = _fit(lines, spectra, used)
        used = used & ~_find_worst(lines, spectra, used, terms, coeffs, covariance)
    terms, coeffs, covariance = _fit(lines, spectra, used)
    solved = terms > 0
    if not solved.any():
        raise InputError("no spectrum has lines of two wavelengths", key="lines", value=len(lines.x))
    covariance *= max(1.0, _measure_excess(lines, spectra, used, terms, coeffs))
    _borrow(spectra, solved, coeffs, covariance)
    solution = make_solution(lines, spectra, coeffs, covariance, used)
    solution.dq[~solved] |= np.uint32(DQ["UNRELIABLE_WS"])
    return solution


def _fit(lines: ArcLines, spectra: Spectra, used: Mask) -> tuple[npt.NDArray[np.int64], Double, Double]:
    """Return number of terms (n,), 0 where there is no fit, coefficients (n, 4) and their covariance."""
    number, group = len(spectra.along), lines.spectrum[used]
    pairs = np.unique(np.stack([group, lines.wavelength[used]], axis=1), axis=0)
    distinct = np.bincount(pairs[:, 0].astype(np.int64), minlength=number)
    terms = np.where(distinct < 2, 0, 1 + np.minimum(_TERMS - 1, distinct // 2))
    basis = legvander(normalise(lines.x[used], spectra.domain[group]), _TERMS - 1)
    basis *= np.arange(_TERMS) < terms[group][:, None]
    weight = (lines.error[used] * spectra.setting.dispersion(lines.wavelength[used])) ** -2.0
    normal, right = np.zeros((number, _TERMS, _TERMS)), np.zeros((number, _TERMS))
    np.add.at(normal, group, weight[:, None, None] * basis[:, :, None] * basis[:, None, :])
    np.add.at(right, group, (weight * lines.wavelength[used])[:, None] * basis)
    left_out = np.arange(_TERMS) >= terms[:, None]
    size = np.sqrt(np.where(left_out, 1.0, np.einsum("nkk->nk", normal)))
    normal /= size[:, :, None] * size[:, None, :]
    normal[:, np.arange(_TERMS), np.arange(_TERMS)] += left_out
    covariance = np.linalg.pinv(normal, hermitian=True) / (size[:, :, None] * size[:, None, :])
    covariance *= ~left_out[:, :, None] & ~left_out[:, None, :]
    return terms, np.einsum("njk,nk->nj", covariance, right), covariance


def _find_worst(
    lines: ArcLines,
    spectra: Spectra,
    used: Mask,
    terms: npt.NDArray[np.int64],
    coeffs: Double,
    covariance: Double,
) -> Mask:
    """Tell which lines are the worst of their spectrum, too far off, and to spare."""
    group = lines.spectrum
    basis = legvander(normalise(lines.x, spectra.domain[group]), _TERMS - 1)
    residual = np.abs(np.einsum("mk,mk->m", basis, coeffs[group]) - lines.wavelength)
    variance = (lines.error * spectra.setting.dispersion(lines.wavelength)) ** 2
    own = np.einsum("mj,mjk,mk->m", basis, covariance[group], basis)
    deviation = np.where(used, residual / np.sqrt(np.maximum(variance - own, 1e-3 * variance)), 0.0)
    worst = np.zeros(len(terms))
    np.maximum.at(worst, group, deviation)
    spare = np.bincount(group[used], minlength=len(terms)) - terms >= 2
    far: Mask = (deviation > _LIMIT) & (deviation >= worst[group]) & spare[group]
    return far


def _measure_excess(
    lines: ArcLines, spectra: Spectra, used: Mask, terms: npt.NDArray[np.int64], coeffs: Double
) -> float:
    """Return the median of chi-square over that of its distribution, 1 where no spectrum has lines to spare."""
    group, wavelength = lines.spectrum[used], lines.wavelength[used]
    residual = evaluate_series(coeffs, spectra.domain, group, lines.x[used]) - wavelength
    squares = (residual / (lines.error[used] * spectra.setting.dispersion(wavelength))) ** 2
    freedom = np.bincount(group, minlength=len(terms)) - terms
    tested = (terms > 0) & (freedom > 0)
    if not tested.any():
        return 1.0
    chi2 = np.bincount(group, weights=squares, minlength=len(terms))[tested]
    return float(np.median(chi2 / stats.chi2.median(freedom[tested])))


def _borrow(spectra: Spectra, solved: Mask, coeffs: Double, covariance: Double) -> None:
    """Give spectra that are not solved the mean of their neighbours, in place."""
    lacking, lenders = np.flatnonzero(~solved), np.flatnonzero(solved)
    if len(lacking) == 0:
        return
    place = np.stack([spectra.along, spectra.across], axis=1)
    number = min(_NEIGHBOURS, len(lenders))
    nearest = cKDTree(place[lenders]).query(place[lacking], k=[*range(1, number + 1)])[1]
    lent = coeffs[lenders[nearest]]
    coeffs[lacking] = lent.mean(axis=1)
    off = lent - coeffs[lacking][:, None]
    covariance[lacking] = covariance[lenders[nearest]].mean(axis=1) + np.einsum("njk,njl->nkl", off, off) / number
