"""Start the data-quality plane of an exposure from the bad pixel map and the reference border.

Policy: HOT, DEAD and BAD_REF_PIXEL pixels and the whole reference border get DO_NOT_USE; WARM and
LOW_QE pixels are flagged but usable, because dark and flat correct them. Pixels of a guide window, which is reset while
others integrate, are NON_SCIENCE and DO_NOT_USE. A product's value is 0
and never NaN where DO_NOT_USE is set for want of a measurement.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from iris_contract import DQ
from iris_contract.dq import PIXEL_CLASSES, has

__all__ = ["UNUSABLE_CLASSES", "flag_guide_window", "initialise_quality"]

UNUSABLE_CLASSES: tuple[str, ...] = ("DEAD", "HOT", "BAD_REF_PIXEL")
_CLASS_BITS = np.uint32(sum(DQ[name] for name in PIXEL_CLASSES) | DQ["TELEGRAPH"])


def initialise_quality(
    reference_pixels: npt.NDArray[np.bool_], mask: npt.NDArray[np.uint32] | None = None
) -> npt.NDArray[np.uint32]:
    """Return the pixel flags an exposure starts with, uint32 (ny, nx).

    `reference_pixels` is True on the border; `mask` holds the class bits of a bad pixel map, both
    (ny, nx). Other bits of the map, DO_NOT_USE among them, are derived anew.
    """
    dq = np.zeros(reference_pixels.shape, np.uint32) if mask is None else mask & _CLASS_BITS
    dq[reference_pixels] |= np.uint32(DQ["REFERENCE_PIXEL"] | DQ["NON_SCIENCE"])
    dq[reference_pixels | has(dq, *UNUSABLE_CLASSES)] |= np.uint32(DQ["DO_NOT_USE"])
    return dq


def flag_guide_window(dq: npt.NDArray[np.uint32], window: tuple[slice, slice]) -> None:
    """Flag the rows and columns of a guide window in `dq` uint32 (ny, nx), in place."""
    dq[window] |= np.uint32(DQ["NON_SCIENCE"] | DQ["DO_NOT_USE"])
