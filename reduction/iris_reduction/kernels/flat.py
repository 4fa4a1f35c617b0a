"""Divide by the relative response and carry its variance.

First-order propagation: var(f/r) = var(f)/r^2 + (f/r)^2 var(r)/r^2. Pixels without a usable
response keep their value undivided and are reported, since dividing by a number near zero only
makes large numbers.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["divide_flat"]

Float = npt.NDArray[np.float32]


def divide_flat(
    rate: Float, error: Float, response: Float, response_error: Float
) -> tuple[Float, Float, npt.NDArray[np.bool_]]:
    """Return rate and error in e-/s and where no division was possible, all (ny, nx)."""
    bad = ~(np.isfinite(response) & (response > 0))
    divisor = np.where(bad, np.float32(1), response).astype(np.float32)
    image: Float = rate / divisor
    spread = np.hypot(error, image * np.where(bad, np.float32(0), response_error)) / divisor
    return image, spread.astype(np.float32, copy=False), bad
