"""Photon transfer: the slope of the variance of single pixels against the mean (`calibration.gain`).

Interpixel capacitance lowers the variance of single pixels to V = k0^2 + 2a^2 + 2b^2 + 4c^2 of that of the
photons (side links a and b, corners c, k0 = 1 - 2a - 2b - 4c) and leaves the mean. So the gain comes out 1/V
times too large: 8.5 % at side links of 1 % without corners, 10.7 % at 1.25 %, 11.9 % with corners
of 0.12 % besides. Not modelled: just that, and nonlinearity.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from iris_contract.errors import InputError
from iris_reduction.calibration.gain import TransferPoint, fit_gain, measure_photon_transfer
from iris_reduction.gain.protocol import FlatRamps

__all__ = ["fit_outputs", "photon_transfer"]


def photon_transfer(
    exposures: Iterable[FlatRamps], outputs: npt.NDArray[np.int64]
) -> Mapping[int, tuple[float, float]]:
    """Return gain and error e-/DN by output; arguments and errors as `GainEstimator`."""
    return fit_outputs([measure_photon_transfer(flat.reads, flat.usable, outputs) for flat in exposures])


def fit_outputs(points: list[dict[int, TransferPoint]]) -> dict[int, tuple[float, float]]:
    """Return gain and error e-/DN by output from the points of each exposure; raises InputError naming the output."""
    gains = {}
    for output in points[0]:
        try:
            gains[output] = fit_gain([levels[output] for levels in points])
        except InputError as problem:
            raise InputError(f"output {output}: {problem.problem}") from None
    return gains
