"""What a gain estimator takes and returns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["FlatRamps", "GainEstimator"]


class FlatRamps(NamedTuple):
    """One flat exposure: `reads` uint16 or float32 DN (ny, nx, ngroups, nreads), `usable` bool (ny, nx)."""

    reads: npt.NDArray[np.uint16 | np.float32]
    usable: npt.NDArray[np.bool_]


class GainEstimator(Protocol):
    """A function that returns gain and error in e-/DN by output number.

    exposures: flats at two or more levels of one lamp, off among them, read one at a time, once each.
    outputs: int (nx,), the output that reads each column. Raises InputError where the flats do not suffice.
    """

    def __call__(
        self, exposures: Iterable[FlatRamps], outputs: npt.NDArray[np.int64]
    ) -> Mapping[int, tuple[float, float]]:
        """Estimate the gain of every output."""
        ...
