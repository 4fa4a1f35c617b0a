"""Calibrations: kernels that turn processed calibration exposures into references, arrays only."""

from iris_reduction.calibration.dark import combine_darks
from iris_reduction.calibration.flat import combine_flats
from iris_reduction.calibration.frame import RateFrame
from iris_reduction.calibration.gain import TransferPoint, fit_gain, measure_photon_transfer
from iris_reduction.calibration.mask import classify_pixels, find_bad_reference_pixels
from iris_reduction.calibration.readnoise import estimate_read_noise, measure_read_variance

__all__ = [
    "RateFrame",
    "TransferPoint",
    "classify_pixels",
    "combine_darks",
    "combine_flats",
    "estimate_read_noise",
    "find_bad_reference_pixels",
    "fit_gain",
    "measure_photon_transfer",
    "measure_read_variance",
]
