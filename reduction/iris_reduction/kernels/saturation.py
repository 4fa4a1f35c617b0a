"""Flag saturated reads: once a pixel saturates, every later read of that ramp is worthless.

The comparison is made on raw DN, before anything is subtracted, because the converter's limit and
the well are properties of the raw signal. Not modelled: charge that spills into neighbours.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from iris_contract import DQ

__all__ = ["flag_saturation"]


def flag_saturation(reads: npt.NDArray[np.uint16 | np.float32], level: float) -> npt.NDArray[np.uint8] | None:
    """Return the read flags, uint8 like `reads`, or None where nothing saturates.

    `reads` are raw DN (ny, nx, ngroups, nreads); a read at or above `level` DN and all later reads
    of its ramp get SATURATED. None spares the caller a plane of zeros as large as half the data.
    """
    nreads = reads.shape[-1]
    hits = np.flatnonzero(reads >= level)
    if hits.size == 0:
        return None
    flags = np.zeros(reads.shape, np.uint8)
    ramps = flags.reshape(-1, nreads)
    saturated, first = np.unique(hits // nreads, return_index=True)  # hits are sorted: the first is the earliest
    later = np.arange(nreads) >= (hits[first] % nreads)[:, None]
    ramps[saturated] = later.astype(np.uint8) * np.uint8(DQ["SATURATED"])
    return flags
