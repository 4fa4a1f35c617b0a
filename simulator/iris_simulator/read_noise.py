"""Read noise: white, normal, of an rms that is each pixel's own; also on reference pixels.

Not modelled: 1/f noise, noise common to outputs or columns, telegraph noise.
"""

from __future__ import annotations

from iris_simulator.draws import Cube, add_normal
from iris_simulator.seeds import Stream

__all__ = ["add_read_noise"]


def add_read_noise(signal: Cube, noise: Cube, stream: Stream) -> None:
    """Add normal noise of rms `noise` e- (rows, nx) to each read of `signal` e- (rows, nx, ramps, reads), in place."""
    add_normal(signal, noise, stream)
