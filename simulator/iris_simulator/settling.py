"""Reset anomaly: after a reset a pixel's level settles exponentially, which the first read shows most.

The height is the output's own, with a little of the pixel's. Not modelled: dependence on how long
the detector idled, or on what it saw before.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from iris_contract import Detector, Subarray
from iris_simulator.draws import Cube, draw_normal
from iris_simulator.seeds import Stream, derive_key, make_generator

__all__ = ["add_settling", "draw_settling"]

CONSTANT = 2.0
"""Time constant in s [C]."""
HEIGHT, OUTPUT_SPREAD, PIXEL_SPREAD = (
    -60.0,
    15.0,
    5.0,
)  # [C] e- at the end of the reset: mean, rms between outputs, pixels


def draw_settling(detector: Detector, region: Subarray, seed: int) -> npt.NDArray[np.float32]:
    """Return by how many e- each pixel (ny, nx) is off at the end of a reset."""
    outputs = make_generator("as-built", seed, detector.name, "settling").normal(size=detector.outputs)
    key = derive_key("as-built", seed, detector.name, "settling of pixels")
    pixels = draw_normal((*region.shape, 1, 1), Stream(key, region.ystart - 1, region.xstart - 1))[:, :, 0, 0]
    heights = HEIGHT + OUTPUT_SPREAD * outputs[region.output_of_column(detector)] + PIXEL_SPREAD * pixels
    return np.asarray(heights, dtype=np.float32)


def add_settling(signal: Cube, heights: npt.NDArray[np.float32], times: Cube) -> None:
    """Add to `signal` e- (rows, nx, ramps, reads), in place, what is left of `heights` e- (rows, nx) at `times` s."""
    _add(signal, heights, np.exp(-times / CONSTANT).astype(np.float32))


@njit(nogil=True, cache=True)
def _add(signal: Any, heights: Any, left: Any) -> None:
    rows, columns, ramps, reads = signal.shape
    for i in range(rows):
        for j in range(columns):
            height = heights[i, j]
            for g in range(ramps):
                for r in range(reads):
                    signal[i, j, g, r] += height * left[g, r]
