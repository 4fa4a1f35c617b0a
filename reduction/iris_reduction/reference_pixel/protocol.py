"""What a reference pixel correction takes and returns."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from iris_reduction.plugin import Mismatch, compare_array

__all__ = ["Double", "Float", "ReferencePixelCorrection", "compare_result"]

Float: TypeAlias = npt.NDArray[np.float32]
Double: TypeAlias = npt.NDArray[np.float64]


class ReferencePixelCorrection(Protocol):
    """A function that subtracts from each read what its reference pixels tell of the outputs' noise.

    reads: uint16 or float32 DN (ny, nx, ngroups, nreads), left as they are. times: float64 s (ngroups,
    nreads). border: bool (ny, nx), True on reference pixels. usable: bool (ny, nx), True on good
    reference pixels. outputs: int (nx,), the output that reads each column. columns: int (nx,), the
    detector's number of each column from 0, whose parity is that of the alternating columns.

    Returns float32 DN like `reads`, never cast back to integers: that would wrap negative values.
    A part that cannot be measured in a region, for want of reference pixels, is not subtracted.
    """

    def __call__(
        self,
        reads: npt.NDArray[np.uint16] | Float,
        times: Double,
        *,
        border: npt.NDArray[np.bool_],
        usable: npt.NDArray[np.bool_],
        outputs: npt.NDArray[np.int64],
        columns: npt.NDArray[np.int64],
    ) -> Float:
        """Correct every read."""
        ...


def compare_result(found: Any, shape: tuple[int, ...]) -> Mismatch:
    """Tell where a result is not a cube of corrected reads of `shape` (ny, nx, ngroups, nreads)."""
    return compare_array("reads", found, np.float32, shape)
