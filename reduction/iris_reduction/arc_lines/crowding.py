"""What stands beside each line: points of the same image within 6 px that are bright enough to matter.

Spectra lie 2 px apart, so lines of other lenslets stand beside one by accident of wavelengths, and in most spectra
at the same distance. A line with a neighbour nearer than 1.3 px is a blend, which no place can be measured of, unless
the neighbour is thirty times fainter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from iris_reduction.arc_lines.centroid import NEIGHBOURS
from iris_reduction.arc_lines.pattern import Points

__all__ = ["Crowd", "find_crowd"]

Double = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
_REACH = 6.0  # px
_FAINT = 0.003  # of a line's flux, below which a neighbour does not matter
_ALONE = 0.01  # below which a line is as good as alone
_BLEND, _BLEND_FAINT = 1.3, 0.03
_LOOKED_AT = 12


@dataclass(frozen=True, slots=True, eq=False)
class Crowd:
    """Neighbours (k, NEIGHBOURS) of points, as numbers of points, -1 for none; which are `alone`, which `blended`."""

    neighbours: npt.NDArray[np.int64]
    alone: Mask
    blended: Mask


def find_crowd(points: Points, flux: Double) -> Crowd:
    """Return what stands beside each point of the flux (k,) that is expected of it."""
    number = len(points.x)
    crowd = Crowd(np.full((number, NEIGHBOURS), -1), np.ones(number, np.bool_), np.zeros(number, np.bool_))
    for n in np.unique(points.image):
        mine = np.flatnonzero((points.image == n) & (flux > 0))
        if len(mine) > 1:
            _search(mine, np.stack([points.x[mine], points.y[mine]], axis=1), flux, crowd)
    return crowd


def _search(mine: npt.NDArray[np.int64], at: Double, flux: Double, crowd: Crowd) -> None:
    """Fill the crowd of the points `mine` at places (k, 2)."""
    looked_at = min(_LOOKED_AT, len(mine))
    distance, near = cKDTree(at).query(at, k=[*range(1, looked_at + 1)], distance_upper_bound=_REACH)
    other = np.isfinite(distance) & (near != np.arange(len(mine))[:, None])
    theirs = np.where(other, flux[mine[np.minimum(near, len(mine) - 1)]], 0.0) / flux[mine][:, None]
    crowd.alone[mine] = (theirs < _ALONE).all(axis=1)
    crowd.blended[mine] = ((theirs > _BLEND_FAINT) & (distance < _BLEND)).any(axis=1)
    matter = np.where(theirs > _FAINT, theirs / (1 + np.where(other, distance, np.inf) ** 2), 0.0)
    order = np.argsort(-matter, axis=1, kind="stable")[:, :NEIGHBOURS]
    chosen = np.take_along_axis(matter, order, axis=1) > 0
    numbers = mine[np.minimum(np.take_along_axis(near, order, axis=1), len(mine) - 1)]
    crowd.neighbours[mine, : order.shape[1]] = np.where(chosen, numbers, -1)
