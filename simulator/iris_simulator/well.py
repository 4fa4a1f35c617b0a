"""The well: a pixel holds no more charge than its depth.

The clip is hard, at a depth of each pixel's own. Not modelled: nonlinearity on the way there,
blooming, persistence afterwards.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from iris_simulator.draws import Cube

__all__ = ["fill_wells"]


def fill_wells(charge: Cube, depth: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
    """Clip `charge` e- (rows, nx, ramps, reads) at `depth` (rows, nx) in place; return (rows, nx) where reached."""
    limit = depth[:, :, None, None]
    full = np.asarray(np.any(charge >= limit, axis=(2, 3)))
    if full.any():
        np.minimum(charge, limit, out=charge)
    return full
