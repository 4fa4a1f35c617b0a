"""Errors of a wavelength solution at every column of every judged spectrum.

The wavelength that a solution gives for a column falls at some place in truth; the distance is the error, positive
where the solution names too long a wavelength. Its sigma is that of COVARIANCE at this column; what a spectrum has of
its own, that of COVARIANCE less COMMON. In km/s an error is c times it over the wavelength and the px/nm of truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from numpy.polynomial.legendre import legvander

from iris_contract.dq import has
from iris_validators.arc_evidence import ArcEvidence
from iris_validators.line_identification import find_reach

__all__ = ["SolutionErrors", "is_covariance"]

LIGHT = 299_792.458
"""Speed of light in km/s."""
_ROUNDING = 1e-5  # of a covariance, which may be stored in single precision

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class SolutionErrors:
    """Columns (m,) of spectra: number of the `lenslet` in truth, `error` px and `velocity` km/s, stated `sigma` px.

    `own` px is the sigma without what all spectra share. `u` is the place in the spectrum, `v` that in the DOMAIN of
    the solution, both -1 to 1, and `growth` px/nm of truth. `column` px is the detector's and `row` px where the
    spectrum lies there. `between` tells columns between the first and the last right
    line used (`line_identification`); beyond, the solution is extrapolated. A sigma that is not positive is no error
    estimate: NaN. `usable` (n,) tells which of the lenslets of truth have a solution, finite and flagged neither
    DO_NOT_USE nor NON_SCIENCE.
    """

    lenslet: npt.NDArray[np.int32]
    column: Array
    row: Array
    error: Array
    velocity: Array
    sigma: Array
    own: Array
    u: Array
    v: Array
    growth: Array
    between: Mask
    usable: Mask

    @classmethod
    def of(cls, evidence: ArcEvidence) -> Self:
        """Compare a solution with truth; flagged lenslets take no part, unflagged NaN stays."""
        content, number = evidence.reference.content, evidence.number
        flagged = has(content["DQ"][number], "DO_NOT_USE", "NON_SCIENCE")
        finite = np.isfinite(content["COEFFS"][number]).all(axis=1) & np.isfinite(content["DOMAIN"][number]).all(axis=1)
        judged = np.flatnonzero(evidence.good & ~flagged)
        common = np.asarray(content["COMMON"]) if is_covariance(content["COMMON"]) else np.nan
        found = [_compare(evidence, lenslet, common) for lenslet in judged.tolist()]
        planes = [np.concatenate(parts) for parts in zip(*found, strict=True)] if found else [np.empty(0)] * 9
        sizes = [len(parts[0]) for parts in found]
        column, row, error, velocity, sigma, own, u, v, growth = planes
        lenslet = np.repeat(judged, sizes).astype(np.int32)
        first, last = find_reach(evidence)
        between = (column >= first[lenslet]) & (column <= last[lenslet])
        return cls(lenslet, column, row, error, velocity, sigma, own, u, v, growth, between, finite & ~flagged)

    @property
    def pulls(self) -> Array:
        """Error over sigma (m,)."""
        return self.error / self.sigma


def _compare(evidence: ArcEvidence, lenslet: int, common: Array | float) -> tuple[Array, ...]:
    """Return column, row, error, velocity, sigma, own sigma, u, v and growth of the columns of one spectrum."""
    content, number = evidence.reference.content, evidence.number[lenslet]
    first, last = evidence.ends[0][lenslet]
    column = np.arange(np.ceil(first), np.floor(last) + 1)
    low, high = content["DOMAIN"][number]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        v = (2 * column - low - high) / (high - low)
        basis = legvander(v, content["COEFFS"].shape[1] - 1)
        wavelength = basis @ content["COEFFS"][number]
        place, row, growth = evidence.places.trace(lenslet, wavelength)
        error = place - column
        whole = content["COVARIANCE"][number] + 0 * common  # what all spectra share without sense tells of none of them
        whole = whole if _is_symmetric(whole) else np.full_like(whole, np.nan)
        sigma, own = (_find_sigma(basis, matrix) * growth for matrix in (whole, whole - common))
        velocity = LIGHT * error / (growth * wavelength)
    return column, row, error, velocity, sigma, own, (2 * column - first - last) / (last - first), v, growth


def _is_symmetric(matrix: Array) -> bool:
    return bool(np.isfinite(matrix).all() and np.abs(matrix - matrix.T).max() <= _ROUNDING * np.abs(matrix).max())


def is_covariance(matrix: Array) -> bool:
    """Tell whether a matrix can be one: symmetric, and no combination has a variance below zero, but for rounding."""
    return _is_symmetric(matrix) and bool(np.linalg.eigvalsh(matrix).min() >= -_ROUNDING * np.trace(matrix))


def _find_sigma(basis: Array, covariance: Array) -> Array:
    variance = np.einsum("mi,ij,mj->m", basis, covariance, basis)
    return np.asarray(np.sqrt(np.where(variance > 0, variance, np.nan)))
