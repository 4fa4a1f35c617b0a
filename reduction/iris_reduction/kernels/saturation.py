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

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from iris_reduction.blocks import map_rows

__all__ = ["flag_full_wells", "flag_saturation", "grow_saturation"]

Reads = npt.NDArray[np.uint16 | np.float32]
SIDES = ((0, 1), (0, -1), (1, 0), (-1, 0))


def flag_saturation(reads: Reads, level: float) -> npt.NDArray[np.uint8] | None:
    """Return the read flags, uint8 like `reads`, or None where nothing saturates.

    `reads` are raw DN (ny, nx, ngroups, nreads); a read at or above `level` DN and all later reads
    of its ramp get SATURATED. None spares the caller a plane of zeros as large as half the data.
    """
    from iris_reduction.kernels.full_wells import find_bright  # here, since it imports numba

    return _flag_from(reads.shape, lambda rows, first: find_bright(reads[rows], level, first[rows]))


def flag_full_wells(
    reads: Reads, levels: npt.NDArray[np.float32], light: npt.NDArray[np.bool_], share: float
) -> npt.NDArray[np.uint8] | None:
    """Return the read flags like `flag_saturation`, for `levels` DN of each pixel (ny, nx).

    `light` (ny, nx) is False on reference pixels, which are neither judged nor coupled; `share` of a
    difference in signal goes to each side neighbour.
    """
    from iris_reduction.kernels.full_wells import find_full  # here, since it imports numba

    given = reads, levels, light, np.float32(share)
    return _flag_from(reads.shape, lambda rows, first: find_full(*given, rows.start, rows.stop, first))


def _flag_from(
    shape: tuple[int, ...], find: Callable[[slice, npt.NDArray[np.int32]], bool]
) -> npt.NDArray[np.uint8] | None:
    """Return flags of `shape` from the read on that `find` notes in (ny, nx, ngroups); None where it found none."""
    from iris_reduction.kernels.full_wells import flag_later

    first = np.empty(shape[:3], np.int32)
    if not any(map_rows(lambda rows: find(rows, first), shape)):
        return None
    flags = np.zeros(shape, np.uint8)
    map_rows(lambda rows: flag_later(first[rows], flags[rows]), shape)
    return flags


def grow_saturation(flags: npt.NDArray[np.uint8], steps: int = 1) -> None:
    """Set DO_NOT_USE in `flags` (ny, nx, ngroups, nreads), in place, beside reads that are SATURATED.

    One step reaches the four side neighbours, each further one theirs.
    """
    from iris_reduction.kernels.full_wells import find_flagged, mark_beside, turn_marks

    flagged = np.empty(flags.shape[:2], np.bool_)
    for _ in range(steps):
        map_rows(lambda rows: find_flagged(flags[rows], flagged[rows]), flags.shape)
        map_rows(lambda rows: mark_beside(flags, flagged, rows.start, rows.stop), flags.shape)
        map_rows(lambda rows: turn_marks(flags[rows]), flags.shape)
