"""Master dark: the inverse-variance mean of the rates of dark exposures.

Usually one multi-ramp exposure, whose ramps the fitter has already combined with cosmic rays
rejected. A pixel is UNRELIABLE_DARK where its error is more than three times the median of the
good pixels. Not modelled: glow and persistence; the variance common to all frames it corrects.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from iris_contract.dq import DQ, has
from iris_reduction.calibration.frame import OF_ONE_EXPOSURE, RateFrame

__all__ = ["combine_darks"]

_UNRELIABLE = 3.0


def combine_darks(frames: Sequence[RateFrame]) -> RateFrame:
    """Return the dark rate in e-/s with error and flags from level 1 images of darks.

    A pixel without a measurement gets 0 and DO_NOT_USE.
    """
    weights = [np.where(f.error > 0, f.error, np.inf).astype(np.float64) ** -2 for f in frames]
    total = np.sum(weights, axis=0)
    measured = total > 0
    safe = np.where(measured, total, 1.0)
    rate = np.sum([w * f.rate for w, f in zip(weights, frames, strict=True)], axis=0) / safe
    error = np.where(measured, safe**-0.5, 0.0)
    dq = np.bitwise_or.reduce([f.dq for f in frames], axis=0) & ~OF_ONE_EXPOSURE
    dq[~measured] |= np.uint32(DQ["DO_NOT_USE"])
    good = measured & ~has(dq, "DO_NOT_USE")
    if good.any():
        dq[measured & (error > _UNRELIABLE * np.median(error[good]))] |= np.uint32(DQ["UNRELIABLE_DARK"])
    return RateFrame(rate.astype(np.float32), error.astype(np.float32), dq)
