"""What a gain estimator takes and returns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from iris_reduction.plugin import Mismatch, describe

__all__ = ["FlatRamps", "GainEstimator", "compare_result"]


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


def compare_result(found: Any, outputs: npt.NDArray[np.int64]) -> Mismatch:
    """Tell where a result is no gain and error of each of the `outputs` (nx,)."""
    wanted = "a mapping of output numbers to (gain, error)"
    if not isinstance(found, Mapping):
        return describe(found), wanted
    missing = set(outputs.tolist()) - set(found)
    if missing:
        return f"no gain of output {min(missing)}", wanted
    for output, entry in found.items():
        if not isinstance(entry, tuple) or len(entry) != 2 or not all(isinstance(value, Real) for value in entry):
            return f"{entry!r} of output {output}", wanted
    return None
