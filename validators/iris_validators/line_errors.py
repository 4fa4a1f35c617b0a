"""Errors of measured lines over the errors that a product states of them.

The place of a line is where its true wavelength falls in its lenslet, at the flexure of its own exposure: errors of the
list are not in it. Lamps light lenslets otherwise than the sky, which moves all lines of an exposure; no line tells
of that, so the weighted mean of an exposure's lines is taken off, one number out of hundreds. Of several exposures
that show a line its own is the one whose true flexure is nearest to the stated one. What faint neighbours that no list
has do to a line in all spectra stays: it is an error of the place, and stated by nobody.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from iris_validators.arc_evidence import ArcEvidence
from iris_validators.line_identification import FAINTEST, LISTED, take_right

__all__ = ["find_line_pulls"]

Array = npt.NDArray[np.float64]


def find_line_pulls(evidence: ArcEvidence) -> tuple[Array, int]:
    """Return error over X_ERR (m,) of right lines used along dispersion, and how many of their means were taken off.

    NaN where X_ERR is no positive number.
    """
    table, lenslet = take_right(evidence)
    inside = evidence.lies_within(table["X"].astype(np.float64), table["Y"].astype(np.float64))
    table, lenslet = table[inside], lenslet[inside]
    error, exposure = _compare(evidence, table, lenslet)
    sigma = table["X_ERR"].astype(np.float64)
    sigma[~(sigma > 0)] = np.nan
    _, exposure = np.unique(exposure, return_inverse=True)
    sums = [np.bincount(exposure, weights=part / sigma**2) for part in (error, np.ones_like(error))]
    with np.errstate(invalid="ignore"):
        return (error - (sums[0] / sums[1])[exposure]) / sigma, len(sums[0])


def _compare(evidence: ArcEvidence, table: npt.NDArray[Any], lenslet: npt.NDArray[np.intp]) -> tuple[Array, Any]:
    """Return errors px (m,) of right lines and the number of the exposure (m,) that they are of."""
    x, wavelength = (table[name].astype(np.float64) for name in ("X", "WAVELENGTH"))
    stated = np.stack([table["SHIFT_X"], table["SHIFT_Y"]], axis=1).astype(np.float64)
    error, number = np.full(len(x), np.nan), np.zeros(len(x), dtype=np.intp)
    nearest = np.full(len(x), np.inf)
    for n, exposure in enumerate(evidence.exposures):
        shone = np.unique(exposure.lines["WAVELENGTH"][exposure.lines["FLUX"] * exposure.duration >= FAINTEST])
        if not shone.size:
            continue
        true = shone[np.abs(shone - wavelength[:, None]).argmin(axis=1)]
        shift = exposure.shift - evidence.places.shift
        away = np.nan_to_num(np.hypot(*(stated - shift).T), nan=np.finfo(np.float64).max)
        own = (np.abs(true - wavelength) <= LISTED) & (away < nearest)
        place = evidence.places.find(lenslet, true)[0] + shift[0]
        error[own], number[own], nearest[own] = (x - place)[own], n, away[own]
    return error, number
