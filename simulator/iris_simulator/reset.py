"""Reset noise: the thermal (kTC) charge frozen in at the reset, one value per pixel and ramp.

It shifts a whole ramp, so differences of reads are free of it. Not modelled: settling after the reset.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from iris_simulator.draws import Cube, draw_normal
from iris_simulator.seeds import Stream

__all__ = ["add_reset_noise"]


def add_reset_noise(signal: Cube, noise: float, stream: Stream) -> None:
    """Add one normal value of rms `noise` e- per pixel and ramp to `signal` e- (rows, nx, ramps, reads), in place."""
    rows, columns, ramps, _ = signal.shape
    _shift(signal, noise * draw_normal((rows, columns, ramps, 1), stream))


@njit(nogil=True, cache=True)
def _shift(signal: Any, levels: Any) -> None:
    rows, columns, ramps, reads = signal.shape
    for i in range(rows):
        for j in range(columns):
            for g in range(ramps):
                level = np.float32(levels[i, j, g, 0])
                for r in range(reads):
                    signal[i, j, g, r] += level
