"""Interpixel capacitance: each pixel shows a little of its neighbours' signal, and they of its own.

A link of strength a between two pixels moves a times the difference of their signals from the one to
the other, so the sum is conserved (Moore, Ninkov & Forrest 2006, Opt. Eng. 45, 076402). Links join
the eight neighbours; their strength varies over the field, along rows more than along columns.
Reference pixels have no links. At the rim of a sub-array the links outward are missing. Not
modelled: dependence on the signal, odd links at single defects.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from iris_contract import Detector, Subarray
from iris_simulator.draws import Cube
from iris_simulator.seeds import make_generator

__all__ = ["couple", "draw_links"]

SIDE, UNEVEN, VARIATION, CORNER = 0.0125, 0.06, 0.12, 0.0012
"""[C] mean of the side links, excess along rows, relative change over the field, corner links; 1.0 to 1.5 %
per neighbour are usual (H4RG-10: Mosby et al. 2020, JATIS 6, 046001)."""


def draw_links(detector: Detector, region: Subarray, seed: int) -> npt.NDArray[np.float32]:
    """Return the strengths (ny, nx, 3) of each pixel's links to its right, upper and two upper corner neighbours."""
    tilt = make_generator("as-built", seed, detector.name, "ipc").uniform(-1, 1, 4)
    y, x = (np.arange(s.start, s.stop) * 2.0 / detector.size - 1 for s in region.slices)
    smooth = 1 + VARIATION * (
        0.5 * (tilt[0] * x[None, :] + tilt[1] * y[:, None])
        + tilt[2] * (x[None, :] ** 2 - 1 / 3)
        + tilt[3] * np.outer(y, x)
    )
    links = smooth[:, :, None] * np.array([SIDE * (1 + UNEVEN), SIDE * (1 - UNEVEN), CORNER])
    links[region.reference_pixels(detector)] = 0.0
    return np.asarray(links, dtype=np.float32)


def couple(signal: Cube, links: npt.NDArray[np.float32], light: npt.NDArray[np.bool_]) -> Cube:
    """Return `signal` (rows, nx, ...) as coupled by `links` (rows, nx, 3); `light` (rows, nx): where sensitive."""
    flat = signal.reshape(*light.shape, -1)
    coupled = flat.copy()
    _couple(coupled, flat, links.astype(np.float64), light)
    return coupled.reshape(signal.shape)


@njit(nogil=True, cache=True)
def _couple(out: Any, signal: Any, links: Any, light: Any) -> None:
    rows, columns, reads = signal.shape
    for i in range(rows):
        for j in range(columns):
            if not light[i, j]:
                continue
            for kind, dy, dx in ((0, 0, 1), (1, 1, 0), (2, 1, 1), (2, 1, -1)):
                y, x = i + dy, j + dx
                if y < rows and 0 <= x < columns and light[y, x]:
                    strength = links[i, j, kind]
                    for r in range(reads):
                        moved = strength * (signal[i, j, r] - signal[y, x, r])
                        out[i, j, r] -= moved
                        out[y, x, r] += moved
