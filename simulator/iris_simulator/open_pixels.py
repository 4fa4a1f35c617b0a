"""Open pixels: no indium bump joins the diode to the readout, so the light goes to the neighbours.

An open pixel shows nothing: no response, no dark current, no coupling. Each of the four neighbours at its sides
collects from a quarter more area; that is its response, a property like any other, so the neighbour counts as
good. The designers of JWST's data quality flags know both as OPEN and ADJ_OPEN; by the design's limits
the open pixel is DEAD, its neighbours have no class. Not modelled: where the scene changes within a pixel, the
difference between the neighbour's light and the open pixel's; cosmic rays that hit an open pixel; clusters.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from iris_contract import Detector, Subarray
from iris_simulator.draws import draw_uniform
from iris_simulator.seeds import Stream, derive_key

__all__ = ["find_open", "gather"]

Mask = npt.NDArray[np.bool_]

FRACTION = 0.001  # [C] share of the light-sensitive pixels
SHARE = 0.25
"""Of an open pixel's area, what each neighbour at a side collects from."""


def find_open(detector: Detector, region: Subarray, seed: int) -> Mask:
    """Return which pixels are open in `region` and one pixel around it, (ny + 2, nx + 2)."""
    key = derive_key("as-built", seed, detector.name, "open")
    ny, nx = region.shape
    chance = draw_uniform((ny + 2, nx + 2, 1, 1), Stream(key, region.ystart - 2, region.xstart - 2))[:, :, 0, 0]
    first, last = detector.reference_border, detector.size - detector.reference_border
    rows, columns = (np.arange(start - 2, start + n) for start, n in ((region.ystart, ny), (region.xstart, nx)))
    light_rows, light_columns = ((first <= axis) & (axis < last) for axis in (rows, columns))
    return np.asarray((chance < FRACTION) & light_rows[:, None] & light_columns)


def gather(opened: Mask) -> npt.NDArray[np.float64]:
    """Return the area (ny, nx) that each pixel collects from, 1 where no neighbour is open."""
    shares = SHARE * opened
    return np.asarray(1 + shares[:-2, 1:-1] + shares[2:, 1:-1] + shares[1:-1, :-2] + shares[1:-1, 2:])
