"""Where the whole pattern of lines lies beside its design: no start by hand, no line by itself.

The significance of the image, smoothed and cut off above so that bright lines do not rule, is summed at all predicted
places shifted by whole pixels, for each patch of the detector. One lenslet's neighbour stands 27 px along and 2 px
across, so within 13 px along and 8 px across a line meets no copy of itself. The sum over patches, each allowed to be
2 px off, decides the shift of the whole; patches then move near it, and a robust plane through their shifts is the
start of all else. Every listed line counts with the root of its strength, since strengths are known within a lamp
only. Not modelled: what bends within a patch; it must stay below a pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter, maximum_filter

from iris_reduction.arc_lines.image import ArcImage
from iris_reduction.arc_lines.pattern import Points

__all__ = ["Shift", "register"]

Double = npt.NDArray[np.float64]
_ALONG, _ACROSS = 13, 8  # px searched on each side
_STRONG = 0.02
_ROOM = 4  # px that a patch may be off the whole
_IN_PATCH = 60  # points that a patch holds at least, in the mean
_MOST = 8  # patches along each side of the detector
_SCALE = 2048.0


class Shift:
    """A shift in px that is linear in the place on the detector: `terms` (3, 2) of 1, x, y from the middle."""

    def __init__(self, terms: Double) -> None:
        self.terms = terms

    def move(self, x: Double, y: Double) -> tuple[Double, Double]:
        """Return places with their shifts."""
        shift = _make_plane(x, y) @ self.terms
        return x + shift[:, 0], y + shift[:, 1]


def register(images: Sequence[ArcImage], points: Points) -> Shift:
    """Return by how much the lines lie beside `points`, their designed places."""
    points = points.take(points.strength > _STRONG)
    patch, number = _divide(points)
    score = np.zeros((number, 2 * _ACROSS + 1, 2 * _ALONG + 1))
    weight = np.sqrt(points.strength)
    for n, image in enumerate(images):
        mine = points.image == n
        smooth = gaussian_filter(image.significance, 0.8)
        x, y = points.x[mine] - image.corner[0], points.y[mine] - image.corner[1]
        _add_up(smooth, np.rint(x).astype(np.int64), np.rint(y).astype(np.int64), weight[mine], patch[mine], score)
    held = np.bincount(patch, weights=weight, minlength=number).astype(np.float64)
    whole = _find_peak(np.sum([maximum_filter(s, 5) for s in score[held > 0]], axis=0))
    shifts = np.array([_find_near(s, whole) for s in score[held > 0]]) - np.array([_ALONG, _ACROSS])
    count = np.maximum(np.bincount(patch, minlength=number), 1.0)
    centres = np.stack([np.bincount(patch, place, number) / count for place in (points.x, points.y)], axis=1)[held > 0]
    return Shift(_fit_plane(centres, shifts, held[held > 0]))


def _divide(points: Points) -> tuple[npt.NDArray[np.int64], int]:
    """Return the patch (k,) of each point, and how many patches there are."""
    side = int(np.clip(np.sqrt(len(points.x) / _IN_PATCH), 1, _MOST))

    def cut(place: Double) -> npt.NDArray[np.int64]:
        cell = ((place - place.min()) / max(float(np.ptp(place)), 1.0) * side).astype(np.int64)
        return np.asarray(np.clip(cell, 0, side - 1))

    return cut(points.y) * side + cut(points.x), side * side


@numba.njit(cache=True)
def _add_up(smooth: Any, x: Any, y: Any, weight: Any, patch: Any, score: Any) -> None:
    for n in range(len(x)):
        for b in range(score.shape[1]):
            row = y[n] + b - _ACROSS
            if row < 0 or row >= smooth.shape[0]:
                continue
            for a in range(score.shape[2]):
                column = x[n] + a - _ALONG
                if 0 <= column < smooth.shape[1]:
                    score[patch[n], b, a] += weight[n] * smooth[row, column]


def _find_peak(score: Double) -> tuple[int, int]:
    row, column = np.unravel_index(np.argmax(gaussian_filter(score, 1.0)), score.shape)
    return int(row), int(column)


def _find_near(score: Double, whole: tuple[int, int]) -> tuple[float, float]:
    """Return the highest place (column, row) of a patch's sums near the whole's, to parts of a pixel."""
    low = [max(0, w - _ROOM) for w in whole]
    near = score[low[0] : whole[0] + _ROOM + 1, low[1] : whole[1] + _ROOM + 1]
    peak = np.unravel_index(np.argmax(near), near.shape)
    above = near - np.median(near)
    rows, columns = np.ogrid[: near.shape[0], : near.shape[1]]
    window = np.maximum(above, 0) * ((np.abs(rows - peak[0]) <= 2) & (np.abs(columns - peak[1]) <= 2))
    total = max(float(window.sum()), 1e-12)
    return low[1] + float((window * columns).sum()) / total, low[0] + float((window * rows).sum()) / total


def _make_plane(x: Double, y: Double) -> Double:
    return np.stack([np.ones_like(x), (x - _SCALE) / _SCALE, (y - _SCALE) / _SCALE], axis=1)


def _fit_plane(centres: Double, shifts: Double, weight: Double) -> Double:
    """Return the terms (3, 2) of a plane through the shifts of most patches; slopes beyond 5 px need many of them."""
    plane = _make_plane(centres[:, 0], centres[:, 1])
    trust = np.ones(len(shifts))
    hold = np.diag([0.0, 0.01, 0.01])  # of patches that are a pixel uncertain against slopes of 10 px
    for _ in range(10):
        heavy = plane * (trust * weight / weight.mean())[:, None]
        terms = np.linalg.lstsq(heavy.T @ plane + hold, heavy.T @ shifts, rcond=None)[0]
        distance = np.hypot(*(shifts - plane @ terms).T)
        trust = 1 / (1 + (distance / max(1.5 * float(np.median(distance)), 0.3)) ** 2)
    return np.asarray(terms)
