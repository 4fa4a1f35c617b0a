"""Gather the flags of the reads of each pixel, compiled: one pass, which makes no array but the result."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

__all__ = ["gather_flags"]


@njit(nogil=True, cache=True)
def gather_flags(read_dq: Any, bits: Any, flags: Any) -> None:
    """Fill `flags` uint8 (npix,) with those `bits` that any of a pixel's reads, uint8 (npix, nreads), has."""
    npix, nreads = read_dq.shape
    for i in range(npix):
        found = np.uint8(0)
        for r in range(nreads):
            found |= read_dq[i, r]
        flags[i] = found & bits
