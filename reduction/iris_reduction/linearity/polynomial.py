"""A free polynomial for each pixel, c_0 .. c_3: a quartic of the signal, as most pipelines fit it.

Fit to the pixel's own increments, see `moments`. It takes any shape, and pays for it: the four terms
are nearly alike over the ramp, so the variance of the correction is not that of one amplitude but
sum_ij cov(c_i, c_j) u^(i+j+2), and it is largest in the scale, since the slope at zero signal, to
which all is anchored, is extrapolated. Ten ramps to 90 ke- leave 1.1 % at 80 ke-, a hundred 0.4 %.
With a linear term a quartic also misses losses as u^2.5 by 1 % in scale. Errors are the diagonal of
the covariance; the terms are strongly correlated. A pixel without enough increments gets coefficients
0 and NONLINEAR. All exposures are in memory at the same time, which full frames do not allow.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from iris_contract import DQ
from iris_contract.errors import InputError
from iris_reduction.blocks import map_rows
from iris_reduction.linearity.moments import Moments, collect_moments
from iris_reduction.linearity.protocol import FlatRamps, LinearityFit

__all__ = ["polynomial"]

TERMS = 4
_FEWEST = 10  # increments
_CONDITION = 1e-12  # of the determinant over the product of the diagonal


def polynomial(exposures: Iterable[FlatRamps], usable: npt.NDArray[np.bool_], *, norm: float) -> LinearityFit:
    """Measure every usable pixel; arguments, result and errors as `LinearityFitter`."""
    if not usable.any():
        raise InputError("no pixel of the flats is usable for linearity", key="IMTYPE", value="NFF")
    ramps = list(exposures)
    blocks = map_rows(lambda rows: _solve(collect_moments(ramps, norm, TERMS, rows)), ramps[0].reads.shape)
    coeffs, errors, solved = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    coeffs[~(usable & solved)], errors[~(usable & solved)] = 0.0, 0.0
    return LinearityFit(coeffs, errors, np.where(usable & ~solved, DQ["NONLINEAR"], 0).astype(np.uint32))


def _solve(moments: Moments) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    diagonal = np.einsum("...ii->...i", moments.normal)
    solvable = (moments.number >= _FEWEST) & (diagonal > 0).all(axis=-1)
    scale = np.sqrt(np.where(solvable[..., None], diagonal, 1.0))
    correlation = moments.normal / (scale[..., :, None] * scale[..., None, :])
    solvable &= np.linalg.det(correlation) > _CONDITION
    correlation[~solvable] = np.eye(TERMS)
    inverse = np.linalg.inv(correlation) / (scale[..., :, None] * scale[..., None, :])
    coeffs = -np.einsum("...ij,...j->...i", inverse, moments.mixed)
    variance = np.einsum("...ii->...i", inverse) * moments.variance[..., None]
    errors = np.sqrt(np.maximum(variance, 0.0))
    with np.errstate(over="ignore"):
        coeffs, errors = coeffs.astype(np.float32), errors.astype(np.float32)
    solvable &= np.isfinite(coeffs).all(axis=-1) & np.isfinite(errors).all(axis=-1)
    return coeffs, errors, solvable
