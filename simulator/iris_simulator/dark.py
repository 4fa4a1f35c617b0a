"""Dark current: a Poisson stream of its own, so that switching it on changes no photon.

Not modelled: change with temperature, glow, telegraph noise.
"""

from __future__ import annotations

from iris_simulator.draws import Cube, add_arrivals
from iris_simulator.seeds import Stream

__all__ = ["collect_dark"]


def collect_dark(charge: Cube, dark: Cube, times: Cube, stream: Stream, noisy: bool) -> None:
    """Add dark current, `dark` e-/s (rows, nx), to `charge` e- (rows, nx, ramps, reads) in place."""
    add_arrivals(charge, dark, times, stream, noisy)
