"""White read noise from read-to-read differences of darks (`calibration.readnoise`).

Not modelled: noise slower than a read, which adds to the noise of a rate and not to these differences.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from iris_reduction.calibration.readnoise import estimate_read_noise, measure_read_variance
from iris_reduction.read_noise.protocol import DarkRamps, Float

__all__ = ["Moments", "add_moments", "differences", "estimate"]

Moments = npt.NDArray[Any]
"""Sums (3, ny, nx) over exposures: read variance and Poisson variance e-^2 times the differences used, and these."""


def differences(exposures: Iterable[DarkRamps], outputs: npt.NDArray[np.int64]) -> tuple[Float, Float]:
    """Return noise and error e- (ny, nx); arguments as `ReadNoiseEstimator`."""
    return estimate(reduce(np.add, map(add_moments, exposures)), outputs)  # one dark in memory at a time


def add_moments(dark: DarkRamps) -> Moments:
    """Return what one exposure adds to the moments."""
    variance, poisson, number = measure_read_variance(dark.reads, dark.times, dark.gain)
    return np.array([variance * number, poisson * number, number])


def estimate(moments: Moments, outputs: npt.NDArray[np.int64]) -> tuple[Float, Float]:
    """Return noise and error e- (ny, nx) from the moments of all exposures."""
    variance, poisson, number = moments
    weight = np.maximum(number, 1)
    return estimate_read_noise(variance / weight, poisson / weight, number, outputs)
