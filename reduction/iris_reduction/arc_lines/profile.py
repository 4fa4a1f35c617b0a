"""The image of one wavelength of one lenslet: a surface of cubic B-splines with two nodes a pixel, centred.

Its value at (dx, dy) px is the share of light in a pixel that lies there from the centre, so pixels need not be
integrated over. It starts as a Gaussian integrated over pixels, and is then measured on the arcs themselves: pixels
of many lines at known places and fluxes are linear in the nodes' coefficients (weighted least squares, a little
stiffness). The centre is the first moment within 3 px. Not modelled: variation with wavelength within a filter, wings
beyond 4.5 px.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_banded
from scipy.optimize import least_squares
from scipy.special import ndtr

__all__ = ["NODES", "REACH", "evaluate_profile", "fit_profile", "make_gaussian", "measure_width", "sum_samples"]

Double = npt.NDArray[np.float64]
_HALF = 11  # nodes on each side of the centre
NODES = 2 * _HALF + 1
_STEP = 0.5  # px between nodes
REACH = 4.5  # px from the centre, beyond which the profile is 0
_CORE = 3.0
_STIFFNESS = 1e-3
_OFFSETS: Double = _STEP * np.arange(-_HALF, _HALF + 1, dtype=np.float64)


@numba.njit(cache=True, inline="always")
def _weigh(part: float) -> tuple[float, float, float, float]:
    """Cubic B-spline of the four nodes around a place, `part` 0..1 of the way from the second to the third."""
    rest = 1 - part
    return (
        rest**3 / 6,
        (3 * part**3 - 6 * part**2 + 4) / 6,
        (3 * rest**3 - 6 * rest**2 + 4) / 6,
        part**3 / 6,
    )


@numba.njit(cache=True, inline="always")
def _slope(part: float) -> tuple[float, float, float, float]:
    rest = 1 - part
    return -(rest**2) / 2, (3 * part**2 - 4 * part) / 2, -(3 * rest**2 - 4 * rest) / 2, part**2 / 2


@numba.njit(cache=True)
def evaluate_profile(coeffs: Double, dx: float, dy: float) -> tuple[float, float, float]:
    """Return share of light and its derivatives to dx and dy at a distance in px from the centre."""
    if abs(dx) >= REACH or abs(dy) >= REACH:
        return 0.0, 0.0, 0.0
    u, v = dx / _STEP + _HALF, dy / _STEP + _HALF
    i, j = int(np.floor(u)), int(np.floor(v))
    across, along = _weigh(v - j), _weigh(u - i)
    across_slope, along_slope = _slope(v - j), _slope(u - i)
    value, to_x, to_y = 0.0, 0.0, 0.0
    for b in range(4):
        row, row_slope = 0.0, 0.0
        for a in range(4):
            coefficient = coeffs[j - 1 + b, i - 1 + a]
            row += coefficient * along[a]
            row_slope += coefficient * along_slope[a]
        value += across[b] * row
        to_x += across[b] * row_slope
        to_y += across_slope[b] * row
    return value, to_x / _STEP, to_y / _STEP


def make_gaussian(sigma_x: float, sigma_y: float) -> Double:
    """Return the profile (NODES, NODES) of a Gaussian integrated over pixels."""
    along, across = (_integrate(_OFFSETS, sigma) for sigma in (sigma_x, sigma_y))
    return _interpolate(np.outer(across, along))


def _integrate(offset: Double, sigma: float) -> Double:
    """Share of a Gaussian's light in pixels at an offset."""
    share: Double = ndtr((offset + 0.5) / sigma) - ndtr((offset - 0.5) / sigma)
    return share


def _interpolate(values: Double) -> Double:
    """Return the coefficients of the surface through values at the nodes, which fall to 0 outside."""
    bands = np.tile(np.array([[1 / 6], [4 / 6], [1 / 6]]), NODES)
    once = solve_banded((1, 1), bands, values)
    coeffs: Double = solve_banded((1, 1), bands, once.T).T
    return coeffs


@numba.njit(cache=True)
def sum_samples(
    rate: Any,
    floor: Any,
    slope: float,
    usable: Any,
    x: Any,
    y: Any,
    flux: Any,
    background: Any,
    coeffs: Any,
    model_error: float,
) -> tuple[Any, Any]:
    """Return normal matrix (NODES^2, NODES^2) and right side (NODES^2,) of the pixels around lines (k,).

    Places count from the image's first pixel; `coeffs` is the profile so far, from which the variance is taken.
    """
    size = NODES * NODES
    normal, right = np.zeros((size, size)), np.zeros(size)
    index, weight = np.empty(16, np.int64), np.empty(16)
    for n in range(len(x)):
        for row in range(max(0, int(np.ceil(y[n] - REACH + 0.5))), min(rate.shape[0], int(y[n] + REACH - 0.5) + 1)):
            for column in range(
                max(0, int(np.ceil(x[n] - REACH + 0.5))), min(rate.shape[1], int(x[n] + REACH - 0.5) + 1)
            ):
                if not usable[row, column]:
                    continue
                dx, dy = column - x[n], row - y[n]
                u, v = dx / _STEP + _HALF, dy / _STEP + _HALF
                i, j = int(np.floor(u)), int(np.floor(v))
                along, across = _weigh(u - i), _weigh(v - j)
                for b in range(4):
                    for a in range(4):
                        index[4 * b + a] = (j - 1 + b) * NODES + i - 1 + a
                        weight[4 * b + a] = along[a] * across[b]
                model = max(flux[n] * evaluate_profile(coeffs, dx, dy)[0], 0.0)
                variance = floor[row, column] + slope * model + (model_error * model) ** 2
                trust = flux[n] ** 2 / variance
                sample = (rate[row, column] - background[n]) / flux[n]
                for a in range(16):
                    right[index[a]] += trust * weight[a] * sample
                    for b in range(16):
                        normal[index[a], index[b]] += trust * weight[a] * weight[b]
    return normal, right


def fit_profile(normal: Double, right: Double, before: Double) -> Double:
    """Return the profile (NODES, NODES) that the sums give; where they hold nothing, as it was before."""
    bend = np.diff(np.eye(NODES), 2, axis=0)
    stiff = np.kron(np.eye(NODES), bend.T @ bend) + np.kron(bend.T @ bend, np.eye(NODES)) + 1e-2 * np.eye(NODES**2)
    lit = np.diag(normal)
    stiff *= _STIFFNESS * float(lit[lit > 0].mean())
    solved = np.linalg.solve(normal + stiff, right + stiff @ before.ravel()).reshape(NODES, NODES)
    return _centre(solved / (solved.sum() * _STEP**2))


def _centre(coeffs: npt.NDArray[np.floating]) -> Double:
    """Shift a profile so that its first moment within the core is zero."""
    for _ in range(3):
        inside = np.abs(_OFFSETS) <= _CORE
        values = _sample(coeffs, 0.0, 0.0)[np.ix_(inside, inside)]
        total, offsets = values.sum(), _OFFSETS[inside]
        shift = float((values @ offsets).sum() / total), float((values.T @ offsets).sum() / total)
        coeffs = _interpolate(_sample(coeffs, *shift))
    return coeffs.astype(np.float64, copy=False)


def _sample(coeffs: Any, dx: float, dy: float) -> Double:
    """Return the profile at the nodes' offsets plus (dx, dy)."""
    return np.array([[evaluate_profile(coeffs, a + dx, b + dy)[0] for a in _OFFSETS] for b in _OFFSETS])


def measure_width(coeffs: Double) -> tuple[float, float]:
    """Return sigma in px along and across of the Gaussian that, integrated over pixels, is nearest to a profile."""
    values = _sample(coeffs, 0.0, 0.0)
    inside = np.abs(_OFFSETS) <= _CORE

    def compare(p: Double) -> Double:
        along, across = _integrate(_OFFSETS - p[1], p[3]), _integrate(_OFFSETS - p[2], p[4])
        difference: Double = (p[0] * np.outer(across, along) - values)[np.ix_(inside, inside)].ravel()
        return difference

    fit = least_squares(compare, np.array([1.0, 0.0, 0.0, 0.8, 0.8]), bounds=([0, -1, -1, 0.1, 0.1], [3, 1, 1, 3, 3]))
    return float(fit.x[3]), float(fit.x[4])
