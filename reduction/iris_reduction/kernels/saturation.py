"""Flag saturated reads: once a pixel saturates, every later read of that ramp is worthless.

The comparison is made on raw DN, before anything is subtracted, because the converter's limit and
the well are properties of the raw signal. What a full pixel shows depends on its neighbours, which
take a share of the difference by interpixel capacitance: a star's core shows 5 % less than the same
pixel among full ones. So levels of pixels, measured under even light, and reads are compared after
each got back what it lost to its four side neighbours, own + share * sum(own - neighbour). The
neighbours of a saturated pixel see their own signal bend when the coupled part stops growing;
`grow_saturation` leaves these reads out as well. Not modelled: charge that spills over, coupling to
corners, shares that differ over the field.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from iris_contract import DQ

__all__ = ["flag_full_wells", "flag_saturation", "grow_saturation"]

Reads = npt.NDArray[np.uint16 | np.float32]
SIDES = ((0, 1), (0, -1), (1, 0), (-1, 0))


def flag_saturation(reads: Reads, level: float) -> npt.NDArray[np.uint8] | None:
    """Return the read flags, uint8 like `reads`, or None where nothing saturates.

    `reads` are raw DN (ny, nx, ngroups, nreads); a read at or above `level` DN and all later reads
    of its ramp get SATURATED. None spares the caller a plane of zeros as large as half the data.
    """
    return _flag_hits(np.flatnonzero(reads >= level), reads.shape)


def flag_full_wells(
    reads: Reads, levels: npt.NDArray[np.float32], light: npt.NDArray[np.bool_], share: float
) -> npt.NDArray[np.uint8] | None:
    """Return the read flags like `flag_saturation`, for `levels` DN of each pixel (ny, nx).

    `light` (ny, nx) is False on reference pixels, which are neither judged nor coupled; `share` of a
    difference in signal goes to each side neighbour.
    """
    y, x = np.nonzero(light & (reads.max(axis=(2, 3)) >= levels * (1 - 5 * share)))
    size = reads.shape[2] * reads.shape[3]
    own, limit = reads[y, x].astype(np.float32), levels[y, x].copy()
    alone = own.copy()
    for dy, dx in SIDES:
        at, beside = _find_beside(y, x, dy, dx, light)
        alone[at] += np.float32(share) * (own[at] - reads[beside])
        limit[at] += np.float32(share) * (levels[y[at], x[at]] - levels[beside])
    which, within = np.divmod(np.flatnonzero(alone >= limit[:, None, None]), size)
    return _flag_hits((y[which] * reads.shape[1] + x[which]) * size + within, reads.shape)


def _find_beside(
    y: npt.NDArray[np.intp], x: npt.NDArray[np.intp], dy: int, dx: int, light: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.intp], tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
    """Return which of the pixels have a neighbour with light on that side, and where it is."""
    inside = (y + dy >= 0) & (y + dy < light.shape[0]) & (x + dx >= 0) & (x + dx < light.shape[1])
    at = np.flatnonzero(inside)
    at = at[light[y[at] + dy, x[at] + dx]]
    return at, (y[at] + dy, x[at] + dx)


def _flag_hits(hits: npt.NDArray[np.intp], shape: tuple[int, ...]) -> npt.NDArray[np.uint8] | None:
    """Flag the reads at the sorted flat positions `hits` and all later ones of their ramps."""
    if hits.size == 0:
        return None
    nreads = shape[-1]
    flags = np.zeros(shape, np.uint8)
    ramps = flags.reshape(-1, nreads)
    saturated, first = np.unique(hits // nreads, return_index=True)  # hits are sorted: the first is the earliest
    later = np.arange(nreads) >= (hits[first] % nreads)[:, None]
    ramps[saturated] = later.astype(np.uint8) * np.uint8(DQ["SATURATED"])
    return flags


def grow_saturation(flags: npt.NDArray[np.uint8], steps: int = 1) -> None:
    """Set DO_NOT_USE in `flags` (ny, nx, ngroups, nreads), in place, beside reads that are SATURATED.

    One step reaches the four side neighbours, each further one theirs.
    """
    everywhere = np.ones(flags.shape[:2], np.bool_)
    for _ in range(steps):
        y, x = np.nonzero(flags.any(axis=(2, 3)))
        bad = np.where(flags[y, x] != 0, np.uint8(DQ["DO_NOT_USE"]), np.uint8(0))
        for dy, dx in SIDES:
            at, beside = _find_beside(y, x, dy, dx, everywhere)
            flags[beside] |= bad[at]  # no pixel twice: all lie on the same side
