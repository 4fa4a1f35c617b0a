"""Mean per output, and the rows' common noise from the left and right reference columns, smoothed over rows.

The row noise is the mean of the reference columns of both sides, or of the one that the region
holds, averaged over a fixed number of neighbouring rows and subtracted in full, as the reference
pixel step of the JWST pipeline does (jwst documentation, refpix, side pixels: 11 rows, gain 1). Then
drift per output and the alternating columns follow, each shrunk to what pays.

Not modelled: that the columns see the noise of their own output besides the common one, and their
white noise, both of which are passed on to every pixel of the row.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import uniform_filter1d

from iris_reduction.reference_pixel.protocol import Double, Float
from iris_reduction.reference_pixel.rows import find_sides, measure_row_noise, subtract_row_noise

__all__ = ["side"]

ROWS = 11


def side(
    reads: npt.NDArray[np.uint16] | Float,
    times: Double,
    *,
    border: npt.NDArray[np.bool_],
    usable: npt.NDArray[np.bool_],
    outputs: npt.NDArray[np.int64],
    columns: npt.NDArray[np.int64],
) -> Float:
    """Return the reads without drift, smoothed row noise and alternating columns; `ReferencePixelCorrection`."""
    found = [measure_row_noise(reads, usable, chosen) for chosen in find_sides(border)]
    streams = [stream for stream in found if stream is not None]
    rows: dict[int, Double] = {}
    if streams:
        smooth = uniform_filter1d(np.mean(streams, axis=0), ROWS, axis=0, mode="nearest")
        rows = dict.fromkeys(np.unique(outputs).tolist(), smooth)
    return subtract_row_noise(reads, times, rows, usable, outputs, columns)
