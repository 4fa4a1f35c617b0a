"""Light: photo-electrons arrive between reads as independent Poisson increments.

Method: scene rate times relative response is the mean rate of each pixel; the charge at a read is
the sum of the increments since the reset. The stream is the scene's own, apart from dark current.
"""

from __future__ import annotations

from iris_simulator.draws import Cube, add_arrivals
from iris_simulator.seeds import Stream

__all__ = ["collect_photons"]


def collect_photons(charge: Cube, rate: Cube, response: Cube, times: Cube, stream: Stream, noisy: bool) -> None:
    """Add light to `charge` e- (rows, nx, ramps, reads) in place.

    `rate` e-/s and `response` are (rows, nx), `times` s (ramps, reads); without `noisy` the exact mean.
    """
    add_arrivals(charge, rate * response, times, stream, noisy)
