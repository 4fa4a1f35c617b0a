"""Subtract what rows and outputs have in common, in one pass over the cube."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

__all__ = ["subtract"]


@njit(nogil=True, cache=True)
def subtract(reads: Any, noise: Any, number: Any, offset: Any, corrected: Any) -> None:
    """Fill `corrected` float32 DN (rows, nx, ngroups, nreads) with `reads` less row noise and less offset.

    `noise` (outputs, rows, ngroups, nreads) is that of the output `number` (nx,) that reads a column, `offset` is
    (nx, ngroups, nreads), both float32.
    """
    rows, columns, ngroups, nreads = reads.shape
    for y in range(rows):
        for x in range(columns):
            shared = noise[number[x], y]
            for g in range(ngroups):
                for r in range(nreads):
                    corrected[y, x, g, r] = np.float32(reads[y, x, g, r]) - shared[g, r] - offset[x, g, r]
