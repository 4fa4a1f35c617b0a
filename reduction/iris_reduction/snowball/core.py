"""Groups of pixels that a hit visibly stands out in: what there is before anything grows.

A read difference d of a pixel whose ramp rises by r e-/s on average shows a hit where

    d - r x > threshold sqrt(r x + 2 s^2)      (x seconds between the reads, s read noise of one read).

Each pixel has its own r, the mean of all its differences, which the hit raises by a small part of itself: it
hides a hit that is just above the threshold, and makes up none. Pixels that touch, corners included, and
show it between the same reads are one group. A group counts from `SMALLEST` pixels on: a cosmic ray
crosses a few, and noise alone puts no two beside each other. What it encloses belongs to it: the core is
full, and a saturated read shows no difference.

A halo goes on below the threshold, and keeps its charge here. Not modelled: sources that change or move
between reads, nonlinearity, lamps that warm up: they look like hits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit
from scipy import ndimage, sparse

from iris_contract.dq import DQ
from iris_reduction.blocks import map_rows
from iris_reduction.snowball.protocol import Float32, Float64, Mask, Patch

__all__ = ["SMALLEST", "core"]

SMALLEST = 25
"""Pixels of the smallest group."""
SKIPPED, ENDING = np.uint8(DQ["DO_NOT_USE"]), np.uint8(DQ["SATURATED"])

Index = npt.NDArray[np.intp]


def core(
    reads: npt.NDArray[np.uint16] | Float32,
    times: Float64,
    *,
    gain: Float32,
    read_noise: Float32,
    usable: Mask,
    read_dq: npt.NDArray[np.uint8] | None = None,
    first: int = 0,
    threshold: float = 4.5,
) -> list[Patch]:
    """Return the groups as they stand out; arguments as `SnowballFinder`."""
    scale = np.where(usable & (gain > 0) & (read_noise > 0), gain, np.float32(np.nan))

    def search(rows: slice) -> Index:
        block = np.ascontiguousarray(reads[rows, :, :, first:], dtype=np.float32)
        flags = np.zeros(block.shape if read_dq is not None else (0, 0, 0, 0), np.uint8)
        if read_dq is not None:
            flags[...] = read_dq[rows, :, :, first:]
        found = np.zeros(block.shape, np.bool_)
        _test(block, times[:, first:].copy(), flags, scale[rows], read_noise[rows], threshold**2, found)
        y, x, group, read = np.nonzero(found)
        return np.stack([group, read + first, y + rows.start, x])

    hits = np.concatenate(map_rows(search, reads.shape), axis=1)
    return [patch for part in _split(hits) for patch in _group(part, usable.shape)]


def _split(hits: Index) -> list[Index]:
    """Split hits (4, n) of group, read, y and x into those between the same reads."""
    hits = hits[:, np.lexsort(hits[::-1])]
    borders = np.flatnonzero(np.diff(hits[:2], axis=1).any(axis=0)) + 1
    return [part for part in np.split(hits, borders, axis=1) if part.shape[1] >= SMALLEST]


def _group(hits: Index, shape: tuple[int, int]) -> list[Patch]:
    """Return the groups among hits (4, n) between the same reads, sorted by y and x."""
    group, read, y, x = hits
    place, pairs = y * (shape[1] + 1) + x, []  # a column more, so that rows do not touch at their ends
    for step in (1, shape[1], shape[1] + 1, shape[1] + 2):
        beside = np.minimum(np.searchsorted(place, place + step), len(place) - 1)
        mine = np.flatnonzero(place[beside] == place + step)
        pairs.append(np.stack([mine, beside[mine]]))
    one, other = np.concatenate(pairs, axis=1)
    links = sparse.coo_array((np.ones(len(one), np.bool_), (one, other)), shape=(len(place), len(place)))
    _, label = sparse.csgraph.connected_components(links, directed=False)
    large = np.flatnonzero(np.bincount(label) >= SMALLEST)
    return [_enclose(int(group[0]), int(read[0]), y[label == n], x[label == n]) for n in large]


def _enclose(group: int, read: int, y: Index, x: Index) -> Patch:
    """Return the patch of the pixels y, x and of what they enclose."""
    rows, columns = slice(int(y.min()), int(y.max()) + 1), slice(int(x.min()), int(x.max()) + 1)
    mask = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.bool_)
    mask[y - rows.start, x - columns.start] = True
    return Patch(group, read, rows, columns, ndimage.binary_fill_holes(mask))


@njit(nogil=True, cache=True, error_model="numpy")
def _test(reads: Any, times: Any, flags: Any, gain: Any, noise: Any, limit: Any, found: Any) -> None:
    """Set `found` (rows, nx, ngroups, nreads) in the later read of each difference that shows a hit."""
    rows, columns, ngroups, nreads = reads.shape
    for y in range(rows):
        for x in range(columns):
            scale = gain[y, x]
            if not scale > 0:
                continue
            charge, seconds = 0.0, 0.0
            for turn in range(2):  # first the rate, then the test
                rate = charge / seconds if turn else 0.0
                if turn and not seconds > 0:
                    break
                for g in range(ngroups):
                    before = -1
                    for k in range(nreads):
                        flag = flags[y, x, g, k] if flags.size else 0
                        if flag & ENDING:
                            break
                        if flag & SKIPPED or not np.isfinite(reads[y, x, g, k]):
                            continue
                        if before >= 0:
                            step = scale * (reads[y, x, g, k] - reads[y, x, g, before])
                            wait = times[g, k] - times[g, before]
                            if turn:
                                excess = step - rate * wait
                                spread = max(rate, 0.0) * wait + 2.0 * noise[y, x] * noise[y, x]
                                found[y, x, g, k] = excess > 0 and excess * excess > limit * spread
                            else:
                                charge += step
                                seconds += wait
                        before = k
