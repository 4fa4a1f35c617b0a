"""Tables of the ziggurat: layers of equal area under a density that falls (Marsaglia & Tsang 2000).

A point drawn evenly in a layer nearly always lies below the density, so its abscissa is the deviate. Apart from
the numbers of `iris_simulator.draws`: edit these and the compiled code in numba's cache must be removed by hand.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

__all__ = ["CORES", "DENSITY", "ENDS", "LAYERS", "LONG", "TAIL", "WAIT_DENSITY", "WAIT_ENDS", "WIDTHS"]

LAYERS = 256
TAIL, LONG = 3.6541528853610088, 7.69711747013105  # where the tails begin, for layers of equal area with 256 of them


def _layer_ziggurat(
    tail: float, area: float, density: Callable[[float], float], inverse: Callable[[float], float]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the right ends of layers of equal `area` from the bottom up, and the density there."""
    ends = [area / density(tail), tail]
    while len(ends) < LAYERS:
        ends.append(inverse(area / ends[-1] + density(ends[-1])))
    return np.array([*ends, 0.0]), np.array([density(x) for x in (*ends, 0.0)])


ENDS, DENSITY = _layer_ziggurat(
    TAIL,
    TAIL * math.exp(-0.5 * TAIL**2) + math.sqrt(math.pi / 2) * math.erfc(TAIL / math.sqrt(2)),
    lambda x: math.exp(-0.5 * x * x),
    lambda y: math.sqrt(-2 * math.log(y)),
)
WIDTHS, CORES = ENDS[:-1] * 2.0**-52, (ENDS[1:] / ENDS[:-1] * 2.0**52).astype(np.int64)
WAIT_ENDS, WAIT_DENSITY = _layer_ziggurat(
    LONG, (LONG + 1) * math.exp(-LONG), lambda x: math.exp(-x), lambda y: -math.log(y)
)
