"""What a read noise estimator takes and returns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from iris_reduction.plugin import Mismatch, compare_array, describe

__all__ = ["DarkRamps", "ReadNoiseEstimator", "compare_result"]

Float = npt.NDArray[np.float32]


class DarkRamps(NamedTuple):
    """One dark exposure: `reads` uint16 or float32 DN (ny, nx, ngroups, nreads), `times` s (ngroups, nreads),
    `gain` e-/DN (ny, nx).
    """

    reads: npt.NDArray[np.uint16 | np.float32]
    times: npt.NDArray[np.float64]
    gain: Float


class ReadNoiseEstimator(Protocol):
    """A function that returns read noise and its error in e-, float32 (ny, nx), quantisation noise included.

    exposures: darks of one read pattern, read one at a time, once each. outputs: int (nx,), the output
    that reads each column. Raises InputError where the darks do not suffice.
    """

    def __call__(self, exposures: Iterable[DarkRamps], outputs: npt.NDArray[np.int64]) -> tuple[Float, Float]:
        """Estimate the noise of every pixel."""
        ...


def compare_result(found: Any, shape: tuple[int, int]) -> Mismatch:
    """Tell where a result is not the noise and the error of an image of `shape` (ny, nx)."""
    if not isinstance(found, tuple) or len(found) != 2:
        return describe(found), f"noise and error, float32 {shape}"
    planes = (
        compare_array(name, plane, np.float32, shape) for name, plane in zip(("noise", "error"), found, strict=True)
    )
    return next(filter(None, planes), None)
