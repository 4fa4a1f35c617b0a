"""Noise of a single read from darks: one file per method, behind one protocol.

`READ_NOISE_ESTIMATORS` maps names to methods; installed packages add theirs through the entry-point
group `iris_testbed.read_noise`. To add one here: write its file with a function of the same name that
follows `ReadNoiseEstimator`, and add the name to `plugins.BUILT_IN`.
"""

from iris_reduction.read_noise.plugins import (
    READ_NOISE_ESTIMATORS,
    READ_NOISE_FAMILY,
    load_read_noise_estimators,
)
from iris_reduction.read_noise.protocol import DarkRamps, ReadNoiseEstimator

__all__ = [
    "READ_NOISE_ESTIMATORS",
    "READ_NOISE_FAMILY",
    "DarkRamps",
    "ReadNoiseEstimator",
    "load_read_noise_estimators",
]
