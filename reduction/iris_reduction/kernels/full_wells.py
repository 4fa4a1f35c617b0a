"""The loops of `saturation` over reads, compiled: nothing as large as the cube is made beside its flags."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from iris_contract import DQ
from iris_reduction.kernels.saturation import SIDES

__all__ = ["find_bright", "find_flagged", "find_full", "flag_later", "mark_beside", "turn_marks"]

_SATURATED, _UNUSABLE = np.uint8(DQ["SATURATED"]), np.uint8(DQ["DO_NOT_USE"])
_MARK = np.uint8(128)  # no flag of a read


@njit(nogil=True, cache=True)
def find_bright(reads: Any, level: float, first: Any) -> bool:
    """Fill `first` (rows, nx, ngroups) with the number of the first read at or above `level`; tell if there is any."""
    rows, columns, ngroups, nreads = reads.shape
    anything = False
    for y in range(rows):
        for x in range(columns):
            for g in range(ngroups):
                first[y, x, g] = nreads
                for r in range(nreads):
                    if reads[y, x, g, r] >= level:
                        first[y, x, g] = r
                        anything = True
                        break
    return anything


@njit(nogil=True, cache=True)
def find_full(reads: Any, levels: Any, light: Any, share: Any, start: int, stop: int, first: Any) -> bool:
    """Fill `first` (ny, nx, ngroups) with the number of the first full read in the rows; tell whether there is any."""
    nx, ngroups, nreads = reads.shape[1:]
    near = np.float32(1) - np.float32(5) * share
    anything = False
    for y in range(start, stop):
        for x in range(nx):
            highest = reads[y, x, 0, 0]
            for g in range(ngroups):
                first[y, x, g] = nreads
                for r in range(nreads):
                    highest = max(highest, reads[y, x, g, r])
            if not (light[y, x] and highest >= levels[y, x] * near):
                continue
            limit = levels[y, x]
            for dy, dx in SIDES:
                if _shines(light, y + dy, x + dx):
                    limit += share * (levels[y, x] - levels[y + dy, x + dx])
            for g in range(ngroups):
                for r in range(nreads):
                    own = np.float32(reads[y, x, g, r])
                    alone = own
                    for dy, dx in SIDES:
                        if _shines(light, y + dy, x + dx):
                            alone += share * (own - np.float32(reads[y + dy, x + dx, g, r]))
                    if alone >= limit:
                        first[y, x, g] = r
                        anything = True
                        break
    return anything


@njit(cache=True)
def _shines(light: Any, y: int, x: int) -> bool:
    return 0 <= y < light.shape[0] and 0 <= x < light.shape[1] and bool(light[y, x])


@njit(nogil=True, cache=True)
def flag_later(first: Any, flags: Any) -> None:
    """Set SATURATED from the first full read of each ramp on."""
    rows, columns, ngroups, nreads = flags.shape
    for y in range(rows):
        for x in range(columns):
            for g in range(ngroups):
                for r in range(first[y, x, g], nreads):
                    flags[y, x, g, r] = _SATURATED


@njit(nogil=True, cache=True)
def find_flagged(flags: Any, flagged: Any) -> None:
    """Fill `flagged` (rows, nx) with where any read has a flag."""
    rows, columns, ngroups, nreads = flags.shape
    for y in range(rows):
        for x in range(columns):
            found = np.uint8(0)
            for g in range(ngroups):
                for r in range(nreads):
                    found |= flags[y, x, g, r]
            flagged[y, x] = found != 0


@njit(nogil=True, cache=True)
def mark_beside(flags: Any, flagged: Any, start: int, stop: int) -> None:
    """Mark the reads of these rows that have a flagged one at a side; marks of other threads do not count."""
    ny, nx, ngroups, nreads = flags.shape
    for y in range(start, stop):
        for x in range(nx):
            for dy, dx in SIDES:
                v, u = y + dy, x + dx
                if 0 <= v < ny and 0 <= u < nx and flagged[v, u]:
                    for g in range(ngroups):
                        for r in range(nreads):
                            if flags[v, u, g, r] & ~_MARK:
                                flags[y, x, g, r] |= _MARK


@njit(nogil=True, cache=True)
def turn_marks(flags: Any) -> None:
    """Turn marks into DO_NOT_USE."""
    rows, columns, ngroups, nreads = flags.shape
    for y in range(rows):
        for x in range(columns):
            for g in range(ngroups):
                for r in range(nreads):
                    flag = flags[y, x, g, r]
                    if flag & _MARK:
                        flags[y, x, g, r] = (flag & ~_MARK) | _UNUSABLE
