"""Relative response from flat lamp exposures with the lamp on and off.

With rates on_l at levels l whose medians over good pixels are c_l (off subtracted), the response
is sum a_l (on_l - off) with a_l = w_l c_l / sum w_l c_l^2: the inverse-variance estimate. The
weights w_l are one number per level (median error), not per pixel: weights from a pixel's own
photon count would favour low counts and bias the mean. The off frame is common to all levels and
enters the variance once, with (sum a_l)^2. The result has median 1 over good pixels.

The lamp is taken as it is designed, uniform over the detector; an illumination pattern would go
into the response undetected.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from iris_contract.dq import DQ, has
from iris_contract.errors import InputError
from iris_reduction.calibration.frame import OF_ONE_EXPOSURE, RateFrame

__all__ = ["combine_flats"]

_UNRELIABLE = 0.03  # relative error of the response


def combine_flats(on: Sequence[RateFrame], off: RateFrame) -> RateFrame:
    """Return response (median 1), its error and flags from level 1 images with the lamp on and one with it off.

    Pixels never measured get response 1 and DO_NOT_USE; UNRELIABLE_FLAT marks a relative error
    above 3 %. Raises InputError where the lamp adds no light or no pixel is good.
    """
    dq = np.bitwise_or.reduce([frame.dq for frame in (*on, off)], axis=0) & ~OF_ONE_EXPOSURE
    measured = np.logical_and.reduce([frame.error > 0 for frame in (*on, off)])
    good = measured & ~has(dq, "DO_NOT_USE")
    if not good.any():
        raise InputError("no pixel of the flats is usable", key="IMTYPE", value="NFF")
    response, variance = _combine_levels(on, off, good)
    scale = np.median(response[good])
    response, error = response / scale, np.sqrt(variance) / scale
    unmeasured = ~measured | has(dq, "NON_SCIENCE")
    response[unmeasured], error[unmeasured] = 1.0, 0.0
    dq[~measured] |= np.uint32(DQ["DO_NOT_USE"])
    dq[~unmeasured & (error > _UNRELIABLE * np.abs(response))] |= np.uint32(DQ["UNRELIABLE_FLAT"])
    return RateFrame(response.astype(np.float32), error.astype(np.float32), dq)


def _combine_levels(
    on: Sequence[RateFrame], off: RateFrame, good: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    levels = np.array([np.median((frame.rate - off.rate)[good], axis=None) for frame in on], dtype=np.float64)
    if np.any(levels <= 0):
        raise InputError("the lamp adds no light over the off frame", key="CALLAMP", value="FLAT")
    weights = np.array([np.median(frame.error[good]) for frame in on], dtype=np.float64) ** -2
    shares = weights * levels / (weights * levels**2).sum()
    total = shares.sum()
    response = sum(a * frame.rate.astype(np.float64) for a, frame in zip(shares, on, strict=True)) - total * off.rate
    variance = sum((a * frame.error.astype(np.float64)) ** 2 for a, frame in zip(shares, on, strict=True))
    return np.asarray(response), np.asarray(variance + (total * off.error.astype(np.float64)) ** 2)
