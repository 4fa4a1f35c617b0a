"""What of a fitted rate's variance is due to photons, found after the fit.

A rate is a weighted sum of reads, so its variance is s^2 times a number plus R times another, s read noise and R
rate. The shares depend on R/s^2 alone where all reads are used: with the weights w_g of
each ramp (1/s, as in `ramp.linear`),

    read_g = w_g . w_g,   photon_g = sum_ij w_gi w_gj min(t_i, t_j),

and for generalised least squares w = C^-1 x / (x C^-1 x) on the differences, C = R diag(x) + s^2 T, so
photon = sum_k w_k^2 x_k and read = w T w. Ramps are combined with their inverse variances. The share
of photons is tabulated against R/s^2 and multiplies err^2, so the two planes add up to
err^2 exactly.

Not modelled: pixels with reads left out get the share of a complete ramp at the same R/s^2, which is
exact in the limits where one of the noises dominates. Plug-ins get the share of generalised least squares.
"""

from __future__ import annotations

from importlib import import_module

import numpy as np
import numpy.typing as npt

from iris_reduction.blocks import map_rows

__all__ = ["find_photon_share", "split_variance"]

Float = npt.NDArray[np.float32]
Double = npt.NDArray[np.float64]
_WORTH = 32  # reads of a block for each of its pixels here: planes are float64
_LINEAR = {"cds": "weigh_ends", "mcds": "weigh_means", "ols": "weigh_line"}
_FLUXES = np.concatenate([[0.0], np.logspace(-8, 6, 281)])  # R/s^2 in 1/s


def split_variance(name: str, rate: Float, error: Float, read_noise: Float, times: Double) -> tuple[Float, Float]:
    """Return the variances (e-/s)^2 of `rate` due to photons and to the reads, (ny, nx); their sum is error^2.

    `name` is the fitter's, `read_noise` e- (ny, nx), `times` s (ngroups, nreads).
    """
    shares = find_photon_share(name, _FLUXES, times)
    photons, read = np.empty(rate.shape, np.float32), np.empty(rate.shape, np.float32)

    def split(rows: slice) -> None:
        with np.errstate(divide="ignore", invalid="ignore"):
            flux = np.maximum(rate[rows], 0) / np.square(read_noise[rows], dtype=np.float64)
        share = np.interp(np.nan_to_num(flux), _FLUXES, shares)
        variance = np.square(error[rows], dtype=np.float64)
        photons[rows] = share * variance
        read[rows] = variance - photons[rows]

    map_rows(split, (*rate.shape, _WORTH))
    return photons, read


def find_photon_share(name: str, fluxes: Double, times: Double) -> Double:
    """Return the share (n,) of photons in the variance that the fitter `name` has at each of `fluxes` R/s^2 1/s."""
    coefficients = np.array([[_describe(name, flux, ramp) for ramp in times] for flux in fluxes])
    read, photon = np.moveaxis(coefficients, -1, 0)
    variance = read + fluxes[:, None] * photon
    photons = (fluxes[:, None] * photon / variance**2).sum(axis=1)  # inverse-variance weights, squared
    return np.asarray(photons / (1 / variance).sum(axis=1))


def _describe(name: str, flux: float, times: Double) -> tuple[float, float]:
    """Return the coefficients of s^2 and of R in the variance of the rate of one ramp."""
    if name in _LINEAR:
        w = getattr(import_module(f"iris_reduction.ramp.{name}"), _LINEAR[name])(times)
        return float(w @ w), float(w @ np.minimum.outer(times, times) @ w)
    x = np.diff(times)
    coupling = 2 * np.eye(len(x)) - np.eye(len(x), k=1) - np.eye(len(x), k=-1)
    w = np.linalg.solve(flux * np.diag(x) + coupling, x)
    w /= w @ x
    return float(w @ coupling @ w), float(w**2 @ x)
