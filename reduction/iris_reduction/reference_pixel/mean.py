"""Mean per output: the shrunk drift of each output, as `kernels.reference_pixels` measures it.

Not modelled: gradients along the rows of an output, 1/f noise faster than a read, the alternating
column pedestal.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from iris_reduction.kernels.reference_pixels import measure_reference_levels, subtract_reference_levels
from iris_reduction.reference_pixel.protocol import Double, Float

__all__ = ["mean"]


def mean(
    reads: npt.NDArray[np.uint16] | Float,
    times: Double,
    *,
    usable: npt.NDArray[np.bool_],
    outputs: npt.NDArray[np.int64],
    **_: Any,
) -> Float:
    """Return the reads without the drift of each output; arguments as `ReferencePixelCorrection`."""
    levels = measure_reference_levels(reads, times, usable, outputs)
    return subtract_reference_levels(reads, levels, outputs)
