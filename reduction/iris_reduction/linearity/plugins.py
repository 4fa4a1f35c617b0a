"""The linearity fitters by name: built-in ones, and those of installed packages."""

from __future__ import annotations

from collections.abc import Mapping

from iris_reduction.family import Family
from iris_reduction.linearity.protocol import LinearityFitter, compare_result

__all__ = ["BUILT_IN", "LINEARITY_FAMILY", "LINEARITY_FITTERS"]

BUILT_IN = ("common_shape", "polynomial")

LINEARITY_FAMILY: Family[LinearityFitter] = Family(
    "iris_reduction.linearity",
    "linearity fitter",
    "LinearityFitter",
    "iris_testbed.linearity",
    BUILT_IN,
    lambda bind: bind([], None, norm=1.0),
    compare_result,
)

LINEARITY_FITTERS: Mapping[str, LinearityFitter] = LINEARITY_FAMILY.built_in
"""The built-in fitters."""
