"""Flux, place and width of lines: a profile fitted to the pixels around each, with its neighbours.

For each line alone, Gauss-Newton on the 7 x 7 pixels around it: its flux, place and relative width along dispersion, a
level under all, and flux and place of up to four neighbours that reach into the pixels. Neighbours are held near their
predicted places, so two lines that cannot be told apart get a large error instead of a wrong place. Weights come from
the variance of the model, with a share of the model itself for what the profile leaves out. Up to three pixels more
than six standard deviations off (cosmic rays) are left out one by one, where 5 % of the model do not explain them.
Errors are of the inverse normal matrix. Lines are fitted side by side in threads, each by itself: results do not
depend on their number.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from iris_reduction.arc_lines.image import ArcImage
from iris_reduction.arc_lines.profile import evaluate_profile

__all__ = ["MODEL_ERROR", "NEIGHBOURS", "Centroids", "fit_lines"]

Double = npt.NDArray[np.float64]
NEIGHBOURS = 4
MODEL_ERROR = 0.01
"""Share of the model that its profile may be wrong by in a pixel."""
_RADIUS = 3
_SIDE = 2 * _RADIUS + 1
_ROUNDS, _HASTY = 40, 12  # in all, and of whole steps: weights follow the model, and bright lines may swing
_FAR, _DROPPED, _EXCUSED = 6.0, 3, 0.05
_WIDTH_PRIOR = 0.1
_FREE = 5 + 3 * NEIGHBOURS
_FEWEST, _FEWEST_CORE = 20, 8  # pixels of 49, and of the 9 in the middle
_SETTLED = 1e-3  # px
_WIDEST = 0.6
_EARLY, _LEAST = 4, 0.25  # rounds in which a flux falls to no less than this share: far off, a step may go below 0
_WANDER = 2.0  # px from where the fit starts, at which a line is given up


class Centroids(NamedTuple):
    """What was fitted of lines (k,): px from the detector's first pixel, e-/s, width relative to the profile's.

    `converged` bool; where it is false, nothing else means anything. `saturated` bool: a pixel of the core is.
    """

    x: Double
    y: Double
    flux: Double
    width: Double
    background: Double
    x_error: Double
    y_error: Double
    flux_error: Double
    converged: npt.NDArray[np.bool_]
    saturated: npt.NDArray[np.bool_]


def fit_lines(
    image: ArcImage,
    start: tuple[Double, Double],
    profile: npt.NDArray[np.int64],
    coeffs: Double,
    neighbours: tuple[npt.NDArray[np.int64], Double, Double, npt.NDArray[np.int64]],
    hold: float,
) -> Centroids:
    """Fit lines of an image that start at columns and rows `start` (k,).

    `profile` (k,) numbers the profiles `coeffs` (nprofile, NODES, NODES). `neighbours` are numbers (k, NEIGHBOURS), -1
    for none, and the columns, rows and profiles that these number; `hold` px holds a neighbour near its place.
    """
    corner = np.array(image.corner, dtype=np.float64)
    found = np.zeros((len(start[0]), 10))
    _fit(
        (image.rate, image.floor, image.slope, image.usable, image.saturated),
        (start[0] - corner[0], start[1] - corner[1], profile),
        coeffs,
        (neighbours[0], neighbours[1] - corner[0], neighbours[2] - corner[1], neighbours[3]),
        hold,
        found,
    )
    found[:, 0] += corner[0]
    found[:, 1] += corner[1]
    return Centroids._make([*found[:, :8].T.copy(), found[:, 8] > 0, found[:, 9] > 0])


@numba.njit(cache=True)
def _invert(matrix: Any, n: int) -> bool:
    """Invert the leading n x n part of a symmetric positive definite matrix in place; False where it is not."""
    for k in range(n):
        pivot = matrix[k, k]
        if not pivot > 0:
            return False
        matrix[k, k] = 1.0
        for j in range(n):
            matrix[k, j] /= pivot
        for i in range(n):
            if i != k:
                factor = matrix[i, k]
                matrix[i, k] = 0.0
                for j in range(n):
                    matrix[i, j] -= factor * matrix[k, j]
    return True


@numba.njit(cache=True)
def _differentiate(p: Any, n: int, profiles: Any, which: Any, dx0: float, dy0: float, gradient: Any) -> float:
    """Return the model at a pixel without the level, and fill its gradient to the n parameters.

    Parameters: flux, x, y, width, level, then flux, x, y of each neighbour; dx0, dy0 is the pixel's place.
    """
    stretch = 1 + p[3]
    dx = (dx0 - p[1]) / stretch
    value, to_x, to_y = evaluate_profile(profiles[which[0]], dx, dy0 - p[2])
    gradient[0] = value / stretch
    gradient[1] = -p[0] * to_x / stretch**2
    gradient[2] = -p[0] * to_y / stretch
    gradient[3] = -p[0] * (value + dx * to_x) / stretch**2
    gradient[4] = 1.0
    model: float = p[0] * value / stretch
    for k in range((n - 5) // 3):
        at = 5 + 3 * k
        value, to_x, to_y = evaluate_profile(profiles[which[k + 1]], dx0 - p[at + 1], dy0 - p[at + 2])
        gradient[at], gradient[at + 1], gradient[at + 2] = value, -p[at] * to_x, -p[at] * to_y
        model += p[at] * value
    return model


@numba.njit(cache=True)
def _gather(usable: Any, saturated: Any, x: float, y: float, kept: Any) -> tuple[int, int, bool, bool]:
    """Mark the pixels around a place that can be used; return the first column and row, if they do, if one is full."""
    column0, row0 = int(np.rint(x)) - _RADIUS, int(np.rint(y)) - _RADIUS
    count, core, full = 0, 0, False
    for b in range(_SIDE):
        for a in range(_SIDE):
            row, column = row0 + b, column0 + a
            if 0 <= row < usable.shape[0] and 0 <= column < usable.shape[1]:
                central = abs(a - _RADIUS) <= 1 and abs(b - _RADIUS) <= 1
                kept[b, a] = usable[row, column]
                count += kept[b, a]
                core += central and kept[b, a]
                full |= central and saturated[row, column]
    return column0, row0, count >= _FEWEST and core >= _FEWEST_CORE, full


@numba.njit(cache=True)
def _add_pixels(
    image: Any, corner: Any, kept: Any, p: Any, n: int, profiles: Any, which: Any, linear: bool, normal: Any, right: Any
) -> tuple[float, int, int]:
    """Fill the normal equations of a step; return the largest deviation and the pixel that has it.

    A linear step finds fluxes and level: values take the place of residuals, and p has fluxes of 1.
    """
    rate, floor, slope = image[0], image[1], image[2]
    gradient = np.zeros(_FREE)
    normal[:], right[:] = 0.0, 0.0
    farthest, far_a, far_b = 0.0, 0, 0
    for b in range(_SIDE):
        for a in range(_SIDE):
            if not kept[b, a]:
                continue
            row, column = corner[1] + b, corner[0] + a
            model = _differentiate(p, n, profiles, which, column, row, gradient)
            residual, light = rate[row, column], max(rate[row, column], 0.0)
            if linear:
                for i in range(n):
                    gradient[i] *= _is_linear(i)
            else:
                residual, light = residual - model - p[4], max(model, 0.0)
            variance = floor[row, column] + slope * light
            far = abs(residual) / np.sqrt(variance + (_EXCUSED * light) ** 2)
            if far > farthest:
                farthest, far_a, far_b = far, a, b
            weight = 1 / (variance + (MODEL_ERROR * light) ** 2)
            for i in range(n):
                right[i] += weight * gradient[i] * residual
                for j in range(i + 1):
                    normal[i, j] += weight * gradient[i] * gradient[j]
    return farthest, far_a, far_b


@numba.njit(cache=True, inline="always")
def _is_linear(i: int) -> bool:
    """Tell whether parameter i is a flux or the level."""
    return i == 0 or i == 4 or (i > 4 and (i - 5) % 3 == 0)


@numba.njit(cache=True)
def _add_priors(p: Any, before: Any, n: int, hold: float, linear: bool, normal: Any, right: Any) -> None:
    """Hold the width near the profile's and neighbours near their places; in a linear step all that is not linear."""
    normal[3, 3] += _WIDTH_PRIOR**-2
    right[3] += 0.0 if linear else -p[3] / _WIDTH_PRIOR**2
    if linear:
        normal[1, 1] += 1.0
        normal[2, 2] += 1.0
    for i in range(5, n):
        if _is_linear(i):
            normal[i, i] += 1e-12  # or a neighbour outside the pixels would make it singular
        else:
            normal[i, i] += hold**-2
            right[i] += 0.0 if linear else (before[i] - p[i]) / hold**2
    for i in range(n):
        for j in range(i):
            normal[j, i] = normal[i, j]


@numba.njit(cache=True)
def _step(p: Any, n: int, linear: bool, early: bool, share: float, inverse: Any, right: Any) -> float:
    """Take a share of a step, not too far; return the longest whole step of the line's own place in px.

    Those of neighbours do not count: faint ones beside a bright line never settle, and need not. In `early` rounds the
    line's flux stays above 0, which a step from far off overshoots.
    """
    longest = 0.0
    for i in range(n):
        step = 0.0
        for j in range(n):
            step += inverse[i, j] * right[j]
        if _is_linear(i):
            flux = step if linear else p[i] + share * step
            p[i] = max(flux, _LEAST * p[i]) if i == 0 and not linear and early else flux
        elif i == 3:
            p[i] += share * min(max(step, -0.2), 0.2)
        else:
            longest = max(longest, abs(step) if i < 5 else 0.0)
            p[i] += share * min(max(step, -0.4), 0.4)
    return longest


@numba.njit(cache=True)
def _fit_one(
    image: Any, x: float, y: float, profiles: Any, which: Any, before: Any, n: int, hold: float, found: Any
) -> None:
    """Fit a line and fill `found` (10,); `before` are the parameters to start from."""
    kept = np.zeros((_SIDE, _SIDE), np.bool_)
    column0, row0, enough, full = _gather(image[3], image[4], x, y, kept)
    found[9] = full
    if not enough:
        return
    corner = (column0, row0)
    normal, right, p, dropped = np.zeros((_FREE, _FREE)), np.zeros(_FREE), before.copy(), 0
    for number in range(_ROUNDS):
        linear = number == 0
        farthest, far_a, far_b = _add_pixels(image, corner, kept, p, n, profiles, which, linear, normal, right)
        _add_priors(p, before, n, hold, linear, normal, right)
        if not _invert(normal, n):
            return
        longest = _step(p, n, linear, number <= _EARLY, 1.0 if number < _HASTY else 0.5, normal, right)
        if not p[0] > 0 or abs(p[1] - x) > _WANDER or abs(p[2] - y) > _WANDER or abs(p[3]) > _WIDEST:
            return
        if linear or longest > _SETTLED:
            continue
        if farthest > _FAR and dropped < _DROPPED:
            kept[far_b, far_a] = False
            dropped += 1
            continue
        found[0], found[1], found[2], found[3], found[4] = p[1], p[2], p[0], p[3], p[4]
        found[5], found[6], found[7] = np.sqrt(normal[1, 1]), np.sqrt(normal[2, 2]), np.sqrt(normal[0, 0])
        found[8] = 1.0
        return


@numba.njit(cache=True, parallel=True)
def _fit(image: Any, lines: Any, profiles: Any, near: Any, hold: float, found: Any) -> None:
    x, y, profile = lines
    numbers, near_x, near_y, near_profile = near
    for n in numba.prange(len(x)):
        before, which, free = np.zeros(_FREE), np.zeros(1 + NEIGHBOURS, np.int64), 5
        which[0], before[0], before[1], before[2] = profile[n], 1.0, x[n], y[n]
        for k in range(numbers.shape[1]):
            other = numbers[n, k]
            if other >= 0:
                which[1 + (free - 5) // 3] = near_profile[other]
                before[free], before[free + 1], before[free + 2] = 1.0, near_x[other], near_y[other]
                free += 3
        _fit_one(image, x[n], y[n], profiles, which, before, free, hold, found[n])
