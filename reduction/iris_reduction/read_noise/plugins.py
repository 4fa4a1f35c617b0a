"""The read noise estimators by name: built-in ones, and those of installed packages."""

from __future__ import annotations

from collections.abc import Mapping

from iris_reduction.family import Family, LoadFailure
from iris_reduction.read_noise.protocol import ReadNoiseEstimator, compare_result

__all__ = ["BUILT_IN", "READ_NOISE_ESTIMATORS", "READ_NOISE_FAMILY", "load_read_noise_estimators"]

BUILT_IN = ("differences", "effective")

READ_NOISE_FAMILY: Family[ReadNoiseEstimator] = Family(
    "iris_reduction.read_noise",
    "read noise estimator",
    "ReadNoiseEstimator",
    "iris_testbed.read_noise",
    BUILT_IN,
    lambda bind: bind(None, None),
    compare_result,
)

READ_NOISE_ESTIMATORS: Mapping[str, ReadNoiseEstimator] = READ_NOISE_FAMILY.built_in
"""The built-in methods."""


def load_read_noise_estimators() -> Mapping[str, ReadNoiseEstimator | LoadFailure]:
    """Return the built-in methods and the plugins by name."""
    return READ_NOISE_FAMILY.load()
