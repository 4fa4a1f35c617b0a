"""The well: a pixel holds no more charge than its depth.

The clip is hard, at a depth of each pixel's own. Not modelled: nonlinearity on the way there,
blooming, persistence afterwards.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from iris_simulator.draws import Cube

__all__ = ["fill_wells"]


def fill_wells(charge: Cube, depth: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
    """Clip `charge` e- (rows, nx, ramps, reads) at `depth` (rows, nx) in place; return (rows, nx) where reached."""
    full = np.zeros(depth.shape, dtype=np.bool_)
    _clip(charge.reshape(*depth.shape, -1), depth, full)
    return full


@njit(nogil=True, cache=True)
def _clip(charge: Any, depth: Any, full: Any) -> None:
    rows, columns, reads = charge.shape
    for i in range(rows):
        for j in range(columns):
            most, reached = depth[i, j], 0
            for r in range(reads):
                reached += charge[i, j, r] >= most
                charge[i, j, r] = min(charge[i, j, r], most)
            full[i, j] = reached > 0
