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
_ROUNDS = 20
_FAR, _DROPPED, _EXCUSED = 6.0, 3, 0.05
_WIDTH_PRIOR = 0.1
_FREE = 5 + 3 * NEIGHBOURS
_FEWEST = 20  # pixels of 49
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
    return Centroids(*found[:, :8].T.copy(), found[:, 8] > 0, found[:, 9] > 0)


@numba.njit(cache=True)
def _invert(matrix: Any, n: int) -> bool:  # pragma: no cover - compiled
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
def _differentiate(
    p: Any, n: int, profiles: Any, which: Any, dx0: float, dy0: float, gradient: Any
) -> float:  # pragma: no cover - compiled
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
    model = p[0] * value / stretch
    for k in range((n - 5) // 3):
        at = 5 + 3 * k
        value, to_x, to_y = evaluate_profile(profiles[which[k + 1]], dx0 - p[at + 1], dy0 - p[at + 2])
        gradient[at], gradient[at + 1], gradient[at + 2] = value, -p[at] * to_x, -p[at] * to_y
        model += p[at] * value
    return model


@numba.njit(cache=True, parallel=True)
def _fit(image: Any, lines: Any, profiles: Any, near: Any, hold: float, found: Any) -> None:  # pragma: no cover
    rate, floor, slope, usable, saturated = image
    x, y, profile = lines
    numbers, near_x, near_y, near_profile = near
    side = 2 * _RADIUS + 1
    for n in numba.prange(len(x)):
        p, before = np.zeros(_FREE), np.zeros(_FREE)
        which = np.zeros(1 + NEIGHBOURS, np.int64)
        which[0], before[1], before[2] = profile[n], x[n], y[n]
        free = 5
        for k in range(numbers.shape[1]):
            if numbers[n, k] >= 0:
                which[1 + (free - 5) // 3] = near_profile[numbers[n, k]]
                before[free + 1], before[free + 2] = near_x[numbers[n, k]], near_y[numbers[n, k]]
                free += 3
        p[:] = before
        column0, row0 = int(np.rint(x[n])) - _RADIUS, int(np.rint(y[n])) - _RADIUS
        kept = np.zeros((side, side), np.bool_)
        count, core = 0, 0
        for b in range(side):
            for a in range(side):
                row, column = row0 + b, column0 + a
                if 0 <= row < rate.shape[0] and 0 <= column < rate.shape[1]:
                    kept[b, a] = usable[row, column]
                    central = abs(a - _RADIUS) <= 1 and abs(b - _RADIUS) <= 1
                    count += kept[b, a]
                    core += central and kept[b, a]
                    if central and saturated[row, column]:
                        found[n, 9] = 1.0
        if count < _FEWEST or core < 8:
            continue
        normal, right, gradient = np.zeros((_FREE, _FREE)), np.zeros(_FREE), np.zeros(_FREE)
        dropped, done = 0, False
        for number in range(_ROUNDS):
            normal[:], right[:] = 0.0, 0.0
            linear = number == 0  # fluxes and level first
            farthest, far_a, far_b = 0.0, 0, 0
            for b in range(side):
                for a in range(side):
                    if not kept[b, a]:
                        continue
                    if linear:
                        p[0] = 1.0
                        for k in range(5, free, 3):
                            p[k] = 1.0
                    model = _differentiate(p, free, profiles, which, column0 + a, row0 + b, gradient)
                    value = rate[row0 + b, column0 + a]
                    if linear:
                        residual, light = value, max(value, 0.0)
                    else:
                        residual, light = value - model - p[4], max(model, 0.0)
                    variance = floor[row0 + b, column0 + a] + slope * light
                    if not linear:
                        far = abs(residual) / np.sqrt(variance + (_EXCUSED * light) ** 2)
                        if far > farthest:
                            farthest, far_a, far_b = far, a, b
                    weight = 1 / (variance + (MODEL_ERROR * light) ** 2)
                    for i in range(free):
                        fixed = linear and (i in (1, 2, 3) or (i > 5 and (i - 5) % 3 > 0))
                        if fixed:
                            gradient[i] = 0.0
                        right[i] += weight * gradient[i] * residual
                        for j in range(i + 1):
                            normal[i, j] += weight * gradient[i] * gradient[j]
            normal[3, 3] += _WIDTH_PRIOR**-2
            right[3] -= 0.0 if linear else p[3] / _WIDTH_PRIOR**2
            if linear:
                normal[1, 1], normal[2, 2] = 1.0, 1.0
            for k in range(5, free, 3):
                normal[k, k] += 1e-12
                for c in (1, 2):
                    normal[k + c, k + c] += hold**-2
                    if not linear:
                        right[k + c] += (before[k + c] - p[k + c]) / hold**2
            for i in range(free):
                for j in range(i):
                    normal[j, i] = normal[i, j]
            if not _invert(normal, free):
                break
            largest = 0.0
            for i in range(free):
                step = 0.0
                for j in range(free):
                    step += normal[i, j] * right[j]
                if i == 1 or i == 2 or (i > 5 and (i - 5) % 3 > 0):
                    largest = max(largest, abs(step))
                    step = min(max(step, -0.4), 0.4)
                elif i == 3:
                    step = min(max(step, -0.2), 0.2)
                if linear and (i == 0 or i == 4 or (i > 4 and (i - 5) % 3 == 0)):
                    p[i] = step
                else:
                    p[i] += step
            if not p[0] > 0 or abs(p[1] - x[n]) > _WANDER or abs(p[2] - y[n]) > _WANDER or abs(p[3]) > 0.6:
                break
            if not linear and largest < 1e-3:
                if farthest > _FAR and dropped < _DROPPED:
                    kept[far_b, far_a] = False
                    dropped += 1
                else:
                    done = True
                    break
        if not done or normal[1, 1] <= 0 or normal[2, 2] <= 0:
            continue
        found[n, 0], found[n, 1], found[n, 2], found[n, 3], found[n, 4] = p[1], p[2], p[0], p[3], p[4]
        found[n, 5], found[n, 6], found[n, 7] = np.sqrt(normal[1, 1]), np.sqrt(normal[2, 2]), np.sqrt(normal[0, 0])
        found[n, 8] = 1.0
