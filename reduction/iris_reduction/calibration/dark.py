"""Master dark: the inverse-variance mean of the rates of dark exposures.

Usually one multi-ramp exposure, whose ramps the fitter has already combined with cosmic rays
rejected. A pixel is UNRELIABLE_DARK where its error is more than three times the median of the
good pixels. Not modelled: glow and persistence; the variance common to all frames it corrects.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from iris_contract.dq import DQ, has
from iris_reduction.calibration.frame import OF_ONE_EXPOSURE, RateFrame

__all__ = ["combine_darks"]

_UNRELIABLE = 3.0


def _weigh(frame: RateFrame) -> npt.NDArray[np.float64]:
    """Weight (ny, nx) of a frame: the same wherever it has a measurement, 0 elsewhere."""
    usable = frame.error > 0
    typical = float(np.median(frame.error[usable])) if usable.any() else 1.0
    return np.where(usable, typical**-2.0, 0.0)


def combine_darks(frames: Sequence[RateFrame]) -> RateFrame:
    """Return the dark rate in e-/s with error and flags from level 1 images of darks.

    Every frame has one weight for all its pixels, from its median error: a pixel's own error follows
    its own noise, and weighting with it would bias low. A pixel without a measurement gets 0 and
    DO_NOT_USE.
    """
    weights = [_weigh(f) for f in frames]
    total = np.sum(weights, axis=0)
    measured = total > 0
    safe = np.where(measured, total, 1.0)
    rate = np.sum([w * f.rate for w, f in zip(weights, frames, strict=True)], axis=0) / safe
    noise = np.sum([np.square(w * f.error) for w, f in zip(weights, frames, strict=True)], axis=0)
    error = np.where(measured, np.sqrt(noise) / safe, 0.0)
    dq = np.bitwise_or.reduce([f.dq for f in frames], axis=0) & ~OF_ONE_EXPOSURE
    dq[~measured] |= np.uint32(DQ["DO_NOT_USE"])
    good = measured & ~has(dq, "DO_NOT_USE")
    if good.any():
        dq[measured & (error > _UNRELIABLE * np.median(error[good]))] |= np.uint32(DQ["UNRELIABLE_DARK"])
    return RateFrame(rate.astype(np.float32), error.astype(np.float32), dq)
