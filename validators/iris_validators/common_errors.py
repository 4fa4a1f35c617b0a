"""What all spectra share: the shape of their common error against what COMMON states of it.

COMMON has as many independent modes as a solver leaves free what it cannot tell from errors of lines: a few powers of
the wavelength. The zero point is left out, since lamps move it otherwise than any COMMON knows; pull_mean judges it.
The errors of all spectra between lines are one curve over the columns, and its amplitudes in the modes, over the sigma
of each, are independent standard normal numbers if COMMON is right: their rms is 1, that of q of them
sqrt(chi2_q / q). Errors of the line list are drawn once for an instrument, so nights repeat that draw, and the interval
over nights is of the one instrument; limits have to hold the draw.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numpy.polynomial.legendre import legvander

from iris_validators.solution_errors import SolutionErrors

__all__ = ["find_common_width"]

Array = npt.NDArray[np.float64]
_LEAST = 1e-4  # of the largest variance: below it a mode is the rounding of a series


def find_common_width(errors: SolutionErrors, common: Array) -> float:
    """Return the rms of amplitudes of the common error over their sigma by `common` nm2 (k, k); NaN where it has none.

    What spectra leave of their own errors in the amplitudes, by their scatter, adds to each sigma.
    """
    inside = errors.between
    error, number = errors.error[inside], int(inside.sum())
    if not number or not np.isfinite(error).all():
        return float("nan")
    terms = legvander(errors.v[inside], len(common) - 1) * errors.growth[inside, None]
    modes, scale = np.linalg.qr(terms - terms.mean(axis=0))
    variance, turned = np.linalg.eigh(scale @ common @ scale.T / number)
    told = variance > _LEAST * variance.max()
    _, spectrum = np.unique(errors.lenslet[inside], return_inverse=True)
    parts = (modes @ turned[:, told]) * (error - error.mean())[:, None] / np.sqrt(number)
    each = np.stack([np.bincount(spectrum, weights=part) for part in parts.T])
    left = len(each[0]) * each.var(axis=1, ddof=1) if len(each[0]) > 1 else np.inf
    return float(np.sqrt(np.mean(each.sum(axis=1) ** 2 / (variance[told] + left))))
