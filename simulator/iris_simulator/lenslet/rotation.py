"""Rotations in three dimensions, by the angles about the axes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["Matrix", "turn_axes"]

Matrix = npt.NDArray[np.float64]


def turn_axes(about_x: float, about_y: float, about_z: float) -> Matrix:
    """Return the 3 x 3 matrix of rotations, in rad, about x, then y, then z: its rows are the turned axes."""
    turned = np.eye(3)
    for axis, angle in enumerate((about_x, about_y, about_z)):
        c, s = np.cos(angle), np.sin(angle)
        one = np.eye(3)
        first, second = (axis + 1) % 3, (axis + 2) % 3
        one[first, first] = one[second, second] = c
        one[first, second], one[second, first] = s, -s
        turned = one @ turned
    return turned
