"""The hole that an on-detector guide window leaves in a science frame.

Its pixels are reset at the science reset and every interval from then on, so a science read finds the charge since
their last reset and no ramp, and the reset noise of that reset. Between two science reads lies at least one
reset of the window: what they find is independent. Not modelled: cosmic rays, settling and traps
in the window, what guide reads do to the pixels around it.
"""

from __future__ import annotations

import numpy as np

from iris_contract import GuideWindow, Subarray
from iris_simulator.draws import Cube, add_increments, add_normal
from iris_simulator.seeds import Stream

__all__ = ["find_hole", "refill", "renew_reset_noise"]

Tile = tuple[slice, slice]


def find_hole(window: GuideWindow | None, region: Subarray, tile: Tile) -> Tile | None:
    """Return which part of a tile of `region` the window is, in the tile's own rows and columns; None for none."""
    if window is None:
        return None
    parts = []
    for axis, around in zip(tile, window.area.cut_from(region), strict=True):
        low, high = max(axis.start, around.start), min(axis.stop, around.stop)
        if low >= high:
            return None
        parts.append(slice(low - axis.start, high - axis.start))
    return parts[0], parts[1]


def refill(charge: Cube, rate: Cube, times: Cube, interval: float, stream: Stream, noisy: bool) -> None:
    """Set `charge` e- (rows, nx, ramps, reads) to what `rate` e-/s (rows, nx) gives since the last guide reset."""
    summed = np.zeros(charge.shape, dtype=charge.dtype)
    add_increments(summed, np.ascontiguousarray(rate), np.mod(times, interval), stream, noisy)
    charge[...] = np.diff(summed, axis=-1, prepend=0)  # each read's own: it is addressed by ramp and read


def renew_reset_noise(signal: Cube, noise: float, stream: Stream) -> None:
    """Add to `signal` e- (rows, nx, ramps, reads), in place, reset noise of rms `noise` e- of its own in each read."""
    own = np.ascontiguousarray(signal)
    add_normal(own, np.full(signal.shape[:2], noise, dtype=signal.dtype), stream)
    signal[...] = own
