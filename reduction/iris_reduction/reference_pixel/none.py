"""No correction: what the others are compared with."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from iris_reduction.reference_pixel.protocol import Float

__all__ = ["none"]


def none(reads: npt.NDArray[np.uint16] | Float, times: Any, **_: Any) -> Float:
    """Return the reads as float32; arguments as `ReferencePixelCorrection`."""
    return reads.astype(np.float32)
