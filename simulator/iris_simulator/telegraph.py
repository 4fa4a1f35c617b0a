"""Telegraph pixels: a trap near the readout transistor switches its pixel between two levels.

The level is a two-state Markov chain from read to read, begun in either state with equal chance, both
states equally long on average. The height is the pixel's own. Only where the
level changes within an exposure does the pixel misbehave in it. Not modelled: more than two levels,
a dwell time that depends on the time between reads.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from iris_contract import Detector, Subarray
from iris_simulator.draws import Cube, draw_uniform, draw_uniform_at
from iris_simulator.seeds import Stream, derive_key

__all__ = ["add_telegraph", "draw_heights"]

Plane = npt.NDArray[np.float64]

FRACTION, HEIGHTS = 0.003, (30.0, 400.0)  # [C] share of the light-sensitive pixels; e-, uniform in the logarithm
SWITCHING = 0.15  # [C] probability to switch from one read to the next


def draw_heights(detector: Detector, region: Subarray, seed: int) -> npt.NDArray[np.float32]:
    """Return the height e- of each pixel's two levels, (ny, nx), 0 for a quiet pixel."""

    def uniform(name: str) -> Plane:
        key = derive_key("as-built", seed, detector.name, name)
        return draw_uniform((*region.shape, 1, 1), Stream(key, region.ystart - 1, region.xstart - 1))[:, :, 0, 0]

    chosen = (uniform("telegraph") < FRACTION) & ~region.reference_pixels(detector)
    heights = HEIGHTS[0] * (HEIGHTS[1] / HEIGHTS[0]) ** uniform("telegraph height")
    return np.where(chosen, heights, 0.0).astype(np.float32)


def add_telegraph(signal: Cube, heights: npt.NDArray[np.float32], stream: Stream) -> npt.NDArray[np.bool_]:
    """Add the levels to `signal` e- (rows, nx, ramps, reads) in place; return (rows, nx) where one switched."""
    y, x = np.nonzero(heights)
    ramps, reads = signal.shape[2:]
    chance = draw_uniform_at(y, x, ramps, reads, stream)
    flips = chance < SWITCHING
    flips[:, :, 0] = chance[:, :, 0] < 0.5
    signal[y, x] += heights[y, x][:, None, None] * (np.cumsum(flips, axis=2) % 2)
    switched = np.zeros(heights.shape, dtype=np.bool_)
    switched[y, x] = flips[:, :, 1:].any(axis=(1, 2))
    return switched
