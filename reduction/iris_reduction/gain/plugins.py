"""The gain estimators by name: built-in ones, and those of installed packages."""

from __future__ import annotations

from collections.abc import Mapping

from iris_reduction.family import Family, LoadFailure
from iris_reduction.gain.protocol import GainEstimator, compare_result

__all__ = ["BUILT_IN", "GAIN_ESTIMATORS", "GAIN_FAMILY", "load_gain_estimators"]

BUILT_IN = ("photon_transfer", "photon_transfer_covariance")

GAIN_FAMILY: Family[GainEstimator] = Family(
    "iris_reduction.gain",
    "gain estimator",
    "GainEstimator",
    "iris_testbed.gain",
    BUILT_IN,
    lambda bind: bind(None, None),
    compare_result,
)

GAIN_ESTIMATORS: Mapping[str, GainEstimator] = GAIN_FAMILY.built_in
"""The built-in methods."""


def load_gain_estimators() -> Mapping[str, GainEstimator | LoadFailure]:
    """Return the built-in methods and the plugins by name."""
    return GAIN_FAMILY.load()
