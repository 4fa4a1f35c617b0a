"""Reset noise: the thermal (kTC) charge frozen in at the reset, one value per pixel and ramp.

It shifts a whole ramp, so differences of reads are free of it. Not modelled: settling after the reset.
"""

from __future__ import annotations

from iris_simulator.draws import Cube, draw_normal
from iris_simulator.seeds import Stream

__all__ = ["add_reset_noise"]


def add_reset_noise(signal: Cube, noise: float, stream: Stream) -> None:
    """Add one normal value of rms `noise` e- per pixel and ramp to `signal` e- (rows, nx, ramps, reads), in place."""
    rows, columns, ramps, _ = signal.shape
    signal += noise * draw_normal((rows, columns, ramps, 1), stream)
