"""The reference pixel corrections by name: built-in ones, and those of installed packages."""

from __future__ import annotations

from collections.abc import Mapping

from iris_reduction.family import Family, LoadFailure
from iris_reduction.reference_pixel.protocol import ReferencePixelCorrection, compare_result

__all__ = ["BUILT_IN", "REFERENCE_PIXEL_CORRECTIONS", "REFERENCE_PIXEL_FAMILY", "load_reference_pixel_corrections"]

BUILT_IN = ("none", "mean", "side", "optimal")

REFERENCE_PIXEL_FAMILY: Family[ReferencePixelCorrection] = Family(
    "iris_reduction.reference_pixel",
    "reference pixel correction",
    "ReferencePixelCorrection",
    "iris_testbed.reference_pixel",
    BUILT_IN,
    lambda bind: bind(None, None, border=None, usable=None, outputs=None, columns=None),
    compare_result,
)

REFERENCE_PIXEL_CORRECTIONS: Mapping[str, ReferencePixelCorrection] = REFERENCE_PIXEL_FAMILY.built_in
"""The built-in methods."""


def load_reference_pixel_corrections() -> Mapping[str, ReferencePixelCorrection | LoadFailure]:
    """Return the built-in methods and the plugins by name."""
    return REFERENCE_PIXEL_FAMILY.load()
