"""Conversion: electrons to whole data numbers, DN = round(electrons / gain + offset), clipped to 16 bits.

Not modelled: nonlinearity of amplifier and converter, missing codes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from iris_simulator.draws import Cube

__all__ = ["convert"]


def convert(
    signal: Cube, gain: npt.NDArray[np.floating], offset: npt.NDArray[np.floating], full_scale: int
) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.bool_]]:
    """Return the reads uint16 and where (rows, nx) one of them would exceed `full_scale`.

    `signal` e- (rows, nx, ramps, reads); `gain` e-/DN and `offset` DN are (rows, nx).
    """
    reads = np.empty(signal.shape, dtype=np.uint16)
    over = np.zeros(gain.shape, dtype=np.bool_)
    flat = signal.reshape(*gain.shape, -1), reads.reshape(*gain.shape, -1)
    _convert(*flat, gain, offset, full_scale, over)
    return reads, over


@njit(nogil=True, cache=True)
def _convert(signal: Any, reads: Any, gain: Any, offset: Any, full_scale: float, over: Any) -> None:
    rows, columns, count = signal.shape
    one, least, most = np.float32(1), np.float32(0), np.float32(full_scale)
    for i in range(rows):
        for j in range(columns):
            scale, level, beyond = one / gain[i, j], offset[i, j], 0
            for r in range(count):
                value = np.rint(signal[i, j, r] * scale + level)
                beyond += value > most
                reads[i, j, r] = np.uint16(np.int32(min(max(value, least), most)))
            over[i, j] = beyond > 0
