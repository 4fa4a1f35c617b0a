"""Subtract the master dark and carry its variance.

Not modelled: the master dark is common to all frames it corrects, so the errors of several frames
are correlated through it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["subtract_dark"]

Float = npt.NDArray[np.float32]


def subtract_dark(rate: Float, error: Float, dark: Float, dark_error: Float) -> tuple[Float, Float]:
    """Return rate and error in e-/s, float32 (ny, nx), after subtraction of `dark` (e-/s)."""
    return rate - dark, np.sqrt(error**2 + dark_error**2)
