"""Flexure: the image moves on the detector, slowly, as the telescope does.

The shift in x and y is a first-order autoregressive sequence over the exposures of a night, begun anew each night:
0.1 px rms over nights, 0.03 px rms from one exposure to the next [C]. It is the same everywhere and during an
exposure. Not modelled: rotation, change of scale, dependence on the telescope's angles.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from iris_simulator.seeds import make_generator

__all__ = ["flex"]

NIGHTLY = 0.1  # [C] rms px of the shift
MEMORY = 0.955  # [C] of the sequence: sqrt(2 (1 - 0.955)) * 0.1 px = 0.03 px from exposure to exposure


def flex(seed: int, night: int, exposure: int) -> npt.NDArray[np.float64]:
    """Return the shift (2,) in px, x and y, of an exposure (numbered from 0 or 1) of a night."""
    steps = make_generator("flexure", seed, night).normal(size=(exposure + 1, 2))
    shift = steps[0]
    for step in steps[1:]:
        shift = MEMORY * shift + np.sqrt(1 - MEMORY**2) * step
    return np.asarray(NIGHTLY * shift)
