"""Corrections of one exposure: arrays in, arrays out, no files and no framework."""

from iris_reduction.kernels.dark import subtract_dark
from iris_reduction.kernels.flat import divide_flat
from iris_reduction.kernels.quality import UNUSABLE_CLASSES, flag_guide_window, initialise_quality
from iris_reduction.kernels.reference_pixels import measure_reference_levels, subtract_reference_levels
from iris_reduction.kernels.saturation import flag_full_wells, flag_saturation, grow_saturation

__all__ = [
    "UNUSABLE_CLASSES",
    "divide_flat",
    "flag_full_wells",
    "flag_guide_window",
    "flag_saturation",
    "grow_saturation",
    "initialise_quality",
    "measure_reference_levels",
    "subtract_dark",
    "subtract_reference_levels",
]
